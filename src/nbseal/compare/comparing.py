"""Compares the marks that nbseal would give with those that a gradebook has, and writes nothing into the course."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbseal.course import CONFIG_FILE, Course
from nbseal.errors import CourseError
from nbseal.gradebook.connection import gradebook_file
from nbseal.gradebook.queries import QuestionMark, submission_states
from nbseal.grading import Grader
from nbseal.grading.executors import Finished, LocalExecutor
from nbseal.grading.mark_changes import MarkChange
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.results import GradedSubmission, QuestionResult, Status, of_notebook

# Settings by which nbgrader's command goes through us: without them it is nbgrader itself.
STOCK = """

for _name in ("exporter_class", "sanitize_preprocessors", "autograde_preprocessors"):
    c.Autograde.pop(_name, None)
"""
LAST_LINES = 5  # of what nbgrader says


@dataclass(frozen=True)
class Difference:
    """One question's mark in the gradebook (``before``) and here, with what the student would be told."""

    change: MarkChange
    reason: str


@dataclass
class QuestionComparison:
    """How many students have the same mark for a question in both, more here, less here, or no mark here."""

    question: str
    points: float
    same: int = 0
    more: int = 0
    less: int = 0
    no_mark: int = 0
    not_in_gradebook: int = 0


@dataclass
class Comparison:
    """What nbseal would give for an assignment beside what was given; times in seconds.

    ``cells`` are lines about cells that raised in one of the two and not in the other; known with ``stock`` alone.
    """

    assignment: str
    students: int
    questions: list[QuestionComparison] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stock_seconds: float | None = None


@dataclass(frozen=True)
class _Ours:
    questions: Sequence[QuestionResult]
    problems: Sequence[str]
    errors: Mapping[str, Mapping[str, str]]  # by notebook, then by grade_id


def compare(course: Course, assignment: str, jobs: int | None = None, stock: bool = False) -> Comparison:
    """Grade what was handed in, into memory, and set it beside the gradebook; with ``stock``, beside nbgrader itself.

    nbgrader itself grades a copy of the course. CourseError where nothing was handed in, or nbgrader can't grade it.
    """
    students = course.choose_students(assignment, None)
    with tempfile.TemporaryDirectory(prefix="nbseal-compare-") as scratch:
        private = Path(scratch, "private")
        if course.private.is_dir():  # the secret, and what people decided
            shutil.copytree(course.private, private)
        apart = Course(course.root, private=private)
        started = time.monotonic()
        ours = _grade(apart, assignment, students, jobs)
        result = Comparison(assignment, len(students), seconds=time.monotonic() - started)
        theirs = {student: state.marks for student, state in submission_states(course, assignment).items()}
        if stock:
            copy = Path(scratch, "stock")
            started = time.monotonic()
            _copy_for_stock(course, assignment, copy)
            result.problems += _autograde(copy, assignment)
            result.stock_seconds = time.monotonic() - started
            theirs = {name: state.marks for name, state in submission_states(Course(copy), assignment).items()}
            for student in students:
                result.cells += _cells_that_ran_otherwise(student, ours[student].errors, Course(copy), assignment)
    _set_beside(result, ours, theirs)
    return result


def _grade(course: Course, assignment: str, students: Sequence[str], jobs: int | None) -> dict[str, _Ours]:
    found = {}
    with Grader(course, assignment) as grader, LocalExecutor(grader, jobs) as executor, Finished() as finished:
        for student in students:
            folder = course.folder("submitted", student, assignment)
            finished.add(executor.submit(student, folder))
        for _ in students:
            graded: GradedSubmission = finished.next().result()
            card = graded.scorecard
            errors = {name: _errors(nb["cells"]) for name, nb in graded.notebooks.items()}
            found[card.student] = _Ours(card.questions, card.problems, errors)
    return found


