"""Who grades what on a cluster, whatever becomes of its workers: on a made-up one, which needs no processes."""

from __future__ import annotations

import asyncio
import pickle
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbseal.course import Course
from nbseal.errors import ClusterError, SubmissionError
from nbseal.gradebook.decisions import Decisions
from nbseal.grading.cluster import executor, remote
from nbseal.grading.cluster.address import Address
from nbseal.grading.cluster.connection import CallFailed, Disconnected, Seen
from nbseal.grading.cluster.executor import DaskExecutor
from nbseal.grading.messages import read_task, reply_bytes, task_bytes
from nbseal.grading.plan import Plan, make_plan
from nbseal.grading.submission import HandedIn, Task
from nbseal.results import GradedSubmission, QuestionResult, Scorecard, Status
from nbseal.wire.parcel import open_parcel, parcel
from tests.courses import wait_until
from tests.mini import make_course

FIT = {"unfit": [], "level": "namespaces"}
SECONDS = 20.0


class MadeUp:
    """A scheduler and its workers; ``act`` is called with worker and student before each submission is graded."""

    def __init__(self, plan: Plan, threads: dict[str, int]) -> None:
        self.plan = plan
        self.there = dict(threads)
        self.down = False
        self.heard = 0.0
        self.silent: set[str] = set()
        self.fitness: dict[str, Any] = {}
        self.act: Callable[[str, str], Any] = lambda worker, student: None
        self.graded: Counter[str] = Counter()
        self.running: dict[str, set[str]] = {}
        self.beside: dict[str, set[str]] = {}  # by student: who was graded at the same time on the same worker

    async def connect(self, address: Address) -> MadeUp:
        """The scheduler's answer to whoever comes."""
        if self.down:
            raise ClusterError(f"the scheduler at {address} can't be reached")
        return self

    async def workers(self) -> dict[str, Seen]:
        """Who is there."""
        if self.down:
            raise Disconnected("gone")
        self.heard += 1
        return {name: Seen(name, n, 0.0 if name in self.silent else self.heard) for name, n in self.there.items()}

    async def call(self, worker: str, function: Callable[..., bytes], *arguments: Any) -> bytes:
        """What a worker answers; one that is gone answers nothing, ever."""
        if function is remote.prepare:
            return parcel(self.fitness.get(worker, FIT), {})
        task = read_task(arguments[1])
        running = self.running.setdefault(worker, set())
        running.add(task.student)
        self.beside.setdefault(task.student, set()).update(running - {task.student})
        try:
            answer = self.act(worker, task.student)
            await asyncio.sleep(0.005)
            while not self.down and (worker not in self.there or worker in self.silent):
                await asyncio.sleep(0.01)
            if self.down:
                raise Disconnected("gone")
        finally:
            running.discard(task.student)
        if isinstance(answer, Exception):
            raise answer
        self.graded[task.student] += 1
        return reply_bytes(made(self.plan, task.student, 1.0), {}) if answer is None else answer

    async def close(self) -> None:
        """Be left."""


def made(plan: Plan, student: str, score: float | None, reason: str = "") -> GradedSubmission:
    """A scorecard with the same mark for each question."""
    status = Status.NOT_JUDGED if score is None else Status.GRADED
    asked = [question for notebook in plan.notebooks for question in notebook.questions]
    questions = tuple(QuestionResult(one.grade_id, score, one.points, status) for one in asked)
    return GradedSubmission(Scorecard("mini", student, "namespaces", 0.0, questions, (reason,)), "d", {}, {})


class MadeUpGrader:
    """What the executor asks of the grader of this machine."""

    levels = frozenset({"namespaces"})

    def __init__(self, course: Course, plan: Plan) -> None:
        self.course, self.plan = course, plan
        self.assignment = plan.assignment

    def bundle(self) -> Any:
        """Something to send."""
        return SimpleNamespace(to_bytes=lambda: b"bundle")

    def task(self, student: str, folder: Path) -> Task:
        """One student's submission."""
        if student == "unreadable":
            raise SubmissionError("it can't be read")
        return Task(student, HandedIn({"mini.ipynb": b"{}"}), Decisions(), b"")

    def unreadable(self, student: str, error: SubmissionError) -> GradedSubmission:
        """Not judged, with the error as its reason."""
        return made(self.plan, student, None, str(error))

    def not_judged(self, student: str, reason: str) -> GradedSubmission:
        """Not judged, with the reason."""
        return made(self.plan, student, None, reason)


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> MadeUpGrader:
    """A grader for the mini assignment."""
    course = Course(make_course(tmp_path_factory.mktemp("course"), grader=None))
    return MadeUpGrader(course, make_plan(course, course.assignment("mini"), ()))


