"""What a machine looks like before and after: processes, files, mounts, control groups, sockets, shared memory."""

from __future__ import annotations

import os
from glob import glob  # which takes it as it comes that folders are gone meanwhile
from pathlib import Path

from nbseal.worker.walls.limits import FIRST_UID, SLOTS
from tests.courses import command_line, descendants
from tests.hostile.neighbours import MARK

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock")
OURS = ("source", "graders", "submitted", "shared", "nbgrader_config.py", "notes.txt", "gradebook.db")
State = dict[str, set[str]]


def state_of(base: Path, homes: list[Path], graders: list[int]) -> State:
    """All that an attack could leave; ``graders`` are the processes that have graded below ``base``."""
    return {
        "processes": {f"{pid} {command_line(pid)}" for pid in descendants(os.getpid()) if command_line(pid)},
        "files": files([Path(place) for place in PLACES] + [Path.home()]) | everything_in(homes),
        "mounts": {line for line in lines("/proc/self/mountinfo") if str(base) in line},
        "control groups": {
            path for pid in graders for path in glob(f"/sys/fs/cgroup/**/nbseal-{pid}-*", recursive=True)
        },
        "shared memory": {
            f"{kind} {' '.join(line.split()[:2])}"
            for kind in ("shm", "sem", "msg")
            for line in lines(f"/proc/sysvipc/{kind}")[1:]
        },
        "sockets": {line.split(maxsplit=7)[-1] for line in lines("/proc/net/unix") if MARK in line},
    }


def course_state(root: Path) -> dict[str, tuple[int, int]]:
    """Mode and time of everything in the course that grading has no business to change; the gradebook's mode."""
    found = {}
    for name in OURS:
        top = root / name
        for path in [top, *top.rglob("*")] if top.is_dir() and not top.is_symlink() else [top]:
            status = path.lstat()
            found[str(path)] = status.st_mode, 0 if name == "gradebook.db" else status.st_mtime_ns
    return found


def files(places: list[Path]) -> set[str]:
    """What in public places bears our mark, or belongs to a user whom sealed processes run as."""
    found = set()
    for place in places:
        for name in os.listdir(place) if place.is_dir() else ():
            path = place / name
            try:
                owner = path.lstat().st_uid
            except OSError:
                continue
            if MARK in name or FIRST_UID <= owner < FIRST_UID + SLOTS:
                found.add(str(path))
    return found


def everything_in(folders: list[Path]) -> set[str]:
    """All files below folders that are the graders' own."""
    return {str(path) for folder in folders for path in folder.rglob("*") if ".cache" not in path.parts}


def lines(path: str) -> list[str]:
    """The lines of a file; none where it isn't there."""
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
