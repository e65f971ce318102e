"""What a new grading changes: whose marks of the same submission are others now, and on which tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbseal.results import Outcome, QuestionResult, Scorecard


@dataclass(frozen=True)
class MarkChange:
    """One question's mark, as it was and as it is; None where there is none.

    ``passed`` and ``failed`` are the lines of hidden tests that pass now, or don't any more.
    """

    student: str
    question: str
    before: float | None
    after: float | None
    max_score: float
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The hidden tests that made the mark another one; "" where none did."""
        why = [f"passes now: {line}" for line in self.passed] + [f"doesn't pass: {line}" for line in self.failed]
        return "; ".join(why)

    @property
    def gain(self) -> float:
        """By how much the student's marks grow."""
        return (self.after or 0.0) - (self.before or 0.0)


def mark_changes(before: Scorecard, after: Scorecard) -> tuple[MarkChange, ...]:
    """The questions whose marks differ; one that is new, or is there no more, counts as without a mark."""
    old, new = ({question.grade_id: question for question in card.questions} for card in (before, after))
    found = []
    for grade_id in dict.fromkeys([*new, *old]):
        was, now = old.get(grade_id), new.get(grade_id)
        score, mark = (was.score if was else None), (now.score if now else None)
        if score != mark:
            passing_then, passing_now = _passed(was), _passed(now)
            points = max(one.max_score for one in (was, now) if one)
            found.append(
                MarkChange(
                    after.student,
                    grade_id,
                    score,
                    mark,
                    points,
                    passed=tuple(line for line in passing_now if line not in passing_then),
                    failed=tuple(line for line in passing_then if line not in passing_now),
                )
            )
    return tuple(found)


def gains_and_losses(changes: Sequence[MarkChange]) -> tuple[int, int]:
    """How many students have more marks in all than before, and how many have fewer."""
    sums: dict[str, float] = {}
    for change in changes:
        sums[change.student] = sums.get(change.student, 0.0) + change.gain
    return sum(gain > 0 for gain in sums.values()), sum(gain < 0 for gain in sums.values())


def _passed(question: QuestionResult | None) -> list[str]:
    return [test.name for test in question.tests if test.outcome is Outcome.PASSED] if question else []
