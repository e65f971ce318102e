"""Extensions for single students: the file ``extensions.csv`` in the course's folder, a line for each."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import write_whole
from nbseal.gradebook.explained import BUSY_SECONDS, explained
from nbseal.gradebook.times import Zones, decoded, read_date, zones_of

FILE = "extensions.csv"
COLUMNS = ("id", "assignment", "new date")
# what the columns may be called, without blanks, hyphens and underscores
NAMES = {
    "id": {"id", "student", "studentid", "user", "username"},
    "assignment": {"assignment", "assignmentid"},
    "new date": {"newdate", "date", "until", "duedate", "newduedate", "deadline", "extension"},
}
DELIMITERS = ",;\t"
BOM = "\ufeff"
MEND = "write the date as 2026-05-11 or 2026-05-11 23:00 UTC"


@dataclass(frozen=True)
class Extension:
    """One line: ``text`` is its date as it stands there, ``until`` what it says; None if unclear, see ``problem``."""

    student: str
    assignment: str
    text: str
    line: int
    until: datetime | None
    problem: str | None = None

    @property
    def where(self) -> str:
        """The file and the line."""
        return f"{FILE}, line {self.line}"


@dataclass(frozen=True)
class Extensions:
    """All lines of the file."""

    lines: tuple[Extension, ...] = ()

    def of(self, student: str, assignment: str) -> Extension | None:
        """A student's line for an assignment."""
        return next((one for one in self.lines if (one.student, one.assignment) == (student, assignment)), None)

    def notes(self, assignments: Collection[str], students: Collection[str]) -> list[str]:
        """What is wrong in the file: lines that can't be read, and names of nobody and nothing that is known."""
        found = []
        for one in self.lines:
            if one.problem:
                found.append(f"{one.where}: {one.problem}")
            if one.assignment and one.assignment not in assignments:
                found.append(f"{one.where}: {unknown('assignment', one.assignment, assignments)}")
            if one.student and one.student not in students:
                found.append(f"{one.where}: {unknown('student', one.student, students)}")
        return found


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """A sentence about a name that nobody knows, with the nearest one that somebody does."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"no {what} is called {name}{f': did you mean {near[0]}?' if near else '.'}"


def read_extensions(course: Course) -> Extensions:
    """The extensions of a course; CourseError if the file as a whole can't be read, and none if there is no file."""
    path = course.root / FILE
    if not path.exists():
        return Extensions()
    table = _Table.read(path)
    zones = zones_of(course.config)
    lines = [_extension(table.cells(number), number, zones) for number in table.filled()]
    return Extensions(tuple(_without_doubles(lines)))


def grant(course: Course, assignment: str, student: str, text: str) -> list[str]:
    """Give ``student`` time until the date in ``text``; returns what the instructor should know of.

    Every other line of the file stays as it is. UnknownName if there is no such assignment, CourseError if the date is
    unclear or before the due date.
    """
    from nbseal.gradebook.queries import due_dates, student_ids  # grading needs none of it, and it takes long to load

    name = course.assignment(assignment).name
    zone = zones_of(course.config).course
    date = read_date(text, zone)
    if date.moment is None:
        raise CourseError(f"{date.problem}; {MEND}.")
    until = date.moment.astimezone(zone)
    due = due_dates(course).get(name)
    if due and until < due:
        raise CourseError(
            f"{until:%Y-%m-%d %H:%M %Z} is before the due date of {name}, "
            f"{due.astimezone(zone):%Y-%m-%d %H:%M %Z}: give a later one."
        )
    _write_line(course, name, student, until)
    notes = [] if due else [f"{name} has no due date in the gradebook: the extension counts once it has one."]
    known = student_ids(course).union(*(course.students(other) for other in course.assignments()))
    if student not in known:
        notes.append(f"{unknown('student', student, known)} The line is in {FILE} all the same.")
    return notes


def revoke(course: Course, assignment: str, student: str) -> None:
    """Take away the lines that give ``student`` more time; CourseError if there is none."""
    with _table(course) as table:
        if not table.remove(student, assignment):
            raise CourseError(f"{FILE} has no line for {student} in {assignment}: there is nothing to take away.")


def forget(course: Course, student: str) -> None:
    """Take away all lines of a student."""
    own = {one.assignment for one in read_extensions(course).lines if one.student == student}
    if own:
        with _table(course) as table:
            for assignment in own:
                table.remove(student, assignment)


def _write_line(course: Course, assignment: str, student: str, until: datetime) -> None:
    if "\n" in student or "\r" in student:
        raise CourseError(f"{student!r} can't be written to {FILE}: an id there fits on one line.")
    with _table(course) as table:
        table.put(student, assignment, until.isoformat(sep=" ", timespec="seconds"))


@contextmanager
def _table(course: Course) -> Iterator[_Table]:
    """The file's table, which is written anew when nothing was raised."""
    path = course.root / FILE
    course.private.mkdir(mode=0o700, exist_ok=True)
    with explained(path), FileLock(course.private / "extensions.lock", timeout=BUSY_SECONDS):
        table = _Table.read(path) if path.exists() else _Table.empty(path)
        yield table
        write_whole(path, table.text().encode("utf-8", "surrogateescape"), _mode(course, path), durable=True)


