"""Where submissions are graded, and their results in the order in which they come."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Protocol

from nbseal.grading.grader import Grader
from nbseal.results import GradedSubmission
from nbseal.sandbox.cgroups import processors


class Executor(Protocol):
    """Where submissions are graded; whatever a student did, a future's result is a scorecard."""

    @property
    def jobs(self) -> int:
        """How many are graded at a time."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What an instructor must know of how submissions were graded."""

    def submit(self, student: str, folder: Path) -> Future[GradedSubmission]:
        """Have the submission in ``folder`` graded."""

    def finish(self) -> None:
        """Be told that nothing more comes, and that what graded may begin to end."""

    def close(self) -> None:
        """Begin nothing more, and wait for what runs."""

    def stop(self) -> None:
        """Begin nothing more; what runs is for nobody any more."""


class LocalExecutor:
    """Grades on this machine: a thread for each submission that is graded at the same time."""

    notes: tuple[str, ...] = ()

    def __init__(self, grader: Grader, jobs: int | None = None) -> None:
        self.jobs = jobs or default_jobs()
        self._grader = grader
        grader.readers()  # as long as there is one thread
        self._threads = ThreadPoolExecutor(max_workers=self.jobs, thread_name_prefix="nbseal")

    def submit(self, student: str, folder: Path) -> Future[GradedSubmission]:
        """Have the submission in ``folder`` graded."""
        return self._threads.submit(self._grader.grade, student, folder)

    def finish(self) -> None:
        """End the grader while the last result is recorded."""
        self._threads.submit(self._grader.close)

    def close(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._threads.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Begin nothing more; what runs has ended with the grader."""
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def default_jobs() -> int:
    """One more than there are processors that this process may use: one or the other always waits for something."""
    return processors() + 1


class Finished:
    """Collects futures as they finish; a context manager.

    While it is open, an interrupt waits until somebody asks for the next future. In the middle of an executor's own
    code it could leave a lock held, for which the other threads would wait forever. A second interrupt comes at once.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Future[Any] | None] = SimpleQueue()
        self._before: Any = None

    def add(self, future: Future[Any]) -> None:
        """Have ``next`` return ``future`` once it has finished."""
        future.add_done_callback(self._queue.put)

    def next(self) -> Future[Any]:
        """Wait for the next future that finishes; KeyboardInterrupt if there was an interrupt before it did."""
        future = self._queue.get()
        if future is None:
            raise KeyboardInterrupt
        return future

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._queue.put(None)

    def __enter__(self) -> Finished:
        asked_for = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if asked_for and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
