"""Finds an assignment's notebooks among what was handed in: by what is in them, whatever they are called.

Honest work comes as ``Copy of 01-gates.ipynb``, in a folder, in a zip, as ``.ipynb.txt``, or beside the untouched
original. What is found here is graded, and said; where it can't be told which file counts, or what a file is, a person
is asked. Only where nothing was handed in is a notebook missing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from nbseal.errors import SubmissionError
from nbseal.gradebook.decisions import UNDECIDED, Decided
from nbseal.grading.archives import Unpacked, is_junk, unpack
from nbseal.grading.submission import NOTEBOOK, HandedIn, Submission, is_ignored_notebook, may_be_notebook
from nbseal.notebook import Notebook, Reading, read, rebuild
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.matching import bound_names, is_answer, wanted_names
from nbseal.notebook.reading import BLANKS, Cell, kind_of

TIMESTAMP = "timestamp.txt"
MOST_BRACKETS = 2_000_000  # in all files that may be notebooks: parsing these takes a second or two
MOST_VERSIONS = 50  # of one notebook, whose answers are compared
SHOWN, MOST_NOTES = 5, 20  # names in a sentence, sentences about files
# Another notebook of the same course has at most a tenth of the lines that students are given in this one.
ENOUGH_LINES, SOME_LINES = 1 / 3, 1 / 10
UNSURE_MEND = "; keep one of them, and grade again"
NOT_RECOGNISED = "isn't recognised as this assignment's"


@dataclass(frozen=True)
class Fingerprint:
    """What submissions of a template are known by.

    These are its grade_ids, those of ``answers`` among them, the lines that students are given, and the names that
    answers define.
    """

    template: Notebook
    grade_ids: frozenset[str]
    answers: frozenset[str]
    lines: frozenset[str]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that the answers are to define."""
        cells = self.template["cells"]
        wanted = (wanted_names(cells, place) for place, cell in enumerate(cells) if is_answer(cell))
        return frozenset[str]().union(*wanted)


@dataclass
class _File:
    """A file that is a notebook, or is called like one; ``error`` says why it can't be read."""

    path: str
    reading: Reading | None = None
    error: str = ""
    blank: bool = False


@dataclass
class _Found:
    """Files by the notebook that they are or are called like, and all others that look like notebooks, with reasons."""

    candidates: dict[str, list[_File]]
    strangers: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)  # strangers that can be read


@dataclass(frozen=True)
class _Work:
    """What is a student's own in a notebook: answers by grade_id, and whether there are other cells of their own."""

    answers: dict[str, str]
    has_cells: bool


@dataclass
class _Choice:
    """The file that counts for a notebook, with notes; or why none is chosen; nothing where there is none.

    ``told`` is what the student is told of the reason.
    """

    reading: Reading | None = None
    path: str = ""
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    told: str = ""


def is_notebook(path: str) -> bool:
    """Whether a file's name says that it is a notebook."""
    return path.lower().endswith(NOTEBOOK)


def fingerprint(template: Notebook) -> Fingerprint:
    """What submissions of this template are known by."""
    marks = [mark for cell in template["cells"] if (mark := nbgrader_mark(cell))]
    return Fingerprint(
        template,
        grade_ids=frozenset(mark["grade_id"] for mark in marks),
        answers=frozenset(mark["grade_id"] for mark in marks if mark.get("solution")),
        lines=_lines(cell for cell in template["cells"] if not (nbgrader_mark(cell) or {}).get("solution")),
    )


