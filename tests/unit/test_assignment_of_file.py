"""Which assignment a file, a zip or a folder is of."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.errors import UnknownName
from nbseal.grading.assignment_of_file import assignment_of
from tests.mini import code, notebook, write

COURSE = {
    "first": {"first": ["imports", "one"]},
    "second": {"problem1": ["imports", "two-a"], "problem2": ["imports", "two-b"]},
    "third": {"problem1": ["imports", "three", "shared"], "other": ["shared"]},
}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """Three assignments: one with a notebook, two with several, of which two are called the same."""
    root = tmp_path_factory.mktemp("course")
    for assignment, notebooks in COURSE.items():
        for name, ids in notebooks.items():
            save(root / "source" / assignment / f"{name}.ipynb", *ids)
    return Course(root)


def save(path: Path, *ids: str) -> Path:
    """A notebook whose graded cells have these grade_ids."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, notebook([code("text", "1"), *(code(one, "1", grade=True, points=1) for one in ids)]))
    return path


@pytest.mark.parametrize(
    ("name", "ids", "place"),
    [
        ("first", [], "first"),
        ("problem2", ["one"], "second"),
        ("problem1", ["imports", "three"], "third"),
        ("problem1", ["two-a"], "second"),
        ("ada (1)", ["imports", "one"], "first"),
        ("ada", ["shared"], "third"),
        ("ada", ["imports", "two-b", "never heard of"], "second"),
    ],
)
def test_a_notebook_is_known_by_its_name_or_its_questions(course, tmp_path, name, ids, place):
    """The name counts first; then the questions that no other notebook has, whatever the file is called."""
    assert assignment_of(course, save(tmp_path / f"{name}.ipynb", *ids)) == place


@pytest.mark.parametrize(
    ("name", "ids", "known"),
    [
        ("ada", [], "first, second, third"),
        ("ada", ["imports"], "first, second, third"),
        ("ada", ["one", "two-a"], "first, second, third"),
        ("problem1", ["imports"], "second, third"),
    ],
)
def test_what_could_be_several_or_none_is_an_error(course, tmp_path, name, ids, known):
    """Nothing is graded as an assignment that it may not be; the error names those that it can be."""
    path = save(tmp_path / f"{name}.ipynb", *ids)
    words = f"{path} is not one assignment's notebook, neither by its name nor by its questions: "
    words += f"name the assignment with --assignment (known: {known})."
    with pytest.raises(UnknownName, match=re.escape(words)):
        assignment_of(course, path)


def test_a_file_that_is_no_notebook_is_known_by_its_name_alone(course, tmp_path):
    """Damaged work under its own name gets the scorecard that says so; under another it is nobody's."""
    path = tmp_path / "first.ipynb"
    path.write_text("{", encoding="utf-8")
    assert assignment_of(course, path) == "first"
    with pytest.raises(UnknownName, match="known: first, second, third"):
        assignment_of(course, path.rename(tmp_path / "ada.ipynb"))


def test_a_zip_and_a_folder_are_known_by_what_is_in_them(course, tmp_path):
    """The questions of the notebooks inside tell the assignment, whatever the archive or the folder is called."""
    save(tmp_path / "work" / "mine.ipynb", "imports", "two-b")
    assert assignment_of(course, tmp_path / "work") == "second"
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "work"))
    assert assignment_of(course, packed) == "second"


def test_a_release_is_enough(tmp_path):
    """Where the sources are not on this machine, the questions are those of the release."""
    save(tmp_path / "release" / "first" / "first.ipynb", "one")
    path = save(tmp_path / "ada.ipynb", "one")
    assert assignment_of(Course(tmp_path), path) == "first"


def test_a_course_without_assignments_is_told(tmp_path):
    """The error of an empty folder, which is perhaps no course, says that it has no assignment."""
    with pytest.raises(UnknownName, match=r"known: none"):
        assignment_of(Course(tmp_path), save(tmp_path / "ada.ipynb", "one"))
