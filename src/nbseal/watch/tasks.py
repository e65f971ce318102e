"""What the queue holds: tasks, how far they have come, and how the queue stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LOCK = "watch.lock"  # file that the worker of a course holds


class Kind(StrEnum):
    """What is to be done."""

    SUBMISSION = "submission"  # grade what arrived, and release its page
    AUTOGRADE = "autograde"  # the formgrader's button: grade what lies in submitted/
    FEEDBACK = "feedback"  # the formgrader's button: make the pages that are out of date
    RELEASE = "release"  # the due date has passed: release the whole page
    TAKE = "take"  # collect again what could not be collected


class State(StrEnum):
    """How far a task has come; the last five are its end."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REPLACED = "replaced"  # a newer submission of the student came before it was graded
    REFUSED = "refused"  # the student has no attempt left


@dataclass(frozen=True)
class Task:
    """One row. Times are seconds since 1970; ``identity`` is the digest of a submission's files.

    ``student`` is "" for the whole class. ``done`` of ``total`` pages are made; ``shown`` says what the student has
    been shown of it; ``note`` what became of it, in words.
    """

    id: int
    kind: Kind
    assignment: str
    student: str
    identity: str
    state: State
    asked: float
    not_before: float
    started: float | None
    ended: float | None
    tries: int
    done: int
    total: int
    stop: int
    shown: str
    note: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state not in (State.WAITING, State.RUNNING)


@dataclass(frozen=True)
class Overview:
    """How the queue stands: ``rate`` in tasks a minute, ``oldest`` the seconds that the oldest task waits for."""

    waiting: int
    running: tuple[Task, ...]
    rate: float
    oldest: float
    failures: tuple[Task, ...]
    next: tuple[Task, ...]
