"""Reads one submission's folder: regular files only, and no more of them than the limit."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NoReturn

from nbseal.course import Course
from nbseal.errors import SubmissionError
from nbseal.files import digest_of, open_regular
from nbseal.gradebook.decisions import UNDECIDED, Decided, Decisions
from nbseal.gradebook.ledger import Ledger
from nbseal.notebook import Reading
from nbseal.text import first_of

UNREADABLE = "they can't be read"
NAMED = 3  # files that were left out are named one by one, up to so many
LOOKED_AT = 20_000  # files; a notebook may lie in a folder with all that somebody has
WORD = re.compile(r"\w[\w.-]*\w|\w")  # as far as a name of a file or a folder is one
IGNORED_FOLDERS = {".ipynb_checkpoints", "__pycache__", ".git", "feedback"}
NOTEBOOK, PACKED = ".ipynb", (b"PK\x03\x04", b"\x1f\x8b")
KEYS = (b'"cells"', b'"worksheets"')
MAX_FILES, MAX_DEPTH = 2000, 50
CLEAR_OUTPUTS = "in JupyterLab, Edit, Clear Outputs of All Cells makes a notebook small"


@dataclass(frozen=True)
class HandedIn:
    """What a student handed in, as it is: files by their paths, and what can't be read, with the reason.

    ``misplaced`` says where they lie, if not in the assignment's folder; paths count from the student's folder then.
    """

    files: dict[str, bytes]
    left_out: dict[str, str] = field(default_factory=dict)
    misplaced: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all names and contents; the same files in another place are something else."""
        return digest_of({**self.files, "..": b""} if self.misplaced else self.files)


@dataclass(frozen=True)
class Submission:
    """What is graded of a submission: its notebooks by name, its other files by their paths beside them, and notes.

    ``not_judged`` has a sentence for each notebook that was handed in, but can't be told or read, and ``told`` what its
    student is told of that; one that is neither there nor in ``notebooks`` was not handed in. ``paths`` are the files
    that the notebooks are, ``candidates`` those that a notebook could be which is not judged. ``digest`` identifies
    what was handed in, and ``decided`` is what a person decided about it.
    """

    notebooks: dict[str, Reading]
    files: dict[str, bytes]
    problems: tuple[str, ...] = ()
    not_judged: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    paths: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decided: Decided = UNDECIDED


@dataclass(frozen=True)
class Task:
    """One submission to be graded, here or on another machine.

    ``decisions`` are people's about this student; hidden inputs are drawn from ``seed``.
    """

    student: str
    handed_in: HandedIn
    decisions: Decisions
    seed: bytes


def read_folder(folder: Path, limit_mib: int) -> HandedIn:
    """Read a submission's folder; SubmissionError when it can't be read or is over ``limit_mib`` MiB.

    Folders that programs make are looked into only where nothing else may be a notebook.
    """
    handed_in = HandedIn({})
    _add(handed_in, folder, _walk(folder, handed_in.left_out), limit_mib)
    if not any(may_be_notebook(name, data) or data.startswith(PACKED) for name, data in handed_in.files.items()):
        _add(handed_in, folder, _ignored_notebooks(folder), limit_mib)
    return handed_in


def read_submission(course: Course, assignment: str, folder: Path) -> HandedIn:
    """Read the ``folder`` of a submission, or what the student handed in beside it; SubmissionError as above."""
    limit = course.seal.submission_mib
    student = folder.parent.name
    names = () if os.path.isdir(folder) else course.misplaced(assignment, student).get(student, ())
    if not names:
        return read_folder(folder, limit)
    shown = first_of([f"`{name}`" for name in names], NAMED)
    handed_in = HandedIn({}, misplaced=f"there is no folder {assignment}, but {shown} in its place")
    _add(handed_in, folder.parent, _walk(folder.parent, handed_in.left_out, names), limit)
    return handed_in


