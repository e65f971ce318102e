"""Verifies the graders of an assignment: tries what is known and what can be made of it, question by question."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbseal.course import Assignment, Course
from nbseal.errors import CourseError, UnknownName
from nbseal.files import digest_of
from nbseal.grading.grader import Grader
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.trials import Answer, trial
from nbseal.hidden_tests import Judge
from nbseal.verify.accepted import Accepted
from nbseal.verify.cache import Cache
from nbseal.verify.known_cases import (
    RELEASE,
    SOLUTION,
    KnownCase,
    base_notebook,
    cases_folder,
    known_cases,
    settings_of_cases,
    with_cells,
)
from nbseal.verify.question_bench import Bench, Watcher
from nbseal.verify.question_run import Known, QuestionRun
from nbseal.verify.results import QuestionResults
from nbseal.verify.variants import answer_cells

ORACLE = "oracle.py"
QUESTIONS_AT_A_TIME = 2
# What else is here makes answers, or reads what became of them.
WHAT_TRIES = ("automatic_student.py", "probing.py", "question_bench.py", "variants.py")
SHORTEST, MARGIN = 1.0, 4.0  # seconds of processor time that a cell may take, and times what the solution's does


@dataclass(frozen=True)
class VerifyOptions:
    """Which questions are verified (none: all), and how much: ``sample`` answers of each kind (None: all).

    Known answers are judged under so many ``draws``; ``jobs`` answers are tried at a time.
    """

    questions: tuple[str, ...] = ()
    sample: int | None = None
    draws: int = 20
    jobs: int = 2


@dataclass
class Verification:
    """What was found about an assignment, and the ``settings`` of its known cases that graders were told."""

    assignment: str
    questions: list[QuestionResults] = field(default_factory=list)
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Whether graders must be mended."""
        return any(one.fails for one in self.questions)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        questions = [one.to_dict() for one in self.questions]
        return {
            "assignment": self.assignment,
            "settings": self.settings,
            "seconds": round(self.seconds, 2),
            "questions": questions,
        }


def verify(
    course: Course, assignment: str, options: VerifyOptions | None = None, watcher: Watcher | None = None
) -> Verification:
    """Verify the graders of an assignment; errors of the instructor's come before anything is tried."""
    started = time.monotonic()
    options = options or VerifyOptions()
    found = course.assignment(assignment)
    cases, folder = known_cases(course, found.name), cases_folder(course, found.name)
    accepted = Accepted(folder)
    result = Verification(found.name, settings=settings_of_cases(course, found.name))
    if result.settings:
        told = {**course.grading.grader_settings.get(found.name, {}), **result.settings}
        course.grading.grader_settings = {**course.grading.grader_settings, found.name: told}
    with ExitStack() as stack:
        oracle = stack.enter_context(_oracle(folder / ORACLE))
        digest = _digest(_shorten_limits(course, found), folder)
        grader = stack.enter_context(Grader(course, found.name))
        _check_names(grader, options.questions)
        cache = stack.enter_context(Cache(course, found.name, digest))
        executor = ThreadPoolExecutor(options.jobs)
        stack.callback(executor.shutdown, cancel_futures=True)
        bench = Bench(grader, oracle, cache, executor, accepted, watcher)
        runs = []
        for plan in grader.plan.notebooks:
            known = [_known(course, found, plan, case) for case in cases]
            for question in plan.questions:
                if not question.manual and (not options.questions or question.grade_id in options.questions):
                    runs.append(QuestionRun(bench, plan, question, known, options.draws, options.sample))
        # Two questions at a time, so that nobody is idle while the last answers to one of them are tried.
        with ThreadPoolExecutor(QUESTIONS_AT_A_TIME) as questions:
            result.questions += questions.map(QuestionRun.results, runs)
    if not options.questions and options.sample is None:
        _refuse_stale(accepted, result)
    result.seconds = time.monotonic() - started
    return result


def _shorten_limits(course: Course, assignment: Assignment) -> str:
    """Have cells end soon that never would: mutants often loop for ever, and right answers take a known time.

    Returns the plan's digest before that: with what was measured, it would be another one each time.
    """
    with Grader(course, assignment.name) as grader:
        slowest = 0.0
        for plan in grader.plan.notebooks:
            notebook = base_notebook(course, assignment, plan.name, SOLUTION)
            with trial(grader, plan, plan.questions[-1], Answer(notebook, {})) as tried:
                slowest = max(slowest, tried.slowest)
    course.seal.cell_seconds = min(course.seal.cell_seconds, max(SHORTEST, MARGIN * slowest))
    return grader.plan.digest


def _check_names(grader: Grader, wanted: Sequence[str]) -> None:
    known = [question.name for plan in grader.plan.notebooks for question in plan.questions if not question.manual]
    if unknown := [name for name in wanted if name not in known]:
        raise UnknownName(
            f"{grader.assignment.name} has no question {', '.join(unknown)} that is graded by itself; "
            f"there are {', '.join(known)}."
        )


def _refuse_stale(accepted: Accepted, result: Verification) -> None:
    stale = accepted.stale({finding.key for one in result.questions for finding in one.findings})
    if stale:
        raise CourseError(
            f"{accepted.path} accepts {', '.join(stale)}, which {'is' if len(stale) == 1 else 'are'} found no more: "
            "remove it there, and run again."
        )


@contextmanager
def _oracle(path: Path) -> Iterator[Judge | None]:
    """The instructor's second opinion, in the form of hidden tests; None where there is none."""
    if not path.exists():
        yield None
        return
    with Judge(path) as judge:
        judge.start()
        yield judge


def _digest(plan: str, folder: Path) -> str:
    """What the outcome of a try depends on besides the answer: graders, cases' own code, and what tries answers."""
    files = {f"cases/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
    ours = {name: Path(__file__).with_name(name).read_bytes() for name in WHAT_TRIES}
    return digest_of({"plan": plan.encode(), **files, **ours})


def _known(course: Course, assignment: Assignment, plan: NotebookPlan, case: KnownCase) -> Known:
    """A case as it is handed in, with the questions that it is about."""
    notebook = with_cells(base_notebook(course, assignment, plan.name, case.base), case.cells)
    about = {
        question.grade_id
        for question in plan.questions
        if case.base == RELEASE
        or not (case.cells or case.expect)
        or question.grade_id in case.expect
        or not case.cells.keys().isdisjoint(answer_cells(plan.template, question))
    }
    return Known(case, Answer(notebook, case.beside), frozenset(about))
