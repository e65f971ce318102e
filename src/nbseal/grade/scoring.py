"""Turns the outcomes of hidden tests, or nbgrader's own rule, into marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.utils import determine_grade

from nbseal.notebook import Question, is_as_released
from nbseal.results import Outcome, QuestionResult, Status, TestResult


def score_sealed(question: Question, tests: Sequence[TestResult], decimals: int) -> QuestionResult:
    """The weighted share of passed tests; no mark at all when a test could not be judged."""
    if any(test.outcome is Outcome.NOT_JUDGED for test in tests):
        return QuestionResult(question.grade_id, None, question.points, Status.NOT_JUDGED, tuple(tests))
    passed = sum(test.weight for test in tests if test.outcome is Outcome.PASSED)
    share = passed / sum(test.weight for test in tests)
    score = round(question.points * share, decimals)
    return QuestionResult(question.grade_id, score, question.points, Status.GRADED, tuple(tests))


def score_by_nbgrader(question: Question, cell: dict[str, Any], failure: str | None) -> QuestionResult:
    """nbgrader's rule for a graded cell without hidden tests; not judged when the cell never ran to its end.

    Partial credit that isn't a number between 0 and the points counts as nothing: nbgrader itself would give full
    marks, or stop.
    """
    if failure is not None and cell.get("execution_count") is None:
        test = TestResult("The cell runs without an error.", Outcome.NOT_JUDGED, failure)
        return QuestionResult(question.grade_id, None, question.points, Status.NOT_JUDGED, (test,))
    results = [output for output in cell["outputs"] if output["output_type"] == "execute_result"]
    if results and not _is_number(results[0]["data"].get("text/plain")):
        score = 0.0
    else:
        try:
            score = min(max(float(determine_grade(from_dict(cell))[0] or 0.0), 0.0), question.points)
        except (ValueError, KeyError):
            score = 0.0
    return QuestionResult(question.grade_id, score, question.points, Status.GRADED)


def score_by_a_person(question: Question, cell: dict[str, Any]) -> QuestionResult:
    """No mark yet, for a person will read the answer; none is needed where there is no answer, by nbgrader's rule."""
    mark = cell["metadata"]["nbgrader"]
    if not mark.get("solution") or not is_as_released(cell, mark.get("checksum")):
        return QuestionResult(question.grade_id, None, question.points, Status.MANUAL)
    test = TestResult("There is an answer.", Outcome.FAILED, "Nothing was written here: it is as it was released.")
    return QuestionResult(question.grade_id, 0.0, question.points, Status.GRADED, (test,))


def _is_number(text: Any) -> bool:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return False
    return value >= 0.0
