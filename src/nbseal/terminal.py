"""Scorecards as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbseal.results import Outcome, QuestionResult, Scorecard, Status
from nbseal.text import command, one_line, shell

if TYPE_CHECKING:
    from nbseal.grading import ClassResult, Done, MarkChange


SHOWN_CHANGES = 20
GAP = 3  # characters between two columns
LONGEST_NAME = 8  # characters of a question in one line of its column
WAITING = {Status.MANUAL: "waits for a person", Status.NOT_JUDGED: "could not be judged"}


def print_table(assignment: str, cards: Sequence[Scorecard], err: bool = False) -> None:
    """Print a row a student, a column a question; below each other in parts where a terminal is too narrow for all."""
    from rich.box import SIMPLE_HEAD  # takes a while to load
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=err, highlight=False)
    if not console.is_terminal:
        console.width = 1000  # a file or a pipe has no edge at which columns must be cut
    names = [one_line(card.student) for card in cards]
    widest = min(max(map(len, names)), console.width // 3)
    parts = _parts(cards[0].questions, console.width - widest - len("total") - 3 * GAP)
    for number, part in enumerate(parts, 1):
        title = f"{assignment} ({number} of {len(parts)})" if len(parts) > 1 else assignment
        caption = _legend(cards) if number == len(parts) else None
        table = Table(title=title, caption=caption, box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("student", overflow="fold", max_width=widest)
        for question in part:
            heading = f"{question.grade_id}\n/{question.max_score:g}"
            most = _width(question) if len(parts) > 1 else None
            table.add_column(heading, justify="right", overflow="fold", min_width=_width(question), max_width=most)
        table.add_column(f"total\n/{cards[0].max_score:g}", justify="right", style="bold", no_wrap=True)
        shown = {question.grade_id for question in part}
        for name, card in zip(names, cards, strict=True):
            marks = [_mark(question) for question in card.questions if question.grade_id in shown]
            table.add_row(Text(name), *marks, _total(card))
        console.print(table)


def _parts(questions: Sequence[QuestionResult], room: int) -> list[list[QuestionResult]]:
    """The questions in as many parts as it takes for the columns of each to have ``room``."""
    parts: list[list[QuestionResult]] = [[]]
    left = room
    for question in questions:
        if parts[-1] and left < _width(question) + GAP:
            parts.append([])
            left = room
        parts[-1].append(question)
        left -= _width(question) + GAP
    return parts


def _width(question: QuestionResult) -> int:
    """How wide a question's column is, in characters; a longer name is folded."""
    return min(len(question.grade_id), LONGEST_NAME)


def done_line(done: Done) -> str:
    """A line about one student's turn."""
    card = done.standing
    how = "unchanged" if done.unchanged else f"{card.seconds:.2f} s"
    if done.renewed:
        how = f"unchanged, but its time or due date is another one: {done.penalty:g} off for being late"
    marks = f"{_total(card)}/{card.max_score:g}" if _has_marks(card) else _no_marks(card)
    return f"{one_line(done.student)}: {marks} ({how})"


def lost_marks(cards: Sequence[Scorecard]) -> Iterator[str]:
    """A line for each question that lost marks, for each problem, and for each decision of a person."""
    for card in cards:
        for question in card.questions:
            if question.status is Status.GRADED and (question.score or 0.0) < question.max_score:
                marks = f"{_mark(question)}/{question.max_score:g}"
                yield one_line(f"{card.student} · {question.grade_id} {marks}: {_why(question, card)}")
        for said in (*card.problems, *card.decisions):
            yield one_line(f"{card.student} · {said}")


def changed_marks(result: ClassResult, verbose: bool) -> Iterator[str]:
    """Whose marks of the same work are others now: a line about all, one for each, the first ones if not verbose."""
    from nbseal.grading.mark_changes import gains_and_losses

    if not result.changes:
        if result.dry_run:
            yield "nothing is recorded; no mark of work that was graded before would change"
        return
    more, less = gains_and_losses(result.changes)
    would = "would " if result.dry_run else ""
    verbs = ("gain", "lose") if result.dry_run else ("gained", "lost")
    also = "nothing is recorded; " if result.dry_run else ""
    if more or less:
        yield f"{also}of those who were graded before {more} {would}{verbs[0]} and {less} {would}{verbs[1]} marks:"
    else:
        yield f"{also}single marks {'would change' if result.dry_run else 'have changed'}, and nobody's sum:"
    shown = result.changes if verbose else result.changes[:SHOWN_CHANGES]
    yield from (f"  {_change(one)}" for one in shown)
    if len(shown) < len(result.changes):
        yield f"  … and {len(result.changes) - len(shown)} more (--verbose)"


