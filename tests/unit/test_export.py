"""Marks as CSV."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.plugins import CsvExportPlugin

from nbseal.errors import CourseError
from nbseal.export import SafeCsvExport, safe_cell
from nbseal.export.csv_columns import CsvText, plain_number
from nbseal.gradebook.connection import open_gradebook
from tests.gradebooks import filled_course


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


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """A gradebook of nbgrader's with marks of all kinds."""
    with open_gradebook(filled_course(tmp_path_factory.mktemp("export") / "course")) as gradebook:
        yield gradebook


@pytest.mark.parametrize("only", [{}, {"assignment": ["a2"]}, {"student": ["late", "nobody"]}], ids=str)
def test_sums_so_far_are_nbgraders_file(tmp_path: Path, gradebook, only):
    """For names that need no quotes, with ``partial``, all bytes are those of nbgrader's own plugin."""
    files = []
    for kind in (SafeCsvExport, CsvExportPlugin):
        plugin = kind(to=str(tmp_path / kind.__name__), **only)
        plugin.partial = True
        plugin.export(gradebook)
        files.append(Path(plugin.to).read_bytes())
    assert files[0] == files[1]
    assert files[0].count(b"\n") == {"assignment": 8, "student": 5}.get(next(iter(only), ""), 15)


def test_marks_keep_their_columns(tmp_path: Path, gradebook):
    """Commas and quotes in names stay in their column, who handed nothing in has 0, and who waits has no mark."""
    gradebook.update_or_create_student("late", last_name='O"Neil, Ann', first_name="=1+1", email=None)
    plugin = SafeCsvExport(to=str(tmp_path / "marks.csv"), assignment=["a1"])
    plugin.export(gradebook)
    with (tmp_path / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    late, nobody, unseen = rows["late"], rows["nobody"], rows["unseen"]
    assert (late["last_name"], late["first_name"], late["email"]) == ('O"Neil, Ann', "'=1+1", "")
    assert (late["late_submission_penalty"], float(late["score"])) == ("0.8", float(late["raw_score"]) - 0.8)
    assert (nobody["score"], nobody["raw_score"], nobody["max_score"]) == ("0.0", "0.0", "7.6")
    assert (unseen["score"], unseen["raw_score"], unseen["max_score"]) == ("", "", "7.6")


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
        (b'Student,ID\n"Ann"x,1\n', "row 2: text after the closing quotation mark of 'Ann'"),
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
