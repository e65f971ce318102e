"""The output that carries a question's mark: for nbgrader a number, for the student our feedback block."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from nbseal.results import Outcome, QuestionResult, Status, TestResult
from nbseal.text import with_code

COLOURS = {Outcome.PASSED: "#1a7f37", Outcome.FAILED: "#b35900", Outcome.NOT_JUDGED: "#57606a"}
METADATA = "nbseal"  # our part of the metadata of a notebook, or of an output
LINE = ("sign", "word", "colour", "name", "message")
REMEMBERED = 128  # blocks: many students of a class get the same one


def mark_output(question: QuestionResult, execution_count: int | None = None) -> dict[str, Any]:
    """Return the ``execute_result`` output (nbformat 4) that a graded cell ends with.

    ``text/plain`` is the mark as a number, as nbgrader's own partial credit has it. Where no mark was made it is
    empty: nbgrader 0.9 gives full marks for any text that is not a number of points and for no output at all,
    while an empty text makes it stop with a KeyError, so that no tool can read a mark that nobody made.
    """
    made = question.status is Status.GRADED and question.score is not None
    return {
        "output_type": "execute_result",
        "execution_count": execution_count,
        "metadata": {METADATA: {"status": str(question.status), "tests": [_facts(test) for test in question.tests]}},
        "data": {
            "text/plain": str(float(question.score or 0.0)) if made else "",
            "text/html": feedback_html(question),
        },
    }


def judged(output: dict[str, Any]) -> tuple[Status, tuple[TestResult, ...]] | None:
    """What `mark_output` put into an output: how the question stands, and its tests; None for any other output."""
    try:
        facts = output["metadata"][METADATA]
        tests = [_test(test) for test in facts["tests"]]
        return Status(facts["status"]), tuple(tests)
    except (KeyError, TypeError, ValueError):
        return None


def _test(facts: dict[str, Any]) -> TestResult:
    blocked = facts.get("blocked") is True
    return TestResult(facts["name"], Outcome(facts["outcome"]), facts["message"], blocked=blocked)


def told_in(notebook: dict[str, Any]) -> dict[str, str]:
    """What the student is told of questions that could not be judged, by grade_id; from the notebook's metadata."""
    try:
        told = notebook["metadata"][METADATA]["told"]
        return {name: text for name, text in told.items() if isinstance(name, str) and isinstance(text, str)}
    except (KeyError, TypeError, AttributeError):
        return {}


def shows_release(notebook: dict[str, Any]) -> bool:
    """Whether a graded notebook is the released one, in the place of a student's that wasn't run."""
    ours = notebook["metadata"].get(METADATA)
    return isinstance(ours, dict) and ours.get("shows_release") is True


def _facts(test: TestResult) -> dict[str, str | bool]:
    """What the student may know of a test: why one was not judged is for the instructor."""
    message = test.message if test.outcome is Outcome.FAILED else ""
    facts: dict[str, str | bool] = {"name": test.name, "outcome": str(test.outcome), "message": message}
    return facts | {"blocked": True} if test.blocked else facts


def feedback_html(question: QuestionResult) -> str:
    """Return the feedback block: the marks, a line per test, and why a test failed; every text is escaped.

    Of what was not judged it says why only where that is the student's matter.
    """
    return _block(
        question.score, question.max_score, question.status, tuple(map(_test_line, question.tests)), question.told
    )


@lru_cache(REMEMBERED)
def _block(score: float | None, max_score: float, status: Status, tests: tuple[tuple[str, ...], ...], told: str) -> str:
    return _template().render(
        marks=None if score is None else f"{score:g}",
        points=f"{max_score:g}",
        status=str(status),
        tests=[dict(zip(LINE, map(Markup, test), strict=True)) for test in tests],
        told=Markup(with_code(told)),
    )


def _test_line(test: TestResult) -> tuple[str, ...]:
    """What is shown of a test: the values of ``LINE``."""
    untried = test.blocked and test.outcome is Outcome.FAILED
    colour = COLOURS[Outcome.NOT_JUDGED if untried or test.is_partial else test.outcome]
    sign, word = ("–", "not run") if untried else (test.sign, test.words)
    # why one was not judged is for the instructor
    message = with_code(test.message) if test.outcome is Outcome.FAILED else ""
    return sign, word, colour, with_code(test.name), message


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("nbseal.gradebook", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("feedback.html.j2")