def recognise(
    handed_in: HandedIn,
    notebooks: Mapping[str, Fingerprint],
    support: Mapping[str, bytes],
    limit: int,
    decided: Decided = UNDECIDED,
) -> Submission:
    """Tell which files are the assignment's ``notebooks``; the files beside them are the submission's others.

    ``support`` are the files that come with the release; archives are unpacked to ``limit`` bytes. A file that was
    ``decided`` on counts. Nothing but memory is touched, and there are no bytes that make it raise.
    """
    unpacked = unpack(handed_in.files, limit)
    own = [path for path in unpacked.files if path not in unpacked.opened and not _is_nobodys(path, unpacked, support)]
    fixed = {name: path for name, path in decided.files.items() if name in notebooks}
    looked_at = [path for path in own or unpacked.files if path != TIMESTAMP and path not in fixed.values()]
    found = _find(unpacked.files, looked_at, notebooks)
    top = _common_folder(own)
    choices = {
        name: _as_decided(fixed[name], unpacked)
        if name in fixed
        else _misplaced(name, handed_in.misplaced)
        if handed_in.misplaced
        else _choose(name, top, mark.template, found.candidates[name])
        for name, mark in notebooks.items()
    }
    chosen = [choice.path for choice in choices.values() if choice.path]
    known = {file.path for files in found.candidates.values() for file in files if file.reading} | set(chosen)
    links = [path for path in handed_in.left_out if not is_junk(path)]
    left = _Left([path for path in (*own, *links) if path not in known], handed_in, unpacked, found)
    not_judged, told = {}, {}
    for name, choice in choices.items():
        none = "" if choice.path or choice.reason else left.reason(name, bool(chosen))
        if choice.reason or none:
            not_judged[name] = choice.reason or f"{name}{NOTEBOOK} is not judged: {none}"
            told[name] = choice.told or f"{name}{NOTEBOOK}: {none}. Hand in the notebook itself."
    return Submission(
        notebooks={name: choice.reading for name, choice in choices.items() if choice.reading},
        files=_others(handed_in.files, unpacked, chosen, known),
        problems=tuple(left.notes(bool(chosen)) + [note for choice in choices.values() for note in choice.notes]),
        not_judged=not_judged,
        told=told,
        digest=handed_in.digest,
        candidates={name: _candidates(name, found, unpacked.files) for name in not_judged},
        paths={name: choice.path for name, choice in choices.items() if choice.reading},
        decided=decided,
    )


def _is_nobodys(path: str, unpacked: Unpacked, support: Mapping[str, bytes]) -> bool:
    """Whether a file says nothing about the student's work: junk, nbgrader's time stamp, files as released."""
    name = PurePosixPath(path).name
    released = (data for place, data in support.items() if PurePosixPath(place).name == name)
    return name == TIMESTAMP or is_junk(path) or any(data == unpacked.files[path] for data in released)


def _find(files: Mapping[str, bytes], paths: Sequence[str], notebooks: Mapping[str, Fingerprint]) -> _Found:
    """Read what may be a notebook, and give it to the one of ``notebooks`` that it fits best."""
    found = _Found({name: [] for name in notebooks})
    likely = [path for path in paths if may_be_notebook(path, files[path])]
    brackets = sum(data.count(b"[") + data.count(b"{") for data in {files[path] for path in likely})
    if len(likely) > 1 and brackets > MOST_BRACKETS:
        found.strangers = dict.fromkeys(likely, "is more than can be looked through, with all others")
        return found
    readings: dict[bytes, Reading] = {}
    for path in likely:
        data = files[path]
        try:
            reading = readings[data] = readings.get(data) or read(data, name=path)
        except SubmissionError as error:
            why = str(error).removeprefix(path).strip().rstrip(".")
            if name := _named_like(path, notebooks):
                found.candidates[name].append(_File(path, None, str(error), not data.strip(BLANKS.encode())))
            found.strangers[path] = why
            continue
        if name := _best(reading.nb, notebooks) or _without_marks(path, notebooks):
            found.candidates[name].append(_File(path, reading))
        else:
            found.strangers[path] = _about_other(reading.nb, notebooks.values())
            found.others.append(path)
    return found


def _named_like(path: str, names: Collection[str]) -> str:
    """The notebook whose name is in a file's name, the longest of several; "" if there is none."""
    called = PurePosixPath(path).name.casefold()
    return max((name for name in names if name.casefold() in called), key=len, default="")


