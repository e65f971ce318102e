"""The gradebook's tables and figures beside nbgrader's own classes, and the connection to it."""

import io
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest
from nbgrader.api import Base
from sqlalchemy import insert, select

from nbseal.course import Course
from nbseal.doctor import examine
from nbseal.errors import CourseError, RecordError
from nbseal.gradebook import connection as connections
from nbseal.gradebook.connection import connect, gradebook_label, open_gradebook
from nbseal.gradebook.explained import explained
from nbseal.gradebook.queries import points, students, submission_marks, submission_states, waiting_questions
from nbseal.gradebook.tables import STUDENT, TABLES
from tests.gradebooks import ASSIGNMENTS, GIVEN, filled_course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with a filled gradebook, which is only read."""
    return filled_course(tmp_path_factory.mktemp("gradebook") / "course")


@pytest.fixture
def copy(course, tmp_path):
    """A copy of it to write in."""
    return Course(shutil.copytree(course.root, tmp_path / "course"))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_as_nbgrader_makes_it(table):
    """Each column that we use is there, under its name and with its type."""
    theirs = Base.metadata.tables[table.name].columns
    assert {column.name: repr(column.type) for column in table.columns} == {
        column.name: repr(theirs[column.name].type) for column in table.columns
    }


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_sums_are_nbgraders(course, assignment):
    """Points, scores, penalties, times and flags of late, corrected, unseen and missing work are as in its classes."""
    with closing(connect(course)) as ours, open_gradebook(course) as theirs:
        found = submission_marks(ours, assignment)
        assert points(ours, assignment) == theirs.find_assignment(assignment).max_score == 7.6
        submissions = {one.student.id: one for one in theirs.assignment_submissions(assignment)}
        assert found.keys() == submissions.keys()
        for student, one in submissions.items():
            mark = found[student]
            assert (mark.score, mark.penalty) == (one.score, one.late_submission_penalty)
            assert (mark.timestamp, mark.needs_person) == (one.timestamp, one.needs_manual_grade)
            assert mark.total == max(0.0, one.score - one.late_submission_penalty)
        lateness = {name: state.seconds_late for name, state in submission_states(course, assignment).items()}
        assert lateness == {name: one.total_seconds_late for name, one in submissions.items()}


def test_what_waits_is_named_by_question(course):
    """A question of either notebook waits if nobody has marked it, or if a person is asked to look; by assignment."""
    with closing(connect(course)) as gradebook:
        found = waiting_questions(gradebook, "a1")
        assert waiting_questions(gradebook, "a2").keys() == {"late"}
    assert found.keys() == GIVEN.keys() - {"all", "nobody"}
    assert found["late"] == ["part1/draw", "part2/draw"]
    assert found["unseen"] == [f"part{number}/{name}" for name in ("draw", "sum", "text") for number in (1, 2)]


def test_an_unknown_assignment_has_no_points_and_no_marks(course):
    """The gradebook's answer is None and nothing, not 0."""
    with closing(connect(course)) as gradebook:
        assert points(gradebook, "a3") is None
        assert submission_marks(gradebook, "a3") == {}


def test_a_transaction_is_whole_or_nothing(copy):
    """After an error inside nothing of it is written, and the next one is."""
    with closing(connect(copy)) as gradebook:
        before = len(students(gradebook))
        with pytest.raises(ZeroDivisionError), gradebook.transaction():
            gradebook.write(insert(STUDENT), [{"id": "new"}, {"id": "newer"}])
            assert len(students(gradebook)) == before + 2
            raise ZeroDivisionError
        assert len(students(gradebook)) == before
        with gradebook.transaction():
            gradebook.write(insert(STUDENT), [{"id": "new"}])
        assert len(students(gradebook)) == before + 1


def test_readers_hold_no_lock_and_a_writer_locks_before_it_reads(copy):
    """Another program may write after a query, and not from the beginning of a transaction on."""
    path = copy.root / "gradebook.db"
    with closing(connect(copy)) as gradebook, closing(sqlite3.connect(path, timeout=0.0)) as other:
        gradebook.rows(select(STUDENT.c.id))
        with other:
            other.execute("INSERT INTO student (id) VALUES ('other')")
        with gradebook.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO student (id) VALUES ('another')")


