"""Watches one sealed child from outside its walls: memory, deadline, requests to end it, and what it leaves."""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from nbseal.errors import WireError
from nbseal.wire import Channel
from nbseal.worker.walls import landlock, syscalls
from nbseal.worker.walls.limits import Settings

LOOK_EVERY = 0.1  # seconds
END_SECONDS = 5.0
EVERYBODY = -1
PAGE = resource.getpagesize()


def fence() -> bool:
    """Keep our own signals, too, among what we fork, so that we may send one to everybody; whether that holds."""
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    try:
        landlock.fence()
        os.kill(os.getppid(), 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def watch(
    child: int, control: socket.socket, settings: Settings, traces: Traces | None = None, fenced: bool = False
) -> dict[str, object]:
    """Wait for the child's end, ending it when it must; return what became of it.

    ``traces`` are looked after where files go to the machine's own disks; ``fenced`` says that `fence` holds.
    """
    channel = Channel(control)
    deadline = time.monotonic() + settings.total_seconds
    limit = _statm(child) + (settings.memory_mib << 20)  # what the warm process had loaded is not the student's
    handle = os.pidfd_open(child)
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    poller.register(control, select.POLLIN)
    reason = None
    while True:
        ready = dict(poller.poll(LOOK_EVERY * 1000))
        if handle in ready:
            break
        if control.fileno() in ready:
            try:
                message = channel.receive(time.monotonic() + 1.0)
            except WireError:
                reason = "gone"
            else:
                if message.get("do") == "end_question":
                    _kill(descendants(child))
                    continue
                reason = "asked"
        elif time.monotonic() > deadline:
            reason = "time"
        elif memory_of([child, *descendants(child)], limit) > limit:
            reason = "memory"
        elif traces and traces.too_many([child, *descendants(child)]):
            reason = "disk"
        if reason:
            os.kill(child, signal.SIGKILL)
            break
    _, status, usage = os.wait4(child, 0)
    os.close(handle)
    leftovers = _kill_the_rest(fenced)
    if traces:
        traces.remove()
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "reason": reason,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_kb": usage.ru_maxrss,
        "leftovers": leftovers,
    }


def descendants(pid: int) -> list[int]:
    """All processes below ``pid``."""
    found: list[int] = []
    queue = [pid]
    while queue:
        parent = queue.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue  # it has ended since it was listed
        for thread in threads:
            try:
                children = [int(word) for word in Path(f"/proc/{parent}/task/{thread}/children").read_text().split()]
            except OSError:
                continue
            found += children
            queue += children
    return found


def memory_of(pids: list[int], limit: int) -> int:
    """Bytes that ``pids`` hold together. Shared pages are counted fairly only when the quick sum is over ``limit``."""
    quick = sum(_statm(pid) for pid in pids)
    return quick if quick <= limit else sum(_proportional(pid) for pid in pids)


def _statm(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _statm(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _kill_the_rest(fenced: bool) -> int:
    """End what was handed down to this process: at the landlock level nothing else ends a runaway daemon.

    What forks faster than it is listed is caught by a signal to everybody, which no fork can slip past.
    """
    count, until = 0, time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                count += 1
        except ChildProcessError:  # without a child there are no descendants
            return count
        rest = descendants(os.getpid())
        _kill([EVERYBODY] if rest and fenced else rest)
        time.sleep(0.001)
    return count


MAX_FILES = 16384  # as many as a memory disk has at the other levels
BLOCK = 512  # bytes


class Traces:
    """Files of one submission: all below its work folder, and removed ones that are held open."""

    def __init__(self, work: str, settings: Settings) -> None:
        self._work = work
        self._limit = settings.disk_mib << 20
        self._device = os.stat(work).st_dev

    def too_many(self, pids: Iterable[int]) -> bool:
        """Whether the files are more, or larger together, than may be; ``pids`` are the submission's processes."""
        size = count = 0
        folders = [self._work]
        while folders and count <= MAX_FILES and size <= self._limit:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        count += 1
                        found = entry.stat(follow_symlinks=False)
                        size += found.st_blocks * BLOCK
                        if stat.S_ISDIR(found.st_mode):
                            folders.append(entry.path)
            except OSError:
                continue  # removed since it was listed
        return count > MAX_FILES or size > self._limit or size + self._removed_ones(pids) > self._limit

    def remove(self) -> None:
        """Remove all that was left; the processes have ended."""
        _remove_folder(self._work)

    def _removed_ones(self, pids: Iterable[int]) -> int:
        """Bytes of files that have no name any more, but are held open."""
        sizes = {}
        for pid in pids:
            for name in _names(f"/proc/{pid}/fd"):
                try:
                    found = os.stat(f"/proc/{pid}/fd/{name}")
                except OSError:
                    continue
                if found.st_nlink == 0 and found.st_dev == self._device:
                    sizes[found.st_ino] = found.st_blocks * BLOCK
        return sum(sizes.values())


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove_folder(folder: str) -> None:
    """Remove a folder that a stranger filled: deeper than Python goes down, or closed to its owner."""
    try:
        shutil.rmtree(folder)
        return
    except (OSError, RecursionError):
        pass
    for words in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*words, "--", folder], stderr=subprocess.DEVNULL, check=False)
