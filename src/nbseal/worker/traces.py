"""What a submission leaves on the machine's own disks, where it has none of its own: measured, limited, and removed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable

from nbseal.worker.settings import Settings

MAX_FILES = 16384  # as many as a memory disk has at the other levels
BLOCK = 512  # bytes


class Traces:
    """Files of one submission: all below its work folder, and removed ones that are held open."""

    def __init__(self, work: str, settings: Settings) -> None:
        self._work = work
        self._limit = settings.disk_mb << 20
        self._device = os.stat(work).st_dev

    def too_many(self, pids: Iterable[int]) -> bool:
        """Whether the files are more, or larger together, than may be; ``pids`` are the submission's processes."""
        size = count = 0
        folders = [self._work]
        while folders and count <= MAX_FILES and size <= self._limit:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        count += 1
                        found = entry.stat(follow_symlinks=False)
                        size += found.st_blocks * BLOCK
                        if stat.S_ISDIR(found.st_mode):
                            folders.append(entry.path)
            except OSError:
                continue  # removed since it was listed
        return count > MAX_FILES or size > self._limit or size + self._removed_ones(pids) > self._limit

    def remove(self) -> None:
        """Remove all that was left; the processes have ended."""
        _remove_folder(self._work)

    def _removed_ones(self, pids: Iterable[int]) -> int:
        """Bytes of files that have no name any more, but are held open."""
        sizes = {}
        for pid in pids:
            for name in _names(f"/proc/{pid}/fd"):
                try:
                    found = os.stat(f"/proc/{pid}/fd/{name}")
                except OSError:
                    continue
                if found.st_nlink == 0 and found.st_dev == self._device:
                    sizes[found.st_ino] = found.st_blocks * BLOCK
        return sum(sizes.values())


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove_folder(folder: str) -> None:
    """Remove a folder that a stranger filled: deeper than Python goes down, or closed to its owner."""
    try:
        shutil.rmtree(folder)
        return
    except (OSError, RecursionError):
        pass
    for words in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        subprocess.run([*words, "--", folder], stderr=subprocess.DEVNULL, check=False)
