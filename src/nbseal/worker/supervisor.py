"""Watches one sealed child from outside its walls: memory, deadline, requests to end it, and what it leaves."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from nbseal.errors import WireError
from nbseal.wire import Channel
from nbseal.worker.usage import ProcessorTime, hidden_memory, memory_of, open_files, removed_mappings, resident, seen_by
from nbseal.worker.walls import landlock, syscalls
from nbseal.worker.walls.limits import Settings

LOOK_EVERY = 0.1  # seconds
END_SECONDS = 5.0
EVERYBODY = -1


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
    child: int,
    control: socket.socket,
    settings: Settings,
    traces: Traces | None = None,
    fenced: bool = False,
    grouped: bool = False,
    owner: int | None = None,
) -> dict[str, object]:
    """Wait for the child's end, ending it when it must; return what became of it.

    ``traces`` are looked after where files go to the machine's own disks; ``fenced`` says that `fence` holds,
    ``grouped`` that a control group counts memory. ``owner`` is the user whose processes they are, if it isn't us.
    """
    channel = Channel(control)
    deadline = time.monotonic() + settings.total_seconds
    limit = resident(child) + (settings.memory_mib << 20)  # what the warm process had loaded is not the student's
    processor, most_seconds = ProcessorTime(), 2 * settings.total_seconds + 1
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
        else:
            with seen_by(owner):
                family = [child, *descendants(child)]
                if time.monotonic() > deadline or processor.look(family) > most_seconds:
                    reason = "time"
                elif memory_of(family, limit) + (0 if grouped else hidden_memory(family)) > limit:
                    reason = "memory"
                elif traces and traces.too_many(family):
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
    """Files of one submission: all below its work folder, and removed ones that are held open or mapped."""

    def __init__(self, work: str, settings: Settings) -> None:
        self._work = work
        self._limit = settings.disk_mib << 20
        found = os.stat(work)
        self._device = found.st_dev
        self._shown = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"  # in /proc/PID/maps
        self._sees_open_files: bool | None = None  # not known yet

    def too_many(self, pids: Iterable[int]) -> bool:
        """Whether the files are more, or larger together, than may be; ``pids`` are the submission's processes.

        Where a submission keeps its files from being looked at, the answer is yes.
        """
        pids = list(pids)
        size = count = 0
        folders = [self._work]
        while folders and count <= MAX_FILES and size <= self._limit:
            entries = _entries(folders.pop())
            if entries is None:
                return True
            for entry in entries:
                count += 1
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError:
                    return True
                size += found.st_blocks * BLOCK
                if stat.S_ISDIR(found.st_mode):
                    folders.append(entry.path)
        return count > MAX_FILES or size > self._limit or size + self._removed_ones(pids) > self._limit

    def remove(self) -> None:
        """Remove all that was left; the processes have ended."""
        _remove_folder(self._work)

    def _removed_ones(self, pids: list[int]) -> int:
        """Bytes of files that have no name any more, but are held open or mapped."""
        sizes = {}
        if self._sees_open_files is None:
            self._sees_open_files = open_files(pids[0]) is not None
        for pid in pids:
            if self._sees_open_files and open_files(pid) is None:
                return self._limit + 1  # it keeps us from looking
            for name in _names(f"/proc/{pid}/fd"):
                try:
                    found = os.stat(f"/proc/{pid}/fd/{name}")
                except OSError:
                    continue
                if found.st_nlink == 0 and found.st_dev == self._device:
                    sizes[found.st_ino] = found.st_blocks * BLOCK
        return sum(sizes.values()) + self._mapped_ones(pids, sizes)

    def _mapped_ones(self, pids: list[int], open_too: Collection[int]) -> int:
        """Bytes of removed files that are only mapped: of these nobody can tell how large they are.

        One counts as far as it is in view, any further one as all that there may be.
        """
        in_view: dict[int, int] = {}
        for pid in pids:
            for (device, number), size in removed_mappings(pid).items():
                if device == self._shown and number not in open_too:
                    in_view[number] = max(in_view.get(number, 0), size)
        return max(in_view.values(), default=0) + max(0, len(in_view) - 1) * self._limit


def _entries(folder: str) -> list[os.DirEntry[str]] | None:
    """What is in a folder, which is opened if it is closed to us; None if it can't be listed and yet is there."""
    for attempt in range(2):
        try:
            with os.scandir(folder) as found:
                return list(found)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            return []  # replaced since it was listed
        except PermissionError:
            if attempt:
                return None
            with suppress(OSError):
                os.chmod(folder, 0o700)
        except OSError:
            return None
    return None


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