def _add(handed_in: HandedIn, folder: Path, paths: list[Path], limit_mib: int) -> None:
    """Read files, as far as they are regular ones."""
    left = (limit_mib << 20) - sum(map(len, handed_in.files.values()))
    for path in paths:
        name = path.relative_to(folder).as_posix()
        data = _read_regular(path, left, name, limit_mib)
        if data is None:
            handed_in.left_out[name] = "is not a regular file"
            continue
        left -= len(data)
        handed_in.files[name] = data


def may_be_notebook(path: str, data: bytes) -> bool:
    """Whether a file is called like a notebook, or looks like one inside."""
    if NOTEBOOK in PurePosixPath(path).name.lower():
        return True
    return data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and any(key in data for key in KEYS)


def beside_support(files: Mapping[str, bytes], support: Mapping[str, bytes]) -> dict[str, bytes]:
    """A submission's files with the support files, which replace what is called like one of them or of its folders."""
    folders = {str(folder) for path in support for folder in PurePosixPath(path).parents}
    kept = {
        path: data
        for path, data in files.items()
        if path not in folders and support.keys().isdisjoint(map(str, PurePosixPath(path).parents))
    }
    return {**kept, **support}


def is_ignored_notebook(path: str) -> bool:
    """Whether a path is a notebook's in a folder that programs make, such as a checkpoint of Jupyter's."""
    *folders, name = PurePosixPath(path).parts
    return not IGNORED_FOLDERS.isdisjoint(folders) and NOTEBOOK in name.lower() and not name.startswith("._")


def _ignored_notebooks(folder: Path) -> list[Path]:
    """Notebooks in folders that are not read otherwise: a checkpoint is work, if it is all that there is."""
    paths = (Path(top, name) for top, _, names in _folders_below(folder) for name in names)
    return sorted(path for path in paths if is_ignored_notebook(path.relative_to(folder).as_posix()))


def handed_in(course: Course, assignment: str, student: str) -> str:
    """Identifies what a student handed in, whether it can be read or not."""
    try:
        return read_submission(course, assignment, course.folder("submitted", student, assignment)).digest
    except SubmissionError as error:
        return digest_of_unreadable(str(error))


def digest_of_unreadable(reason: str) -> str:
    """Identifies a submission of which nothing is known but why it can't be read."""
    return digest_of({"unreadable": reason.encode("utf-8", "surrogateescape")})


def _walk(folder: Path, left_out: dict[str, str], only: Collection[str] = ()) -> list[Path]:
    """All files below ``folder`` in a stable order, without caches and without following links.

    ``only`` names what is looked at in the folder itself; all if it is empty.
    """
    paths: list[Path] = []
    for top, folders, names in _folders_below(folder):
        if only and top == str(folder):
            folders[:] = [name for name in folders if name in only]
            names = [name for name in names if name in only]
        links = {name for name in folders if os.path.islink(os.path.join(top, name))}
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS and name not in links]
        left_out |= {os.path.relpath(os.path.join(top, name), folder): "is a link" for name in sorted(links)}
        paths += [Path(top) / name for name in names]
        if len(paths) > MAX_FILES:
            raise _too_much(folder, f"more than {MAX_FILES} files")
    return sorted(paths)


