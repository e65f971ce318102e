"""Gradescope: the autograder's zip, and a scorecard in the form of its results.json."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files as package_files
from typing import Any

from nbseal import __version__
from nbseal.course import Course
from nbseal.export.bundle import bundle, plan_of, zipped
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from nbseal.text import printable

NO_MARK = "It has no mark yet; that isn't a zero. A person must look at it."
UNGRADED = f"This submission could not be graded. {NO_MARK} Please tell your instructor."
PROGRAMS = {"run_autograder": "run_autograder.sh", "setup.sh": "setup.sh"}


class Visibility(StrEnum):
    """When students see the tests, as Gradescope calls it."""

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    HIDDEN = "hidden"


def make_gradescope_zip(course: Course, assignment: str, visibility: Visibility) -> bytes:
    """The zip to upload: setup.sh, run_autograder, pinned versions, the engine, the assignment and its hidden tests."""
    files = bundle(course, plan_of(course, assignment), "gradescope", {"visibility": str(visibility)})
    templates = package_files("nbseal.export") / "templates"
    for name, template in PROGRAMS.items():
        files[name] = (templates / template).read_bytes()
    return zipped(files, frozenset(PROGRAMS))


def results(card: Scorecard, visibility: str, seconds: float) -> dict[str, Any]:
    """A scorecard as results.json has it: an entry for each hidden test, and the mark on top.

    Where nothing could be judged there is no score at all, which is how Gradescope tells a failure from a zero; a
    question that has no mark has an entry without a score.
    """
    tests = [entry for number, question in enumerate(card.questions, 1) for entry in _entries(question, number)]
    found: dict[str, Any] = {
        "execution_time": round(seconds, 2),
        "output": "\n".join(_summary(card)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "extra_data": {"nbseal": __version__, "seal": card.seal, "not_judged": _names(card, Status.NOT_JUDGED)},
        "tests": tests,
    }
    return found if card.is_unjudged else {"score": card.score, **found}


def no_results(seconds: float) -> dict[str, Any]:
    """results.json where grading failed: no score, and a sentence."""
    return {
        "execution_time": round(seconds, 2),
        "output": UNGRADED,
        "output_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"nbseal": __version__, "seal": None},
        "tests": [{"name": "Not graded", "output": UNGRADED, "output_format": "text"}],
    }


def _summary(card: Scorecard) -> list[str]:
    """What a student should know besides the tests; of why something wasn't judged, what is their matter."""
    lines = [f"Graded at seal level {card.seal}."]
    if card.is_unjudged:
        lines = [UNGRADED]
    elif names := _names(card, Status.NOT_JUDGED):
        lines.append(f"Not judged, and so without a mark that a person must give: {', '.join(names)}.")
    if names := _names(card, Status.MANUAL):
        lines.append(f"Marked by a person: {', '.join(names)}.")
    lines += map(printable, card.told)
    return lines + [printable(problem) for problem in card.problems if not problem.startswith("not judged")]


def _names(card: Scorecard, status: Status) -> list[str]:
    return [_named(question) for question in card.questions if question.status is status]


def _named(question: QuestionResult) -> str:
    return f"{question.grade_id} ({question.max_score:g} {'point' if question.max_score == 1 else 'points'})"


def _entries(question: QuestionResult, number: int) -> list[dict[str, Any]]:
    name = _named(question)
    if question.status is Status.MANUAL:
        text = "A person marks this question."
        return [{"number": str(number), "name": f"{name}: waits for a person", "output": text}]
    if question.score is None:
        lines = [f"{_outcome(test)}: {printable(test.name)}" for test in question.tests]
        text = "\n".join([f"This question could not be judged. {NO_MARK}", *lines])
        return [{"number": str(number), "name": f"{name}: not judged", "output": text}]
    if not question.tests:
        return [{"number": str(number), "name": name, "score": question.score, "max_score": question.max_score}]
    whole = sum(test.weight for test in question.tests)
    return [
        _entry(test, f"{number}.{place}", question, question.max_score * test.weight / whole)
        for place, test in enumerate(question.tests, 1)
    ]


def _entry(test: TestResult, number: str, question: QuestionResult, points: float) -> dict[str, Any]:
    passed = test.outcome is Outcome.PASSED
    points = round(points, 4)
    entry = {
        "number": number,
        "name": f"{question.grade_id}: {printable(test.name)}",
        "score": round(points * test.earned, 4),
        "max_score": points,
        "output": _outcome(test) if passed or not test.message else printable(test.message),
    }
    # Gradescope knows two kinds; without one, the score alone says how it went
    return entry if test.is_partial else {**entry, "status": "passed" if passed else "failed"}


def _outcome(test: TestResult) -> str:
    return f"{test.sign} {test.words}"
