"""Reads one submission's folder: regular files only, and no more of them than the limit."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nbseal.course import MB, Course
from nbseal.errors import SubmissionError
from nbseal.files import digest_of
from nbseal.gradebook.ledger import Ledger
from nbseal.notebook import Reading

IGNORED_FOLDERS = {".ipynb_checkpoints", "__pycache__", ".git", "feedback"}
MAX_FILES = 2000
CLEAR_OUTPUTS = "in JupyterLab, Edit, Clear Outputs of All Cells makes a notebook small"


@dataclass(frozen=True)
class HandedIn:
    """What a student handed in, as it is: files by their paths, and what can't be read, with the reason."""

    files: dict[str, bytes]
    left_out: dict[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all names and contents."""
        return digest_of(self.files)


@dataclass(frozen=True)
class Submission:
    """What is graded of a submission: its notebooks by name, its other files by their paths beside them, and notes.

    ``not_judged`` has a sentence for each notebook that was handed in, but can't be told or read; one that is neither
    there nor in ``notebooks`` was not handed in. ``digest`` identifies what was handed in.
    """

    notebooks: dict[str, Reading]
    files: dict[str, bytes]
    problems: tuple[str, ...] = ()
    not_judged: dict[str, str] = field(default_factory=dict)
    digest: str = ""


def read_folder(folder: Path, limit_mb: int) -> HandedIn:
    """Read a submission's folder; SubmissionError when it can't be read or is over ``limit_mb`` MiB."""
    files: dict[str, bytes] = {}
    left_out: dict[str, str] = {}
    left = limit_mb * MB
    for path in _walk(folder, left_out):
        name = path.relative_to(folder).as_posix()
        data = _read_regular(path, left, name, limit_mb)
        if data is None:
            left_out[name] = "is not a regular file"
            continue
        left -= len(data)
        files[name] = data
    return HandedIn(files, left_out)


def handed_in(folder: Path, limit_mb: int) -> str:
    """Identifies what lies in a submission's folder, whether it can be read or not."""
    try:
        return read_folder(folder, limit_mb).digest
    except SubmissionError as error:
        return digest_of_unreadable(str(error))


def digest_of_unreadable(reason: str) -> str:
    """Identifies a submission of which nothing is known but why it can't be read."""
    return digest_of({"unreadable": reason.encode("utf-8", "surrogateescape")})


def _walk(folder: Path, left_out: dict[str, str]) -> list[Path]:
    """All files below ``folder`` in a stable order, without caches and without following links."""

    def refuse(error: OSError) -> None:
        raise SubmissionError(
            f"{error.filename} can't be read ({error.strerror}): make it readable for the account that grades."
        ) from error

    paths: list[Path] = []
    for top, folders, names in os.walk(folder, onerror=refuse, followlinks=False):
        for name in list(folders):
            if name in IGNORED_FOLDERS:
                folders.remove(name)
            elif os.path.islink(path := os.path.join(top, name)):
                folders.remove(name)
                left_out[os.path.relpath(path, folder)] = "is a link"
        paths += [Path(top) / name for name in names]
        if len(paths) > MAX_FILES:
            raise SubmissionError(f"{folder} holds more than {MAX_FILES} files: remove what isn't part of the work.")
    return sorted(paths)


def _read_regular(path: Path, left: int, name: str, limit_mb: int) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.islink(path) or not stat.S_ISREG(path.lstat().st_mode):
            return None
        raise SubmissionError(
            f"{path} can't be read ({error.strerror}): make it readable for the account that grades."
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > left:
            mend = f": {CLEAR_OUTPUTS}" if "ipynb" in name else ""
            raise SubmissionError(f"the submission's files have more than {limit_mb} MiB together (see {name}){mend}.")
        return file.read(left + 1)


def resubmitted(course: Course, assignment: str) -> list[str]:
    """Students whose recorded mark is that of another submission than the one that lies in submitted/ now."""
    present = set(course.students(assignment))
    return [
        entry.student
        for entry in Ledger.of(course, assignment).entries()
        if entry.student in present
        and entry.handed_in
        and entry.handed_in
        != handed_in(course.folder("submitted", entry.student, assignment), course.seal.submission_mb)
    ]
