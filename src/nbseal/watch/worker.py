"""The worker: takes what arrives and does what the queue holds, several tasks at a time, and none of them twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock

from filelock import FileLock, Timeout

from nbseal.course import CONFIG_FILE, Course
from nbseal.errors import CourseError, NbsealError, QueueError
from nbseal.gradebook.connection import connect
from nbseal.sandbox.cgroups import processors
from nbseal.text import one_line
from nbseal.watch.exchange import Arrival, Source, identity_of
from nbseal.watch.handling import Handling, Result, Stopped
from nbseal.watch.pages import arrived, receipt_pages
from nbseal.watch.queue import Queue
from nbseal.watch.rules import EVERYTHING, DueDates, in_words, shown_now, turn_of
from nbseal.watch.tasks import LOCK, Kind, State, Task
from nbseal.watch.warm_graders import WarmGraders

POLL_SECONDS = 0.2
LOOK_SECONDS = 10.0  # between two looks at due dates that have passed
IDLE_SECONDS = 60.0  # after which a worker that the formgrader has started ends
HANDOVER_SECONDS = 1.2 * IDLE_SECONDS  # for which another worker is waited for: it may be one of these
TROUBLE_SECONDS = 5.0  # until something is tried again that the disk, the exchange or the gradebook refused
MakeSource = Callable[[Course], Source]


def spare_jobs() -> int:
    """One fewer than there are processors that this process may use: others wait for a page of the formgrader."""
    return max(1, processors() - 1)


class Worker:
    """Works for one course until it is stopped; `run` is called once.

    ``make_source`` gives what is watched; None is nothing, and then only what people asked for is done.
    """

    def __init__(
        self, root: Path, make_source: MakeSource | None, jobs: int | None = None, say: Callable[[str], None] = print
    ) -> None:
        self._root, self._make_source, self._say = root, make_source, say
        self._graders, self._wake = WarmGraders(), Event()
        self._jobs = jobs or spare_jobs()
        self._executor = ThreadPoolExecutor(self._jobs, thread_name_prefix="nbseal-watch")
        self._running: list[Future[None]] = []
        self._enqueuing = Lock()
        self._stopping = False
        self._looked = 0.0
        self._said = ""
        self._settings: int | None = None  # when the settings were last changed; None has everything made anew
        self._load()

    def _load(self) -> None:
        """Read the settings, where they have changed."""
        path = self._root / CONFIG_FILE
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if self._settings != changed:
            self.course = Course(self._root)
            self.queue = Queue(self.course.private)
            self.source = self._make_source(self.course) if self._make_source else None
            self._handling = Handling(self.course, self.source, self.queue, self._graders, DueDates(self.course))
            self._settings = changed

    def run(self, *, warm: list[str] | None = None, once: bool = False, idle_seconds: float | None = None) -> None:
        """Work until an interrupt; CourseError if another worker does already, and goes on doing so.

        ``warm`` names assignments whose graders are started at once. With ``once`` it ends when everything that is
        there is done, with ``idle_seconds`` when for so long there was nothing to do.
        """
        with self._only_one():
            try:
                connect(self.course).close()  # nbgrader, which collects, would look for a program to make a gradebook
                self.queue.recover()
                for assignment in warm or ():
                    with self._graders.use(self.course, assignment):
                        pass
                self._loop(once, idle_seconds)
            finally:
                self._stopping = True
                self._graders.close()
                self._executor.shutdown(cancel_futures=True)

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        self.course.private.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(self.course.private / LOCK)
        try:
            lock.acquire(timeout=HANDOVER_SECONDS if self._make_source else 0)
        except Timeout as error:
            raise CourseError(
                f"another worker has {lock.lock_file}: one is enough for a course. nbseal queue shows what it does."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _loop(self, once: bool, idle_seconds: float | None) -> None:
        busy = time.monotonic()
        while True:
            try:
                self._load()
                self._take()
                self._look_at_due_dates()
                self._begin()
                self._said = ""
            except (NbsealError, OSError) as error:
                self._tell_trouble(error)
                self._settings = None  # and so everything is checked anew: what was seen may not have been taken
                self._wake.wait(TROUBLE_SECONDS)
                continue
            now = time.monotonic()
            if self._running:
                busy = now
            settled = self.source is None or self.source.settled
            if not self._running and ((once and settled) or (idle_seconds and now - busy > idle_seconds)):
                return
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _tell_trouble(self, error: Exception) -> None:
        """Say what is wrong once, and not again each time that it is tried."""
        if str(error) != self._said:
            self._said = str(error)
            self._say(f"{one_line(self._said)} It is tried again every {TROUBLE_SECONDS:g} seconds.")

    def _take(self) -> None:
        """Put into the queue what has arrived; what can't be taken now is tried again."""
        if self.source and (arrivals := self.source.arrivals()):
            problems = self.source.take(arrivals)
            for (assignment, student), problem in problems.items():
                self._say(f"{assignment}: {one_line(problem)}")
                self.queue.add(Kind.TAKE, assignment, student, not_before=time.time() + TROUBLE_SECONDS)
            self._enqueue(arrivals)

    def _enqueue(self, arrivals: list[Arrival]) -> None:
        """A task and a receipt for each submission that is new."""
        assert self.source
        with self._enqueuing:
            for assignment, student in arrivals:
                folder = self.source.folder(assignment, student)
                if folder.is_dir():
                    self._enqueue_one(self.source, assignment, student, folder)

    def _enqueue_one(self, source: Source, assignment: str, student: str, folder: Path) -> None:
        identity, earlier = identity_of(self.course, assignment, folder), self.queue.submissions(assignment, student)
        if earlier and earlier[0].identity == identity:
            return
        turn = turn_of(self.course.watch, earlier)
        task = self.queue.add(Kind.SUBMISSION, assignment, student, identity, turn.not_before)
        standing = "It waits to be graded."
        if turn.refusal:
            self.queue.finish(task, State.REFUSED, turn.refusal)
            standing = turn.refusal
        elif turn.not_before > time.time():
            standing = f"It will be graded after {in_words(datetime.fromtimestamp(turn.not_before, UTC))}."
        number = 0 if turn.refusal else turn.number
        about = arrived(self.course, task, folder, number, self._handling.dates.of(assignment, student))
        with suppress(CourseError):  # if feedback can't be released either, the task says so
            source.release(assignment, student, folder, receipt_pages(self.course, task, folder, about, standing))

    def _look_at_due_dates(self) -> None:
        """Have whole pages released of those whose due date has passed."""
        now = time.monotonic()
        if self.source is None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        for task in self.queue.to_show():
            due = self._handling.dates.of(task.assignment, task.student)
            if shown_now(self.course.watch, due) == EVERYTHING:
                self.queue.add(Kind.RELEASE, task.assignment, task.student)

    def _begin(self) -> None:
        """Begin as many tasks as may run at a time."""
        self._running = [future for future in self._running if not future.done()]
        while len(self._running) < self._jobs and (task := self.queue.next(self.source is None)):
            future = self._executor.submit(self._do, task, self._handling)
            future.add_done_callback(lambda _: self._wake.set())
            self._running.append(future)

    def _do(self, task: Task, handling: Handling) -> None:
        """Do a task, and note how it ended."""
        started = time.monotonic()
        try:
            result = self._take_again(task) if task.kind is Kind.TAKE and self.source else handling.do(task)
        except Stopped:
            result = Result(State.CANCELLED)
        except Exception as error:  # whatever a submission or a mistake of ours does, the others go on
            explained = isinstance(error, (NbsealError, OSError))
            result = Result(State.WAITING, str(error) if explained else f"{type(error).__name__}: {error}")
        state = self._note(task, result)
        words = f"{task.assignment} {task.student or 'everybody'}: {task.kind} {state}"
        self._say(one_line(f"{words} ({time.monotonic() - started:.1f} s){': ' if result.note else ''}{result.note}"))

    def _take_again(self, task: Task) -> Result:
        assert self.source
        one = (task.assignment, task.student)
        if problem := self.source.take([one]).get(one, ""):
            raise CourseError(problem)
        self._enqueue([one])
        return Result()

    def _note(self, task: Task, result: Result) -> State:
        """Note how a task ended, as soon as the queue can be written; the state that it has now."""
        while True:
            try:
                if result.state is not State.WAITING:
                    self.queue.finish(task, result.state, result.note, result.shown)
                    return result.state
                if not self._stopping:
                    return self.queue.put_back(task, result.note, TROUBLE_SECONDS * task.tries)
                self.queue.give_back(task)
                return State.WAITING
            except QueueError as error:
                self._tell_trouble(error)
                if self._stopping:
                    return State.RUNNING
                time.sleep(POLL_SECONDS)