def _errors(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each of nbgrader's code cells raised, by grade_id; "" if nothing."""
    found = {}
    for cell in cells:
        if cell["cell_type"] == "code" and (mark := nbgrader_mark(cell)):
            names = (output["ename"] for output in cell.get("outputs", ()) if output["output_type"] == "error")
            found[mark["grade_id"]] = next(names, "")
    return found


def _copy_for_stock(course: Course, assignment: str, copy: Path) -> None:
    """A copy of what nbgrader needs to grade the assignment, with settings by which it is nbgrader itself."""
    copy.mkdir()
    config = course.root / CONFIG_FILE
    text = config.read_text(encoding="utf-8") if config.exists() else "c = get_config()\n"
    (copy / CONFIG_FILE).write_text(f"{text}{STOCK}", encoding="utf-8")
    for path in _files_that_settings_name(course):
        target = copy / path.relative_to(course.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for kind in ("source", "release"):
        folder = course.folder(kind, assignment=assignment)
        if folder.is_dir():
            shutil.copytree(folder, copy / folder.relative_to(course.root))
    for student in course.choose_students(assignment, None):
        folder = course.folder("submitted", student, assignment)
        if folder.is_dir():
            shutil.copytree(folder, copy / folder.relative_to(course.root), symlinks=True)
    gradebook = gradebook_file(course)
    if gradebook and gradebook.exists():
        shutil.copy(gradebook, copy / "gradebook.db")
    elif gradebook is None:
        raise CourseError("The gradebook is on a database server, of which no copy is made: compare without --stock.")


def _files_that_settings_name(course: Course) -> list[Path]:
    """Header, footer and what lies in the course's folder itself: test templates, preprocessors, plugins."""
    own = course.config.get("IncludeHeaderFooter", {})
    ends = [course.root / str(own[end]) for end in ("header", "footer") if own.get(end)]
    there = [
        path for path in course.root.iterdir() if path.suffix not in (".db", ".ipynb") and path.name != CONFIG_FILE
    ]
    return [path for path in [*ends, *there] if path.is_file() and path.is_relative_to(course.root)]


def _autograde(copy: Path, assignment: str) -> list[str]:
    """Have nbgrader itself grade the copy; what it says where it stops."""
    said = []
    if not (copy / "gradebook.db").exists():
        said += _nbgrader(copy, "generate_assignment", assignment, "--force", "--create")
    return said + _nbgrader(copy, "autograde", assignment, "--force", "--create")


def _nbgrader(copy: Path, *words: str) -> list[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    address = f"--CourseDirectory.db_url=sqlite:///{copy / 'gradebook.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words, address, f"--CourseDirectory.root={copy}"],
        cwd=copy, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not done.returncode:
        return []
    said = done.stderr.strip().splitlines()[-LAST_LINES:]
    if not (copy / "gradebook.db").exists():
        text = "\n".join(said)
        raise CourseError(f"nbgrader {words[0]} failed on the copy, so there is nothing to compare with:\n{text}")
    return [f"nbgrader {words[0]} itself stopped: {' '.join(map(str.strip, said))}"]


def _cells_that_ran_otherwise(
    student: str, errors: Mapping[str, Mapping[str, str]], copy: Course, assignment: str
) -> list[str]:
    """A line for each of nbgrader's cells that raised something else in its own run."""
    found = []
    for path in sorted(copy.folder("autograded", student, assignment).glob("*.ipynb")):
        for grade_id, theirs in _errors(_cells(path)).items():
            ours = errors.get(path.stem, {}).get(grade_id, theirs)
            if ours != theirs:
                found.append(f"{student} · {grade_id}: {theirs or 'no error'} in nbgrader, {ours or 'no error'} here")
    return found


def _cells(path: Path) -> Any:
    """The cells of a notebook that nbgrader has run, with their outputs."""
    import nbformat

    return nbformat.read(path, as_version=4).cells


def _raised(errors: Mapping[str, Mapping[str, str]], question: QuestionResult) -> str:
    """What a question's check raised here; "" if nothing."""
    found = (of_notebook({question.grade_id: own.get(question.cell, "")}, name) for name, own in errors.items())
    return next((error for one in found for error in one.values() if error), "")


def _set_beside(
    result: Comparison, ours: Mapping[str, _Ours], theirs: Mapping[str, Mapping[str, QuestionMark]]
) -> None:
    """Fill in the questions and what differs; the marks of people, and of what people read, are left alone."""
    rows: dict[str, QuestionComparison] = {}
    for student in sorted(ours):
        result.problems += [f"{student} · {problem}" for problem in ours[student].problems]
        for question in ours[student].questions:
            if question.status is Status.MANUAL:
                continue
            row = rows.setdefault(question.grade_id, QuestionComparison(question.grade_id, question.max_score))
            mark = theirs.get(student, {}).get(question.grade_id)
            before = mark.auto if mark else None
            if before is None:
                row.not_in_gradebook += 1
            elif question.score is None:
                row.no_mark += 1
            else:
                row.same += abs(question.score - before) < 1e-9
                row.more += question.score > before + 1e-9
                row.less += question.score < before - 1e-9
            if before is not None and (question.score is None or abs(question.score - before) >= 1e-9):
                change = MarkChange(student, question.grade_id, before, question.score, question.max_score)
                raised = _raised(ours[student].errors, question)
                why = f"its check raises {raised} here" if raised else "its check runs without an error here"
                result.differences.append(Difference(change, question.reason or why))
    result.questions = list(rows.values())
