"""Marks as CSV."""

import csv
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import MissingEntry

from nbseal.errors import CourseError
from nbseal.export import SafeCsvExport, safe_cell
from nbseal.export.csvtext import CsvText, plain_number


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1", "'+1"),
        ("-2+cmd|x", "'-2+cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "\ufffd =1"),
        ("\uff1d1", "'\uff1d1"),
        ("ada", "ada"),
        (-1.5, "-1.5"),
        (None, ""),
        ("a\x1b[2Jb\nc", "a\ufffd[2Jb c"),
    ],
)
def test_no_text_is_a_formula(value, cell):
    """What a spreadsheet would compute has an apostrophe before it; numbers stay numbers."""
    assert safe_cell(value) == cell


def test_marks_keep_nbgraders_columns(tmp_path: Path):
    """Commas and quotes in names stay in their column, who handed nothing in has 0, and who waits has no mark."""
    names = {"last_name": 'O"Neil, Ann', "first_name": "=1+1", "email": None}
    book = SimpleNamespace(
        assignments=[SimpleNamespace(name="a1", duedate=None, max_score=3.0), SimpleNamespace(name="a2")],
        students=[SimpleNamespace(id=name, **names) for name in ("ann", "bob", "cid")],
    )

    def find_submission(assignment, student):
        if student == "bob":
            raise MissingEntry
        return SimpleNamespace(
            score=2.0, late_submission_penalty=0.5, timestamp="2025-01-01", needs_manual_grade=student == "cid"
        )

    book.find_submission = find_submission
    plugin = SafeCsvExport()
    plugin.to, plugin.assignment = str(tmp_path / "marks.csv"), ["a1"]
    plugin.export(book)
    ann, bob, cid = csv.DictReader((tmp_path / "marks.csv").read_text(encoding="utf-8").splitlines())
    assert (ann["last_name"], ann["first_name"], ann["score"], ann["raw_score"]) == (
        'O"Neil, Ann',
        "'=1+1",
        "1.5",
        "2.0",
    )
    assert (bob["student_id"], bob["score"], bob["max_score"], bob["email"]) == ("bob", "0.0", "3.0", "")
    assert (cid["student_id"], cid["score"], cid["raw_score"], cid["max_score"]) == ("cid", "", "", "3.0")


cells = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\r\n,;\t\ufeff'), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: '"' + text.replace('"', '""') + '"'),
)


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5),
    bom=st.sampled_from(["", "\ufeff"]),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_a_file_keeps_every_byte_but_the_cell_that_is_changed(tmp_path_factory, rows, bom, end, last):
    """Quotes, line ends, BOM and blanks stay, and the csv module reads the new value in its place."""
    rows = [["Student", "ID", "x"], *rows]
    text = bom + end.join(",".join(row) for row in rows) + (end if last else "")
    path = tmp_path_factory.getbasetemp() / "some.csv"
    path.write_bytes(text.encode())
    file = CsvText(path)
    assert file.changed({}) == text.encode()
    changed = file.changed({(1, 1): "7.5"}).decode()
    rows[1][1] = '"7.5"' if rows[1][1].startswith('"') else "7.5"
    assert changed == bom + end.join(",".join(row) for row in rows) + (end if last else "")
    found = list(csv.reader(io.StringIO(changed.removeprefix("\ufeff"), newline="")))
    assert [[cell.value for cell in row] for row in file.rows] != found
    assert found[1][1] == "7.5"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b'Student,ID\n"Ann,1\n', "row 2: a quotation mark is never closed"),
        (b'Student,ID\n"Ann"x,1\n', "row 2: text behind the closing quotation mark of 'Ann'"),
        ("Student,ID\nZoë,1\n".encode("latin-1"), "not in UTF-8"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, content, words):
    """The error names the file, the row and the cause."""
    path = tmp_path / "grades.csv"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=words) as error:
        CsvText(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("score", "text"), [(5.0, "5"), (0.1 + 0.2, "0.3"), (1e6, "1000000"), (1e-9, "0"), (12.25, "12.25")]
)
def test_numbers_are_plain(score, text):
    """No exponent, no rest of binary fractions."""
    assert plain_number(score) == text
