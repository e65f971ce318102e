"""What grading produces: frozen scorecards and their JSON, schema 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

BETWEEN = "/"  # a notebook and a grade_id: no grade_id has one
T = TypeVar("T")

SCHEMA = 1
# How a problem ends that leaves a submission without a late penalty. No other ends so, whatever files are called.
UNCLEAR_TIME = "Until then the time is unclear: no late penalty."
# How the reason begins if a hidden test is to blame for a question that isn't judged.
TEST_ITSELF_FAILED = "the hidden test itself failed"
# What stands where a hidden test would, if a person decided a mark that the engine could not make.
BY_A_PERSON = "A person decided this mark."


class Outcome(StrEnum):
    """What became of one hidden test."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not_judged"

    @property
    def sign(self) -> str:
        """One character that says it at a glance."""
        return {"passed": "✓", "failed": "✗", "not_judged": "?"}[self.value]

    @property
    def words(self) -> str:
        """What people read."""
        return self.value.replace("_", " ")


class Status(StrEnum):
    """Where the mark of one question stands."""

    GRADED = "graded"
    MANUAL = "manual"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True)
class TestResult:
    """One hidden test: ``name`` is the line that the student reads, ``message`` the explanation.

    ``measured`` holds numbers that the test took of the submission, for the instructor's report. ``blocked``: it
    was not tried, because a test that must come first did not pass. ``credit``: the share of its weight, from 0 to 1,
    that a test earns though it failed. ``unwritten``: it failed because nothing has been written yet, a stub stands
    there.
    """

    name: str
    outcome: Outcome
    message: str = ""
    weight: float = 1.0
    measured: Mapping[str, float] = field(default_factory=dict)
    blocked: bool = False
    credit: float = 0.0
    unwritten: bool = False

    @property
    def earned(self) -> float:
        """The share of its weight that the test earns, from 0 to 1."""
        return {Outcome.PASSED: 1.0, Outcome.FAILED: self.credit}.get(self.outcome, 0.0)

    @property
    def is_partial(self) -> bool:
        """Whether it earns some of its weight and not all."""
        return 0.0 < self.earned < 1.0

    @property
    def sign(self) -> str:
        """One character that says its outcome at a glance."""
        return "~" if self.is_partial else self.outcome.sign

    @property
    def words(self) -> str:
        """Its outcome as people read it."""
        return f"passed in part ({self.earned:.0%})" if self.is_partial else self.outcome.words

    __test__ = False  # keeps pytest from collecting this class


def full_name(notebook: str, grade_id: str) -> str:
    """What a question is called whose grade_id another notebook of its assignment has, too."""
    return f"{notebook}{BETWEEN}{grade_id}"


def cell_of(question: str) -> str:
    """The grade_id of a question's cell."""
    return question.rpartition(BETWEEN)[2]


def of_notebook(by_question: Mapping[str, T], notebook: str) -> dict[str, T]:
    """What is known of questions, by the grade_ids of a notebook's cells: without what is another notebook's alone."""
    parts = ((name.rpartition(BETWEEN), value) for name, value in by_question.items())
    return {grade_id: value for (home, _, grade_id), value in parts if home in ("", notebook)}


@dataclass(frozen=True)
class QuestionResult:
    """One graded cell; ``score`` is None while it waits for a person.

    ``grade_id`` is its name in the assignment: see `full_name` for one that two notebooks have. ``told`` is what its
    student is told of why it was not judged; nothing where that is not the student's matter.
    """

    grade_id: str
    score: float | None
    max_score: float
    status: Status
    tests: tuple[TestResult, ...] = ()
    told: str = ""

    @property
    def cell(self) -> str:
        """The grade_id of its cell."""
        return cell_of(self.grade_id)

    @property
    def is_decided(self) -> bool:
        """Whether a person decided the mark by `nbseal resolve`."""
        return any(test.name == BY_A_PERSON for test in self.tests)

    @property
    def reason(self) -> str:
        """The first thing that is said about why marks are missing; "" if nothing is."""
        said = [test.message or test.name for test in self.tests if test.outcome is not Outcome.PASSED]
        return said[0] if said else self.told


@dataclass(frozen=True)
class CellTime:
    """How many seconds of wall time a cell took; ``cell`` is its grade_id or else its id."""

    cell: str
    seconds: float


