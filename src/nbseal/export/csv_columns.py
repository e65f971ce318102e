"""A column of a downloaded CSV file filled with marks: every other byte stays, and each mark left out is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbseal.errors import CourseError
from nbseal.export.marks import NOT_HANDED_IN, AssignmentMarks, Mark
from nbseal.files import write_whole
from nbseal.text import notes_on_like_ids

DELIMITERS = ",;\t"
BOM = "\ufeff"
QUOTE = '"'
# How a formula starts in one of the known spreadsheets; the last four are the wide forms of the first four.
FORMULA_STARTS = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                  "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
# A number, the sign alone that stands for "nothing" in many files, or a text that Canvas has wrapped in a formula.
HARMLESS = re.compile(r'[-+]?[\d.,]*|="[^"]*"')


@dataclass(frozen=True)
class CsvCell:
    """A cell's value, and where it stands in the text with its quotes."""

    value: str
    start: int
    end: int


class CsvText:
    """A CSV file's text and its cells; CourseError when it isn't one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CourseError(f"{path} can't be read: {error.strerror}.") from error
        try:
            self.text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CourseError(
                f"{path} is not in UTF-8 (byte {error.start + 1}): download it again, and don't save it in a "
                "spreadsheet before."
            ) from error
        self.start = len(BOM) if self.text.startswith(BOM) else 0
        self.delimiter = self._guess_delimiter()
        self.rows = self._parse(self.delimiter)
        if not self.rows:
            raise CourseError(f"{path} is empty: download it again.")

    @property
    def header(self) -> list[str]:
        """The first line's values, without blanks around them."""
        return [cell.value.strip() for cell in self.rows[0]]

    def value(self, row: int, column: int | None) -> str:
        """A cell's value without blanks around it; empty where the line is too short or there is no such column."""
        cells = self.rows[row]
        return cells[column].value.strip() if column is not None and column < len(cells) else ""

    def changed(self, values: dict[tuple[int, int], str]) -> bytes:
        """The file with other values in some cells, quoted as they were."""
        parts, last = [], 0
        for (row, column), value in sorted(values.items()):
            cell = self.rows[row][column]
            quote = QUOTE if self.text[cell.start : cell.end].startswith(QUOTE) else ""
            parts += [self.text[last : cell.start], f"{quote}{value}{quote}"]
            last = cell.end
        return "".join([*parts, self.text[last:]]).encode("utf-8")

    def formulas(self) -> list[int]:
        """The rows (the first is 1) in which a spreadsheet would take a cell for a formula."""
        return [
            number
            for number, row in enumerate(self.rows, 1)
            if any(
                (text := cell.value.strip()).startswith(FORMULA_STARTS) and not HARMLESS.fullmatch(text) for cell in row
            )
        ]

    def number(self, score: float) -> str:
        """A number as this file writes it: where columns are parted by semicolons, decimals have a comma."""
        text = plain_number(score)
        return text.replace(".", ",") if self.delimiter == ";" else text

    def _guess_delimiter(self) -> str:
        """The one that parts the first line into the most columns."""
        line = self.text[self.start :].split("\n", 1)[0]
        outside = "".join(line.split(QUOTE)[::2])
        return max(DELIMITERS, key=outside.count)

    def _parse(self, delimiter: str) -> list[list[CsvCell]]:
        text, position = self.text, self.start
        rows: list[list[CsvCell]] = []
        while position < len(text):
            cells: list[CsvCell] = []
            while True:
                cell = self._cell(position, delimiter, len(rows) + 1)
                cells.append(cell)
                position = cell.end
                if text[position : position + 1] != delimiter:
                    break
                position += 1
            position += 2 if text.startswith("\r\n", position) else 1
            rows.append(cells)
        return rows

    def _cell(self, start: int, delimiter: str, row: int) -> CsvCell:
        text = self.text
        if not text.startswith(QUOTE, start):
            found = re.compile(f"[{delimiter}\r\n]").search(text, start)
            end = found.start() if found else len(text)
            return CsvCell(text[start:end], start, end)
        end = start + 1
        while True:
            end = text.find(QUOTE, end)
            if end < 0:
                raise CourseError(f"{self.path}, row {row}: a quotation mark is never closed. Download the file again.")
            if not text.startswith(QUOTE, end + 1):
                break
            end += 2
        value = text[start + 1 : end].replace(QUOTE * 2, QUOTE)
        if text[end + 1 : end + 2] not in ("", delimiter, "\n", "\r"):
            raise CourseError(
                f"{self.path}, row {row}: text after the closing quotation mark of {value[:40]!r}. "
                "Download the file again."
            )
        return CsvCell(value, start, end + 1)


def plain_number(score: float) -> str:
    """A mark without needless zeros and without an exponent."""
    text = f"{score:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


UNKNOWN = "\0"  # begins the key of a student of whom nothing can be compared; no file has such a cell


