"""What a course's folders are called, and what a course directory holds of its own."""

import shutil
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.doctor import examine
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


def test_an_editors_hidden_folder_is_no_assignment(tmp_path: Path) -> None:
    """JupyterLab keeps checkpoints beside the assignments when a notebook in source/ itself is opened."""
    root = make_course(tmp_path / "course")
    shutil.copytree(root / "source" / "mini", root / "source" / ".ipynb_checkpoints")
    assert Course(root).assignments() == ["mini"]


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


def settings(tmp_path: Path, text: str) -> Course:
    """A course with these lines in its settings."""
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\n{text}\n")
    return Course(tmp_path)


@pytest.mark.parametrize(
    ("text", "cell", "notebook"),
    [
        ("", 10.0, 60.0),
        ("c.ExecutePreprocessor.timeout = 120", 120.0, 720.0),
        ("c.Execute.timeout = 5", 5.0, 60.0),
        ("c.Execute.timeout = 5\nc.ExecutePreprocessor.timeout = 120", 5.0, 60.0),
        ("c.ExecutePreprocessor.timeout = None", 3600.0, 21600.0),
        ("c.ExecutePreprocessor.timeout = -1", 3600.0, 21600.0),
        ("c.ExecutePreprocessor.timeout = 120\nc.Seal.cell_seconds = 7", 7.0, 720.0),
        ("c.Execute.timeout = 120\nc.Seal.notebook_seconds = 90", 120.0, 90.0),
    ],
)
def test_nbgraders_timeout_is_the_limit_of_a_cell(tmp_path: Path, text: str, cell: float, notebook: float) -> None:
    """What a course sets for nbgrader holds here, too, unless it says something else for us."""
    seal = settings(tmp_path, text).seal
    assert (seal.cell_seconds, seal.notebook_seconds) == (cell, notebook)


def test_a_timeout_that_is_no_number_is_named(tmp_path: Path) -> None:
    """The setting, what it is, and what it should be."""
    with pytest.raises(CourseError, match=r"c\.Execute\.timeout is 'long': give a number"):
        _ = settings(tmp_path, "c.Execute.timeout = 'long'").seal.cell_seconds


def test_settings_of_nbgrader_that_have_no_effect_are_named(tmp_path: Path) -> None:
    """The doctor says which steps of nbgrader's are replaced; a timeout is honoured."""
    settings(tmp_path, "c.Execute.timeout = 5\nc.Execute.allow_errors = False\nc.LimitOutput.max_lines = 9")
    said = examine(tmp_path)["Course"]["settings that have no effect here"]
    assert said.startswith("c.Execute.allow_errors, c.LimitOutput.max_lines:")
