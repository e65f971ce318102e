"""What a class's scorecards and gradebook say together, as plain numbers and texts."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nbseal.gradebook.queries import SubmissionState
from nbseal.report.pseudonyms import Names
from nbseal.results import Outcome, QuestionResult, Scorecard, Status

ENOUGH = 5  # students from whom a question's discrimination is worth a number
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,.]*\d|(?<![\w.])[-+]?\d")
MISTAKES, CELLS = 40, 12
NOT_WRITTEN = "Not written yet"


@dataclass(frozen=True)
class Student:
    """One row of the class: ``score`` sums the marks made so far, less the penalty; ``marked`` are their points.

    ``unclear_time``: nobody can tell if the submission was late, so there is no penalty. ``decisions`` are a
    person's, where the engine could not decide.
    """

    student: str
    score: float
    waiting: int
    not_judged: int
    seconds_late: float
    penalty: float
    seconds: float
    seal: str
    problems: tuple[str, ...]
    unclear_time: bool = False
    decisions: tuple[str, ...] = ()
    marked: float = 0.0

    @property
    def share(self) -> float | None:
        """The score as a share of the points that are marked; None while none is: this is not a zero."""
        return self.score / self.marked if self.marked else None


@dataclass(frozen=True)
class QuestionStatistics:
    """One question: ``share`` is the mean share of its points, ``discrimination`` the correlation with the rest."""

    grade_id: str
    points: float
    marked: int
    waiting: int
    full: int
    none: int
    share: float | None
    discrimination: float | None


@dataclass(frozen=True)
class Mistake:
    """One failed test with one kind of message; ``message`` has … where numbers differ.

    ``unwritten``: no mistake, but all tests of a question that found only a stub.
    """

    grade_id: str
    test: str
    message: str
    students: tuple[str, ...]
    unwritten: bool = False


@dataclass(frozen=True)
class SlowCell:
    """A cell that is among the slowest of some submissions."""

    cell: str
    students: int
    median: float
    most: float


@dataclass(frozen=True)
class Summary:
    """All that the report shows; the marks of those who ``resubmitted`` are those of an earlier submission."""

    assignment: str
    max_score: float
    students: tuple[Student, ...]
    not_graded: tuple[str, ...]
    resubmitted: tuple[str, ...]
    questions: tuple[QuestionStatistics, ...]
    mistakes: tuple[Mistake, ...]
    slowest: tuple[SlowCell, ...]
    measured: dict[str, tuple[float, ...]]
    seals: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain data; the score of who has no mark, because nobody could judge the work, is None."""
        data = asdict(self)
        for student in data["students"]:
            if student["not_judged"] and not student["marked"]:
                student["score"] = None
        return data


def summarise(
    cards: Sequence[Scorecard],
    submission_states: dict[str, SubmissionState],
    submitted: Sequence[str],
    names: Names | None = None,
    resubmitted: Sequence[str] = (),
) -> Summary:
    """Put together what ``cards`` (at least one) and ``submission_states`` say; ``submitted`` have handed something in.

    ``resubmitted`` handed in something else after they were graded.
    """
    names = names or Names()
    marks = {card.student: _marks(card, submission_states.get(card.student)) for card in cards}
    students = [_student(card, marks[card.student], submission_states.get(card.student), names) for card in cards]
    return Summary(
        assignment=cards[0].assignment,
        max_score=max(card.max_score for card in cards),
        students=tuple(sorted(students, key=lambda one: one.student)),
        not_graded=tuple(sorted(names.of(one) for one in set(submitted) - set(marks))),
        resubmitted=tuple(sorted(names.of(one) for one in resubmitted)),
        questions=tuple(_questions(cards, list(marks.values()))),
        mistakes=(*_mistakes(cards, names), *_unwritten(cards, names)),
        slowest=tuple(_slowest(cards, names)),
        measured=_measured(cards),
        seals=dict(Counter(card.seal for card in cards).most_common()),
    )


def _marks(card: Scorecard, state: SubmissionState | None) -> dict[str, float | None]:
    """The mark that counts for each question: the gradebook's, which knows of people, before the scorecard's."""
    marks = {question.grade_id: question.score for question in card.questions}
    for grade_id, mark in state.marks.items() if state else ():
        if grade_id in marks:
            marks[grade_id] = mark.score
    return marks


