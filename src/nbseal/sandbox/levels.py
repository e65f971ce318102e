"""Which level of sealing this machine offers."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from dataclasses import dataclass

from nbseal.errors import SealUnavailable
from nbseal.sandbox.launch import AS_WE_DO, BASE_ENVIRONMENT, is_linux, require_linux, scratch_folder

_PROBING = threading.Lock()


@dataclass(frozen=True)
class Level:
    """A level of sealing: the ``name`` recorded with every score and the ``mechanism`` behind it."""

    name: str
    mechanism: str


NONE = Level("none", "none")
BY_MECHANISM = {
    "namespaces": Level("namespaces", "namespaces"),
    "user-namespaces": Level("namespaces", "user-namespaces"),
    "landlock": Level("landlock", "landlock"),
}


def probe() -> dict[str, str | None]:
    """Try every mechanism, once; None means that it works, a text says what stood in the way."""
    with _PROBING:
        return _probe()


@functools.cache
def _probe() -> dict[str, str | None]:
    if not is_linux():
        return dict.fromkeys(BY_MECHANISM, "needs Linux")
    with scratch_folder() as scratch:
        done = subprocess.run(
            [sys.executable, "-I", *AS_WE_DO, "-m", "nbseal.worker.walls.probe", scratch],
            capture_output=True,
            text=True,
            env=BASE_ENVIRONMENT,
            timeout=60,
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return dict.fromkeys(BY_MECHANISM, reason)
    return dict(json.loads(done.stdout))


def mechanisms_for(wanted: str = "auto") -> list[str]:
    """What may be behind the ``wanted`` level, the strongest first."""
    return [mechanism for mechanism, level in BY_MECHANISM.items() if wanted in ("auto", level.name)]


def accepted_levels(wanted: str = "auto") -> set[str]:
    """The names of levels that official grading accepts where the settings ask for the ``wanted`` one."""
    return {BY_MECHANISM[mechanism].name for mechanism in mechanisms_for(wanted)}


def choose_level(wanted: str = "auto", findings: dict[str, str | None] | None = None) -> Level:
    """Return the strongest level that works, or the ``wanted`` one; SealUnavailable says what is missing.

    ``findings`` are what trying `mechanisms_for` it one after the other has shown, if somebody has.
    """
    require_linux("grading")
    findings = probe() if findings is None else findings
    for mechanism in mechanisms_for(wanted):
        if findings.get(mechanism, "not tried") is None:
            return BY_MECHANISM[mechanism]
    reasons = "; ".join(f"{name}: {reason}" for name, reason in findings.items() if reason)
    asked = "" if wanted == "auto" else f" at the level {wanted!r} that the settings ask for"
    raise SealUnavailable(
        f"student code can't be sealed{asked} on this machine ({reasons}). Run as root, allow unprivileged user "
        "namespaces (sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu "
        "kernel.apparmor_restrict_unprivileged_userns=0), or use Linux 6.12 or newer for Landlock. "
        "For a self-check of code that you trust, use --unsealed."
    )
