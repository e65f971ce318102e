"""Grades submissions of one assignment, one after the other, with one warm process and one judge."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from nbseal.course import Course
from nbseal.errors import SealError, SubmissionError, WireError
from nbseal.gradebook.decisions import UNDECIDED, Decided, Decisions, read_decisions
from nbseal.gradebook.mark_output import METADATA
from nbseal.grading.assignment_of_file import assignment_of
from nbseal.grading.bundle import Bundle
from nbseal.grading.execution import check_cells, run_notebook, runnable
from nbseal.grading.messages import read_reply, read_task, reply_bytes, task_bytes
from nbseal.grading.plan import NotebookPlan, Plan, make_plan, warm_settings
from nbseal.grading.processes import Processes
from nbseal.grading.readers import READ_SECONDS, OutOfTime, ReaderEnded, Readers
from nbseal.grading.recognition import recognise
from nbseal.grading.scoring import (
    grade_id_of,
    has_own_words,
    name_of,
    not_found,
    rehearse,
    score_as_decided,
    score_by_a_person,
    score_by_nbgrader,
    score_sealed,
    slowest_cells,
    submission_facts,
    unless_stopped,
    write_marks,
)
from nbseal.grading.solution_run import may_give_credit, run_solution
from nbseal.grading.submission import (
    HandedIn,
    Submission,
    Task,
    beside_support,
    digest_of_unreadable,
    read_beside,
    read_submission,
)
from nbseal.hidden_tests import Case, Judge
from nbseal.notebook import Reading, rebuild, with_chosen_cells
from nbseal.notebook.outputs import make_safe, safe_files
from nbseal.results import (
    CellTime,
    GradedSubmission,
    Outcome,
    QuestionResult,
    Scorecard,
    Status,
    TestResult,
    of_notebook,
)
from nbseal.sandbox import NONE, Level, SealedProcess
from nbseal.sandbox.levels import accepted_levels
from nbseal.sandbox.sealed import Run
from nbseal.wire import TooLarge

PAUSE_SECONDS = 0.2
BEYOND = f"not judged: reading it took more than {READ_SECONDS} seconds of processor time, or more memory than it may"


@dataclass
class _Graded:
    """One notebook on its way to a scorecard."""

    nb: dict[str, Any]
    questions: list[QuestionResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    slowest: list[CellTime] = field(default_factory=list)
    cell_cpu: dict[str, float] = field(default_factory=dict)
    tests_seconds: float = 0.0
    again: bool = False  # our machinery failed: the next run tries once more
    killed: bool = False  # perhaps not the student's doing: worth a second attempt, no more


class Grader:
    """Grades one assignment; a context manager that any number of threads may use once it has started.

    Its processes begin to load at once, and `start` waits for them. ``unsealed`` is for code that you trust. With a
    ``bundle``, which another machine's grader has made, it grades as that one does, and needs no secret: only `Task`.
    """

    def __init__(self, course: Course, assignment: str, unsealed: bool = False, bundle: Bundle | None = None) -> None:
        self.course = course
        self._bundle = bundle
        self.assignment = course.assignment(assignment)
        self._decisions = Decisions()
        self._credit: dict[str, bool] = {}
        self._rule = ""  # what marks by nbgrader's rule hang on besides the plan
        has_secret = self.assignment.grader and bundle is None
        self._secret = course.secret if has_secret else b""  # what is wrong with it is told before any mark
        self.levels = {NONE.name} if unsealed else accepted_levels(course.seal.level)  # a mark may be made at these
        self.plan: Plan
        self.level: Level
        settings = course.grading.grader_settings.get(self.assignment.name)
        self._processes = Processes(course.seal, self.assignment.grader, settings, NONE if unsealed else None)

    def start(self) -> None:
        """Work out the plan, and wait until submissions can be graded; errors as from the processes' own start."""
        process = self._processes.warm
        assert process is not None
        try:
            self._decisions = read_decisions(self.course.private, self.assignment.name)
            bundle = self._bundle
            warm = bundle.warm(self.assignment) if bundle else warm_settings(self.course, self.assignment)
            process.load(warm)  # while the hidden tests are collected
            tests = self.judge.start() if self.judge else ()
            self.plan = (
                bundle.plan(self.assignment)
                if bundle
                else make_plan(self.course, self.assignment, tests, warm, self.depends_on)
            )
            process.read(self.plan.warm)
            rehearse()
            self.level = self._processes.start(self.plan.warm)
            if bundle:
                self._credit, self._rule = dict(bundle.credit), bundle.rule
            else:
                self._credit = self._find_credit()
        except BaseException:
            self.close()
            raise

    @property
    def judge(self) -> Judge | None:
        """The owner of the process with the hidden tests, where there are any."""
        return self._processes.judge

    @property
    def depends_on(self) -> str:
        """What marks hang on besides all files, in the words of the hidden tests: known once they are collected."""
        return self.judge.depends_on if self.judge else ""

    def bundle(self) -> Bundle:
        """What another machine needs to grade as this grader does, once it has started; no secret is in it."""
        return Bundle.of(self.course, self.plan, self._credit, self._rule, self.depends_on)

    def decided(self, student: str, handed_in: str) -> Decided:
        """What a person decided about a submission, as it was when the grader started."""
        return self._decisions.about(student, handed_in)

    def digest(self, handed_in: str, decided: Decided = UNDECIDED, level: str = "") -> str:
        """Identifies all that a mark depends on: submission, decisions, template, grader, settings, engine, level.

        ``level`` is the name of the level that the mark was made at, if that isn't this grader's own.
        """
        return _sha256(f"{handed_in} {self.plan.digest} {level or self.level.name}{self._rule}", decided)

    def digest_of_unreadable(self, reason: str, decided: Decided = UNDECIDED) -> str:
        """Identifies a submission of which nothing is known but why it can't be read, and what was decided about it."""
        return _sha256(f"unreadable {reason} {self.plan.digest}", decided)

    def read(self, folder: Path) -> HandedIn:
        """Read a submission's folder, or what lies beside it in its place; SubmissionError when that fails."""
        return read_submission(self.course, self.assignment.name, folder)

    def recognise(self, handed_in: HandedIn, decided: Decided = UNDECIDED) -> Submission:
        """Find the assignment's notebooks among what was handed in, with what was ``decided`` about it."""
        known = {plan.name: plan.fingerprint for plan in self.plan.notebooks}
        return recognise(handed_in, known, self.plan.support, self.course.seal.submission_mib << 20, decided)

    def task(self, student: str, folder: Path) -> Task:
        """Read what is to be graded of a student; SubmissionError when that fails."""
        handed_in = self.read(folder)
        return Task(student, handed_in, self._decisions.of(student), self._seed(handed_in.digest))

    def grade(self, student: str, folder: Path) -> GradedSubmission:
        """Grade the submission in ``folder``; whatever the student did, the result is a scorecard."""
        try:
            task = self.task(student, folder)
        except SubmissionError as error:
            return self.unreadable(student, error)
        except Exception as error:
            return self.not_judged(student, _ours(error))
        return self.grade_task(task)

    def grade_task(self, task: Task) -> GradedSubmission:
        """Grade what was read, in a process of its own; the result is a scorecard, as from `grade`.

        That process, or one that it needs, may end by accident: the submission is graded a second time then.
        """
        try:
            data = task_bytes(task)
            readers = self.readers()
        except SealError as error:
            return self._failed(task, str(error))
        graded, reason = self._ask(readers, task, data)
        if not (graded and graded.digest) and (self._processes.mend(readers, self) or graded is None):
            with suppress(SealError):
                time.sleep(PAUSE_SECONDS)  # a process that is being killed may still take a request
                graded, reason = self._ask(self.readers(), task, data)
        return graded or self._failed(task, reason)

    def _ask(self, readers: Readers, task: Task, data: bytes) -> tuple[GradedSubmission | None, str]:
        """What a reader makes of a task, or why it makes nothing."""
        seal = self.course.seal
        each = 2 * (1.5 * seal.notebook_seconds + seal.hidden_tests_seconds)
        try:
            return read_reply(
                readers.ask(data, each * len(self.plan.notebooks) + 2 * READ_SECONDS), task, self.plan
            ), ""
        except ReaderEnded as error:
            return None, f"not judged: {error}"
        except WireError as error:
            return None, f"grading failed: {error}"

    def readers(self) -> Readers:
        """The processes in which submissions are graded, which are best asked for before other threads run."""
        return self._processes.readers(self)

    def answer(self, data: bytes) -> bytes:
        """In a reader: grade one task."""
        task = read_task(data)
        sent = task.handed_in.files | self.plan.support
        try:
            return reply_bytes(self._grade_here(task), sent)
        except TooLarge as error:
            return reply_bytes(self._failed(task, f"what came out is too large to be sent back: {error}"), sent)
        except (OutOfTime, MemoryError):  # as it would be again: a person has to look
            about = task.decisions.about(task.student, task.handed_in.digest)
            return reply_bytes(
                replace(self._failed(task, BEYOND), digest=self.digest(task.handed_in.digest, about)), sent
            )

    def __getstate__(self) -> dict[str, Any]:
        """What a reader needs; in another process than that which forks it, no secret."""
        course = copy(self.course)
        course.__dict__.pop("secret", None)
        here = ("_secret", "_bundle")
        return {name: value for name, value in vars(self).items() if name not in here} | {"course": course}

    def adopt(self, descriptors: Sequence[int]) -> Grader:
        """In a reader: have the processes behind this grader by these sockets."""
        self._processes.adopt(descriptors)
        return self

    def _failed(self, task: Task, reason: str) -> GradedSubmission:
        return self.not_judged(task.student, reason, task.handed_in.digest, task.decisions)

    def _grade_here(self, task: Task) -> GradedSubmission:
        """Grade in this very process."""
        try:
            submission = self.recognise(task.handed_in, task.decisions.about(task.student, task.handed_in.digest))
            return self.grade_submission(task.student, submission, task.seed)
        except SubmissionError as error:
            return self.unreadable(task.student, error, task.decisions)
        except MemoryError:
            raise
        except Exception as error:  # a mistake of ours: it stops one student, not the class, and is tried again
            return self._failed(task, _ours(error))

    def _seed(self, handed_in: str) -> bytes:
        """Of secret and submission alone: no change of ours draws anew, and nobody learns the secret from it."""
        return hmac.new(self._secret, handed_in.encode(), hashlib.sha256).digest()

    def grade_submission(self, student: str, submission: Submission, seed: bytes | None = None) -> GradedSubmission:
        """Grade what was read. Hidden inputs are drawn from ``seed``; None makes it from this machine's secret."""
        started = time.monotonic()
        decided = submission.decided
        again, cell_cpu, tests_seconds = False, dict[str, float](), dict[str, float]()
        results: list[QuestionResult] = []
        problems, slowest = list(submission.problems), list[CellTime]()
        notebooks: dict[str, Any] = {}
        there = {*submission.notebooks, *submission.not_judged}
        missing = tuple(
            plan.name
            for plan in self.plan.notebooks
            if plan.name not in there and not any(question.name in decided.points for question in plan.questions)
        )
        for plan in self.plan.notebooks:
            if plan.name in missing:
                problems.append(f"{plan.name}.ipynb was not submitted")
                results += [_zero(question.name, question.points) for question in plan.questions]
                continue
            graded = self._grade_notebook(plan, submission, self._seed(submission.digest) if seed is None else seed)
            notebooks[plan.name] = graded.nb
            results += graded.questions
            problems += graded.problems
            slowest += graded.slowest
            again = again or graded.again
            cell_cpu |= graded.cell_cpu
            tests_seconds[plan.name] = graded.tests_seconds
        card = Scorecard(
            assignment=self.assignment.name,
            student=student,
            seal=self.level.name,
            seconds=time.monotonic() - started,
            questions=tuple(results),
            problems=tuple(problems),
            slowest=tuple(slowest),
            decisions=decided.sentences,
        )
        stamp = submission.files.get("timestamp.txt")
        files = beside_support(safe_files(submission.files), self.plan.support)
        timestamp = stamp.decode("utf-8", "replace").strip() if stamp else None
        recorded = "" if again else self.digest(submission.digest, decided)
        return GradedSubmission(
            card, recorded, notebooks, files, missing, timestamp, cell_cpu, tests_seconds, submission.digest
        )

    def close(self) -> None:
        """End readers, warm process and judge; what is being graded meanwhile is not judged."""
        self._processes.close()

    def __enter__(self) -> Grader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grade_notebook(self, plan: NotebookPlan, submission: Submission, seed: bytes) -> _Graded:
        """Grade one notebook; where our own machinery fails, a second time."""
        reading = submission.notebooks.get(plan.name)
        if reading is None:  # or it isn't there at all, and a person has given points all the same
            reason = submission.not_judged.get(plan.name, f"not judged: {plan.name}.ipynb was not submitted")
            return _not_judged(plan, reason, submission.decided, submission.told.get(plan.name, ""))
        graded = self._attempt(plan, reading, submission, seed)
        if (graded.again or graded.killed) and not self._processes.is_closed:
            time.sleep(PAUSE_SECONDS)  # as above
            graded = self._attempt(plan, reading, submission, seed)
        return graded

    def _attempt(self, plan: NotebookPlan, reading: Reading, submission: Submission, seed: bytes) -> _Graded:
        decided = submission.decided
        chosen = of_notebook(decided.cells, plan.name)
        rebuilt = rebuild(plan.template, with_chosen_cells(plan.template, reading.nb, chosen))
        nb = rebuilt.nb
        graded = _Graded(nb, problems=[*reading.problems, *rebuilt.problems])
        files = beside_support(submission.files, self.plan.support)
        try:
            process = self.spawn()
        except SealError as error:
            return _not_judged(plan, f"not judged: no sealed process could be started: {error}", decided, again=True)
        try:
            run = run_notebook(process, nb, files)
            graded.cell_cpu = {name_of(nb["cells"][index]): result.cpu for index, result in run.cells.items()}
            graded.slowest = slowest_cells(nb, run)
            if run.failure:
                graded.problems.append(f"{plan.name}.ipynb: {run.failure}")
            tests = self._run_tests(plan, graded, run, files, seed, process)
        except SealError as error:
            return _not_judged(plan, f"not judged: {error}", decided, again=True)
        finally:
            process.end()
        graded.again, graded.killed = graded.again or process.lost, process.killed
        graded.problems += _slow_cells(run)
        own_words, stopped = has_own_words(nb, plan.template), self._stopped_too_early(plan, run, nb)
        for question in plan.questions:
            if question.name in decided.points:
                graded.questions.append(score_as_decided(question, decided.points[question.name]))
            elif reason := rebuilt.unsure.get(question.grade_id):
                graded.questions.append(not_found(question, reason))
            else:
                results = tests.get(question.grade_id, [])
                result = self._score(question, nb, run, results, own_words)
                graded.questions.append(unless_stopped(result, stopped.get(question.grade_id, "")))
        make_safe(nb, plan.template)
        write_marks(nb, self.plan.sealed, graded.questions)
        graded.problems += _reasons(graded.questions)
        return graded

    def _find_credit(self) -> dict[str, bool]:
        """Which checks without hidden tests give partial credit."""
        found: dict[str, bool] = {}
        for plan in self.plan.notebooks:
            wanted = []
            for question in plan.questions:
                if may_give_credit(plan.template, question, self.plan.sealed):
                    wanted.append(question)
                else:
                    found[question.name] = False
            if wanted:
                told = run_solution(self.course, self.assignment, plan, self.plan.support, self.spawn).credit
                credit = {question.name: told[question.grade_id] for question in wanted if question.grade_id in told}
                self._rule += f" {sorted(credit.items())}"
                found |= credit
        return found

    def _stopped_too_early(self, plan: NotebookPlan, run: Run, nb: dict[str, Any]) -> dict[str, str]:
        """For each question behind a cell that was stopped, and of whose limit the solution needs half: the reason."""
        limit = self.course.seal.cell_seconds
        stopped = {index: name_of(nb["cells"][index]) for index, cell in run.cells.items() if cell.timed_out}
        taken = run_solution(self.course, self.assignment, plan, self.plan.support, self.spawn).cpu if stopped else {}
        found: dict[str, str] = {}
        for index, name in sorted(stopped.items()):
            if taken.get(name, 0.0) > limit / 2:
                reason = (
                    f"cell {name} was stopped after {limit:g} seconds, of which the solution itself takes "
                    f"{taken[name]:.1f}: raise c.Seal.cell_seconds"
                )
                for cell in nb["cells"][index:]:
                    found.setdefault(grade_id_of(cell) or "", reason)
        return found

    def spawn(self) -> SealedProcess:
        """Fork a sealed process; a warm process that is gone is replaced once."""
        return self._processes.spawn()

    def _run_tests(
        self,
        plan: NotebookPlan,
        graded: _Graded,
        run: Run,
        files: dict[str, bytes],
        seed: bytes,
        process: SealedProcess,
    ) -> dict[str, list[TestResult]]:
        """Have the hidden tests run."""
        wanted = frozenset(question.grade_id for question in plan.questions) & self.plan.sealed
        if not wanted or self.judge is None:
            return {}
        facts = submission_facts(graded.nb, run, files, seed)
        case = Case(facts, wanted, self.course.seal.hidden_tests_seconds)
        asked = process
        if run.failure:
            process.end()  # what is known without it can still be judged
            asked = self._run_again(graded.nb, run, files) or process
        started = time.monotonic()
        try:
            with asked.lent() as (dialogue, control):
                verdict = self.judge.judge(case, dialogue, control)
        finally:
            graded.tests_seconds = time.monotonic() - started
            asked.end()
        graded.again = verdict.broken
        graded.problems += verdict.notes
        found: dict[str, list[TestResult]] = {}
        for test in self.judge.tests:
            if test.question in wanted:
                found.setdefault(test.question, []).append(verdict.results[test.nodeid])
        return found

    def _run_again(self, nb: dict[str, Any], run: Run, files: dict[str, bytes]) -> SealedProcess | None:
        """A process with the cells that came to their end before one ended the notebook; None if that helps nobody.

        In it, the questions that stand before that cell are judged as if it weren't there.
        """
        seconds = sum(result.seconds for result in run.cells.values())
        if not run.moments or seconds > self.course.seal.notebook_seconds / 2:
            return None
        process = self.spawn()
        cells = [(index, source) for index, source in runnable(nb) if index in run.cells]
        if process.run(cells, files, questions=check_cells(nb)).failure is None:
            return process
        process.end()
        return None

    def _score(
        self, question: Any, nb: dict[str, Any], run: Run, tests: Sequence[TestResult], own_words: bool
    ) -> QuestionResult:
        if question.grade_id in self.plan.sealed:
            return score_sealed(question, tests, self.course.grading.decimals)
        cell = next(cell for cell in nb["cells"] if grade_id_of(cell) == question.grade_id)
        if question.manual:
            return score_by_a_person(question, cell, own_words)
        return score_by_nbgrader(question, cell, run.failure, self.gives_credit(question.name))

    def gives_credit(self, question: str) -> bool | None:
        """Whether a check without hidden tests gives partial credit (see `solution_run`); None if nobody can tell."""
        return self._credit.get(question)

    def unreadable(self, student: str, error: SubmissionError, decisions: Decisions | None = None) -> GradedSubmission:
        """The scorecard of a submission that can't be read at all."""
        reason = str(error)
        handed_in = digest_of_unreadable(reason)
        decisions = decisions or self._decisions
        digest = self.digest_of_unreadable(reason, decisions.about(student, handed_in))
        return replace(self.not_judged(student, reason, handed_in, decisions, error.told), digest=digest)

    def not_judged(
        self, student: str, reason: str, handed_in: str = "", decisions: Decisions | None = None, told: str = ""
    ) -> GradedSubmission:
        """A scorecard without any mark of ours, for a ``reason`` that may be gone in the next run: that tries again."""
        decided = (decisions or self._decisions).about(student, handed_in)
        graded = [_not_judged(plan, reason, decided, told) for plan in self.plan.notebooks]
        card = Scorecard(
            assignment=self.assignment.name,
            student=student,
            seal=self.level.name,
            seconds=0.0,
            questions=tuple(question for one in graded for question in one.questions),
            problems=tuple(dict.fromkeys(problem for one in graded for problem in one.problems)),
            decisions=decided.sentences,
        )
        notebooks = {plan.name: one.nb for plan, one in zip(self.plan.notebooks, graded, strict=True)}
        return GradedSubmission(card, "", notebooks, {}, handed_in=handed_in)