@dataclass(frozen=True)
class Scorecard:
    """The marks of one submission, the seal level they were made at, and what went wrong on the way.

    ``slowest`` holds the cells that took most of the time, the slowest first; ``decisions`` says what a person decided
    where the engine could not.
    """

    assignment: str
    student: str
    seal: str
    seconds: float
    questions: tuple[QuestionResult, ...]
    problems: tuple[str, ...] = field(default=())
    slowest: tuple[CellTime, ...] = ()
    decisions: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Sum of the marks made so far."""
        return round(sum(question.score or 0.0 for question in self.questions), 6)

    @property
    def is_unjudged(self) -> bool:
        """Whether nothing has a mark, and not only because a person reads it anyway."""
        statuses = {question.status for question in self.questions}
        return Status.NOT_JUDGED in statuses and Status.GRADED not in statuses

    @property
    def told(self) -> list[str]:
        """What the student is told of questions that were not judged, each sentence once with its questions."""
        found: dict[str, list[str]] = {}
        for question in self.questions:
            if question.told:
                found.setdefault(question.told, []).append(question.grade_id)
        return [f"{', '.join(names)}: {words}" for words, names in found.items()]

    @property
    def has_unclear_time(self) -> bool:
        """Whether nobody can tell if the submission came late."""
        return any(problem.endswith(UNCLEAR_TIME) for problem in self.problems)

    @property
    def max_score(self) -> float:
        """Sum of the points of all questions."""
        return sum(question.max_score for question in self.questions)

    def question(self, grade_id: str) -> QuestionResult:
        """Return one question's result; KeyError if there is none."""
        for question in self.questions:
            if question.grade_id == grade_id:
                return question
        raise KeyError(grade_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the published form (schema 1).

        A ``score`` is null where there is no mark: a question's, and the whole one of work that nobody could judge.
        ``slowest``, ``decisions``, a question's ``told``, and a test's ``measured``, ``blocked``, ``credit`` and
        ``unwritten`` are there only where they say something.
        """
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "assignment": self.assignment,
            "student": self.student,
            "score": None if self.is_unjudged else self.score,
            "max_score": self.max_score,
            "seal": self.seal,
            "seconds": round(self.seconds, 3),
            "questions": [_question_to_dict(question) for question in self.questions],
            "problems": list(self.problems),
        }
        if self.slowest:
            data["slowest"] = [{"cell": one.cell, "seconds": round(one.seconds, 3)} for one in self.slowest]
        if self.decisions:
            data["decisions"] = list(self.decisions)
        return data

    def to_json(self) -> str:
        """The published form as text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scorecard:
        """Rebuild from ``to_dict``; ValueError for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"scorecard schema {data.get('schema')!r} is not {SCHEMA}")
        return cls(
            assignment=data["assignment"],
            student=data["student"],
            seal=data["seal"],
            seconds=data["seconds"],
            questions=tuple(_question_from_dict(question) for question in data["questions"]),
            problems=tuple(data["problems"]),
            slowest=tuple(CellTime(one["cell"], one["seconds"]) for one in data.get("slowest", ())),
            decisions=tuple(data.get("decisions", ())),
        )


def _question_to_dict(question: QuestionResult) -> dict[str, Any]:
    data: dict[str, Any] = {
        "grade_id": question.grade_id,
        "score": question.score,
        "max_score": question.max_score,
        "status": str(question.status),
        "tests": [_test_to_dict(test) for test in question.tests],
    }
    return data | ({"told": question.told} if question.told else {})


def _test_to_dict(test: TestResult) -> dict[str, Any]:
    data: dict[str, Any] = {"name": test.name, "outcome": str(test.outcome), "message": test.message}
    if test.measured:
        data["measured"] = dict(test.measured)
    if test.blocked:
        data["blocked"] = True
    if test.credit:
        data["credit"] = test.credit
    if test.unwritten:
        data["unwritten"] = True
    return data


def _question_from_dict(data: dict[str, Any]) -> QuestionResult:
    return QuestionResult(
        grade_id=data["grade_id"],
        score=data["score"],
        max_score=data["max_score"],
        status=Status(data["status"]),
        tests=tuple(_test_from_dict(test) for test in data["tests"]),
        told=data.get("told", ""),
    )


def _test_from_dict(data: dict[str, Any]) -> TestResult:
    return TestResult(
        data["name"],
        Outcome(data["outcome"]),
        data["message"],
        measured=dict(data.get("measured", {})),
        blocked=bool(data.get("blocked")),
        credit=float(data.get("credit", 0.0)),
        unwritten=bool(data.get("unwritten")),
    )


@dataclass(frozen=True)
class GradedSubmission:
    """Everything that one grading run made of one submission, ready to be recorded.

    ``notebooks`` maps a notebook's name to the executed and marked notebook (nbformat 4 plain data); ``files`` maps
    relative paths to bytes; ``digest`` identifies submission, template, grader and engine together, ``handed_in`` the
    submission alone; ``cell_cpu`` is the processor time of each of the student's cells, ``tests_seconds`` the time that
    the hidden tests of each notebook took, in seconds.
    """

    scorecard: Scorecard
    digest: str
    notebooks: dict[str, Any]
    files: dict[str, bytes]
    missing_notebooks: tuple[str, ...] = ()
    timestamp: str | None = None
    cell_cpu: Mapping[str, float] = field(default_factory=dict)
    tests_seconds: Mapping[str, float] = field(default_factory=dict)
    handed_in: str = ""
