"""What a kernel's output streams do, without its threads: text is sent at the same moments and in the same order."""

from __future__ import annotations

import codecs
import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.session import Session

from nbseal.worker.capture import Collector

NAMES = ("stdout", "stderr")
DESCRIPTORS = {"stdout": 1, "stderr": 2}


class Outbox(IOPubThread):  # type: ignore[misc]
    """Takes the place of the thread that sends a kernel's messages: they end in the collector at once."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.thread = None
        self.socket = self  # "not closed"
        self.io_loop = self
        self.pid = os.getpid()
        self._timers: deque[tuple[float, Callable[[], None]]] = deque()

    def schedule(self, f: Callable[[], None]) -> None:
        """Do what a kernel's thread would be asked to do."""
        f()

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        """Remember what a kernel's thread would do after ``delay`` seconds, which is the same for all."""
        self._timers.append((time.monotonic() + delay, callback))

    def catch_up(self) -> None:
        """Do what a kernel's thread would have done by now."""
        timers = self._timers
        while timers and timers[0][0] <= time.monotonic():
            timers.popleft()[1]()

    def send_multipart(self, frames: list[Any], *args: Any, **kwargs: Any) -> None:
        """Hand a message to the collector; text of a forked process goes to the parent's descriptors."""
        header, parent, packed = frames[:3]
        content = json.loads(packed)
        if os.getpid() == self.pid:
            self.collector.message(header["msg_type"], parent.get("msg_id"), content)
        elif header["msg_type"] == "stream":
            os.write(DESCRIPTORS[content["name"]], content["text"].encode())


class PlainSession(Session):  # type: ignore[misc]
    """A kernel's session whose messages stay in the process: only their content takes the way through JSON."""

    def serialize(self, msg: dict[str, Any], ident: Any = None) -> list[Any]:
        """Return header, parent's header and packed content."""
        return [msg["header"], msg["parent_header"], self.pack(msg["content"])]


class Stream(OutStream):  # type: ignore[misc]
    """sys.stdout or sys.stderr of a kernel, with the text that other programs and C code write to descriptor 1 or 2.

    A kernel reads these descriptors in a thread of its own. Here they lead to a file in memory which is looked at
    before anything else is written or sent, so that no thread is needed and no text comes late.
    """

    def __init__(self, name: str, session: Session, outbox: Outbox, null: int) -> None:
        super().__init__(session, outbox, name, watchfd=False)
        self._outbox = outbox
        self._original_stdstream_copy = null  # what a kernel's terminal would get is lost
        self._file = os.memfd_create(name)
        self._read = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.muted = False
        os.dup2(self._file, DESCRIPTORS[name])

    def write(self, string: str) -> int | None:
        """Write text, after what has been written to the descriptor."""
        if self.muted:
            return len(string)
        if self._is_master_process():
            self._outbox.catch_up()
            self.fetch()
        written: int | None = super().write(string)
        return written

    def flush(self) -> None:
        """Send all text now."""
        if self.muted:
            return
        if self._is_master_process():
            self._outbox.catch_up()
            self.fetch()
        super().flush()

    def fetch(self) -> None:
        """Take over what has been written to the descriptor since the last time."""
        try:
            size = os.fstat(self._file).st_size
            if size == self._read or self.closed:
                return
            most = self._outbox.collector.limit + 1
            text = self._decoder.decode(os.pread(self._file, min(size - self._read, most), self._read))
        except OSError:
            return  # the notebook has closed our descriptor
        self._read = size
        with self._buffer_lock:
            # a kernel's thread has no context of its own either: the text belongs to the cell that runs
            self._buffers[frozenset(self._parent_header_global.items())].write(text)
        self._schedule_flush()

    def mute(self) -> None:
        """Throw away everything from now on, and give the memory back."""
        self.muted = True
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, DESCRIPTORS[self.name])
            os.close(null)
            os.close(self._file)
        except OSError:
            return  # the notebook has closed our descriptor