def grade_notebook(
    path: str | Path, assignment: str | None = None, course: str | Path | Course = ".", unsealed: bool = False
) -> Scorecard:
    """Grade one notebook file with the files beside it, a zip or a folder, without touching the gradebook.

    The assignment is found by names or questions unless it is given; UnknownName if it can't be.
    """
    path = Path(path)
    opened = course if isinstance(course, Course) else Course(course)
    if not path.exists():
        raise SubmissionError(f"{path} doesn't exist: give the notebook to check.")
    assignment = assignment or assignment_of(opened, path)
    with Grader(opened, assignment, unsealed) as grader:
        if path.is_dir():
            return grader.grade(path.name, path).scorecard
        submission = grader.recognise(HandedIn({path.name: path.read_bytes()}))
        if not is_zipfile(path):
            beside = read_beside(path, _text_of(path, grader.assignment.grader), opened.seal.submission_mib)
            problems = (*beside.problems, *submission.problems)
            submission = replace(submission, files=beside.files | submission.files, problems=problems)
        return grader.grade_submission(path.parent.name, submission).scorecard


def _text_of(*paths: Path | None) -> str:
    """What stands in a notebook and its hidden tests."""
    return "\n".join(path.read_text("utf-8", "replace") for path in paths if path)


def _slow_cells(run: Run) -> list[str]:
    stopped = [index for index, result in run.cells.items() if result.timed_out]
    return [f"cell {index + 1} was stopped at the time limit" for index in stopped]