def _mode(course: Course, path: Path) -> int:
    """The file's permissions; it names students."""
    if path.exists():
        return path.stat().st_mode & 0o777
    return 0o660 if course.coursedir.groupshared else 0o600


def _extension(cells: dict[str, str], line: int, zones: Zones) -> Extension:
    student, assignment, text = (cells[name] for name in COLUMNS)
    if not student or not assignment:
        missing = "the student's id" if not student else "the assignment"
        return Extension(student, assignment, text, line, None, f"{missing} is missing; write it, or remove the line.")
    date = read_date(text, zones.course)
    if date.moment is None:
        return Extension(student, assignment, text, line, None, f"{date.problem}; {MEND}.")
    return Extension(student, assignment, text, line, date.moment.astimezone(zones.course))


def _without_doubles(lines: list[Extension]) -> list[Extension]:
    """The lines; where two give one student different dates, nobody can tell which counts."""
    dates: dict[tuple[str, str], set[datetime | None]] = {}
    for one in lines:
        dates.setdefault((one.student, one.assignment), set()).add(one.until)
    return [
        one
        if one.problem or len(dates[one.student, one.assignment]) == 1
        else replace(one, until=None, problem=f"another line has another date for {one.student}; remove one of them.")
        for one in lines
    ]


class _Table:
    """The file's text in physical lines, so that only those that change are written anew."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.mark = BOM if text.startswith(BOM) else ""
        self.lines = list(io.StringIO(text.removeprefix(BOM), newline=""))
        head = self.lines[0] if self.lines else ""
        self.end = "\r\n" if head.endswith("\r\n") else "\n"
        self.delimiter = max(DELIMITERS, key=head.count)
        self.header = self._split(head)
        self.places = {name: self._place(name) for name in COLUMNS}

    @classmethod
    def read(cls, path: Path) -> _Table:
        """The table in a file; CourseError if it is none."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CourseError(f"{path} can't be read ({error.strerror}): make it readable and run again.") from error
        text = decoded(content)
        if "\ufffd" in text:
            raise CourseError(f"{path} is not in UTF-8: save it as CSV UTF-8 and run again.")
        return cls(path, (BOM if content.startswith(BOM.encode()) else "") + text)

    @classmethod
    def empty(cls, path: Path) -> _Table:
        """A table without lines, which is not in the file yet."""
        return cls(path, ",".join(COLUMNS) + "\n")

    def filled(self) -> list[int]:
        """The numbers of the lines that say something; the header is 1."""
        return [number for number, line in enumerate(self.lines[1:], 2) if line.strip(f"{DELIMITERS} \r\n")]

    def cells(self, number: int) -> dict[str, str]:
        """What a line says in each of our columns; empty where it is too short."""
        values = self._split(self.lines[number - 1])
        return {name: values[place] if place < len(values) else "" for name, place in self.places.items()}

    def put(self, student: str, assignment: str, date: str) -> None:
        """Have one line for a student and an assignment, with this date."""
        new = {"id": student, "assignment": assignment, "new date": date}
        own = self._of(student, assignment)
        values = self._split(self.lines[own[0] - 1]) if own else []
        values += [""] * (len(self.header) - len(values))
        for name, place in self.places.items():
            values[place] = new[name]
        line = self.delimiter.join(map(self._quoted, values)) + self.end
        for number in reversed(own[1:]):
            del self.lines[number - 1]
        if own:
            self.lines[own[0] - 1] = line
            return
        if not self.lines[-1].endswith(("\n", "\r")):
            self.lines[-1] += self.end
        self.lines.append(line)

    def remove(self, student: str, assignment: str) -> bool:
        """Have no line for a student and an assignment; whether there was one."""
        own = self._of(student, assignment)
        for number in reversed(own):
            del self.lines[number - 1]
        return bool(own)

    def _of(self, student: str, assignment: str) -> list[int]:
        """The numbers of the lines for a student and an assignment."""
        cells = {number: self.cells(number) for number in self.filled()}
        return [number for number, one in cells.items() if (one["id"], one["assignment"]) == (student, assignment)]

    def text(self) -> str:
        """The whole file."""
        return self.mark + "".join(self.lines)

    def _split(self, line: str) -> list[str]:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter), [])]
        except csv.Error:  # longer than any cell is
            return []

    def _quoted(self, value: str) -> str:
        needed = any(sign in value for sign in (self.delimiter, '"'))
        return '"' + value.replace('"', '""') + '"' if needed else value

    def _place(self, name: str) -> int:
        for place, title in enumerate(self.header):
            if title.lower().translate(str.maketrans("", "", " -_")) in NAMES[name]:
                return place
        raise CourseError(f"{self.path} has no column {name}: its first line must be {','.join(COLUMNS)}.")
