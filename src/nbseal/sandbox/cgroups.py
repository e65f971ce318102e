"""Control groups: limits on the memory and the number of processes of a whole submission, where they may be made.

Version 2 of control groups and version 1 are both in use, sometimes on one machine. Whether a group may be made is
tried, once; where it may not, the supervisor's watchdog (worker/supervisor.py) is what limits memory.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PREFIX = "nbseal"
READ_LIMIT = 1 << 16  # bytes; the longest file is a group's list of processes
KEPT_FOR_US = 2  # processes: the sealed one and the fork that answers
_numbers = itertools.count()


@dataclass(frozen=True)
class Homes:
    """Folders in which groups may be made: the same one for both in version 2."""

    memory: Path
    pids: Path | None
    version: int


class Group:
    """The control group of one submission at a time; a process enters it by writing 0 to the ``procs_files``."""

    def __init__(self, homes: Homes, memory_mib: int, processes: int) -> None:
        name = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        self._version = homes.version
        self._folders = [home / name for home in dict.fromkeys((homes.memory, homes.pids)) if home is not None]
        self.procs_files: list[int] = []
        self._kills_before = 0
        try:
            for folder in self._folders:
                folder.mkdir()
            self._limit(memory_mib << 20, processes + KEPT_FOR_US)
            for folder in self._folders:
                self.procs_files.append(os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def _limit(self, memory: int, processes: int) -> None:
        first, last = self._folders[0], self._folders[-1]
        if self._version == 2:
            (first / "memory.max").write_text(str(memory))
            _write_if_there(first / "memory.swap.max", "0")
            _write_if_there(first / "memory.oom.group", "1")
        else:
            (first / "memory.limit_in_bytes").write_text(str(memory))
            _write_if_there(first / "memory.memsw.limit_in_bytes", str(memory))
        _write_if_there(last / "pids.max", str(processes))

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of the group because of the memory limit."""
        return self._memory_kills() > self._kills_before

    def is_free(self) -> bool:
        """Whether all its processes have ended, so that the next submission may have it: it starts anew then."""
        self._kills_before = self._memory_kills()
        return all(_read(folder / "cgroup.procs") == "" for folder in self._folders)

    def _memory_kills(self) -> int:
        name = "memory.events" if self._version == 2 else "memory.oom_control"
        words = _read(self._folders[0] / name).split()
        return sum(int(count) for key, count in itertools.pairwise(words) if key == "oom_kill")

    def close(self) -> None:
        """Remove the group, whose processes have ended; the kernel may need a moment to see that."""
        for procs_file in self.procs_files:
            os.close(procs_file)
        self.procs_files = []
        for folder in self._folders:
            _remove(folder)


@functools.cache
def homes() -> Homes | str:
    """Where groups may be made on this machine, or why they may not be."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        own = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError as error:
        return f"control groups can't be looked up: {error}"
    reasons = []
    for candidate in candidates(mounts, own):
        sweep(candidate)
        reason = _try(candidate)
        if reason is None:
            return candidate
        reasons.append(reason)
    return "; ".join(dict.fromkeys(reasons)) or "no memory controller is mounted"


def candidates(mounts: Iterable[str], own: Iterable[str]) -> list[Homes]:
    """Read /proc/self/mountinfo and /proc/self/cgroup: our own groups, and in version 2 the one above too.

    A group of version 2 with processes in it, as our own, can't hand controllers on to groups below it.
    """
    found = _own_folders(mounts, own, ("memory", "pids"))
    result = []
    if "memory" in found:
        result.append(Homes(found["memory"], found.get("pids"), 1))
    if "" in found:
        result += [Homes(folder, folder, 2) for folder in (found[""], found[""].parent)]
    return [home for home in result if home.memory.is_dir()]


def processors() -> int:
    """How many processors this process may keep busy: its own list of them, within its control groups' quota."""
    try:
        mounts, own = (Path("/proc/self", name).read_text().splitlines() for name in ("mountinfo", "cgroup"))
    except OSError:
        quota = math.inf
    else:
        quota = processor_quota(mounts, own)
    return int(min(len(os.sched_getaffinity(0)), max(1, quota)))


def processor_quota(mounts: Iterable[str], own: Iterable[str]) -> float:
    """The least quota of our own control group and those above it, in whole processors, rounded up; or infinity."""
    quotas = [math.inf]
    for name, folder in _own_folders(mounts, own, ("cpu",)).items():
        place = Path(os.path.normpath(folder))
        while place.is_dir() and place != place.parent:
            if name:
                limit, period = _read(place / "cpu.cfs_quota_us").strip(), _read(place / "cpu.cfs_period_us").strip()
            else:
                limit, _, period = _read(place / "cpu.max").strip().partition(" ")
            if limit.isdigit() and period.isdigit():  # else "max", -1 or nothing: no limit
                quotas.append(math.ceil(int(limit) / int(period)))
            place = place.parent
    return min(quotas)


def _own_folders(mounts: Iterable[str], own: Iterable[str], controllers: Sequence[str]) -> dict[str, Path]:
    """Our own group of each controller of version 1, and under "" that of version 2, where they are mounted."""
    paths = {}
    for line in own:
        _, names, path = line.split(":", 2)
        paths.update(dict.fromkeys(names.split(","), path))
    found: dict[str, Path] = {}
    for line in mounts:
        before, _, rest = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, _, options = rest.split(maxsplit=2)
        if kind not in ("cgroup", "cgroup2"):
            continue
        for name in [""] if kind == "cgroup2" else [name for name in options.split(",") if name in controllers]:
            if name in paths:
                found.setdefault(name, Path(point) / os.path.relpath(paths[name], root))
    return found


def tidy() -> None:
    """Remove groups that processes of this run have left, as those do that are killed."""
    if homes.cache_info().currsize and isinstance(home := homes(), Homes):
        sweep(home)


def sweep(home: Homes) -> None:
    """Remove groups whose owners have ended."""
    for folder in {home.memory, home.pids or home.memory}:
        for left in folder.glob(f"{PREFIX}-*-*"):
            pid = left.name.split("-")[1]
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                _remove(left, patience=0.0)


def _try(home: Homes) -> str | None:
    """Put a process into a group for real; None when that works, else what stood in the way."""
    if home.version == 2 and "memory" not in _read(home.memory / "cgroup.subtree_control").split():
        return f"{home.memory} doesn't hand the memory controller on"
    try:
        group = Group(home, 64, 8)
    except OSError as error:
        return f"no group can be made in {home.memory}: {error.strerror}"
    try:
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            for procs_file in group.procs_files:
                os.write(procs_file, str(process.pid).encode())
    except OSError as error:
        return f"no process can be moved below {home.memory}: {error.strerror}"
    finally:
        group.close()
    return None


def _read(path: Path) -> str:
    """A small file's text, "" if it can't be read; `Path.read_text` takes five times as long, for each submission."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, READ_LIMIT).decode()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _write_if_there(path: Path, text: str) -> None:
    if path.exists():
        path.write_text(text)


def _remove(folder: Path, patience: float = 1.0) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > until:
                return
            time.sleep(0.005)
        else:
            return
