"""Mends of the walls and the readers, each of which can be switched off: what guards against it must be found then.

nbseal has no switch for any of them. They are switched off from outside, by patches of its functions: in this process,
and in the warm process and the judge that it starts, for which ``python -m tests.hostile.mends DESCRIPTOR`` stands in.
Where two walls stand one behind the other, a mend is both.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from nbseal.sandbox import launch

ROOT = Path(__file__).resolve().parents[2]
NAME, MODULE = "NBSEAL_TESTED_WITHOUT", "NBSEAL_TESTED_MODULE"  # variables of the processes that this module starts
WORKER, JUDGE, HERE = "nbseal.worker", "nbseal.hidden_tests", "here"
Change = Callable[[Any], Any]  # of a function or value to what takes its place


@dataclass(frozen=True)
class Mend:
    """What takes the place of what, by its path, and by which kinds of ways or tricks that must be found.

    ``levels`` are the mechanisms at which nothing else stands in the way. ``one_by_one`` is for ways of one kind that
    would drown one another.
    """

    changes: dict[str, Change]
    kinds: tuple[str, ...]
    levels: tuple[str, ...] = ("namespaces",)
    one_by_one: bool = False


def without_rules(*calls: str) -> dict[str, Change]:
    """The filter of system calls without any rule for these."""

    def change(add: Any) -> Any:
        return lambda rules, action, name, *given: None if name in calls else add(rules, action, name, *given)

    return {"pyseccomp.SyscallFilter.add_rule": change}


def separated_by(*names: str) -> dict[str, Change]:
    """Submissions with these namespaces of their own alone."""

    def change(separate: Any) -> Any:
        from nbseal.worker.walls import syscalls

        return lambda: syscalls.unshare(sum(getattr(syscalls, f"CLONE_NEW{name}") for name in names))

    return {"nbseal.worker.walls.separate": change}


def always(value: object) -> Change:
    """A function that does nothing and returns ``value``."""
    return lambda old: lambda *given: value


def sizes_by_a_walk(too_many: Any) -> Any:
    """What is below the work folder as the watchdog once saw it: what can't be looked at is empty."""

    def change(traces: Any, pids: Any) -> bool:
        size = 0
        for folder, _, names in os.walk(traces._work):
            for name in names:
                with suppress(OSError):
                    size += os.lstat(os.path.join(folder, name)).st_blocks * 512
        return bool(size > traces._limit)

    return change


class Forgetful(dict[Any, Any]):
    """Keeps nothing."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take no notice."""


def as_handed_in(rebuild: Any) -> Any:
    """What cells hold as the student has left it, also where it is the instructor's."""

    def change(template: Any, handed_in: Any) -> Any:
        rebuilt = rebuild(template, handed_in)
        theirs = {cell["id"]: cell["source"] for cell in handed_in["cells"]}
        cells = [{**cell, "source": theirs.get(cell["id"], cell["source"])} for cell in rebuilt.nb["cells"]]
        return replace(rebuilt, nb={**rebuilt.nb, "cells": cells})

    return change


