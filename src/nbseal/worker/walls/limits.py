"""The limits of a sealed process, as the trusted side sets them, and the kernel's own among them."""

from __future__ import annotations

import functools
import os
import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A user id of its own keeps the process count of one warm process apart from everything else on the machine.
FIRST_UID = 2_000_000
SLOTS = 60_000
HEADROOM = 64 << 20  # bytes


def limit_resources(settings: Settings) -> None:
    """Set the per-process limits; each only ever lowers what the machine already allows."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if os.path.exists("/proc/self/statm") else 0
    address_space = pages * resource.getpagesize() + (settings.memory_mib << 20) + HEADROOM
    cpu = int(settings.total_seconds * 2) + 1
    for kind, value in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NPROC, settings.processes + _already_running(settings)),
        (resource.RLIMIT_FSIZE, settings.disk_mib << 20),
        (resource.RLIMIT_NOFILE, settings.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, 64 << 20),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        if settings.level == "none" and kind == resource.RLIMIT_NPROC:
            continue  # counts all processes of the user, who is not set apart at this level
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value - HEADROOM if kind == resource.RLIMIT_AS else value, value))


def give_headroom(wanted: bool = True) -> None:
    """Let this process have a little more memory, or no longer: full memory must not keep it from telling so.

    Memory that was freed often stays with the process in pieces, so each time a part of it is left for the next cell.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY:
        return
    if not wanted:
        _kept_back[0] = max(0, _kept_back[0] - HEADROOM // 4)
    resource.setrlimit(resource.RLIMIT_AS, (hard if wanted else hard - _kept_back[0], hard))


_kept_back = [HEADROOM]  # bytes


def _already_running(settings: Settings) -> int:
    """Threads of the user who grades, where they count as the submission's: for whoever is not set apart from it."""
    if settings.level != "landlock" or owns_users():
        return 0
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == os.getuid():
                count += len(os.listdir(folder / "task"))
        except OSError:
            continue  # it has ended since it was listed
    return count


@functools.cache
def owns_users() -> bool:
    """Whether this is a root that may become any user; the root of a rootless container may not.

    What it was when it was first asked holds for all forks from then on.
    """
    if os.getuid() != 0:
        return False
    ranges = [[int(word) for word in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(first <= FIRST_UID and first + count >= FIRST_UID + SLOTS for first, _, count in ranges)


@dataclass(frozen=True)
class Settings:
    """Level and limits of every fork, and what to load before forking. Units are in the names."""

    level: str = "none"  # namespaces | user-namespaces | landlock | none
    modules: list[str] = field(default_factory=list)
    support: str | None = None
    preload_calls: list[str] = field(default_factory=list)
    readable_paths: list[str] = field(default_factory=list)
    scratch: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    cell_seconds: float = 10.0
    total_seconds: float = 150.0
    memory_mib: int = 2048
    processes: int = 64
    open_files: int = 256
    disk_mib: int = 64
    output_kib: int = 1024
    outputs_per_cell: int = 1000

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Settings:
        """Build from the first message on the control channel."""
        return cls(**message)
