"""What a course's folders are called, and what a course directory holds of its own."""

from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.text import notes_on_like_ids
from tests.mini import make_course


@pytest.mark.parametrize("name", ["week [1]", "what?", "*"])
def test_an_assignment_called_like_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    """nbgrader would look for other folders: the error says what to rename, and other assignments work."""
    root = make_course(tmp_path / "course")
    (root / "source" / "mini").rename(root / "source" / name)
    make_course(tmp_path / "other")
    (tmp_path / "other" / "source" / "mini").rename(root / "source" / "mini")
    course = Course(root)
    with pytest.raises(CourseError, match="for a pattern: rename its folder"):
        course.assignment(name)
    assert course.assignment("mini").notebooks == ("mini",)


def test_ids_that_people_take_for_one_are_named() -> None:
    """Capitals and ways to store an accent make two students of one; other ids are left alone."""
    notes = notes_on_like_ids(["ada", "Ada", "bob", "Zo\u00eb", "Zoe\u0308", "ADA\x1b"])
    assert len(notes) == 2
    assert notes[0].startswith("Ada and ada are different students here")
    assert notes_on_like_ids(["ada", "bob", "zoe"]) == []


def test_a_course_s_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever asks first makes it, others read the same; another course has another, and nobody else can read it."""
    roots = tmp_path / "one", tmp_path / "two"
    for root in roots:
        root.mkdir()
    first, again, other = (Course(root).secret for root in (roots[0], *roots))
    assert first == again != other
    assert len(first) == 32
    assert (roots[0] / ".nbseal").stat().st_mode & 0o777 == 0o700
    assert (roots[0] / ".nbseal" / "secret").stat().st_mode & 0o777 == 0o600
