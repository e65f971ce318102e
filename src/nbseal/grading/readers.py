"""Processes in which submissions are graded, so that what a stranger wrote can hold up, or end, nobody else's.

All that touches strangers' bytes happens in a reader: unpacking, finding the notebooks, matching cells, decoding what a
sealed process sends, sanitising. Who grades a class has a parent of readers, with one thread and no files of its own;
that forks a reader for each submission that is graded at the same time. A reader takes one submission after the other,
with a limit of memory and, for each, of processor time.

The parent is a fork of who grades the class, which takes a few milliseconds. Who has several threads can't fork, and
starts a program instead (`nbseal/reading.py`), which takes half a second.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nbseal.errors import SealError, WireError
from nbseal.sandbox.launch import ONE_THREAD, Forking, launch_readers
from nbseal.wire import Channel

READ_SECONDS = 30  # of processor time for one submission; the largest that are allowed take a sixth of that
READ_MIB = 2048  # of address space, on top of what the parent has
SUBMISSIONS = 500  # then a fresh fork takes over
SLACK_SECONDS = 5
END_SECONDS = 5.0
LOOK_EVERY = 0.002
Answer = Callable[[bytes], bytes]  # of a task, a reply


class ReaderEnded(SealError):
    """A reader is gone, or took too long."""


class OutOfTime(BaseException):
    """In a reader: what is read takes more processor time than it may. Nobody who heeds exceptions alone catches it."""


class Readers:
    """The parent of readers, and those of them that are free; any number of threads may use it."""

    def __init__(self, forking: Forking, end: Callable[[], None], has_ended: Callable[[], bool]) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[Channel, int]] = []
        self._closed = False
        self._forking, self._end, self._has_ended = forking, end, has_ended

    @classmethod
    def forked(cls, prepare: Callable[[], Answer], descriptors: Collection[int]) -> Readers:
        """Fork the parent. What ``prepare`` returns turns a task into a reply.

        There it finds everything as it is now, except for open files: only ``descriptors`` stay what they are.
        """
        ours, theirs = socket.socketpair()
        parent = os.fork()
        if parent == 0:
            _and_end(lambda: _serve_forked(theirs, prepare, {theirs.fileno(), *descriptors}))
        theirs.close()
        forking = Forking(Channel(ours))

        def end() -> None:
            ours.close()
            until = time.monotonic() + END_SECONDS
            while not _has_ended(parent):
                if time.monotonic() > until:
                    os.kill(parent, signal.SIGKILL)
                time.sleep(LOOK_EVERY)

        return cls(forking, end, lambda: _has_ended(parent))

    @classmethod
    def launched(cls, grader: bytes, descriptors: Sequence[int]) -> Readers:
        """Start a program as the parent; ``grader`` is a pickled one, which adopts ``descriptors``."""
        launched = launch_readers()
        with suppress(WireError, OSError):  # which is noticed when it is to fork
            launched.control.send(grader)
            socket.send_fds(launched.control.sock, [b"F"], list(descriptors))
        return cls(launched, launched.close, lambda: launched.is_gone)

    def ask(self, task: bytes, seconds: float) -> bytes:
        """What ``answer`` makes of ``task``; ReaderEnded if its process ends before, or takes more than ``seconds``."""
        started = time.monotonic()
        channel, served = self._take()
        try:
            channel.send(task, started + seconds)
            reply: bytes = channel.receive(started + seconds)
        except WireError as error:
            channel.close()
            raise ReaderEnded(f"the process that read the submission has ended ({error})") from error
        self._give_back(channel, served + 1)
        return reply

    def _take(self) -> tuple[Channel, int]:
        """A reader that is free, or a new one, with the number of submissions that it has read."""
        with self._lock:
            if self._free:
                return self._free.pop()
            try:
                return Channel(self._forking.fork()), 0
            except OSError as error:
                raise ReaderEnded(f"the process that reads submissions is gone ({error})") from error

    def _give_back(self, channel: Channel, served: int) -> None:
        with self._lock:
            if served < SUBMISSIONS and not self._closed:
                self._free.append((channel, served))
                return
        channel.close()

    @property
    def are_gone(self) -> bool:
        """Whether no more readers can be had."""
        with self._lock:
            return self._closed or self._has_ended()

    def close(self) -> None:
        """End all readers; who waits for one is told that it has ended."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while self._free:
                self._free.pop()[0].close()
        self._end()


def can_fork() -> bool:
    """Whether this process has one thread: a lock that another one holds would be held for ever in a fork."""
    return threading.active_count() == 1


def _has_ended(process: int) -> bool:
    """Whether a child of ours has ended."""
    try:
        return os.waitpid(process, os.WNOHANG)[0] == process
    except ChildProcessError:  # seen before
        return True


def _and_end(work: Callable[[], None]) -> NoReturn:
    """In a fork: do this and nothing else, whatever happens."""
    try:
        work()
    finally:
        os._exit(0)


def _serve_forked(requests: socket.socket, prepare: Callable[[], Answer], kept: Collection[int]) -> None:
    """In a fork of who grades: leave all behind that is its own, and serve."""
    gc.freeze()  # nothing of who forked us is collected: that would close files, and copy memory
    os.setpgid(0, 0)  # Ctrl-C is for who grades
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _let_go_of_files(kept)
    os.environ.update(ONE_THREAD)
    serve(requests, prepare())


def serve(requests: socket.socket, answer: Answer) -> None:
    """In the parent of readers: fork one whenever asked, until the other side hangs up."""
    importlib.import_module("nbseal.wire.npy")  # what arrays need: each reader would load it anew
    gc.freeze()
    readers: set[int] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, 1, 1)
        readers = {reader for reader in readers if not _has_ended(reader)}
        if not request:
            break
        reader = os.fork()
        if reader == 0:
            requests.close()
            _and_end(partial(_read, Channel(socket.socket(fileno=descriptors[0])), answer))
        readers.add(reader)
        os.close(descriptors[0])
    for reader in readers:
        with suppress(ProcessLookupError):
            os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)


def _let_go_of_files(kept: Collection[int]) -> None:
    """Have all open files but standard streams and ``kept`` lead nowhere; objects of who forked us may close them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor != nowhere and descriptor not in kept:
            with suppress(OSError):  # the listing's own
                os.fstat(descriptor)
                os.dup2(nowhere, descriptor, inheritable=False)


def _read(channel: Channel, answer: Answer) -> None:
    """In a reader: take one submission after the other within the limits."""
    import resource  # which not every system has

    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _address_space() + (READ_MIB << 20))
    signal.signal(signal.SIGPROF, _stop)
    with suppress(WireError):
        while True:
            task = channel.receive()
            # what doesn't heed an exception is ended by the kernel
            _limit(resource.RLIMIT_CPU, int(time.process_time()) + 1 + READ_SECONDS + SLACK_SECONDS)
            signal.setitimer(signal.ITIMER_PROF, READ_SECONDS, 1.0)
            reply = answer(task)
            signal.setitimer(signal.ITIMER_PROF, 0)
            channel.send(reply)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise OutOfTime


def _limit(kind: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