LANDLOCK = ("landlock",)
BOTH = ("namespaces", "landlock")
SYSTEM_V = ("shmget", "shmat", "shmctl", "semget", "semop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl")
CACHE = ("fadvise64", "readahead", "preadv2", "mincore", "madvise")
WATCHES = ("inotify_init", "inotify_init1", "inotify_add_watch")
MENDS = {
    "locks are answered without the kernel": Mend(
        without_rules("fcntl", "flock"), ("record locks", "whole locks"), BOTH
    ),
    "no watches": Mend(without_rules(*WATCHES), ("watches",), BOTH),
    "no questions about pages in memory": Mend(without_rules(*CACHE), ("cached pages",), BOTH),
    "no waits at shared pages": Mend(without_rules("futex"), ("places to wait at",), BOTH),
    "a network of its own": Mend(separated_by("PID", "IPC"), ("abstract names",)),
    "System V objects of its own": Mend(separated_by("PID", "NET") | without_rules(*SYSTEM_V), ("System V",)),
    "counters that stand still": Mend(
        {"nbseal.worker.walls.namespaces._covers": always([])}, ("moving counters",), one_by_one=True
    ),
    "values before calls": Mend(
        {
            "nbseal.hidden_tests.conversation.Conversation._fetch_foreseen": always(None),
            "nbseal.hidden_tests.conversation.KNOWN_NAMES": lambda old: Forgetful(),
        },
        ("memories",),
        BOTH,
    ),
    "shared memory in pieces": Mend(without_rules("mmap"), ("memory",), BOTH),
    "memory that nobody shows is counted": Mend(
        {"nbseal.worker.supervisor.hidden_memory": always(0)}, ("memory",), BOTH
    ),
    "no files of memory alone": Mend(without_rules("memfd_create"), ("memory",), BOTH),
    "folders that can't be looked into count": Mend(
        {"nbseal.worker.supervisor.Traces.too_many": sizes_by_a_walk}, ("disk",), LANDLOCK
    ),
    "removed files that are mapped count": Mend(
        {"nbseal.worker.supervisor.Traces._mapped_ones": always(0)}, ("disk",), LANDLOCK
    ),
    "one session": Mend(without_rules("setsid"), ("crowds",), BOTH),
    "crowds run in the background": Mend({"nbseal.worker.usage._yield_to_others": always(None)}, ("crowds",), BOTH),
    "quotes that are never closed": Mend(
        {"nbseal.wire.codec.JSON_STRING": lambda old: re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)}, ("frames",), BOTH
    ),
    "keys with equal hashes": Mend({"nbseal.wire.codec._Frame._compare": always(None)}, ("frames",), BOTH),
    "markup that grows": Mend(
        {
            "nbseal.notebook.sanitising._is_bounded": always(True),
            "nbseal.notebook.sanitising.GROWTH": lambda old: 1 << 30,
        },
        ("displays",),
        BOTH,
    ),
    "sanitised pages": Mend(
        {"nbseal.notebook.outputs.sanitise_html": lambda old: lambda html: html}, ("displays",), BOTH
    ),
    "the instructor's own cells": Mend({"nbseal.grading.grader.rebuild": as_handed_in}, ("edits",), BOTH),
}


@contextmanager
def without(name: str | None) -> Iterator[None]:
    """Switch a mend off in this process, and in those that nbseal starts meanwhile; None switches nothing off."""
    started = launch.launch
    told = {NAME: name or "", "PYTHONPATH": str(ROOT)}

    def instead(module: str, environment: dict[str, str]) -> launch.Launched:
        return started("tests.hostile.mends", {**environment, **told, MODULE: module})

    with ExitStack() as stack:
        if name is not None:
            switch_off(name, HERE, stack)
            stack.enter_context(mock.patch.object(launch, "launch", instead))
        yield


def switch_off(name: str, process: str, stack: ExitStack) -> None:
    """Put those of a mend's changes into place that matter in one of the processes."""
    for path, change in MENDS[name].changes.items():
        if process_of(path) == process:
            owner, _, attribute = path.rpartition(".")
            target = resolve(owner)
            stack.enter_context(mock.patch.object(target, attribute, change(getattr(target, attribute))))


def process_of(path: str) -> str:
    """The module that begins the process in which something matters, or HERE."""
    if path.startswith(("pyseccomp", WORKER)):
        return WORKER
    return JUDGE if path.startswith(JUDGE) else HERE


def resolve(path: str) -> Any:
    """A module, or a class in one."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def main(descriptor: int) -> None:
    """Be the warm process or the judge, as the environment says, without a mend."""
    name, module = os.environ.pop(NAME), os.environ.pop(MODULE)
    with ExitStack() as stack:
        switch_off(name, module, stack)
        begin = importlib.import_module(f"{module}.__main__").main
        begin(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
