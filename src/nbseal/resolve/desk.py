"""What must be known of an assignment and of one submission before a person can decide anything about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import SubmissionError
from nbseal.gradebook.decisions import Decided, Decisions, read_decisions
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.gradebook.queries import SubmissionState, submission_states
from nbseal.gradebook.times import Stamp, Zones, stamp_in, zones_of
from nbseal.grading.plan import NotebookPlan, Plan, make_plan
from nbseal.grading.recognition import recognise
from nbseal.grading.submission import HandedIn, Submission, digest_of_unreadable, read_submission
from nbseal.results import QuestionResult, Status


@dataclass
class Desk:
    """One assignment: its notebooks, what is recorded, and what was decided before."""

    course: Course
    assignment: str
    entries: dict[str, Entry] = field(init=False)
    states: dict[str, SubmissionState] = field(init=False)
    decisions: Decisions = field(init=False)

    def __post_init__(self) -> None:
        """Read what is recorded; UnknownName, CourseError or RecordError if that can't be done."""
        self.assignment = self.course.assignment(self.assignment).name
        self.entries = {entry.student: entry for entry in Ledger.of(self.course, self.assignment).entries()}
        self.states = submission_states(self.course, self.assignment)
        self.decisions = read_decisions(self.course.private, self.assignment)

    @cached_property
    def plan(self) -> Plan:
        """The assignment's notebooks; which questions have hidden tests doesn't matter here."""
        return make_plan(self.course, self.course.assignment(self.assignment), ())

    @cached_property
    def zones(self) -> Zones:
        """The time zones of the course."""
        return zones_of(self.course.config)

    def notebook_of(self, question: str) -> NotebookPlan | None:
        """The notebook that a question is in."""
        named = ((plan, one.name) for plan in self.plan.notebooks for one in plan.questions)
        return next((plan for plan, name in named if name == question), None)

    @property
    def questions(self) -> Sequence[str]:
        """The names of all questions."""
        return [question.name for plan in self.plan.notebooks for question in plan.questions]

    def open_questions(self, student: str) -> list[QuestionResult]:
        """Questions that could not be judged, and that no person has given a mark."""
        return self._without_a_mark(student, Status.NOT_JUDGED)

    def questions_to_read(self, student: str) -> list[QuestionResult]:
        """Questions that always wait for a person, and that none has given a mark."""
        return self._without_a_mark(student, Status.MANUAL)

    def _without_a_mark(self, student: str, status: Status) -> list[QuestionResult]:
        state = self.states.get(student, SubmissionState())
        by_hand = {name for name, mark in state.marks.items() if mark.manual is not None}
        questions = self.entries[student].scorecard.questions
        return [one for one in questions if one.status is status and one.grade_id not in by_hand]


@dataclass
class Folder:
    """One student's submission as it lies there now; ``problem`` says why it can't be read."""

    desk: Desk
    student: str
    problem: str = ""
    handed_in: HandedIn = field(default_factory=lambda: HandedIn({}))

    def __post_init__(self) -> None:
        """Read the folder."""
        try:
            self.handed_in = read_submission(self.desk.course, self.desk.assignment, self.path)
        except SubmissionError as error:
            self.problem = str(error)

    @property
    def path(self) -> Path:
        """Where it should lie."""
        return self.desk.course.folder("submitted", self.student, self.desk.assignment)

    @property
    def top(self) -> Path:
        """Where its files' paths begin."""
        return self.path.parent if self.handed_in.misplaced else self.path

    @cached_property
    def digest(self) -> str:
        """Identifies what was handed in."""
        return digest_of_unreadable(self.problem) if self.problem else self.handed_in.digest

    @property
    def is_recorded(self) -> bool:
        """Whether what is recorded is about what lies here."""
        entry = self.desk.entries.get(self.student)
        return entry is not None and entry.handed_in in ("", self.digest)

    @property
    def limit(self) -> int:
        """How many bytes its archives may hold."""
        return int(self.desk.course.seal.submission_mib) << 20

    @cached_property
    def decided(self) -> Decided:
        """What was decided about it before."""
        return self.desk.decisions.about(self.student, self.digest)

    @cached_property
    def submission(self) -> Submission:
        """Which of its files are the notebooks."""
        plan = self.desk.plan
        known = {one.name: one.fingerprint for one in plan.notebooks}
        return recognise(self.handed_in, known, plan.support, self.limit, self.decided)

    @property
    def stamp(self) -> Stamp | None:
        """Its stamp, as it is."""
        return stamp_in(self.path, self.desk.zones)
