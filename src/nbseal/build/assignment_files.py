"""The files of an assignment as a mapping, and writing back no more than what changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbgrader.utils import find_all_files

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import write_whole

Files = dict[str, bytes]
CACHES = [".ipynb_checkpoints", "__pycache__", "*.pyc"]
BYPRODUCTS = ["__pycache__", ".*", "*.pyc", "fontlist-v*.json"]


def source_files(course: Course, assignment: str) -> Files:
    """An assignment's source files by relative path, sorted, without those that the course ignores."""
    folder = course.assignment(assignment).source
    if not any(folder.glob("*.ipynb")):
        raise CourseError(f"{assignment} has no notebook in {folder}: there is nothing to build it from.")
    return read_files(folder, course.coursedir.ignore)


def read_files(folder: Path, ignore: list[str] | None = None) -> Files:
    """All files below ``folder`` by relative path, sorted."""
    paths = sorted(os.path.relpath(path, folder).replace(os.sep, "/") for path in find_all_files(str(folder), ignore))
    return {path: (folder / path).read_bytes() for path in paths}


def differences(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Relative paths that are missing, different or superfluous in ``folder``, sorted."""
    present = read_files(folder, CACHES) if folder.is_dir() else {}
    return sorted(path for path in present.keys() | wanted.keys() if present.get(path) != wanted.get(path))


def write_files(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Make ``folder`` hold exactly ``wanted``; returns what changed. A file is replaced whole or not at all."""
    changed = differences(folder, wanted)
    for path in changed:
        target = folder / path
        if path not in wanted:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, wanted[path])
    return changed


def copy_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` into a fresh folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
