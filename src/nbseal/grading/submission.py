"""Reads one submission's folder: regular files only, and no more of them than the limit."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import SubmissionError
from nbseal.files import digest_of, open_regular
from nbseal.gradebook.ledger import Ledger

IGNORED_FOLDERS = {".ipynb_checkpoints", "__pycache__", ".git", "feedback"}
MAX_FILES = 2000


@dataclass(frozen=True)
class Submission:
    """What a student handed in: notebooks by name, other files by relative path, and what was left out."""

    notebooks: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over all names and contents."""
        return digest_of({**{f"{name}.ipynb": data for name, data in self.notebooks.items()}, **self.files})


def read_submission(folder: Path, notebooks: Collection[str], limit_mib: int) -> Submission:
    """Read a submission folder; SubmissionError when it can't be read or is over ``limit_mib`` MiB."""
    found: dict[str, bytes] = {}
    problems: list[str] = []
    left = limit_mib << 20
    for path in walk(folder, problems):
        name = path.relative_to(folder).as_posix()
        data = _read_regular(path, left, name, limit_mib)
        if data is None:
            problems.append(f"{name} is not a regular file and was left out")
            continue
        left -= len(data)
        found[name] = data
    own = {name: found.pop(f"{name}.ipynb") for name in notebooks if f"{name}.ipynb" in found}
    others = {name: data for name, data in found.items() if not name.endswith(".ipynb")}
    return Submission(own, others, tuple(problems))


def handed_in(folder: Path, notebooks: Collection[str], limit_mib: int) -> str:
    """Identifies what lies in a submission's folder, whether it can be read or not."""
    try:
        return read_submission(folder, notebooks, limit_mib).digest
    except SubmissionError as error:
        return digest_of_unreadable(str(error))


def digest_of_unreadable(reason: str) -> str:
    """Identifies a submission of which nothing is known but why it can't be read."""
    return digest_of({"unreadable": reason.encode("utf-8", "surrogateescape")})


def walk(folder: Path, problems: list[str]) -> list[Path]:
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
            elif os.path.islink(os.path.join(top, name)):
                folders.remove(name)
                problems.append(f"{name} is a link and was left out")
        paths += [Path(top) / name for name in names]
        if len(paths) > MAX_FILES:
            raise SubmissionError(f"{folder} holds more than {MAX_FILES} files: remove what isn't part of the work.")
    return sorted(paths)


def _read_regular(path: Path, left: int, name: str, limit_mib: int) -> bytes | None:
    try:
        file = open_regular(path)
    except OSError as error:
        raise SubmissionError(
            f"{path} can't be read ({error.strerror}): make it readable for the account that grades."
        ) from error
    if file is None:
        return None
    with file:
        if os.fstat(file.fileno()).st_size > left:
            raise SubmissionError(f"the submission's files have more than {limit_mib} MiB together (see {name}).")
        return file.read(left + 1)


def resubmitted(course: Course, assignment: str) -> list[str]:
    """Students whose recorded mark is that of another submission than the one that lies in submitted/ now."""
    notebooks = course.assignment(assignment).notebooks
    present = set(course.students(assignment))
    return [
        entry.student
        for entry in Ledger.of(course, assignment).entries()
        if entry.student in present
        and entry.handed_in
        and entry.handed_in
        != handed_in(course.folder("submitted", entry.student, assignment), notebooks, course.seal.submission_mib)
    ]
