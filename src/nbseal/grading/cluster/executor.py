"""Grades on the workers of a Dask cluster, as `LocalExecutor` does on this machine.

Each worker is asked first whether it can grade as this machine does, and then takes one submission after the other: a
few more than it has threads, so that it never waits for the next one. A submission counts as graded when its scorecard
is here; until then it goes to another worker if its own one dies, falls silent or loses its way. After its first
accident it has a worker for itself, so that one that ends workers takes no other down; after the third it is set aside.
So is one that three times makes a worker fail; a worker that fails with three submissions in a row gets no more work.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbseal.errors import ClusterError, SubmissionError, WireError
from nbseal.grading.bundle import bundle_digest
from nbseal.grading.cluster import remote
from nbseal.grading.cluster.address import Address
from nbseal.grading.cluster.connection import CallFailed, Connection, Disconnected, Seen, connect
from nbseal.grading.cluster.unpickling import no_pickle_runs
from nbseal.grading.grader import Grader
from nbseal.grading.messages import read_reply, task_bytes
from nbseal.results import GradedSubmission
from nbseal.text import one_line
from nbseal.wire import TooLarge
from nbseal.wire.parcel import open_parcel

POLL_SECONDS = 0.5
PREPARE_SECONDS = 300.0
SILENT_SECONDS = 30.0  # without a sign of life; the network may be away for less
NOBODY_SECONDS = 60.0  # without any worker, or without the scheduler
STRIKES = 3
STOP_SECONDS = 3.0
EACH_THREAD = 2  # submissions: while one is graded, the next one is under way


@dataclass(eq=False)
class Job:
    """A submission on its way; ``strikes`` counts the workers that were lost with it, or ``failed_at`` it."""

    student: str
    folder: Path
    future: Future[GradedSubmission] = field(default_factory=Future)
    strikes: int = 0
    failed_at: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Worker:
    """A worker that can grade, and the slots that keep it busy; ``lost`` says what became of it."""

    address: str
    name: str
    slots: list[asyncio.Task[None]] = field(default_factory=list)
    lost: str = ""
    failed_with: set[str] = field(default_factory=set)  # students, since it last graded one
    _running: int = 0
    _alone: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def place(self, alone: bool) -> AsyncIterator[None]:
        """Wait for a place on the worker, or for the whole worker, and hold it."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone)
            self._alone = alone
            await self._changed.wait_for(lambda: not (alone and self._running))
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._alone = self._alone and not alone
            async with self._changed:
                self._changed.notify_all()