@pytest.fixture
def cluster(grader: MadeUpGrader, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    """Two workers with three threads each, watched closely."""
    one = MadeUp(grader.plan, {"a": 3, "b": 3})
    monkeypatch.setattr(executor, "connect", one.connect)
    monkeypatch.setattr(executor, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(executor, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(executor, "NOBODY_SECONDS", 0.5)
    return one


class Run:
    """An executor, and what it has said."""

    def __init__(self, grader: MadeUpGrader) -> None:
        self.said: list[str] = []
        self.executor = DaskExecutor(grader, Address("tcp://made-up"), self.said.append)  # type: ignore[arg-type]

    def grade(self, students: list[str]) -> dict[str, float | None]:
        """The mark of each student."""
        futures = self.submit(students)
        cards = {student: future.result(SECONDS).scorecard for student, future in futures.items()}
        self.executor.close()
        return {student: card.questions[0].score for student, card in cards.items()}

    def submit(self, students: list[str]) -> dict[str, Future[GradedSubmission]]:
        """Have students graded."""
        return {student: self.executor.submit(student, Path()) for student in students}


STUDENTS = [f"s{number:02}" for number in range(60)]
ALL_GRADED = dict.fromkeys(STUDENTS, 1.0)


def test_all_are_graded_once(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """Where nothing happens, each submission is graded once, and no more are under way than twice the threads."""
    run = Run(grader)
    assert wait_until(lambda: run.executor.jobs == 12, SECONDS)
    assert run.grade(STUDENTS) == ALL_GRADED
    assert set(cluster.graded.values()) == {1}
    assert max(map(len, cluster.beside.values())) <= 5
    assert run.said == []


@pytest.mark.parametrize("seed", range(5))
def test_workers_may_come_and_go(grader: MadeUpGrader, cluster: MadeUp, seed: int) -> None:
    """Whichever workers die and come, every submission gets its mark, from one of them."""
    dice = random.Random(seed)
    left = [8]

    def act(worker: str, student: str) -> None:
        if left[0] and dice.random() < 0.15:
            left[0] -= 1
            cluster.there.pop(worker, None)
            cluster.there[f"{worker}'"] = 2

    cluster.act = act
    assert Run(grader).grade(STUDENTS) == ALL_GRADED


def test_one_that_ends_workers_is_set_aside_alone(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """The third worker that is lost with a submission is the last; those beside it get their marks."""
    lost = []

    def act(worker: str, student: str) -> None:
        if student == "s07":
            lost.append(worker)
            cluster.there.pop(worker)
            cluster.there[f"new{len(lost)}"] = 3

    cluster.act = act
    run = Run(grader)
    assert run.grade(STUDENTS) == ALL_GRADED | {"s07": None}
    assert len(lost) == 3
    assert run.executor.notes == ("set aside after 3 workers lost or failed, and not judged: s07",)


def test_a_silent_worker_gets_work_again_when_it_is_back(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """What a worker without a sign of life holds goes to others; once it is heard of again, it grades on."""
    cluster.silent.add("a")
    run = Run(grader)
    assert run.grade(STUDENTS[:20]) == dict.fromkeys(STUDENTS[:20], 1.0)
    assert any("has been silent" in text for text in run.said)
    cluster.silent.clear()
    again = Run(grader)
    assert wait_until(lambda: again.executor.jobs == 12, SECONDS)
    again.executor.close()


def test_a_scheduler_may_go_and_come_back(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """What was under way is sent again, and nobody is blamed for it."""

    def act(worker: str, student: str) -> None:
        if student == "s20" and not cluster.graded["s20"] and not gone:
            gone.append(student)
            cluster.down = True
            asyncio.get_running_loop().call_later(0.2, setattr, cluster, "down", False)

    gone: list[str] = []
    cluster.act = act
    run = Run(grader)
    assert run.grade(STUDENTS) == ALL_GRADED
    assert gone
    assert run.executor.notes == ()


def test_a_scheduler_that_stays_away_ends_the_run(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """After a while, whoever waits for a scorecard is told why it won't come; so is whoever asks for another."""
    cluster.act = lambda worker, student: setattr(cluster, "down", True)
    run = Run(grader)
    (future,) = run.submit(["s00"]).values()
    with pytest.raises(ClusterError, match="has been away for"):
        future.result(SECONDS)
    with pytest.raises(ClusterError, match="has been away for"):
        run.executor.submit("s01", Path()).result(SECONDS)


def test_workers_that_all_go_end_the_run(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """Without any worker for a while, the run ends, and says what can be done."""
    cluster.act = lambda worker, student: cluster.there.clear()
    (future,) = Run(grader).submit(["s00"]).values()
    with pytest.raises(ClusterError, match=r"no worker that can grade.*without --scheduler"):
        future.result(SECONDS)


@pytest.mark.parametrize(
    "answer",
    [
        CallFailed("it raised"),
        b"no scorecard",
        pickle.dumps({"score": 100}),
        parcel({}, {}),
        parcel({"failed": "x"}, {}),
    ],
)
def test_a_worker_that_answers_nonsense_gets_nothing_more(grader: MadeUpGrader, cluster: MadeUp, answer: Any) -> None:
    """It is named, and others grade what it had."""
    cluster.act = lambda worker, student: answer if worker == "a" else None
    run = Run(grader)
    assert run.grade(STUDENTS) == ALL_GRADED
    assert [text for text in run.said if "worker a gets no more work" in text] == run.said != []


@pytest.mark.parametrize("threads", [{"a": 3, "b": 3}, {"a": 1}])
def test_a_submission_that_makes_workers_fail_is_set_aside(
    grader: MadeUpGrader, cluster: MadeUp, threads: dict[str, int]
) -> None:
    """Whoever gets it answers with an exception: it is named at once, the others are graded, no worker is given up."""
    cluster.there = dict(threads)
    cluster.act = lambda worker, student: CallFailed("it raised") if student == "s03" else None
    run = Run(grader)
    assert run.grade(STUDENTS) == {**ALL_GRADED, "s03": None}
    assert run.executor.notes == ("set aside after 3 workers lost or failed, and not judged: s03",)
    assert run.said == []


class Unsendable(SystemExit):
    """What Dask can neither pickle nor show."""

    def __reduce__(self) -> Any:
        """Say no."""
        raise TypeError

    def __str__(self) -> str:
        """Say no."""
        raise ValueError


@pytest.mark.parametrize(("error", "said"), [(ValueError("why"), "ValueError: why"), (Unsendable(), "Unsendable")])
def test_what_goes_wrong_on_a_worker_comes_as_words(error: BaseException, said: str) -> None:
    """No exception leaves a worker's function, not even one that can't be pickled, shown, or caught by most."""

    class Broken:
        def grade_task(self, task: Task) -> None:
            raise error

    remote._SHELF.put("broken", remote._Warm(Broken(), ExitStack(), 1))  # type: ignore[arg-type]
    reply = remote.grade("broken", task_bytes(Task("ann", HandedIn({}), Decisions(), b"")))
    assert open_parcel(reply)[0] == {"failed": said}


def test_a_worker_that_can_t_grade_is_named(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """What stands against a worker is said, and it gets nothing; if that is all of them, nothing is graded."""
    cluster.fitness["a"] = {"unfit": ["numpy 1.0 in place of 2.0", "pandas (not installed) in place of 2.3"]}
    run = Run(grader)
    assert run.grade(STUDENTS) == ALL_GRADED
    assert run.said == ["worker a gets no work: numpy 1.0 in place of 2.0; pandas (not installed) in place of 2.3"]
    cluster.fitness["b"] = {"unfit": [], "level": "none"}
    with pytest.raises(ClusterError, match=r"none of .* can grade:\nworker [ab] .*\nworker [ab] "):
        Run(grader)


def test_a_restarted_worker_is_given_the_bundle_anew(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """A worker that has come back at its old address knows no grader: it is asked again after it has got one."""
    answers = [remote.UNKNOWN]
    cluster.act = lambda worker, student: answers.pop() if answers else None
    assert Run(grader).grade(STUDENTS) == ALL_GRADED
    assert answers == []


def test_what_can_t_be_read_is_not_sent(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """A submission that this machine can't read has its scorecard without any worker."""
    assert Run(grader).grade(["s00", "unreadable"]) == {"s00": 1.0, "unreadable": None}
    assert "unreadable" not in cluster.graded


def test_a_run_can_be_stopped(grader: MadeUpGrader, cluster: MadeUp) -> None:
    """Whoever waits is told, and nothing is left running."""
    cluster.silent |= {"a", "b"}
    run = Run(grader)
    futures = run.submit(STUDENTS)
    run.executor.stop()
    for future in futures.values():
        with pytest.raises(ClusterError, match="the cluster was left"):
            future.result(SECONDS)
