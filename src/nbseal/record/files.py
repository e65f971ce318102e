"""Files that are on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file with permissions ``mode`` through to the disk; an older one of the same name is replaced."""
    path.unlink(missing_ok=True)
    # O_EXCL: never through a link that somebody put in its place meanwhile.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Write a folder's list of names through to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
