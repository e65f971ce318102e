"""Reading regular files safely, writing them whole, and telling their contents apart."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def digest_of(files: dict[str, bytes]) -> str:
    """SHA-256 over names and contents, in the order of names."""
    total = hashlib.sha256()
    for name in sorted(files):
        encoded = name.encode("utf-8", "surrogateescape")
        total.update(f"{len(encoded)} {len(files[name])} ".encode() + encoded + files[name])
    return total.hexdigest()


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file with permissions ``mode`` through to the disk; an older one of the same name is replaced."""
    path.unlink(missing_ok=True)
    # x: never through a link that somebody put in its place meanwhile.
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.chmod(file.fileno() if os.chmod in os.supports_fd else path, mode)
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