def test_a_gradebook_that_has_gone_is_not_made_anew(copy, monkeypatch):
    """An empty file in its place would look like a course without marks."""
    path = copy.root / "gradebook.db"
    path.unlink()
    with monkeypatch.context() as patched:  # it goes right after nbgrader has made it
        patched.setattr(connections, "open_gradebook", lambda _: io.BytesIO())
        with pytest.raises(RecordError, match=r"gradebook\.db.*can't be opened"), explained(path):
            connect(copy)
    assert not path.exists()


@pytest.mark.parametrize("name", ["a b", "100%", "a#b", "été"])
def test_a_course_may_lie_in_a_folder_of_any_name(course, tmp_path, name):
    """Blanks, percent signs, hashes and accents are taken as they are."""
    copy = Course(shutil.copytree(course.root, tmp_path / name))
    with closing(connect(copy)) as gradebook:
        assert submission_marks(gradebook, "a1").keys() == GIVEN.keys() - {"nobody"}


def test_a_password_is_never_shown(tmp_path):
    """Neither the gradebook's name in messages nor the error of a server that isn't there has it."""
    pytest.importorskip("psycopg")
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.db_url = 'postgresql+psycopg://ann:secret@127.0.0.1:9/marks'\n"
    )
    course = Course(tmp_path)
    label = gradebook_label(course)
    assert label == "postgresql+psycopg://ann:***@127.0.0.1:9/marks"
    with pytest.raises(RecordError, match="the gradebook refused") as raised, explained(label):
        connect(course)
    assert "secret" not in str(raised.value)


def make_older(path):
    """Take back what nbgrader's last two changes of its tables brought."""
    with closing(sqlite3.connect(path)) as gradebook, gradebook:
        gradebook.executescript(
            """
            PRAGMA legacy_alter_table = ON;
            CREATE TABLE older (id VARCHAR(32) PRIMARY KEY, name VARCHAR(128) UNIQUE NOT NULL, duedate DATETIME);
            INSERT INTO older SELECT id, name, duedate FROM assignment;
            DROP TABLE assignment;
            ALTER TABLE older RENAME TO assignment;
            DROP TABLE course;
            ALTER TABLE student DROP COLUMN lms_user_id;
            UPDATE alembic_version SET version_num = '167914646830';
            """
        )


@pytest.mark.slow
def test_an_older_gradebook_is_left_alone_until_the_named_command_has_upgraded_it(copy, monkeypatch):
    """What is said is a line for a shell: it works outside an activated environment, and the marks are as before."""
    path = copy.root / "gradebook.db"
    with closing(connect(copy)) as gradebook:
        before = submission_marks(gradebook, "a1")
    make_older(path)
    content = path.read_bytes()
    for opening in (connect, open_gradebook):
        with pytest.raises(CourseError, match=r"gradebook\.db: its tables are of an older nbgrader") as raised:
            opening(copy)
    assert path.read_bytes() == content
    monkeypatch.setenv("PATH", os.defpath)
    line = str(raised.value).partition("beside it: ")[2]
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    with closing(connect(copy)) as gradebook:
        assert submission_marks(gradebook, "a1") == before


@pytest.mark.parametrize("change", ["UPDATE alembic_version SET version_num = 'f00d'", "DELETE FROM alembic_version"])
def test_a_newer_or_unknown_gradebook_is_refused(copy, change):
    """Nobody writes marks into tables that the installed nbgrader doesn't know; the doctor says it too."""
    with closing(sqlite3.connect(copy.root / "gradebook.db")) as gradebook, gradebook:
        gradebook.execute(change)
    with pytest.raises(CourseError, match="of a newer nbgrader, or of none that we know"):
        connect(copy)
    assert "of a newer nbgrader" in examine(copy.root)["Course"]["gradebook"]


def test_tables_without_a_version_are_refused_when_columns_are_missing(copy):
    """A database without nbgrader's note of its version is taken by what is in it."""
    with closing(sqlite3.connect(copy.root / "gradebook.db")) as gradebook, gradebook:
        gradebook.execute("DROP TABLE alembic_version")
    connect(copy).close()
    with closing(sqlite3.connect(copy.root / "gradebook.db")) as gradebook, gradebook:
        gradebook.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    with pytest.raises(CourseError, match=r"no student\.lms_user_id: it is not a gradebook"):
        connect(copy)
