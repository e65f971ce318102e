"""Messages as frames over a stream socket.

A frame is ``header length (4 bytes, big endian) · blobs' length (8 bytes) · header (JSON) · blobs``.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

from nbseal.errors import WireError
from nbseal.wire.codec import Encoder, pack, unpack

MAX_HEADER = 32 << 20  # bytes
MAX_BLOBS = 256 << 20  # bytes
MAX_PORTION = 1 << 20  # bytes
PREFIX = struct.Struct(">IQ")
TOO_LATE = "no answer before the deadline"
# which not every system has, and only Linux needs: nobody else opens a channel
AT_ONCE = int(getattr(socket, "MSG_DONTWAIT", 0))
AT_ONCE_OR_ERROR = int(getattr(socket, "MSG_NOSIGNAL", 0)) | AT_ONCE


class EndOfStream(WireError):
    """The other side closed the connection."""


class TooLarge(WireError):
    """A message is over the limits; nothing of it was sent."""


class Late(WireError):
    """No answer came before the deadline."""


def frame(message: Any, encoder: type[Encoder] = Encoder) -> bytes:
    """Encode one message as a frame; TooLarge if it is over the limits."""
    header, blobs = pack(message, encoder)
    total = sum(len(blob) for blob in blobs)
    if len(header) > MAX_HEADER or total > MAX_BLOBS:
        raise TooLarge(f"a message of {len(header) + total} bytes is over the limit")
    return b"".join([PREFIX.pack(len(header), total), header, *blobs])


class Channel:
    """Frames over a stream socket; ``limit`` bounds the bytes of one received message.

    ``greedy`` reads ahead, which is faster, but nothing else may then be read from the socket. ``patience`` (seconds)
    lets messages that come in quick succession gather, so that the reader isn't woken up for each of them. ``encoder``
    says what is sent of objects that are not plain data.
    """

    def __init__(
        self,
        sock: socket.socket,
        limit: int = MAX_BLOBS,
        greedy: bool = False,
        patience: float = 0.0,
        encoder: type[Encoder] = Encoder,
    ) -> None:
        self.sock = sock
        self.limit = limit
        self._greedy = greedy
        self._patience = patience
        self._encoder = encoder
        self._ahead = b""

    def send(self, message: Any, deadline: float | None = None) -> None:
        """Send one message; WireError when the other side is gone or hasn't taken it all by ``deadline``."""
        data = memoryview(frame(message, self._encoder))
        while data:
            try:
                data = data[self.sock.send(data, AT_ONCE_OR_ERROR) :]
            except BlockingIOError:
                _wait(self.sock, select.POLLOUT, deadline)
            except OSError as error:
                raise EndOfStream(f"the other side is gone: {error}") from error
            if data:
                check_time(deadline)

    def receive(self, deadline: float | None = None) -> Any:
        """Return the next message; WireError at its end, for a bad frame, or after ``deadline`` (monotonic).

        What has come by the time it is asked for is taken, even if that is after the deadline; no more is waited for.
        """
        header_length, total = PREFIX.unpack(self._exactly(PREFIX.size, deadline))
        if header_length > MAX_HEADER or total > self.limit:
            raise WireError(f"a message of {header_length + total} bytes is over the limit")
        header = self._exactly(header_length, deadline)
        return unpack(header, self._exactly(total, deadline))

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        parts, self._ahead = [self._ahead], b""
        missing = count - len(parts[0])
        while missing > 0:
            _wait(self.sock, select.POLLIN, deadline)
            if self._patience:
                time.sleep(self._patience)
            try:
                part = self.sock.recv(self._portion(missing), AT_ONCE)
            except BlockingIOError:
                continue
            except OSError as error:
                raise EndOfStream(f"the other side is gone: {error}") from error
            if not part:
                raise EndOfStream("the other side closed the connection")
            parts.append(part)
            missing -= len(part)
            if missing > 0:
                check_time(deadline)
        data = b"".join(parts)
        self._ahead = data[count:]
        return data[:count]

    def _portion(self, missing: int) -> int:
        """How much to ask for: memory is given to bytes that come, not to bytes that are announced."""
        return min(max(missing, 1 << 16) if self._greedy else missing, MAX_PORTION)

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


def check_time(deadline: float | None) -> None:
    """Late once ``deadline`` (monotonic) has passed: whoever sends or takes a little at a time is never waited for."""
    if deadline is not None and time.monotonic() > deadline:
        raise Late(TOO_LATE)


def _wait(sock: socket.socket, event: int, deadline: float | None) -> None:
    poller = select.poll()
    poller.register(sock, event)
    timeout = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poller.poll(timeout):
        raise Late(TOO_LATE)
