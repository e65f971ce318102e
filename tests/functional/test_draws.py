"""What hidden inputs are drawn from, and what marks hang on besides the files of a course."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.errors import GraderError
from nbseal.grading import Grader
from nbseal.results import GradedSubmission
from tests.mini import GRADER, hand_in, make_course

LUCK = '''

@pytest.mark.question("plain")
def test_drawn(student):
    """It is drawn."""
    drawn = student.rng.random()
    student.measure("drawn", drawn)
    assert drawn < 0.5, "Bad luck."
'''
DEPENDS = """

def depends_on(settings):
    return settings.get("data", "what is here")
"""


def grade(root: Path, settings: str = "") -> GradedSubmission:
    """Grade ann's submission, with further settings of the course."""
    config = root / "nbgrader_config.py"
    before = config.read_text(encoding="utf-8")
    config.write_text(f"{before}\n{settings}\n", encoding="utf-8")
    with Grader(Course(root), "mini") as grader:
        graded = grader.grade("ann", root / "submitted" / "ann" / "mini")
    config.write_text(before, encoding="utf-8")
    return graded


def drawn_and_marked(graded: GradedSubmission) -> list[tuple[str, float | None, list[dict[str, float]]]]:
    """Each question's mark, and what its tests drew."""
    return [
        (question.grade_id, question.score, [dict(test.measured) for test in question.tests])
        for question in graded.scorecard.questions
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with a hidden test that is nothing but luck, and ann's submission."""
    root = make_course(tmp_path / "course", GRADER + LUCK)
    hand_in(root, "ann")
    return root


def test_no_change_of_ours_draws_other_inputs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment in a grader, another engine or other limits change no draw and no mark, but the grading is another."""
    before = grade(root)
    grader = root / "graders" / "test_mini.py"
    grader.write_text(f"# a comment\n{grader.read_text(encoding='utf-8')}", encoding="utf-8")
    commented = grade(root)
    limited = grade(root, "c.Seal.cell_seconds = 3.0")
    monkeypatch.setattr("nbseal.__version__", "999")
    newer = grade(root)
    assert {str(drawn_and_marked(one)) for one in (commented, limited, newer)} == {str(drawn_and_marked(before))}
    assert "drawn" in str(drawn_and_marked(before))
    assert len({one.digest for one in (before, commented, limited, newer)}) == 4


def test_another_secret_or_submission_draws_other_inputs(root: Path) -> None:
    """What one submission was asked tells nobody what another, or the same one elsewhere, will be asked."""
    before = drawn_and_marked(grade(root))
    path = root / "submitted" / "ann" / "mini" / "mini.ipynb"
    path.write_bytes(path.read_bytes() + b" ")
    other = drawn_and_marked(grade(root))
    (root / ".nbseal" / "secret").write_bytes(bytes(32))
    elsewhere = drawn_and_marked(grade(root))
    assert len({str(one) for one in (before, other, elsewhere)}) == 3


def test_what_a_grader_depends_on_is_part_of_the_grading(root: Path) -> None:
    """What a grader says of the data that it judges by, told by the course's settings, changes what is graded anew."""
    grader = root / "graders" / "test_mini.py"
    grader.write_text(grader.read_text(encoding="utf-8") + DEPENDS, encoding="utf-8")
    here = grade(root)
    told = grade(root, 'c.Grading.grader_settings = {"mini": {"data": "small"}}')
    others = grade(root, 'c.Grading.grader_settings = {"another": {"data": "small"}}')
    assert told.digest != here.digest
    assert others.digest == here.digest
    assert drawn_and_marked(told) == drawn_and_marked(here)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("def depends_on(settings): raise OSError('no data')", "OSError: no data"),
        ("depends_on = dict", "returned dict"),
    ],
)
def test_a_grader_that_can_not_say_what_it_depends_on_is_told_so(root: Path, function: str, words: str) -> None:
    """Where depends_on fails nobody is graded, and the instructor reads why."""
    grader = root / "graders" / "test_mini.py"
    grader.write_text(f"{grader.read_text(encoding='utf-8')}\n{function}\n", encoding="utf-8")
    with pytest.raises(GraderError, match=words):
        grade(root)