def _reasons(questions: Sequence[QuestionResult]) -> list[str]:
    """Why questions could not be judged, each reason once."""
    reasons: dict[str, list[str]] = {}
    for question in questions:
        for test in question.tests:
            if test.outcome is Outcome.NOT_JUDGED and not test.blocked:
                names = reasons.setdefault(test.message, [])
                names += [question.grade_id] if question.grade_id not in names else []
    return [f"not judged ({', '.join(names)}): {reason}" for reason, names in reasons.items()]


def _not_judged(plan: NotebookPlan, problem: str, decided: Decided, told: str = "", again: bool = False) -> _Graded:
    """No mark but those that a person decided; if they did for all questions, the ``problem`` is settled, too."""
    nb = {**plan.template, "cells": [dict(cell) for cell in plan.template["cells"]]}
    results = [
        score_as_decided(question, decided.points[question.name])
        if question.name in decided.points
        else QuestionResult(question.name, None, question.points, Status.NOT_JUDGED, told=told)
        for question in plan.questions
    ]
    write_marks(nb, frozenset(result.grade_id for result in results), results)
    nb["metadata"] = {**nb["metadata"], METADATA: {**nb["metadata"].get(METADATA, {}), "shows_release": True}}
    is_open = any(result.status is Status.NOT_JUDGED for result in results) or not results
    return _Graded(nb, results, [problem] if is_open else [], again=again)


def _ours(error: Exception) -> str:
    return f"grading failed: {type(error).__name__}: {error}"


def _sha256(text: str, decided: Decided) -> str:
    return hashlib.sha256(f"{text}{decided.digest and f' {decided.digest}'}".encode()).hexdigest()


def _zero(question: str, points: float) -> QuestionResult:
    return QuestionResult(question, 0.0, points, Status.GRADED)