def _folders_below(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, whose caller may take folders out of the list; SubmissionError where it would go on for too long.

    Links to folders count as folders, and are looked into unless they are taken out.
    """
    waiting, seen = [(str(folder), 0)], 0
    while waiting:
        top, depth = waiting.pop()
        try:
            with os.scandir(top) as found:
                entries = [entry for entry, _ in zip(found, range(LOOKED_AT + 1), strict=False)]
        except OSError as error:
            _refuse(error)
        seen += len(entries)
        if seen > LOOKED_AT:
            raise _too_much(folder, f"more than {LOOKED_AT} files and folders")
        folders = [entry.name for entry in entries if _is_folder(entry)]
        yield top, folders, [entry.name for entry in entries if not _is_folder(entry)]
        if folders and depth == MAX_DEPTH:
            raise _too_much(folder, f"more than {MAX_DEPTH} folders one in the other")
        waiting += [(os.path.join(top, name), depth + 1) for name in folders]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _too_much(folder: Path, what: str) -> SubmissionError:
    mend = f"holds {what}: remove what isn't part of the work."
    return SubmissionError(f"{folder} {mend}", f"Your submission {mend}")


def _refuse(error: OSError) -> NoReturn:
    """Say what can't be read, and how to mend that."""
    raise SubmissionError(
        f"{error.filename} can't be read ({error.strerror}): make it readable for the account that grades."
    ) from error


def _read_regular(path: Path, left: int, name: str, limit_mib: int) -> bytes | None:
    try:
        file = open_regular(path)
    except OSError as error:
        error.filename = path
        _refuse(error)
    if file is None:
        return None
    with file:
        if os.fstat(file.fileno()).st_size > left:
            mend = f": {CLEAR_OUTPUTS}" if "ipynb" in name else ""
            cause = f"files have more than {limit_mib} MiB together (see {name}){mend}."
            raise SubmissionError(f"the submission's {cause}", f"Your {cause}")
        return file.read(left + 1)


def read_beside(notebook: Path, text: str, limit_mib: int) -> Submission:
    """The files beside a notebook, as many as a submission may have; ``problems`` say what was left out.

    Much may lie there that isn't part of the work. So files that ``text`` names come first, then those in folders that
    it names, then what is nearest, then what is small. SubmissionError when the notebook alone is over the limit.
    """
    left_out: dict[str, list[str]] = {}
    sizes = {name: size for name, size in _nearest(notebook.parent, left_out) if not name.endswith(".ipynb")}
    words = set(WORD.findall(text))

    def order(name: str) -> tuple[bool, bool, int, int, str]:
        *folders, own = [part in words or (" " in part and part in text) for part in name.split("/")]
        return not own, not any(folders), len(folders), sizes[name], name

    files: dict[str, bytes] = {}
    left = (limit_mib << 20) - notebook.stat().st_size
    if left < 0:
        raise SubmissionError(f"{notebook} has more than {limit_mib} MiB.")
    for name in sorted(sizes, key=order):
        if sizes[name] > left:
            reason = f"a notebook and its files may have {limit_mib} MiB together"
            left_out.setdefault(reason, []).append(f"{name} ({sizes[name] / (1 << 20):.1f} MiB)")
        elif len(files) == MAX_FILES:
            left_out.setdefault(f"no more than {MAX_FILES} files are taken", []).append(name)
        elif (data := _if_readable(notebook.parent / name, left)) is None:
            left_out.setdefault(UNREADABLE, []).append(name)
        else:
            files[name] = data
            left -= len(data)
    return Submission(
        {}, files, tuple(f"left out ({reason}): {first_of(names, NAMED)}" for reason, names in left_out.items())
    )


def _nearest(folder: Path, left_out: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    """Names and sizes of the regular files below ``folder``, those in it first, as far as there aren't too many."""
    queue, seen = deque([""]), 0
    while queue:
        if seen > LOOKED_AT:
            left_out[f"no more than {LOOKED_AT} files are looked at"] = list(queue)
            return
        below = queue.popleft()
        try:
            entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        except OSError:
            left_out.setdefault(UNREADABLE, []).append(below or str(folder))
            continue
        seen += len(entries)
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                queue += [] if entry.name in IGNORED_FOLDERS else [f"{name}/"]
            elif entry.is_file(follow_symlinks=False):
                yield name, entry.stat(follow_symlinks=False).st_size
            else:
                left_out.setdefault("links, or no files", []).append(name)


def _if_readable(path: Path, left: int) -> bytes | None:
    try:
        return _read_regular(path, left, path.name, left >> 20)
    except (SubmissionError, OSError):
        return None


def resubmitted(course: Course, assignment: str) -> list[str]:
    """Students whose recorded mark is that of another submission than the one that lies in submitted/ now."""
    present = set(course.students(assignment))
    return [
        entry.student
        for entry in Ledger.of(course, assignment).entries()
        if entry.student in present
        and entry.handed_in
        and entry.handed_in != handed_in(course, assignment, entry.student)
    ]
