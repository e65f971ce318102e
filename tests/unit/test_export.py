"""Marks as CSV."""

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.api import MissingEntry

from nbseal.export import SafeCsvExport, safe_cell


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
    """Commas and quotes in names stay in their column, and who handed nothing in has 0."""
    names = {"last_name": 'O"Neil, Ann', "first_name": "=1+1", "email": None}
    book = SimpleNamespace(
        assignments=[SimpleNamespace(name="a1", duedate=None, max_score=3.0), SimpleNamespace(name="a2")],
        students=[SimpleNamespace(id="ann", **names), SimpleNamespace(id="bob", **names)],
    )

    def find_submission(assignment, student):
        if student == "bob":
            raise MissingEntry
        return SimpleNamespace(score=2.0, late_submission_penalty=0.5, timestamp="2025-01-01")

    book.find_submission = find_submission
    plugin = SafeCsvExport()
    plugin.to, plugin.assignment = str(tmp_path / "marks.csv"), ["a1"]
    plugin.export(book)
    ann, bob = csv.DictReader((tmp_path / "marks.csv").read_text(encoding="utf-8").splitlines())
    assert (ann["last_name"], ann["first_name"], ann["score"], ann["raw_score"]) == (
        'O"Neil, Ann',
        "'=1+1",
        "1.5",
        "2.0",
    )
    assert (bob["student_id"], bob["score"], bob["max_score"], bob["email"]) == ("bob", "0.0", "3.0", "")
