"""An assignment's way into the gradebook, and the waiting of one writer for another."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbgrader.api import get_alembic_version

from nbseal.build import build
from nbseal.course import Course
from nbseal.errors import CourseError, RecordError, UnknownName
from nbseal.gradebook import Recorder
from nbseal.patches.nbgrader_revision import newest_revision
from tests.courses import environment

TABLES = {
    "assignment": "name, duedate, course_id",
    "notebook": "name, kernelspec",
    "base_cell": "name, type",
    "grade_cells": "max_score, cell_type",
    "source_cell": "name, cell_type, locked, source, checksum",
    "alembic_version": "version_num",
}


def tables(course: Course) -> dict[str, list]:
    """What the gradebook knows about assignments, without its random ids."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection:
        return {
            name: sorted(connection.execute(f"SELECT {columns} FROM {name}"), key=str)
            for name, columns in TABLES.items()
        }


def edit(course: Course, notebook: str, change, kind: str = "source") -> None:
    """Change an instructor's notebook."""
    path = course.folder(kind, assignment="ps1") / f"{notebook}.ipynb"
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def three_more_points(nb) -> None:
    """Make part2's question worth 4."""
    nb.cells[1].metadata.nbgrader.points = 4


@pytest.mark.parametrize("kind", ["source", "release"])
def test_a_clean_course_is_registered_as_nbgrader_does(course, graded, rows, kind):
    """Without a gradebook, from the sources or from the release alone, all rows equal generate_assignment's."""
    stock = tables(course)
    (course.root / "gradebook.db").unlink()
    if kind == "release":
        shutil.rmtree(course.root / "source")
    before = read_tree(course.root / "release")
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        assert tables(course) == stock
        recorder.prepare("ps1")
        recorder.save(graded("ann"))
    assert rows("ann").score == 6.0
    assert read_tree(course.root / "release") == before


def read_tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_submissions_the_gradebook_follows_the_notebooks(course, recorder):
    """Changed points, a removed notebook and a registration that was cut off are brought up to date."""
    edit(course, "part2", three_more_points)
    for kind in ("source", "release"):
        (course.folder(kind, assignment="ps1") / "part1.ipynb").unlink()
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection, connection:
        connection.execute("DELETE FROM source_cell")
    recorder.prepare("ps1")
    found = tables(course)
    assert [name for name, _ in found["notebook"]] == ["part2"]
    assert found["grade_cells"] == [(4.0, "code")]
    assert [name for name, *_ in found["source_cell"]] == ["q3", "q3-answer"]


def test_an_empty_file_is_filled(course, graded, rows):
    """A gradebook that has no tables yet gets them."""
    stock = tables(course)
    (course.root / "gradebook.db").write_bytes(b"")
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        recorder.save(graded("ann"))
    assert tables(course) == stock
    assert rows("ann").score == 6.0


def test_a_gradebook_that_is_there_needs_none_of_nbgraders_classes(course, recorder):
    """Loading them takes longer than grading several submissions; a gradebook as it should be is used without."""
    lines = [
        "import sys",
        "from nbseal.patches import lazy_imports",
        "lazy_imports.prepare()",
        "from nbseal.course import Course",
        "from nbseal.gradebook import Recorder",
        f"with Recorder(Course({str(course.root)!r})) as recorder:",
        "    recorder.prepare('ps1')",
        "assert 'nbgrader.api' not in sys.modules",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=environment(), check=True)


def test_with_submissions_a_difference_is_refused(course, recorder, graded):
    """Points, questions and answer cells that differ are named, with the mend."""
    recorder.save(graded("ann"))
    edit(course, "part2", three_more_points)
    with pytest.raises(CourseError, match=r"q3 has 4 points in the notebook and 1 .*nbseal build ps1"):
        recorder.prepare("ps1")
    edit(course, "part2", lambda nb: nb.cells.pop())
    with pytest.raises(CourseError, match="question q3 is only in the gradebook"):
        recorder.prepare("ps1")
    edit(course, "part2", lambda nb: nb.cells.pop())
    with pytest.raises(CourseError, match="cell q3-answer is not in both"):
        recorder.prepare("ps1")


def test_a_build_enters_changed_points_and_what_is_missing(course, recorder, graded):
    """What the messages send people to, nbseal build, does mend it: with submissions points, without them all."""
    recorder.save(graded("ann"))
    edit(course, "part2", three_more_points)
    build(course, ["ps1"])
    recorder.prepare("ps1")
    assert points_of(course, "q3") == 4
    (course.root / "gradebook.db").unlink()
    build(course, ["ps1"])
    assert points_of(course, "q3") == 4
    with Recorder(course) as fresh:
        fresh.save(graded("ann"))


def points_of(course, question):
    """What the gradebook says that a question of ps1 gives."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook:
        rows = gradebook.execute(
            "SELECT max_score FROM grade_cells JOIN base_cell USING (id) WHERE name = ?", (question,)
        )
        return rows.fetchone()[0]


def test_an_unknown_assignment_is_refused(course):
    """prepare names the assignment that is nearest."""
    with Recorder(course) as recorder, pytest.raises(UnknownName, match="ps1"):
        recorder.prepare("ps2")


def test_a_question_that_the_gradebook_does_not_know_is_refused(course, recorder, graded):
    """Marks without a row to stand in are an error, not silence."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection, connection:
        connection.execute("DELETE FROM base_cell WHERE name = 'q2'")
    with pytest.raises(RecordError, match="no question q2 in ps1: run nbseal build ps1"):
        recorder.save(graded("ann"))


def test_writers_wait_for_each_other(course, recorder, graded, rows):
    """Two processes that record at the same time both get everything recorded."""
    children = []
    for half in (range(10), range(5, 15)):
        child = os.fork()
        if not child:
            with Recorder(course) as mine:
                for number in half:
                    mine.save(graded(f"s{number}"))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert set(recorder.recorded("ps1")) == {f"s{number}" for number in range(15)}
    assert rows("s7").score == 6.0


def test_a_writer_that_never_ends_is_told(course, recorder, graded, monkeypatch):
    """After the wait, the error names the lock."""
    monkeypatch.setattr("nbseal.gradebook.explained.BUSY_SECONDS", 0.1)
    with FileLock(course.private / "record.lock"), pytest.raises(RecordError, match=r"record\.lock.*another program"):
        recorder.save(graded("ann"))


def test_a_new_gradebook_has_the_revision_that_nbgrader_would_write(monkeypatch):
    """What is read from nbgrader's migrations is what alembic says of them."""
    monkeypatch.setenv("PATH", environment()["PATH"])
    assert newest_revision() == get_alembic_version()
