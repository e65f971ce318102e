"""Scorecards as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from nbseal.results import Outcome, QuestionResult, Scorecard, Status

if TYPE_CHECKING:
    from nbseal.grade import ClassResult

SIGNS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_JUDGED: "?"}


def gradebook_table(assignment: str, cards: Sequence[Scorecard]) -> Table:
    """A row a student, a column a question."""
    table = Table(title=assignment)
    table.add_column("student")
    for question in cards[0].questions:
        table.add_column(f"{question.grade_id}\n/{question.max_score:g}", justify="right")
    table.add_column(f"total\n/{cards[0].max_score:g}", justify="right", style="bold")
    for card in cards:
        marks = [_mark(question) for question in card.questions]
        table.add_row(Text(card.student), *marks, f"{card.score:g}")
    return table


def lost_marks(cards: Sequence[Scorecard]) -> Iterator[str]:
    """A line for each question that lost marks, and for each problem."""
    for card in cards:
        for question in card.questions:
            if question.status is Status.GRADED and (question.score or 0.0) < question.max_score:
                yield f"{card.student} · {question.grade_id} {_mark(question)}/{question.max_score:g}: {_why(question)}"
        for problem in card.problems:
            yield f"{card.student} · {problem}"


def summary(assignment: str, result: ClassResult) -> str:
    """One line about a run."""
    unchanged = sum(one.unchanged for one in result.done)
    graded = len(result.done) - unchanged
    parts = [f"{assignment}: {graded} graded in {result.seconds:.1f} s"]
    if unchanged:
        parts.append("nothing to regrade" if not graded else "the rest is unchanged")
        parts.append(f"{unchanged} unchanged and not graded again")
    levels = sorted({one.scorecard.seal for one in result.done})
    parts.append(f"seal: {', '.join(levels)}")
    waiting = sum(
        any(question.status is Status.NOT_JUDGED for question in one.scorecard.questions) for one in result.done
    )
    if waiting:
        parts.append(f"{waiting} could not be judged completely and wait for a person")
    return "; ".join(parts)


def scorecard_text(card: Scorecard) -> str:
    """One scorecard with every test."""
    lines = [f"{card.assignment}: {card.score:g} of {card.max_score:g} (seal: {card.seal}, {card.seconds:.1f} s)"]
    for question in card.questions:
        lines.append(f"  {question.grade_id}: {_mark(question)} of {question.max_score:g}")
        for test in question.tests:
            lines.append(f"    {SIGNS[test.outcome]} {test.name}")
            if test.message and test.outcome is not Outcome.PASSED:
                lines.append(f"      {test.message}")
    lines += [f"  ! {problem}" for problem in card.problems]
    return "\n".join(lines)


def _mark(question: QuestionResult) -> str:
    if question.score is None:
        return "by hand" if question.status is Status.MANUAL else "?"
    return f"{question.score:g}"


def _why(question: QuestionResult) -> str:
    failed = [test for test in question.tests if test.outcome is Outcome.FAILED]
    if not failed:
        return "not handed in" if not question.tests else ""
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{failed[0].message or failed[0].name}{more}"
