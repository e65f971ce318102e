"""What the processes of one submission hold and use together, as far as the kernel shows it to their supervisor."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbseal.worker.walls import syscalls
from nbseal.worker.walls.seccomp import LARGEST_SHARED

PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK")  # in a second
FREE = 64  # shared mappings, and sockets, that nobody is asked about
LOWEST_PRIORITY = 19
# What a submission may use at full priority: processors, with seconds on top, and threads that want one at a time.
HUNGRY, HUNGRY_SECONDS, CROWD = 1.5, 1.0, 4
EXITING = 0x4  # among a process's flags
ANONYMOUS = b"/dev/zero"  # how the kernel calls memory that processes share and no file holds


@contextmanager
def seen_by(owner: int | None) -> Iterator[None]:
    """Look at processes as the user whose they are: in containers, root may not look at those of others.

    None stands for whoever this process is anyway.
    """
    if owner is None:
        yield
        return
    parent = os.getppid()
    os.setegid(owner)
    os.seteuid(owner)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)  # which a change of users clears
        if os.getppid() != parent:
            os._exit(1)


def memory_of(pids: list[int], limit: int) -> int:
    """Bytes that ``pids`` hold together. Shared pages are counted fairly only when the quick sum is over ``limit``."""
    quick = sum(resident(pid) for pid in pids)
    return quick if quick <= limit else sum(_proportional(pid) for pid in pids)


def resident(pid: int) -> int:
    """Bytes of a process that are in memory; 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def hidden_memory(pids: Iterable[int]) -> int:
    """Bytes that ``pids`` may hold where no process shows them, at most.

    That is memory that they share, of which they may have given back their own view, and what waits in sockets.
    """
    shared: set[bytes] = set()
    sockets: set[str] = set()
    for pid in pids:
        shared |= _shared_by(pid)
        sockets |= {target for target in open_files(pid) or () if target.startswith("socket:")}
    return max(0, len(shared) - FREE) * LARGEST_SHARED + max(0, len(sockets) - FREE) * _socket_bytes()


def open_files(pid: int) -> list[str] | None:
    """What a process has open, as links say it; None where that isn't shown."""
    folder, found = f"/proc/{pid}/fd", []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError:
        return [] if _has_ended(pid) else None
    for name in names:
        with suppress(OSError):  # closed since it was listed
            found.append(os.readlink(f"{folder}/{name}"))
    return found


def _has_ended(pid: int) -> bool:
    """Whether a process is ending or has ended; without memory of its own, it belongs to root."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0] in ("Z", "X") or bool(int(fields[6]) & EXITING)
    except OSError:
        return True


def removed_mappings(pid: int) -> dict[tuple[str, int], int]:
    """Mapped files that have no name any more: device (as the kernel writes it) and number, with the bytes in view."""
    found: dict[tuple[str, int], int] = {}
    for line in _mappings(pid):
        if line.endswith(b" (deleted)\n") and ANONYMOUS not in line:
            addresses, _, _, device, number = line.split()[:5]
            first, _, last = addresses.partition(b"-")
            key = device.decode(), int(number)
            found[key] = found.get(key, 0) + int(last, 16) - int(first, 16)
    return found


class ProcessorTime:
    """How much processor time a submission uses; from a hungry one, neighbours are kept by its priority."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._seen: dict[tuple[int, str], float] = {}

    def look(self, pids: Iterable[int]) -> float:
        """The seconds used so far; who has used more than its share goes on at the lowest priority."""
        pids, running = list(pids), 0
        for pid in pids:
            with suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._seen[pid, fields[19]] = (int(fields[11]) + int(fields[12])) / TICKS  # by its start, too
                running += int(fields[17]) if fields[0] == "R" else 0
        used = sum(self._seen.values())
        if running > CROWD or used > HUNGRY * (time.monotonic() - self._started) + HUNGRY_SECONDS:
            for pid in pids:
                _yield_to_others(pid)
        return used


def _yield_to_others(pid: int) -> None:
    """Lower the priority of a process and all its threads; what they start has it from them."""
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, int(thread), LOWEST_PRIORITY)


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _shared_by(pid: int) -> set[bytes]:
    return {line.split()[4] for line in _mappings(pid) if ANONYMOUS in line}


def _mappings(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            return file.readlines()
    except OSError:
        return []


def _socket_bytes() -> int:
    """What may wait in one socket: twice what it may be asked to hold."""
    try:
        return 2 * int(Path("/proc/sys/net/core/wmem_max").read_text())
    except (OSError, ValueError):
        return 2 * 212_992
