"""A new grading as a comparison: the marks that it makes beside those that an earlier one recorded."""

from __future__ import annotations

from nbseal.compare.compared_page import DRY_RUN, REGRADED, compared_page
from nbseal.compare.comparing import Comparison, Difference, QuestionComparison
from nbseal.grading import ClassResult, Done
from nbseal.results import Status


def regraded_page(assignment: str, result: ClassResult) -> str:
    """The page about whose marks a run changed, or would change."""
    return compared_page([_comparison(assignment, result)], DRY_RUN if result.dry_run else REGRADED)


def _comparison(assignment: str, result: ClassResult) -> Comparison:
    rows: dict[str, QuestionComparison] = {}
    found = Comparison(assignment, len(result.done), seconds=result.seconds)
    for done in sorted(result.done, key=lambda one: one.student):
        _count(rows, done)
        reasons = {question.grade_id: question.reason for question in done.scorecard.questions}
        found.differences += [
            Difference(change, change.reason or reasons.get(change.question, "The question is there no more."))
            for change in done.changes
        ]
    found.questions = list(rows.values())
    not_recorded = (f"not recorded: {trouble}" for trouble in result.troubles)
    found.problems = [*result.solution_faults, *result.notes, *not_recorded]
    return found


def _count(rows: dict[str, QuestionComparison], done: Done) -> None:
    """Count one student's marks among those of the questions; people's are left alone."""
    changes = {change.question: change for change in done.changes}
    for question in done.scorecard.questions:
        if question.status is Status.MANUAL:
            continue
        row = rows.setdefault(question.grade_id, QuestionComparison(question.grade_id, question.max_score))
        change = changes.get(question.grade_id)
        if done.is_first or (change and change.before is None):
            row.not_in_gradebook += 1
        elif change is None:
            row.same += 1
        elif change.after is None:
            row.no_mark += 1
        else:
            row.more += change.gain > 0
            row.less += change.gain < 0
