"""nbgrader's own test notebooks, and other people's courses, get the marks that nbgrader itself gives, cell for cell.

Differences that are wanted stand in ``WANTED``, each with its reason. ``NBSEAL_COURSES`` names a folder of nbgrader
courses to compare, with ``source/`` and ``submitted/``; where nothing is handed in, each solution is, and each release
as it was given.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from nbseal.build.release import make_release
from nbseal.compare import Comparison, compare
from nbseal.course import Course
from nbseal.errors import CourseError
from tests.nbgrader_commands import give

pytestmark = pytest.mark.slow

SPEC = find_spec("nbgrader")
NBGRADER = Path(SPEC.submodule_search_locations[0]) if SPEC and SPEC.submodule_search_locations else Path("nbgrader")
FILES = NBGRADER / "tests" / "apps" / "files"
GUIDE = NBGRADER / "docs" / "source" / "user_guide"
needs_files = pytest.mark.skipif(not FILES.is_dir(), reason=f"the installed nbgrader brings no {FILES}")
needs_guide = pytest.mark.skipif(not GUIDE.is_dir(), reason=f"the installed nbgrader brings no {GUIDE}")
COURSES = os.environ.get("NBSEAL_COURSES", "")

# A source, and what students hand in.
CASES = {
    "autotest-simple": ("autotest-simple-unchanged", "autotest-simple-changed"),
    "autotest-hashed": ("autotest-hashed-unchanged", "autotest-hashed-changed"),
    "autotest-multi": ("autotest-multi-unchanged", "autotest-multi-changed"),
    "autotest-hidden": ("autotest-hidden-unchanged", "autotest-hidden-changed-wrong", "autotest-hidden-changed-right"),
    "submitted-unchanged": (
        "submitted-unchanged",
        "submitted-changed",
        "submitted-cheat-attempt",
        "submitted-cheat-attempt-alternative",
        "submitted-grade-cell-changed",
        "submitted-locked-cell-changed",
    ),
    "test": ("test", "test-with-output", "test-hidden-tests"),
    "test-v1": ("test",),
    "test-hidden-tests": ("test-hidden-tests",),
    "open_relative_file": ("open_relative_file",),
    "validation-zero-points": ("validation-zero-points",),
}
# (source, student, question): why our mark is another one than nbgrader's
WANTED: dict[tuple[str, str, str], str] = {}
# Sources that have marks here and none there, and why.
HERE_ALONE = {
    "test-v1": "nbgrader refuses metadata of an older nbgrader; here it is read as `nbgrader update` writes it"
}


def differing(found: Comparison, source: str) -> list[str]:
    """Marks that differ from nbgrader's, but for the wanted ones; and marks that one of the two lacks."""
    lines = [
        f"{one.change.student} · {one.change.question}: {one.change.before} → {one.change.after} ({one.reason})"
        for one in found.differences
        if (source, one.change.student, one.change.question) not in WANTED
    ]
    lacking = [f"{row.question}: {row.not_in_gradebook} without nbgrader's mark" for row in found.questions]
    return lines + [
        line
        for line, row in zip(lacking, found.questions, strict=True)
        if bool(row.not_in_gradebook) != (source in HERE_ALONE)
    ]


@needs_files
@pytest.mark.parametrize("source", CASES)
def test_nbgraders_test_notebooks_get_nbgraders_marks(tmp_path: Path, source: str) -> None:
    """Each notebook that nbgrader tests itself with gets the same marks here, and no attempt to cheat gains any."""
    folder = tmp_path / "source" / "ps1"
    folder.mkdir(parents=True)
    shutil.copy(FILES / f"{source}.ipynb", folder / "p1.ipynb")
    shutil.copy(FILES / "autotests.yml", tmp_path)
    for student in CASES[source]:
        handed_in = tmp_path / "submitted" / student / "ps1"
        handed_in.mkdir(parents=True)
        shutil.copy(FILES / f"{student}.ipynb", handed_in / "p1.ipynb")
    found = compare(Course(tmp_path), "ps1", jobs=2, stock=True)
    assert found.questions
    assert differing(found, source) == []
    assert found.cells == []


@needs_guide
def test_nbgraders_example_course_gets_nbgraders_marks(tmp_path: Path) -> None:
    """The course of nbgrader's user guide, with its two students, is graded as there."""
    shutil.copytree(GUIDE / "source" / "ps1", tmp_path / "source" / "ps1")
    shutil.copytree(GUIDE / "submitted", tmp_path / "submitted")
    found = compare(Course(tmp_path), "ps1", jobs=2, stock=True)
    assert [row.same for row in found.questions] == [2, 2, 2, 2]
    assert differing(found, "guide") == []


def hand_in_untouched(course: Course, assignment: str) -> None:
    """Hand in what students are given, if that can be made."""
    try:
        files = make_release(course, assignment)
    except CourseError:
        return
    for name, data in files.items():
        path = course.folder("submitted", "untouched", assignment) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.skipif(not COURSES, reason="NBSEAL_COURSES names no folder of nbgrader courses")
def test_other_peoples_courses_get_nbgraders_marks(tmp_path: Path) -> None:
    """In each course that is there, every assignment gets nbgrader's marks; its folder isn't touched.

    What nbgrader itself can't grade, or isn't Python, is left out and printed with the rest (``-s`` shows it).
    """
    differences, count = [], 0
    for place in sorted(path for path in Path(COURSES).iterdir() if path.is_dir()):
        root = shutil.copytree(place, tmp_path / place.name, ignore=shutil.ignore_patterns(".git", "gradebook.db"))
        course = Course(root)
        give("update", ".", cwd=root)  # nbgrader grades nothing of an older one
        for assignment in course.assignments():
            where = f"{place.name}, {assignment}"
            if not course.students(assignment):
                there = course.assignment(assignment)
                source = there.source if there.source.is_dir() else there.release
                shutil.copytree(source, course.folder("submitted", "solution", assignment))
                hand_in_untouched(course, assignment)
            try:
                found = compare(course, assignment, jobs=2, stock=True)
            except CourseError as error:
                print(f"{where}: left out: {error}")
                continue
            if stopped := [line for line in found.problems if line.startswith("nbgrader ")]:
                print(f"{where}: left out:", *stopped)
                continue
            count += len(found.questions)
            lines = differing(found, place.name)
            differences += [f"{where}: {line}" for line in lines]
            times = f"{found.seconds:.0f} s, nbgrader {found.stock_seconds:.0f} s"
            print(f"{where}: {len(found.questions)} questions, {times}")
            print(*(f"    {line}" for line in (*lines, *found.cells, *found.problems)), sep="\n")
    assert count, f"no course in {COURSES} has a question"
    assert differences == []
