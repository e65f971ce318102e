"""A CSV file in which single cells are changed and every other byte stays as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nbseal.errors import CourseError

DELIMITERS = ",;\t"
BOM = "\ufeff"
QUOTE = '"'
# How a formula starts in one of the known spreadsheets; the last four are the wide forms of the first four.
FORMULA_STARTS = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                  "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
# A number, the sign alone that stands for "nothing" in many files, or a text that Canvas has wrapped in a formula.
HARMLESS = re.compile(r'[-+]?[\d.,]*|="[^"]*"')


@dataclass(frozen=True)
class Cell:
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

    def _parse(self, delimiter: str) -> list[list[Cell]]:
        text, position = self.text, self.start
        rows: list[list[Cell]] = []
        while position < len(text):
            cells: list[Cell] = []
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

    def _cell(self, start: int, delimiter: str, row: int) -> Cell:
        text = self.text
        if not text.startswith(QUOTE, start):
            found = re.compile(f"[{delimiter}\r\n]").search(text, start)
            end = found.start() if found else len(text)
            return Cell(text[start:end], start, end)
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
                f"{self.path}, row {row}: text behind the closing quotation mark of {value[:40]!r}. "
                "Download the file again."
            )
        return Cell(value, start, end + 1)


def plain_number(score: float) -> str:
    """A mark without needless zeros and without an exponent."""
    text = f"{score:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
