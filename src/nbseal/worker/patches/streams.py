"""What a kernel's output streams do, without its threads: text is sent at the same moments and in the same order.

Without it, outputs would come from threads, with which no process can be forked.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session

RELIES_ON = (
    "ipykernel.iostream.IOPubThread",
    "ipykernel.iostream.OutStream._flush",
    "ipykernel.iostream.OutStream._schedule_flush",
    "ipykernel.iostream.OutStream:_buffer_lock",
    "ipykernel.iostream.OutStream:_buffers",
    "ipykernel.iostream.OutStream:_parent_header_global",
    "ipykernel.iostream.OutStream:_original_stdstream_copy",
    "jupyter_client.jsonutil.json_default",
)

DESCRIPTORS = {"stdout": 1, "stderr": 2}


class Collector(Protocol):
    """Takes what a kernel would send to its client; ``limit`` is in bytes a cell."""

    limit: int

    def message(self, kind: str, parent: str | None, content: dict[str, Any]) -> None:
        """Be handed one message."""


class Outbox(IOPubThread):  # type: ignore[misc]
    """Takes the place of the thread that sends a kernel's messages: they end in the collector at once."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.pid = os.getpid()
        self.thread = None
        self.io_loop = self
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
        header, parent, packed = frames
        content = json.loads(packed)
        if os.getpid() == self.pid:
            self.collector.message(header["msg_type"], parent.get("msg_id"), content)
        elif header["msg_type"] == "stream":
            os.write(DESCRIPTORS[content["name"]], content["text"].encode("utf-8", "replace"))


class PlainSession(Session):  # type: ignore[misc]
    """A kernel's session whose messages stay in the process: only their content takes the way through JSON."""

    def serialize(self, msg: dict[str, Any], ident: Any = None) -> list[Any]:
        """Return header, parent's header and packed content."""
        content = msg["content"]
        try:
            packed = json.dumps(content, default=json_default, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:  # half a surrogate pair, which a kernel can't send: its text is lost
            packed = json.dumps(content, default=json_default, allow_nan=False).encode()
        except (TypeError, ValueError):
            packed = super().serialize(msg, ident)[-1]  # mends what it can, with a warning, or raises
        return [msg["header"], msg["parent_header"], packed]


class Tap:
    """Takes in what other programs and C code write to descriptor 1 or 2.

    A kernel reads these descriptors in a thread of its own. Here they lead to a file in memory that is looked at
    before anything else is written or sent, so no thread is needed and no text comes late. ipykernel's stream calls
    its ``echo`` at these moments, and that is what this is.

    A stream sends its text every 0.2 seconds. Here it does so earlier where more waits than is kept of a cell: a loop
    that prints without end would fill the memory within that time.
    """

    def __init__(self, name: str, outbox: Outbox) -> None:
        self.stream: OutStream | None = None
        self._outbox = outbox
        self._descriptor = DESCRIPTORS[name]
        self._file = os.memfd_create(name)
        self._taken = 0
        self._waiting = 0  # characters in the stream's buffer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        os.dup2(self._file, self._descriptor)

    def write(self, text: str) -> None:
        """Be told that ``text`` is about to be written to the stream."""
        if self._waiting > self._outbox.collector.limit and self.stream is not None:
            self.stream._flush()
        else:
            self._look()
        self._waiting += len(text)

    def flush(self) -> None:
        """Be told that the stream is about to send its text."""
        self._look()
        self._waiting = 0

    def _look(self) -> None:
        if os.getpid() == self._outbox.pid:
            self._outbox.catch_up()
            self._take()

    def read(self) -> str:
        """There is nothing to be read here; ipykernel asks whether there could be."""
        return ""

    def _take(self) -> None:
        try:
            size = os.fstat(self._file).st_size
            if size == self._taken or self.stream is None or self.stream.closed:
                return
            most = self._outbox.collector.limit + 1
            text = self._decoder.decode(os.pread(self._file, max(0, min(size - self._taken, most)), self._taken))
        except OSError:
            return  # the notebook has closed our file
        self._taken = size
        with self.stream._buffer_lock:
            # a kernel's thread has no context of its own either: the text belongs to the cell that runs
            self.stream._buffers[frozenset(self.stream._parent_header_global.items())].write(text)
        self.stream._schedule_flush()

    def close(self) -> None:
        """Lead the descriptor nowhere, and give the memory back."""
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._descriptor)
            os.close(null)
            os.close(self._file)
        except OSError:
            return  # the notebook has closed our file


def open_streams(session: Session, outbox: Outbox) -> list[OutStream]:
    """Make sys.stdout and sys.stderr those of a kernel; to be called in the process that runs the cells."""
    outbox.pid = session.pid = os.getpid()
    terminal = os.open(os.devnull, os.O_WRONLY)
    streams = []
    for name in DESCRIPTORS:
        tap = Tap(name, outbox)
        tap.stream = OutStream(session, outbox, name, echo=tap, watchfd=False)
        tap.stream._original_stdstream_copy = terminal
        streams.append(tap.stream)
    sys.stdout, sys.stderr = streams
    return streams


def mute(streams: list[OutStream]) -> None:
    """Throw away everything that is written from now on."""
    for stream in streams:
        stream.write, stream.flush = len, _nothing
        stream.echo.close()


def _nothing() -> None:
    """Flush nothing."""
