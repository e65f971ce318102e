"""Other programs of the machine that is attacked, to be left alone."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import threading
from pathlib import Path
from typing import Any

MARK = "nbseal-hostile-"  # in the name of everything that an attack leaves or looks for


class Neighbours:
    """Other programs of this machine, which would tell their secret to whoever asks."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.secret = secret.encode()
        self.reached: list[str] = []
        self.socket, self.datagrams = f"{folder}/socket", f"{folder}/datagrams"
        self.abstract = f"{MARK}neighbour-{secrets.token_hex(4)}"
        self.shared_file = f"{MARK}neighbour-{secrets.token_hex(4)}"
        self._sockets = {
            "tcp": self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "path": self._listen(socket.AF_UNIX, socket.SOCK_STREAM, self.socket),
            "datagrams": self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, self.datagrams),
            "abstract": self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.abstract}"),
        }
        for path in (self.socket, self.datagrams):
            os.chmod(path, 0o777)
        Path("/dev/shm", self.shared_file).write_text(secret)
        os.chmod(f"/dev/shm/{self.shared_file}", 0o600)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self.segment = self._libc.shmget(0, 4096, 0o1666)
        ctypes.memmove(self._libc.shmat(self.segment, None, 0), self.secret, len(self.secret))
        for name, one in self._sockets.items():
            threading.Thread(target=self._serve, args=(name, one), daemon=True).start()

    @staticmethod
    def _listen(family: int, kind: int, address: Any) -> socket.socket:
        one = socket.socket(family, kind)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one

    def _serve(self, name: str, one: socket.socket) -> None:
        """Remember each visit, and tell the secret."""
        try:
            while True:
                if one.type == socket.SOCK_DGRAM:
                    one.recvfrom(100)
                    self.reached.append(name)
                    continue
                peer, _ = one.accept()
                self.reached.append(name)
                with peer:
                    peer.sendall(self.secret)
        except OSError:
            return  # closed

    def port(self, name: str) -> int:
        """Where an internet socket listens."""
        return int(self._sockets[name].getsockname()[1])

    def shared(self) -> bytes:
        """What the shared memory of both kinds holds now."""
        segment = ctypes.string_at(self._libc.shmat(self.segment, None, 0), len(self.secret))
        return segment + Path("/dev/shm", self.shared_file).read_bytes()

    def close(self) -> None:
        """End the neighbours."""
        for one in self._sockets.values():
            one.shutdown(socket.SHUT_RDWR) if one.type == socket.SOCK_STREAM else None
            one.close()
        Path("/dev/shm", self.shared_file).unlink(missing_ok=True)
        self._libc.shmctl(self.segment, 0, None)
