"""Whose marks change is seen before it counts, and said when it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from nbseal.cli.app import app
from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from tests.courses import grades
from tests.mini import GRADER, hand_in, make_course

STRICTER = GRADER.replace("assert number == 42", "assert number == 42 and type(number) is int")
MILDER = STRICTER.replace("assert (got == [0, 2, 4]).all()", "assert got.shape")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A class of three, graded: ann is right, bob has a float, eve's function fails for arrays."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ann")
    hand_in(root, "bob", number_answer="answer = 42.0")
    hand_in(root, "eve", double_answer="def double(x):\n    return x + x if isinstance(x, int) else x")
    assert not grade_class(Course(root), "mini").changes
    return root


def run(root: Path, *options: str) -> str:
    """What `nbseal grade` prints."""
    result = CliRunner().invoke(app, ["grade", "mini", "--course", str(root), *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_dry_run_shows_who_would_gain_and_lose_and_records_nothing(course: Path) -> None:
    """After a changed grader the dry run names students, questions, marks and tests; gradebook and records stay."""
    before = grades(course, "mini")
    (course / "graders" / "test_mini.py").write_text(MILDER)
    said = run(course, "--dry-run")
    assert "nothing is recorded; of those who were graded before 1 would gain and 1 would lose marks:" in said
    assert "bob · number 2 → 0 of 2: doesn't pass: The number is 42." in said
    assert "eve · double 1 → 4 of 4: passes now: It doubles an array." in said
    assert "ann" not in said.partition("would lose marks:")[2]
    assert grades(course, "mini") == before
    assert "nothing is recorded; no mark" not in said
    assert run(course, "--dry-run").partition("nothing is")[2] == said.partition("nothing is")[2]


def test_a_regrade_has_the_page_of_a_comparison(course: Path, tmp_path: Path) -> None:
    """--html sets old marks beside new ones, with tests, after a dry run and a real one; only its owner may read it."""
    (course / "graders" / "test_mini.py").write_text(MILDER)
    hand_in(course, "new")
    before = grades(course, "mini")
    for options, heading in ((["--dry-run"], "what would a regrade change?"), ([], "what did the regrade change?")):
        page = tmp_path / "marks.html"
        run(course, *options, "--html", str(page))
        text = page.read_text()
        assert f"<h1>mini: {heading}</h1>" in text
        for shown in ("<strong>1</strong> gain marks", "doesn&#39;t pass: The number is 42."):
            assert shown in text
        assert ">ann<" not in text
        rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*)</tr>', text)
        cells = {name: re.findall(r">([^<>]+)</td>", row) for name, row in rows}
        assert cells["number"] == ["2", "2", "0", "1", "0", "1"]  # points, same, more, less, no mark, none before
        assert cells["double"] == ["4", "2", "1", "0", "0", "1"]
        assert cells["bob"][:3] == ["number", "2", "0"]
        assert page.stat().st_mode & 0o77 == 0
        assert (grades(course, "mini") == before) is bool(options)
    run(course, "--html", str(page))
    assert "<strong>0</strong> lose marks" in page.read_text()


def test_a_run_says_which_marks_it_changed(course: Path) -> None:
    """The same summary, of what is recorded now; a second run changes nothing, and a comment in a grader no mark."""
    (course / "graders" / "test_mini.py").write_text(MILDER)
    assert "of those who were graded before 1 gained and 1 lost marks:" in run(course)
    assert "graded before" not in run(course)
    (course / "graders" / "test_mini.py").write_text(MILDER + "\n# a remark\n")
    said = run(course)
    assert "3 graded" in said
    assert "graded before" not in said


def test_another_submission_is_no_changed_mark(course: Path) -> None:
    """Who hands in again gets other marks for other work: that is not a change of marks."""
    hand_in_again = course / "submitted" / "bob"
    for path in sorted(hand_in_again.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    hand_in_again.rmdir()
    hand_in(course, "bob", number_answer="answer = 41")
    assert not grade_class(Course(course), "mini").changes


def test_a_dry_run_of_a_course_that_was_never_graded_makes_nothing(tmp_path: Path) -> None:
    """Without a gradebook it grades, says that nothing is recorded, and leaves no gradebook behind."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ann")
    result = grade_class(Course(root), "mini", ClassOptions(dry_run=True))
    assert result.scorecards[0].score == 7
    assert not (root / "gradebook.db").exists()
    assert not (root / "autograded").exists()
