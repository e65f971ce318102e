"""Grades the instructor's own solution first: what it doesn't get, no student can."""

from __future__ import annotations

import json
from typing import Any

from nbseal.course import Course
from nbseal.errors import SubmissionError
from nbseal.files import digest_of, write_whole
from nbseal.grading.grader import Grader
from nbseal.grading.scoring import grade_id_of
from nbseal.grading.submission import HandedIn, read_folder
from nbseal.notebook.outputs import failure
from nbseal.results import GradedSubmission, QuestionResult, Status, of_notebook

FOLDER = "own_solutions"


def faults_of_solution(course: Course, grader: Grader) -> list[str]:
    """A sentence for each question whose own solution doesn't get all points, and for each limit that is half used.

    Remembered until solution, graders or settings change. None where the source isn't there. What cells with the tag
    ``skip-execution`` would make is taken from solutions/.
    """
    assignment = grader.assignment
    if not assignment.source.is_dir():
        return []
    try:
        return _remembered(course, grader)
    except SubmissionError as error:
        return [f"{assignment.name}: the solution can't be graded: {error}"]


def _remembered(course: Course, grader: Grader) -> list[str]:
    assignment, most = grader.assignment, course.seal.submission_mib
    built = course.folder("solution", assignment=assignment.name)
    made = read_folder(built, most).files if built.is_dir() else {}
    files = {**made, **read_folder(assignment.source, most).files}
    kept = course.private / FOLDER / f"{assignment.name}.json"
    digest = grader.digest(digest_of(files))
    try:
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if found["digest"] == digest:
            return [str(fault) for fault in found["faults"]]
    except (OSError, ValueError, LookupError, TypeError):
        pass  # never graded, or not by us
    graded = grader.grade_submission("", grader.recognise(HandedIn(files | _completed(course, grader))))
    faults = [*_lost_marks(graded), *_used_limits(course, graded)]
    if graded.digest:  # else our own machinery failed
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(kept, json.dumps({"digest": digest, "faults": faults}).encode("utf-8"))
    return faults


def _completed(course: Course, grader: Grader) -> dict[str, bytes]:
    """The source notebooks with what a release has and they lack: header, footer, tests of AUTOTEST lines."""
    from nbseal.notebook.nbgrader_steps import complete, load_source  # takes long to load, and is rarely needed

    found = {}
    for plan in grader.plan.notebooks:
        path = grader.assignment.source / f"{plan.name}.ipynb"
        if path.is_file():
            nb = load_source(path)
            complete(nb, path, course.config)
            found[path.name] = json.dumps(nb).encode("utf-8")
    return found


def _lost_marks(graded: GradedSubmission) -> list[str]:
    return [
        f"{graded.scorecard.assignment}: the solution itself gets {_mark(question)} of {question.max_score:g} for "
        f"{question.grade_id}: {question.reason or _first_failure(graded, question.grade_id)}"
        for question in graded.scorecard.questions
        if question.status is not Status.MANUAL and question.score != question.max_score
    ]


def _first_failure(graded: GradedSubmission, question: str) -> str:
    """The first cell up to a question's check that raised: where something is missing, checks fail far below."""
    for name, nb in graded.notebooks.items():
        cells = nb["cells"]
        own = of_notebook({question: None}, name)
        ends = [place for place, cell in enumerate(cells) if grade_id_of(cell) in own]
        for failed in map(failure, cells[: ends[0] + 1] if ends else []):
            if failed:
                return f"{failed[0]}, raises {failed[1]}"
    return next(iter(graded.scorecard.problems), "its check does not pass")


def _mark(question: QuestionResult) -> str:
    return "no mark" if question.score is None else f"{question.score:g}"


def _used_limits(course: Course, graded: GradedSubmission) -> list[str]:
    """Cells, notebooks and hidden tests that need more than half of their time: students' may need twice as long."""
    name, seal = graded.scorecard.assignment, course.seal
    found = [
        f"{name}: the solution's cell {cell} takes {seconds:.1f} of {seal.cell_seconds:g} seconds: raise "
        "c.Seal.cell_seconds"
        for cell, seconds in graded.cell_cpu.items()
        if seconds > seal.cell_seconds / 2
    ]
    if (total := sum(graded.cell_cpu.values())) > seal.notebook_seconds / 2:
        taken = f"{total:.1f} of {seal.notebook_seconds:g} seconds"
        found.append(f"{name}: the solution takes {taken}: raise c.Seal.notebook_seconds")
    found += [
        f"{name}: the hidden tests of the solution's {notebook} take {seconds:.1f} of {seal.hidden_tests_seconds:g} "
        "seconds: raise c.Seal.hidden_tests_seconds"
        for notebook, seconds in graded.tests_seconds.items()
        if seconds > seal.hidden_tests_seconds / 2
    ]
    return found
