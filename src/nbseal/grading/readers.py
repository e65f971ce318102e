"""Processes in which submissions are graded, so that what a stranger wrote can hold up, or end, nobody else's.

All that touches strangers' bytes happens in a reader: unpacking, finding the notebooks, matching cells, decoding what a
sealed process sends, sanitising. Who grades a class forks a parent of readers, with one thread and no files of its own;
that forks a reader for each submission that is graded at the same time. A reader takes one submission after the other,
with a limit of memory and, for each, of processor time: the kernel ends one that goes beyond.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from nbseal.errors import SealError, WireError
from nbseal.sandbox.launch import ONE_THREAD
from nbseal.wire import Channel

READ_SECONDS = 30  # of processor time for one submission; the largest that are allowed take a sixth of that
READ_MIB = 2048  # of address space, on top of what the parent has
SUBMISSIONS = 500  # then a fresh fork takes over
END_SECONDS = 5.0
LOOK_EVERY = 0.002


class ReaderEnded(SealError):
    """A reader is gone, or took too long; ``by_limit`` if what it read may be the reason."""

    def __init__(self, message: str, by_limit: bool = False) -> None:
        super().__init__(message)
        self.by_limit = by_limit


class Readers:
    """The parent of readers, and those of them that are free; any number of threads may use it.

    ``answer`` turns a task into a reply, in a reader. There it finds everything as it is now, except for open files:
    only ``descriptors`` stay what they are.
    """

    def __init__(self, answer: Callable[[bytes], bytes], descriptors: Collection[int]) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[Channel, int]] = []
        self._closed = False
        self._requests, theirs = socket.socketpair()
        self._parent = os.fork()
        if self._parent == 0:
            _and_end(lambda: _fork_readers(theirs, answer, {theirs.fileno(), *descriptors}))
        theirs.close()

    def ask(self, task: bytes, seconds: float) -> bytes:
        """What ``answer`` makes of ``task``; ReaderEnded if its process ends before, or takes more than ``seconds``."""
        started = time.monotonic()
        channel, served = self._take()
        try:
            channel.send(task, started + seconds)
            reply: bytes = channel.receive(started + seconds)
        except WireError as error:
            channel.close()
            by_limit = time.monotonic() - started > READ_SECONDS
            raise ReaderEnded(f"the process that read the submission has ended ({error})", by_limit) from error
        self._give_back(channel, served + 1)
        return reply

    def _take(self) -> tuple[Channel, int]:
        """A reader that is free, or a new one, with the number of submissions that it has read."""
        with self._lock:
            if self._free:
                return self._free.pop()
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    socket.send_fds(self._requests, [b"F"], [theirs.fileno()])
                except OSError as error:
                    ours.close()
                    raise ReaderEnded(f"the process that reads submissions is gone ({error})") from error
            return Channel(ours), 0

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
            return self._closed or _has_ended(self._parent)

    def close(self) -> None:
        """End all readers; who waits for one is told that it has ended."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while self._free:
                self._free.pop()[0].close()
            self._requests.close()
        until = time.monotonic() + END_SECONDS
        while not _has_ended(self._parent):
            if time.monotonic() > until:
                os.kill(self._parent, signal.SIGKILL)
            time.sleep(LOOK_EVERY)


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


def _fork_readers(requests: socket.socket, answer: Callable[[bytes], bytes], kept: Collection[int]) -> None:
    """In the parent of readers: fork one whenever asked, until the other side hangs up."""
    gc.freeze()  # nothing of who forked us is collected: that would close files, and copy memory
    os.setpgid(0, 0)  # Ctrl-C is for who grades
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _let_go_of_files(kept)
    os.environ.update(ONE_THREAD)
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


def _read(channel: Channel, answer: Callable[[bytes], bytes]) -> None:
    """In a reader: take one submission after the other within the limits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_AS, _address_space() + (READ_MIB << 20))
    with suppress(WireError):
        while True:
            task = channel.receive()
            _limit(resource.RLIMIT_CPU, int(time.process_time()) + 1 + READ_SECONDS)
            channel.send(answer(task))


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