def _student(card: Scorecard, marks: dict[str, float | None], state: SubmissionState | None, names: Names) -> Student:
    open_ones = [question for question in card.questions if marks[question.grade_id] is None]
    penalty = state.penalty if state else 0.0
    return Student(
        student=names.of(card.student),
        score=round(sum(mark or 0.0 for mark in marks.values()) - penalty, 6),
        waiting=len(open_ones),
        not_judged=sum(question.status is Status.NOT_JUDGED for question in open_ones),
        seconds_late=state.seconds_late if state and not card.has_unclear_time else 0.0,
        penalty=penalty,
        seconds=card.seconds,
        seal=card.seal,
        problems=tuple(names.clean(problem) for problem in card.problems),
        unclear_time=card.has_unclear_time,
        decisions=tuple(names.clean(decision) for decision in card.decisions),
        marked=sum(question.max_score for question in card.questions if marks[question.grade_id] is not None),
    )


def _questions(cards: Sequence[Scorecard], marks: Sequence[dict[str, float | None]]) -> list[QuestionStatistics]:
    points = {question.grade_id: question.max_score for card in cards for question in card.questions}
    found = []
    for grade_id, most in points.items():
        made = [one for one in marks if one.get(grade_id) is not None]
        got = [one[grade_id] or 0.0 for one in made]
        pairs = [(one[grade_id] or 0.0, rest) for one in made if (rest := _rest(one, grade_id, points)) is not None]
        found.append(
            QuestionStatistics(
                grade_id=grade_id,
                points=most,
                marked=len(made),
                waiting=sum(grade_id in one for one in marks) - len(made),
                full=sum(mark >= most for mark in got),
                none=sum(mark <= 0 for mark in got),
                share=statistics.fmean(got) / most if got and most else None,
                discrimination=correlation([mark for mark, _ in pairs], [rest for _, rest in pairs]),
            )
        )
    return found


def _rest(marks: dict[str, float | None], grade_id: str, points: dict[str, float]) -> float | None:
    """The share of the points that one student has in the other questions that are marked; None without any."""
    others = {name: mark for name, mark in marks.items() if name != grade_id and mark is not None}
    most = sum(points[name] for name in others)
    return sum(others.values()) / most if most else None


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's correlation; None where there are too few values, or values that don't differ.

    Between a question's marks and the marks of all other questions it is the corrected item-total correlation, the
    usual measure of discrimination in classical test theory.
    """
    if len(first) < ENOUGH or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return statistics.correlation(first, second)


def _mistakes(cards: Sequence[Scorecard], names: Names) -> list[Mistake]:
    """Failed tests by kind of message, the commonest first.

    What only waits for another test is left out, and so is what isn't written yet.
    """
    found: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for card in cards:
        for question, name, message in _failures(card):
            message = names.clean(message)
            found[question.grade_id, name, NUMBER.sub("…", message)][names.of(card.student)] = message
    mistakes = [
        Mistake(grade_id, name, said.pop() if len(said := set(who.values())) == 1 else pattern, tuple(sorted(who)))
        for (grade_id, name, pattern), who in found.items()
    ]
    return sorted(mistakes, key=lambda one: (-len(one.students), one.grade_id, one.test))[:MISTAKES]


def _failures(card: Scorecard) -> list[tuple[QuestionResult, str, str]]:
    return [
        (question, test.name, test.message)
        for question in card.questions
        for test in question.tests
        if test.outcome is Outcome.FAILED and not (test.blocked or test.unwritten or question.is_decided)
    ]


def _unwritten(cards: Sequence[Scorecard], names: Names) -> list[Mistake]:
    """A row for each question that somebody hasn't written yet, the commonest first."""
    found: dict[str, list[str]] = {}
    for card in cards:
        for question in card.questions:
            if any(test.unwritten for test in question.tests):
                found.setdefault(question.grade_id, []).append(names.of(card.student))
    rows = [Mistake(name, NOT_WRITTEN, "", tuple(sorted(who)), unwritten=True) for name, who in found.items()]
    return sorted(rows, key=lambda one: (-len(one.students), one.grade_id))


def _slowest(cards: Sequence[Scorecard], names: Names) -> list[SlowCell]:
    times: dict[str, list[float]] = defaultdict(list)
    for card in cards:
        for one in card.slowest:
            times[names.clean(one.cell)].append(one.seconds)
    cells = [SlowCell(cell, len(took), statistics.median(took), max(took)) for cell, took in times.items()]
    return sorted(cells, key=lambda one: -one.most)[:CELLS]


def _measured(cards: Sequence[Scorecard]) -> dict[str, tuple[float, ...]]:
    """Numbers that hidden tests put down, one for each submission and name, in order of size."""
    found: dict[str, list[float]] = defaultdict(list)
    for card in cards:
        own: dict[str, float] = {}
        for question in card.questions:
            for test in question.tests:
                own |= test.measured
        for name, value in own.items():
            found[name].append(value)
    return {name: tuple(sorted(values)) for name, values in sorted(found.items())}