def _about_other(nb: Notebook, notebooks: Iterable[Fingerprint]) -> str:
    """What is said of a notebook that is not recognised: it may define what the answers should, all the same."""
    bound = frozenset[str]().union(
        *(bound_names(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "code")
    )
    wanted = [name for mark in notebooks for name in sorted(mark.names & bound)]
    return f"{NOT_RECOGNISED}, but defines {_names(list(dict.fromkeys(wanted)))}" if wanted else NOT_RECOGNISED


def _best(nb: Notebook, notebooks: Mapping[str, Fingerprint]) -> str:
    """The notebook that a submitted one fits best; "" if it fits none."""
    ids = {grade_id for cell in nb["cells"] if (grade_id := _grade_id(cell))}
    lines = _lines(nb["cells"])
    ranks = {
        name: (len(ids & mark.grade_ids), len(lines & mark.lines))
        for name, mark in notebooks.items()
        if _fits(nb["cells"], ids, lines, mark)
    }
    return max(ranks, key=lambda name: ranks[name], default="")


def _without_marks(path: str, notebooks: Mapping[str, Fingerprint]) -> str:
    """The notebook that a file is called like and that nothing else could tell: it has neither names nor text."""
    name = PurePosixPath(path).stem
    mark = notebooks.get(name)
    return name if mark and not mark.grade_ids and not mark.lines else ""


def _fits(cells: Sequence[Cell], ids: set[str], lines: frozenset[str], mark: Fingerprint) -> bool:
    """Whether cells are a submission of a template: by their lines if they lost their names, or else by both."""
    there = len(lines & mark.lines)
    if there and there >= ENOUGH_LINES * len(mark.lines):
        return True
    if not ids & mark.grade_ids or 2 * len(ids & mark.grade_ids) < len(ids):
        return False
    # Names like q1 are used again and again: what the named cells say, where students don't write, must agree.
    given = _lines(cell for cell in cells if _grade_id(cell) in mark.grade_ids - mark.answers)
    return there >= SOME_LINES * len(mark.lines) or 2 * len(given & mark.lines) >= len(given)


@dataclass(frozen=True)
class _Left:
    """The files that are none of the assignment's notebooks, and what is known of them."""

    paths: list[str]
    handed_in: HandedIn
    unpacked: Unpacked
    found: _Found

    def reason(self, name: str, others_there: bool) -> str:
        """Why a notebook that wasn't found isn't judged: the files that it could be in; "" if there are none."""
        paths = [path for path in self.paths if not others_there or self._may_hold(path, name)]
        if not paths:
            return ""
        parts = [f"{_quoted(path)} {self._about(path)}".strip() for path in paths[:SHOWN]]
        more = f"; and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        return f"no file is this notebook ({'; '.join(parts)}{more})"

    def notes(self, others_there: bool) -> list[str]:
        """What was left out, and, beside notebooks that are graded, what else could be one."""
        left_out = {**self.handed_in.left_out, **self.unpacked.left_out}
        notes = [f"{path} {why} and was left out" for path, why in left_out.items()]
        aside = {**self.unpacked.unopened, **self.found.strangers} if others_there else {}
        for why in dict.fromkeys(aside.values()):
            notes.append(f"not graded: {_names([path for path in aside if aside[path] == why])} ({why})")
        more = [f"… and {len(notes) - MOST_NOTES} more of this kind"] if len(notes) > MOST_NOTES else []
        return notes[:MOST_NOTES] + more

    def _may_hold(self, path: str, name: str) -> bool:
        """Whether a notebook could be in a file, where the assignment's others are there and only this one isn't."""
        return (
            path in self.found.strangers
            or path in self.unpacked.unopened
            or self._about(path).startswith("is an archive")
            or bool(_named_like(path, [name]))
        )

    def _about(self, path: str) -> str:
        for known in (self.handed_in.left_out, self.unpacked.unopened, self.found.strangers):
            if path in known:
                return known[path]
        return kind_of(self.unpacked.files.get(path, b""))


def _choose(name: str, top: str, template: Notebook, candidates: Sequence[_File]) -> _Choice:
    """Choose the file that counts; the one with the notebook's very name, if there is an answer in it."""
    exact = f"{top}{name}{NOTEBOOK}"
    files = sorted(candidates, key=lambda file: (file.path != exact, file.path.count("/"), len(file.path), file.path))
    broken = [file for file in files if not file.reading and not file.blank]
    readable = [file for file in files if file.reading]
    if files and files[0].path == exact and (files[0] in broken or not readable):
        beside = f" Beside it: {_names([file.path for file in files[1:]])}." if len(files) > 1 else ""
        why = f"{files[0].error}{beside}"
        return _Choice(reason=f"not judged: {why}", told=why)
    if len(readable) == 1 and not broken:
        return _only_one(name, template, readable[0], files)
    if len(readable) > MOST_VERSIONS:
        return _unsure(name, f"{len(readable)} files are versions of it")
    works = {file.path: _work(template, file) for file in readable}
    answering = _by_answers([file for file in readable if works[file.path].answers], works)
    if readable and readable[0].path == exact and works[exact].answers:
        return _exact_or_more(name, readable, works)
    # Cells of the student's own may hold answers, too, and nobody knows what stood in a file that can't be read.
    doubtful = [file for file in readable if works[file.path].has_cells and not works[file.path].answers] + broken
    if len(answering) + len(doubtful) > 1:
        paths = [file.path for file in (*(group[0] for group in answering), *doubtful)]
        return _unsure(name, f"{_names(paths)} differ, and it can't be told which of them counts")
    best = answering[0] if answering else doubtful or readable
    return _taken(name, best[0], files) if best and best[0].reading else _Choice()


def _only_one(name: str, template: Notebook, file: _File, files: Sequence[_File]) -> _Choice:
    """The one version; a checkpoint without an answer doesn't say that nothing was written."""
    if is_ignored_notebook(file.path):
        work = _work(template, file)
        if not work.answers and not work.has_cells:
            why = f"only {_quoted(file.path)} is there, a copy that a program kept, and it has no answer in it"
            return _Choice(reason=f"{name}{NOTEBOOK} is not judged: {why}", told=f"{why}. Hand in the notebook itself.")
    return _taken(name, file, files)


def _misplaced(name: str, where: str) -> _Choice:
    """Nobody knows whether what lies elsewhere was meant for this assignment."""
    return _Choice(
        reason=f"{name}{NOTEBOOK} is not judged: {where}",
        told=f"{name}{NOTEBOOK}: {where}. Your teacher will look at it.",
    )


def _as_decided(path: str, unpacked: Unpacked) -> _Choice:
    """The file that a person chose; it could be read when they did."""
    if path not in unpacked.files:
        why = f"{_quoted(path)}, which was decided on, isn't there"
        return _Choice(reason=f"not judged: {why}", told=why)
    try:
        return _Choice(read(unpacked.files[path], name=path), path)
    except SubmissionError as error:
        return _Choice(reason=f"not judged: {error}", told=str(error))


def _candidates(name: str, found: _Found, files: Iterable[str]) -> tuple[str, ...]:
    """Files of which a person may choose one: versions of the notebook, or else whatever can be read as one."""
    versions = sorted(file.path for file in found.candidates[name] if file.reading)
    return tuple(versions or [*found.others, *filter(is_ignored_notebook, files)])


def _exact_or_more(name: str, readable: Sequence[_File], works: Mapping[str, _Work]) -> _Choice:
    """The first file, which has the notebook's name and answers, unless another one answers what that leaves open."""
    exact, others = readable[0], readable[1:]
    answers = works[exact.path].answers
    for file in others:
        if more := [question for question in works[file.path].answers if question not in answers]:
            return _unsure(name, f"{_quoted(file.path)} answers {', '.join(more)}, {_quoted(exact.path)} doesn't")
    choice = _taken(name, exact, [])
    different = [file.path for file in others if works[file.path].answers not in ({}, answers)]
    if different:
        choice.notes.append(f"{name}{NOTEBOOK} counts; {_names(different)} with other answers beside it was not graded")
    return choice


def _taken(name: str, file: _File, others: Sequence[_File]) -> _Choice:
    called = f"{name}{NOTEBOOK}"
    if file.path == called:
        return _Choice(file.reading, file.path)
    untouched = "".join(f"; {_quoted(called)} has no answer in it" for other in others if other.path == called)
    return _Choice(file.reading, file.path, [f"{_quoted(file.path)} was taken for {called}{untouched}"])


def _unsure(name: str, why: str) -> _Choice:
    return _Choice(
        reason=f"{name}{NOTEBOOK} is not judged: {why}{UNSURE_MEND}",
        told=f"{name}{NOTEBOOK}: {why}. Keep one of them.",
    )


def _by_answers(files: Sequence[_File], works: Mapping[str, _Work]) -> list[list[_File]]:
    """Files with the same answers together."""
    groups: list[list[_File]] = []
    for file in files:
        same = next((group for group in groups if works[group[0].path].answers == works[file.path].answers), None)
        if same:
            same.append(file)
        else:
            groups.append([file])
    return groups


def _work(template: Notebook, file: _File) -> _Work:
    """What the student wrote, seen as it would be graded."""
    assert file.reading is not None
    rebuilt = rebuild(template, file.reading.nb).nb
    given = {_clean(cell["source"]) for cell in template["cells"]} | {""}
    answers, has_cells = {}, False
    for cell in rebuilt["cells"]:
        source = _clean(cell["source"])
        mark = nbgrader_mark(cell)
        if source in given:
            continue
        if mark and mark.get("solution"):
            answers[mark["grade_id"]] = source
        elif not mark:
            has_cells = True
    return _Work(answers, has_cells)


def _others(
    handed_in: Mapping[str, bytes], unpacked: Unpacked, chosen: Sequence[str], notebooks: Collection[str]
) -> dict[str, bytes]:
    """The other files by their paths beside the notebooks; a time stamp counts only where nbgrader puts it."""
    files = {path: data for path, data in handed_in.items() if path not in notebooks and not is_notebook(path)}
    for path in chosen:
        folder = path[: path.rfind("/") + 1]
        if not folder:
            continue
        files.pop(next((archive for archive in files if path.startswith(f"{archive}/")), ""), None)
        deeper = tuple(f"{archive}/" for archive in unpacked.opened if archive.startswith(folder))
        for place, data in unpacked.files.items():
            beside = place.removeprefix(folder)
            if beside in (place, TIMESTAMP) or place.startswith(deeper) or place in notebooks or is_notebook(place):
                continue
            files.pop(place, None)
            files[beside] = data
    return {
        path: data for path, data in files.items() if not any(str(up) in files for up in PurePosixPath(path).parents)
    }


def _common_folder(paths: Sequence[str]) -> str:
    """The innermost folder or archive that all paths lie in, with its slash; "" if that is the top."""
    common = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    return f"{common}/" if common else ""


def _lines(cells: Iterable[Cell]) -> frozenset[str]:
    return frozenset(line for cell in cells for part in cell["source"].splitlines() if (line := part.strip()))


def _grade_id(cell: Cell) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def _clean(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.splitlines()).strip()


def _quoted(path: str) -> str:
    return f"`{path}`"


def _names(paths: Sequence[str]) -> str:
    shown = [_quoted(path) for path in paths[:SHOWN]]
    if len(paths) > SHOWN:
        return f"{', '.join(shown)} and {len(paths) - SHOWN} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
