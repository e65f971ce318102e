"""Locks and shared memory for a notebook's own processes where /dev/shm is the whole machine's.

Python makes them as named objects in /dev/shm, which other programs could find there, and whose objects could be found.
These have no name, or lie in the work folder; they pass from a process to those that it forks, and to nobody else.

Without it, multiprocessing and joblib would not work in notebooks at the landlock level, where /dev/shm is closed.
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import heap
from typing import Any

from nbseal.worker.walls.syscalls import LIBC, check

RELIES_ON = (
    "multiprocessing.heap.Arena._dir_candidates",
    "_multiprocessing.SemLock",
)

RECURSIVE = 0  # the kind of a lock that its owner may take again; the other kind only counts
SEMAPHORE_BYTES = 64  # more than a sem_t has on any machine of ours
SHARED_BETWEEN_PROCESSES = 1
FIRST_PAUSE, LAST_PAUSE = 0.0001, 0.005  # seconds
NO_SPAWNING = (
    "locks can't be passed on to processes that are spawned: where grading runs in a container, processes of a "
    "notebook must be forked (multiprocessing.get_context('fork'))"
)


def _tried(attempt: Callable[[], bool], seconds: float | None) -> bool:
    """Try until it is had or the time is over (None: never); memory that processes share is no place to wait at."""
    if attempt():
        return True
    until = None if seconds is None else time.monotonic() + seconds
    pause = FIRST_PAUSE
    while until is None or time.monotonic() < until:
        time.sleep(pause if until is None else max(0.0, min(pause, until - time.monotonic())))
        if attempt():
            return True
        pause = min(2 * pause, LAST_PAUSE)
    return False


class SemLock:
    """What ``_multiprocessing.SemLock`` does, with a semaphore that has no name. Source: CPython, semaphore.c."""

    SEM_VALUE_MAX = (1 << 31) - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        if not unlink:
            raise OSError(NO_SPAWNING)
        self.kind, self.maxvalue, self.name = kind, maxvalue, None
        self._memory = mmap.mmap(-1, SEMAPHORE_BYTES)
        self._semaphore = ctypes.c_char.from_buffer(self._memory)
        self.handle = ctypes.addressof(self._semaphore)
        self._at = ctypes.c_void_p(self.handle)
        self._held, self._owner = 0, 0
        check(LIBC.sem_init(self._at, SHARED_BETWEEN_PROCESSES, ctypes.c_uint(value)), "sem_init")

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take it, waiting for it if need be; whether it was had in time."""
        if self.kind == RECURSIVE and self._is_mine():
            self._held += 1
            return True
        if not self._wait(0.0 if not block else timeout):
            return False
        self._held += 1
        self._owner = threading.get_ident()
        return True

    def _wait(self, seconds: float | None) -> bool:
        return _tried(lambda: bool(LIBC.sem_trywait(self._at) == 0), seconds)

    def release(self) -> None:
        """Give it back."""
        if self.kind == RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        check(LIBC.sem_post(self._at), "sem_post")
        self._held -= 1

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        value = ctypes.c_int()
        check(LIBC.sem_getvalue(self._at, ctypes.byref(value)), "sem_getvalue")
        return value.value

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._held = 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def install_patient() -> None:
    """Have Python's own locks between processes try again and again, where there is a /dev/shm of one's own."""
    named: Any = importlib.import_module("_multiprocessing")

    class PatientSemLock(named.SemLock):  # type: ignore[misc]
        """Python's own, except that it doesn't wait in the kernel."""

        def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
            """Take it, waiting for it if need be; whether it was had in time."""
            return _tried(lambda: bool(super(PatientSemLock, self).acquire(False)), timeout if block else 0.0)

        def __enter__(self) -> bool:
            return self.acquire()

    named.SemLock = PatientSemLock


def install() -> None:
    """Put them in the place of Python's own, in this process and what it forks."""
    named: Any = importlib.import_module("_multiprocessing")
    shared: Any = importlib.import_module("_posixshmem")
    arena: Any = heap.Arena
    named.SemLock, shared.shm_open, shared.shm_unlink, arena._dir_candidates = SemLock, _open, _unlink, []


def _open(path: str, flags: int, mode: int = 0o777) -> int:
    folder = _folder()
    os.makedirs(folder, exist_ok=True)
    return os.open(folder + path, flags | os.O_NOFOLLOW, mode)


def _unlink(path: str) -> None:
    os.unlink(_folder() + path)


def _folder() -> str:
    return f"{tempfile.gettempdir()}/.shm"