@dataclass
class ExportResult:
    """Marks that were written, marks that were not (with the reason), and rows that belong to nobody we know.

    ``path`` is the file, or what a place elsewhere is called.
    ``missing`` are students who handed nothing in; ``resubmitted`` are, by assignment, those whose mark is that of an
    earlier submission than they have handed in now; ``notes`` are worth reading and cost nobody a mark.
    """

    assignment: str
    path: Path | str
    written: dict[str, float] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    resubmitted: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, marks: AssignmentMarks, path: Path | str) -> ExportResult:
        """The result of an export of ``marks`` in which none has been written yet."""
        result = cls(marks.assignment, path)
        result.note_doubts(marks)
        return result

    def note_doubts(self, marks: AssignmentMarks) -> None:
        """Say whose marks are older than the submission or lack a penalty, and whose ids could be one student's."""
        self.notes += [note for note in notes_on_like_ids(marks.by_student) if note not in self.notes]
        if marks.resubmitted:
            self.resubmitted[marks.assignment] = list(marks.resubmitted)
        if marks.unclear_times:
            students = ", ".join(marks.unclear_times)
            self.notes.append(f"{marks.assignment}: the time is unclear and no late penalty is taken off: {students}")

    def leave_out(self, mark: Mark, reason: str = "") -> None:
        """Say that a student's mark isn't in the file."""
        if mark.is_missing and not reason:
            self.missing.append(mark.student)
        else:
            self.left_out.append((mark.student, reason or mark.reason))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "assignment": self.assignment,
            "file": str(self.path),
            "written": self.written,
            "left_out": [{"student": student, "reason": reason} for student, reason in self.left_out],
            "nothing_handed_in": self.missing,
            "rows_without_a_student": self.strangers,
            "handed_in_again": self.resubmitted,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class StudentRows:
    """The rows of students in a downloaded file: by what each is told from the others (``keys``, by row).

    ``name_of`` says what a row is called, ``refusal`` why a row takes no mark (empty if it does).
    """

    file: CsvText
    keys: dict[int, str]
    name_of: Callable[[int], str]
    refusal: Callable[[int], str]


def fill_column(result: ExportResult, rows: StudentRows, column: int, marks: dict[str, Mark]) -> bytes:
    """Put ``marks``, by their students' keys, into one column of a downloaded file; the new file's content."""
    file = rows.file
    changes: dict[tuple[int, int], str] = {}
    seen: dict[str, list[int]] = {}
    for row, key in rows.keys.items():
        if key in marks:
            seen.setdefault(key, []).append(row)
        else:
            result.strangers.append(rows.name_of(row))
    for key, mark in marks.items():
        places = seen.get(key, [])
        if mark.score is None:
            result.leave_out(mark)
        elif why := _obstacle(file, key, places, column) or rows.refusal(places[0]):
            result.leave_out(mark, why)
        else:
            changes[places[0], column] = file.number(mark.score)
            result.written[mark.student] = mark.score
            if mark.reason:
                result.notes.append(f"{mark.student}: {mark.reason}")
    if rows_with_formulas := file.formulas():
        result.notes.append(
            f"a spreadsheet would compute a text in row {', '.join(map(str, rows_with_formulas[:5]))} of the new file, "
            "which stands there as it was downloaded: import the file without opening it"
        )
    return file.changed(changes)


def _obstacle(file: CsvText, key: str, places: list[int], column: int) -> str:
    """Why there is no one cell for a mark; empty if there is one."""
    if not places and key.startswith(UNKNOWN):
        return "the gradebook has nothing to compare: choose another --match-by"
    if not places:
        return f"no row in {file.path.name}"
    if len(places) > 1:
        lines = " and ".join(str(place + 1) for place in places)
        return f"two rows in {file.path.name} ({lines}): write the mark there by hand"
    return "" if column < len(file.rows[places[0]]) else f"row {places[0] + 1} of {file.path.name} is too short"


def find_column(file: CsvText, name: str) -> int | None:
    """The place of a column by its name, capitals and small letters being the same; None if there is none."""
    names = [title.casefold() for title in file.header]
    return names.index(name.casefold()) if name.casefold() in names else None


def needed_column(file: CsvText, name: str, mend: str) -> int:
    """The place of a column; CourseError, which says how to ``mend`` it, if there is none."""
    place = find_column(file, name)
    if place is None:
        raise CourseError(f"{file.path} has no column {name}: {mend}")
    return place


def other_points(text: str, ours: float) -> float | None:
    """The points that a cell's text says an assignment has there, if those are others than ``ours``."""
    try:
        theirs = float(text.replace(",", "."))
    except ValueError:
        return None
    return theirs if abs(theirs - ours) > 1e-6 else None


def keyed(marks: Sequence[Mark], key: Callable[[Mark], str], what: str) -> dict[str, Mark]:
    """Marks by what identifies the student elsewhere; CourseError when two students share it."""
    found: dict[str, Mark] = {}
    for mark in marks:
        value = key(mark) or f"{UNKNOWN}{mark.student}"
        if value in found:
            raise CourseError(
                f"{found[value].student} and {mark.student} have the same {what} in the gradebook, {value!r}: "
                "give each their own (nbgrader db student add)."
            )
        found[value] = mark
    return found


def refuse_if_nobody(rows: StudentRows, marks: dict[str, Mark], how: str) -> None:
    """CourseError when no row is a student's: then the wrong column was compared."""
    path = rows.file.path
    if not rows.keys:
        raise CourseError(f"{path} has no students in it: download it again.")
    ready = [key for key, mark in marks.items() if mark.reason != NOT_HANDED_IN]
    if ready and not any(key in marks for key in rows.keys.values()):
        some = ", ".join(repr(key) for key in list(rows.keys.values())[:3])
        known = ", ".join(repr(mark.student) for mark in list(marks.values())[:3])
        raise CourseError(
            f"{path}: no row belongs to a student of the gradebook. Compared were {how} (in the file {some}; "
            f"in the gradebook {known}): choose another with --match-by."
        )


def write_new(path: Path, content: bytes, force: bool, source: Path | None = None) -> None:
    """Write a file whole or not at all; CourseError if it is there already (or is ``source``)."""
    if source is not None and path.exists() and path.samefile(source):
        raise CourseError(f"{path} is the file that was downloaded: give another name with --output.")
    if path.exists() and not force:
        raise CourseError(f"{path} already exists: give another name with --output, or --force to replace it.")
    if not path.absolute().parent.is_dir():
        raise CourseError(f"the folder {path.absolute().parent} doesn't exist: make it, or give another --output.")
    write_whole(path, content)
