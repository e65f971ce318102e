"""Whether a submission came late: what its stamp and an extension say together, and what nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from nbseal.gradebook.decisions import TIME, Decisions, read_decisions
from nbseal.gradebook.extensions import Extension
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.times import Stamp, naive
from nbseal.results import UNCLEAR_TIME, Scorecard

STAMP_MEND = "write the time like 2026-05-04 20:30:00 UTC."


def as_decided(decisions: Decisions, student: str, handed_in: str, stamp: Stamp | None) -> Stamp | None:
    """A submission's stamp; where it is unclear, the time that a person decided takes its place."""
    if stamp and stamp.problem and (found := decisions.time(student, handed_in)):
        return Stamp(found.time, decided=found.sentence)
    return stamp


def stamp_on_record(private: Path, assignment: str, student: str, stamp: Stamp | None) -> Stamp | None:
    """The same for the submission that is recorded in the course whose ``private`` folder it is.

    CourseError if the file of decisions is damaged.
    """
    if not stamp or not stamp.problem:
        return stamp
    decisions = read_decisions(private, assignment)
    entry = Ledger(private / "scorecards" / assignment).latest(student) if decisions.made else None
    return as_decided(decisions, student, entry.handed_in, stamp) if entry else stamp


@dataclass(frozen=True)
class Timing:
    """What is known about one submission's time. Moments are UTC without a zone, as in the gradebook.

    ``stamped``: it has a stamp, so ``moment`` counts and no older one on record. ``granted``: extensions.csv has, or
    had, a line for it, so ``extension`` counts and not what is on record; ``text`` is that line's date as it stands.
    With ``problems`` nobody can tell whether it is late: it gets no penalty. ``decided`` says who decided the moment,
    if it was a person.
    """

    stamped: bool = False
    moment: datetime | None = None
    granted: bool = False
    extension: timedelta | None = None
    text: str = ""
    problems: tuple[str, ...] = ()
    decided: str = ""

    def on(self, card: Scorecard) -> Scorecard:
        """The scorecard with these problems and this decision in the place of earlier ones about time."""
        problems = tuple(problem for problem in card.problems if not problem.endswith(UNCLEAR_TIME))
        decisions = tuple(decision for decision in card.decisions if not decision.startswith(TIME))
        own = (self.decided,) if self.decided else ()
        return replace(card, problems=problems + self.problems, decisions=decisions + own)

    def recorded(
        self, moment: datetime | None, extension: timedelta | None
    ) -> tuple[datetime | None, timedelta | None]:
        """The moment and the extension to be recorded, where these are on record."""
        return self.moment if self.stamped else moment, self.extension if self.granted else extension

    def seconds_late(self, moment: datetime | None, extension: timedelta | None, due: datetime | None) -> float:
        """By how many seconds the submission is late, with what is to be recorded."""
        if self.problems or moment is None or due is None:
            return 0.0
        return max(0.0, (moment - due - (extension or timedelta())).total_seconds())


def timing_of(stamp: Stamp | None, line: Extension | None, due: datetime | None, before: str = "") -> Timing:
    """Put together a submission's stamp, its line in extensions.csv and the due date.

    ``before`` is the date that stood in that line when the submission was last recorded.
    """
    problems = [f"{stamp.problem}; {STAMP_MEND} {UNCLEAR_TIME}"] if stamp and stamp.problem else []
    extension, granted = None, bool(before)
    if line:
        granted = line.until is not None
        until = naive(line.until)
        cause = line.problem
        if until and due and until < due:
            cause, granted = f"{line.text} is before the due date, {due:%Y-%m-%d %H:%M} UTC; write a later one.", False
        elif until and due:
            extension = until - due
        if cause:
            problems.append(f"{line.where}: {cause} {UNCLEAR_TIME}")
    text = line.text if line else ""
    moment = naive(stamp.moment) if stamp else None
    decided = stamp.decided if stamp else ""
    return Timing(stamp is not None, moment, granted, extension, text, tuple(problems), decided)
