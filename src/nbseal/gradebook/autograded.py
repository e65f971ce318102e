"""Writes a graded submission's folder in autograded/: the old folder or the new one is there, never half of one."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from nbseal.course import Course
from nbseal.errors import RecordError
from nbseal.files import sync_folder, write_file

AT_FDCWD = -100
RENAME_EXCHANGE = 2
PERMISSION_SECTIONS = ("Autograde", "BaseConverter")


def notebook_bytes(notebook: dict[str, Any]) -> bytes:
    """A notebook's file, a line for each cell; half characters, which have no UTF-8, become question marks.

    nbformat's own writer copies the notebook and indents it in Python: 7 ms of processor time for each submission.
    """
    cells = ",\n".join(_json(cell) for cell in notebook["cells"])
    rest = _json({name: value for name, value in notebook.items() if name != "cells"})
    return f'{{"cells": [\n{cells}\n],\n{rest[1:]}\n'.encode("utf-8", "replace")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def file_permissions(course: Course) -> int:
    """The mode of files in autograded/, as nbgrader's settings have it."""
    if any("permissions" in course.config[section] for section in PERMISSION_SECTIONS if section in course.config):
        from nbgrader.converters import Autograde

        return int(str(Autograde(coursedir=course.coursedir, config=course.config).permissions), 8)
    return 0o664 if course.coursedir.groupshared else 0o444


class Staging:
    """A submission's new folder, made beside the one that it will replace.

    Use it as ``write``, then ``publish`` or ``discard``. One at a time for each destination.
    """

    def __init__(self, destination: Path, permissions: int, groupshared: bool = False) -> None:
        self.destination = destination
        self.permissions = permissions
        self.groupshared = groupshared
        # A name that says whose folder it is finds what a killed process left behind; nbgrader's globs skip the dot.
        mark = hashlib.sha256(os.fsencode(destination.name)).hexdigest()[:16]
        self.folder = destination.parent / f".nbseal-{mark}"
        self.new = self.folder / "new"
        self.old = self.folder / "old"

    def write(self, files: dict[str, bytes], notebooks: dict[str, bytes]) -> None:
        """Write the notebooks and the other files through to the disk, out of sight."""
        self.discard()
        try:
            self._write(contents(files, notebooks))
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _write(self, contents: dict[PurePosixPath, bytes]) -> None:
        self.new.mkdir(parents=True)
        for name, content in contents.items():
            path = self.new / name
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_file(path, content, self.permissions)
        for folder, _, _ in os.walk(self.new, topdown=False):
            if self.groupshared:
                os.chmod(folder, (os.stat(folder).st_mode | 0o2770) & 0o2777)
            sync_folder(Path(folder))

    def publish(self) -> None:
        """Put the new folder in its place."""
        if not os.path.lexists(self.destination):
            os.rename(self.new, self.destination)
        elif not exchange(self.new, self.destination):
            os.rename(self.destination, self.old)
            os.rename(self.new, self.destination)
        sync_folder(self.destination.parent)
        shutil.rmtree(self.folder, ignore_errors=True)

    def discard(self) -> None:
        """Remove what this or a killed process left; the old folder comes back if it was already out of the way."""
        if self.old.exists() and not os.path.lexists(self.destination):
            os.rename(self.old, self.destination)
        if self.folder.exists():
            shutil.rmtree(self.folder)


def contents(files: dict[str, bytes], notebooks: dict[str, bytes]) -> dict[PurePosixPath, bytes]:
    """A folder's files by their paths in it; RecordError for a path that leads elsewhere."""
    found = {PurePosixPath(name): content for name, content in files.items()}
    found |= {PurePosixPath(f"{name}.ipynb"): content for name, content in notebooks.items()}
    for path in found:
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise RecordError(f"{path} is not a name inside a submission; leave that file out and run again.")
    # A folder that has a notebook's name can't lie beside that notebook.
    return {path: content for path, content in found.items() if not found.keys() & set(path.parents)}


def exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step; False where the system or the disk can't."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0)