def _change(one: MarkChange) -> str:
    """One question's mark, as it was and as it is, and the tests that made it so."""
    was, now = ("no mark" if mark is None else f"{mark:g}" for mark in (one.before, one.after))
    why = f": {one.reason}" if one.reason else ""
    return one_line(f"{one.student} · {one.question} {was} → {now} of {one.max_score:g}{why}")


def summary(assignment: str, result: ClassResult) -> str:
    """One line about a run."""
    unchanged = sum(one.unchanged for one in result.done)
    graded = len(result.done) - unchanged
    parts = [f"{assignment}: {graded} graded in {result.seconds:.1f} s"]
    if unchanged:
        parts.append(f"{'' if graded else 'nothing to regrade, '}{unchanged} unchanged")
    if renewed := sum(one.renewed for one in result.done):
        parts.append(f"{renewed} with another due date or time than before: late penalty recalculated")
    levels = sorted({one.scorecard.seal for one in result.done})
    parts.append(f"seal: {', '.join(levels)}")
    if waiting := _waiting(result.standings, Status.MANUAL):
        parts.append(f"{waiting} with answers for a person to read")
    if waiting := _waiting(result.standings, Status.NOT_JUDGED):
        parts.append(f"{waiting} not judged completely: a person must look ({shell(command('resolve', assignment))})")
    if unclear := sum(card.has_unclear_time for card in result.scorecards):
        parts.append(f"{unclear} with an unclear time: no late penalty")
    return "; ".join(parts)


def scorecard_text(card: Scorecard) -> str:
    """One scorecard with every test."""
    marks = f"{_total(card)} of {card.max_score:g}" if _has_marks(card) else _no_marks(card)
    lines = [f"{card.assignment}: {marks} (seal: {card.seal}, {card.seconds:.2f} s)"]
    for question in card.questions:
        waits = f" ({WAITING[question.status]})" if question.score is None else ""
        lines.append(f"  {question.grade_id}: {_mark(question)} of {question.max_score:g}{waits}")
        for test in question.tests:
            lines.append(f"    {test.sign} {test.name}")
            if test.message and test.outcome is not Outcome.PASSED:
                lines.append(f"      {one_line(test.message)}")
    lines += [f"  ! {one_line(problem)}" for problem in card.problems]
    lines += [f"  = {one_line(decision)}" for decision in card.decisions]
    return "\n".join(lines)


def _waiting(cards: Sequence[Scorecard], status: Status) -> int:
    return sum(any(question.status is status for question in card.questions) for card in cards)


def _mark(question: QuestionResult) -> str:
    if question.score is None:
        return "…" if question.status is Status.MANUAL else "?"
    return f"{question.score:g}"


def _has_marks(card: Scorecard) -> bool:
    """Whether any question has a mark; of a submission that nobody could judge, a sum would look like a zero.

    So it would where a person decided that a part of it counts as nothing.
    """
    marks = [question for question in card.questions if question.score is not None]
    return len(marks) == len(card.questions) or any(question.score or not question.is_decided for question in marks)


def _no_marks(card: Scorecard) -> str:
    """What there is to say of a submission without any mark."""
    lost = any(question.status is Status.NOT_JUDGED for question in card.questions)
    return "not judged" if lost else WAITING[Status.MANUAL]


def _total(card: Scorecard) -> str:
    """The marks made so far; a plus sign says that there are questions without one."""
    if not _has_marks(card):
        return "?" if _no_marks(card) == "not judged" else "…"
    more = "+" if any(question.score is None for question in card.questions) else ""
    return f"{card.score:g}{more}"


def _legend(cards: Sequence[Scorecard]) -> str | None:
    """What the signs in the table mean, those that are there."""
    found = {question.status for card in cards for question in card.questions if question.score is None}
    signs = {Status.MANUAL: "…", Status.NOT_JUDGED: "?"}
    parts = [f"{sign} {WAITING[status]}" for status, sign in signs.items() if status in found]
    return ", ".join([*parts, "+ more marks may come"]) if parts else None


def _why(question: QuestionResult, card: Scorecard) -> str:
    failed = [test for test in question.tests if test.outcome is Outcome.FAILED]
    if not failed:
        if question.score:
            return "partial credit, by the notebook's own check"
        missing = any(problem.endswith("was not submitted") for problem in card.problems)
        return "not handed in" if missing else "the notebook's own check did not pass"
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{failed[0].message or failed[0].name}{more}"
