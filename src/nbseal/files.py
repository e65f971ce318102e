"""Reading regular files safely, writing them whole, and telling their contents apart."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

# no link, no waiting, no child and (on Windows) no other line endings; what a system hasn't it doesn't need
REGULAR = sum(getattr(os, f"O_{name}", 0) for name in ("NOFOLLOW", "NONBLOCK", "CLOEXEC", "BINARY"))


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, the same in whatever order and on whatever machine."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{len(files[name])}\0".encode("utf-8", "surrogateescape"))
        total.update(files[name])
    return total.hexdigest()


def open_regular(path: Path) -> BinaryIO | None:
    """Open a regular file for reading; None for anything else (a link, a pipe, a folder, a device).

    No link is followed, no pipe is waited for. OSError when a regular file can't be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | REGULAR)
    except OSError:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    return None


def read_regular(path: Path, limit: int) -> bytes | None:
    """The first ``limit`` bytes of a regular file; None and OSError as from `open_regular`."""
    file = open_regular(path)
    if file is None:
        return None
    with file:
        return file.read(limit)


def write_whole(path: Path, content: bytes, mode: int | None = None, *, durable: bool = False) -> None:
    """Write a file whole or not at all: beside its place first, and then into it in one step.

    ``mode`` are its permissions (None: those of any new file); ``durable`` writes it through to the disk.
    """
    # A name for each thread on the machine: two that write the same file at once don't write into one draft.
    draft = path.with_name(f".{path.name}.{threading.get_native_id()}.new")
    try:
        write_file(draft, content, mode, durable=durable)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_file(path: Path, content: bytes, mode: int | None, *, durable: bool = True) -> None:
    """Write a new file, through to the disk unless not ``durable``; an older one of the same name is removed first.

    ``mode`` are its permissions (None: those of any new file).
    """
    path.unlink(missing_ok=True)
    # O_EXCL: never through a link that somebody put in its place meanwhile.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | REGULAR
    with os.fdopen(os.open(path, flags, 0o666 if mode is None else 0o600), "wb") as file:
        file.write(content)
        if mode is not None:
            os.chmod(file.fileno() if os.chmod in os.supports_fd else path, mode)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Write a folder's list of names through to the disk."""
    if sys.platform == "win32":  # where folders can't be opened
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
