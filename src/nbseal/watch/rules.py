"""What a course's settings and due dates say: whose turn comes when, what counts, and what is shown of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nbseal.course import Course, Watch
from nbseal.gradebook.extensions import Extensions, read_extensions
from nbseal.gradebook.queries import due_dates
from nbseal.watch.tasks import State, Task

FRESH_SECONDS = 2.0
EVERYTHING, VISIBLE, NOTHING = "everything", "visible", "nothing"


@dataclass(frozen=True)
class Turn:
    """When an attempt may be graded, in seconds since 1970: its number, or why there is none."""

    number: int
    not_before: float = 0.0
    refusal: str = ""


class DueDates:
    """When work is due, as it was known at most two seconds ago; any number of threads may ask."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._read = float("-inf")
        self._found: tuple[Extensions, dict[str, datetime]] = Extensions(), {}

    def of(self, assignment: str, student: str) -> datetime | None:
        """When a student's work is due; a line in extensions.csv goes before the assignment's date.

        CourseError or RecordError if that can't be read.
        """
        if time.monotonic() - self._read > FRESH_SECONDS:
            self._found = read_extensions(self._course), due_dates(self._course)
            self._read = time.monotonic()
        extensions, dates = self._found
        line = extensions.of(student, assignment)
        return line.until.astimezone(UTC) if line and line.until else dates.get(assignment)


def turn_of(settings: Watch, earlier: Sequence[Task]) -> Turn:
    """Whose turn a further submission is, after a student's ``earlier`` ones, of which the newest comes first.

    One that was replaced, refused, cancelled or has failed is no attempt: it told the student nothing.
    """
    taken = [task for task in earlier if task.state in (State.DONE, State.RUNNING)]
    number = len(taken) + 1
    if settings.attempts and number > settings.attempts:
        attempts = "the one attempt is" if settings.attempts == 1 else f"all {settings.attempts} attempts are"
        return Turn(number, refusal=f"{attempts.capitalize()} taken: this submission is kept, and not graded now.")
    if not taken or not settings.pause_minutes:
        return Turn(number)
    last = taken[0].ended or taken[0].started or taken[0].asked
    return Turn(number, last + 60 * settings.pause_minutes)


def shown_now(settings: Watch, due: datetime | None, now: float | None = None) -> str:
    """What a student may see now: everything, the questions without hidden tests, or nothing."""
    if settings.release == EVERYTHING or (due and due.timestamp() <= (time.time() if now is None else now)):
        return EVERYTHING
    return VISIBLE if settings.release == VISIBLE else NOTHING


def takes_its_place(settings: Watch, score: float, late: bool, before: tuple[float, bool] | None) -> bool:
    """Whether a submission counts from now on; ``before`` is the mark that counts so far, and whether it was late."""
    if settings.counts == "last" or before is None:
        return True
    before_score, before_late = before
    return (not late, score) >= (not before_late, before_score)


def in_words(moment: datetime | None) -> str:
    """A time as students read it; "" for none."""
    return f"{moment.day} {moment.astimezone(UTC):%B %Y, %H:%M:%S} UTC" if moment else ""