class DaskExecutor:
    """Grades on a cluster; ClusterError when it can't be reached, or when none of its workers can grade.

    ``tell`` is told of workers that can't or no longer, in sentences, from another thread.
    """

    def __init__(self, grader: Grader, address: Address, tell: Callable[[str], None]) -> None:
        self._grader = grader
        self._address = address
        self._tell = tell
        self._bundle = _bundle_bytes(grader)
        self._digest = bundle_digest(self._bundle)
        self._workers: dict[str, Worker] = {}
        self._entering: dict[str, asyncio.Task[None]] = {}
        self._unfit: dict[str, str] = {}
        self._silent: dict[str, float] = {}
        self._open: set[Job] = set()
        self._lock = threading.Lock()
        self._failure: ClusterError | None = None
        self._enough = threading.Event()  # some worker can grade, or none ever will
        self._set_aside: list[str] = []
        seal = grader.course.seal
        each = 2 * (1.5 * seal.notebook_seconds + seal.hidden_tests_seconds) * len(grader.plan.notebooks)
        self._limit = EACH_THREAD * each + SILENT_SECONDS
        self._loop = asyncio.new_event_loop()
        self._waiting: asyncio.Queue[Job] = asyncio.Queue()
        self._thread = threading.Thread(target=self._run, name="nbseal-cluster", daemon=True)
        self._thread.start()
        self._enough.wait()
        if self._failure:
            raise self._failure

    @property
    def jobs(self) -> int:
        """How many submissions the workers take at a time."""
        return max(1, sum(len(worker.slots) for worker in list(self._workers.values())))

    @property
    def notes(self) -> tuple[str, ...]:
        """Whose submissions were set aside."""
        names = ", ".join(map(one_line, sorted(self._set_aside)))
        return (f"set aside after {STRIKES} workers lost or failed, and not judged: {names}",) if names else ()

    def submit(self, student: str, folder: Path) -> Future[GradedSubmission]:
        """Have a submission graded by some worker; the future fails with ClusterError if none is left."""
        job = Job(student, folder)
        with self._lock:
            if self._failure:
                job.future.set_exception(self._failure)
            else:
                self._open.add(job)
                self._loop.call_soon_threadsafe(self._waiting.put_nowait, job)
        return job.future

    def finish(self) -> None:
        """Nothing more comes: begin to leave the cluster."""
        with suppress(RuntimeError):  # it has been left already
            self._loop.call_soon_threadsafe(self._serving.cancel)

    def close(self) -> None:
        """Take back what runs, and leave the cluster."""
        self.finish()
        self._thread.join(STOP_SECONDS)

    stop = close

    def _run(self) -> None:
        """The thread in which all talk with the cluster happens."""
        with no_pickle_runs():
            asyncio.set_event_loop(self._loop)
            self._serving = self._loop.create_task(self._serve())
            try:
                with suppress(asyncio.CancelledError):
                    self._loop.run_until_complete(self._serving)
            except ClusterError as error:
                self._failure = error
            except Exception as error:  # a mistake of ours must not leave anybody waiting
                self._failure = ClusterError(f"grading on the cluster failed: {type(error).__name__}: {error}")
            finally:
                self._end()

    def _end(self) -> None:
        with self._lock:
            self._failure = self._failure or ClusterError("the cluster was left")
        for job in self._open:
            job.future.set_exception(self._failure)
        self._enough.set()
        with suppress(RuntimeError):
            left = asyncio.all_tasks(self._loop)
            for one in left:
                one.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        self._loop.close()

    async def _serve(self) -> None:
        """Stay connected; watch who comes and who goes."""
        away_since = time.monotonic()
        known = False
        while True:
            try:
                connection = await connect(self._address)
            except ClusterError as error:
                if not known:
                    raise
                if time.monotonic() - away_since > NOBODY_SECONDS:
                    raise ClusterError(f"the scheduler has been away for {NOBODY_SECONDS:.0f} s: {error}") from error
                await asyncio.sleep(POLL_SECONDS)
                continue
            known = True
            try:
                await self._watch(connection)
            except Disconnected:
                away_since = time.monotonic()
                self._tell(f"the scheduler at {self._address} is gone: waiting for it")
            finally:
                await self._leave(connection)

    async def _watch(self, connection: Connection) -> None:
        """Let workers in and out for as long as the scheduler answers."""
        heard: dict[str, tuple[float, float]] = {}  # by address: the last sign of life, and when it came
        nobody_since = time.monotonic()
        while True:
            there = await connection.workers()
            now = time.monotonic()
            for address, seen in there.items():
                if address not in heard or heard[address][0] != seen.heard:
                    heard[address] = (seen.heard, now)
                    self._silent.pop(address, None)
            for address in list(self._workers):
                if address not in there:
                    await self._lose(address, "has ended")
                elif now - heard[address][1] > SILENT_SECONDS:
                    self._silent[address] = now
                    await self._lose(address, f"has been silent for {SILENT_SECONDS:.0f} s")
            self._admit_new(connection, there)
            if self._workers or self._entering:
                nobody_since = now
            self._check_hope(there, now - nobody_since)
            await asyncio.sleep(POLL_SECONDS)

    def _admit_new(self, connection: Connection, there: dict[str, Seen]) -> None:
        for address in [one for one in self._entering if one not in there]:
            self._entering.pop(address).cancel()
        known = {*self._workers, *self._entering, *self._unfit, *self._silent}
        for address in there.keys() - known:
            entering = self._loop.create_task(self._enter(connection, address, there[address]))
            self._entering[address] = entering

    def _check_hope(self, there: dict[str, Seen], seconds: float) -> None:
        """ClusterError where nobody can grade any more; whoever waits for the first workers is told that they came."""
        if self._workers:
            self._enough.set()
        if self._workers or self._entering:
            return
        if there and there.keys() <= self._unfit.keys():
            raise ClusterError("none of the cluster's workers can grade:\n" + "\n".join(self._unfit.values()))
        if seconds > NOBODY_SECONDS:
            raise ClusterError(
                f"the cluster at {self._address} has had no worker that can grade for {seconds:.0f} s. What is "
                "recorded stays: start workers (nbseal-worker) and run again, or without --scheduler on this machine."
            )

    async def _enter(self, connection: Connection, address: str, seen: Seen) -> None:
        """Ask a worker whether it can grade as we do, and give it work if so."""
        name = one_line(address if seen.name in ("", address) else f"{address} ({seen.name})")
        try:
            reply = await asyncio.wait_for(connection.call(address, remote.prepare, self._bundle), PREPARE_SECONDS)
            unfit = _unfit(reply, self._grader.levels)
        except TimeoutError:
            unfit = f"it did not get ready in {PREPARE_SECONDS:.0f} s"
        except (CallFailed, WireError) as error:
            unfit = f"{error} (is nbseal installed there, in the same version?)"
        except Disconnected:
            return  # the worker or the scheduler is gone, which others notice
        finally:
            self._entering.pop(address, None)
        if unfit:
            self._refuse(address, f"worker {name} gets no work: {unfit}")
            return
        worker = Worker(address, name)
        self._workers[address] = worker
        slots = EACH_THREAD * max(1, seen.threads)
        worker.slots = [self._loop.create_task(self._slot(connection, worker)) for _ in range(slots)]

    def _refuse(self, address: str, sentence: str) -> None:
        self._unfit[address] = one_line(sentence)
        self._tell(self._unfit[address])

    async def _lose(self, address: str, why: str) -> None:
        """Take work back from a worker that is gone."""
        worker = self._workers.pop(address)
        worker.lost = why
        self._tell(f"worker {worker.name} {why}: others take its submissions")
        await _cancel(worker.slots)

    async def _leave(self, connection: Connection) -> None:
        workers, self._workers = list(self._workers.values()), {}
        entering, self._entering = list(self._entering.values()), {}
        await _cancel([*entering, *(slot for worker in workers for slot in worker.slots)])
        await connection.close()

    async def _slot(self, connection: Connection, worker: Worker) -> None:
        """Give a worker one submission after the other."""
        while True:
            job = await self._waiting.get()
            if worker.address in job.failed_at and self._workers.keys() - job.failed_at:
                self._waiting.put_nowait(job)  # for somebody else
                await asyncio.sleep(POLL_SECONDS)
                continue
            sent = False
            try:
                task = await asyncio.to_thread(self._grader.task, job.student, job.folder)
                data = task_bytes(task)
                async with worker.place(alone=job.strikes > 0):
                    sent = True
                    reply = await asyncio.wait_for(
                        connection.call(worker.address, remote.grade, self._digest, data), self._limit
                    )
                    if reply == remote.UNKNOWN:  # restarted at the same address
                        await connection.call(worker.address, remote.prepare, self._bundle)
                        reply = await connection.call(worker.address, remote.grade, self._digest, data)
                self._done(job, read_reply(reply, task, self._grader.plan))
                worker.failed_with.clear()
            except SubmissionError as error:
                self._done(job, self._grader.unreadable(job.student, error))
            except TooLarge as error:
                self._done(job, self._grader.not_judged(job.student, f"not judged: it can't be sent: {error}"))
            except asyncio.CancelledError:
                self._again(job, struck=sent and bool(worker.lost))
                raise
            except Disconnected:
                self._again(job, struck=False)
                await asyncio.sleep(POLL_SECONDS)  # if it is true, this slot is ended meanwhile
            except TimeoutError:
                self._again(job, struck=True)
                self._dismiss(worker, f"it has not answered for {self._limit:.0f} s")
                return
            except (CallFailed, WireError) as error:
                job.failed_at.add(worker.address)
                worker.failed_with.add(job.student)
                self._again(job, struck=True)
                if len(worker.failed_with) >= STRIKES:  # else the submission may be what makes it fail
                    self._dismiss(worker, str(error))
                    return
            except Exception as error:  # ours, or of the disk: it stops one student, as in `Grader.grade`
                self._done(job, self._grader.not_judged(job.student, f"grading failed: {error}"))

    def _done(self, job: Job, graded: GradedSubmission) -> None:
        if job in self._open:  # else the run has ended without it
            self._open.discard(job)
            job.future.set_result(graded)

    def _again(self, job: Job, struck: bool) -> None:
        """Have a submission that was lost with its worker graded by another one, unless it has lost too many."""
        job.strikes += struck
        if job.strikes < STRIKES:
            self._waiting.put_nowait(job)
            return
        reason = f"set aside after {STRIKES} workers lost or failed"
        self._set_aside.append(job.student)
        self._done(job, self._grader.not_judged(job.student, f"not judged: {reason}"))

    def _dismiss(self, worker: Worker, why: str) -> None:
        """Give a worker that went wrong nothing more."""
        if self._workers.pop(worker.address, None):
            self._refuse(worker.address, f"worker {worker.name} gets no more work: {why}")
            for slot in worker.slots:
                if slot is not asyncio.current_task():
                    slot.cancel()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for one in tasks:
        one.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_SECONDS)


def _unfit(reply: bytes, levels: set[str]) -> str:
    """What a worker says stands against its grading, or its level does; "" if nothing."""
    about, _ = open_parcel(reply)
    if not isinstance(about, dict) or not isinstance(about.get("unfit"), list):
        raise WireError("it answered something else than it was asked")
    if about["unfit"]:
        return "; ".join(map(str, about["unfit"]))
    return "" if about.get("level") in levels else f"it seals at the level {about.get('level')!r}"


def _bundle_bytes(grader: Grader) -> bytes:
    try:
        return grader.bundle().to_bytes()
    except TooLarge as error:
        raise ClusterError(
            f"{grader.assignment.name} can't be sent to workers: {error}. Move large files out of the assignment's "
            "folder and from beside its hidden tests, or grade on this machine."
        ) from error
