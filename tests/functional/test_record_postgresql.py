"""Several graders record into one PostgreSQL server: nothing is lost, doubled or half there, whatever happens."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the hub extra has psycopg")

import psycopg

from nbseal.build import build
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook import Recorder, submission_rows
from nbseal.grading import ClassOptions, Grader, grade_class
from nbseal.results import GradedSubmission
from tests.mini import hand_in, make_course
from tests.postgresql import NEEDS_POSTGRESQL, server_running

pytestmark = [pytest.mark.slow, NEEDS_POSTGRESQL]
STUDENTS = [f"s{number}" for number in range(6)]
ROWS = """
    SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score
    FROM grade
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN base_cell ON base_cell.id = grade.cell_id
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server's address."""
    with server_running() as address:
        yield address


@pytest.fixture
def course(server: str, tmp_path: Path) -> Path:
    """A class of six, with an empty gradebook of its own on the server."""
    root = make_course_on(server, tmp_path)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.CourseDirectory.course_id = "mini"\n')
    build(Course(root), ["mini"])
    return root


def make_course_on(server: str, tmp_path: Path) -> Path:
    """The class's course before its assignment is entered, and before the course has a name."""
    database = tmp_path.name.replace("-", "_")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    root = make_course(tmp_path / "course")
    url = f"{server}/{database}".replace("postgresql:", "postgresql+psycopg:")
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f'c.CourseDirectory.db_url = "{url}"\n')
    for student in STUDENTS:
        hand_in(root, student)
    return root


def rows(root: Path) -> list[tuple[str, str, float | None, float | None]]:
    """Every grade: student, question, the machine's mark and a person's."""
    with psycopg.connect(address_of(root)) as connection:
        return connection.execute(ROWS).fetchall()


def address_of(root: Path) -> str:
    """The gradebook's address as psycopg has it."""
    return str(Course(root).db_url).replace("postgresql+psycopg:", "postgresql:")


def all_graded(root: Path) -> list[GradedSubmission]:
    """What a class's work is worth, recorded by nobody yet."""
    with Grader(Course(root), "mini") as grader:
        return [grader.grade(student, root / "submitted" / student / "mini") for student in STUDENTS]


def test_graders_on_several_machines_record_at_once(course: Path, tmp_path: Path) -> None:
    """Each machine has its own copy of the course's folder: every submission is there once, with all of its marks."""
    graded = all_graded(course)
    machines = [course, *(Path(shutil.copytree(course, tmp_path / f"machine{number}")) for number in (1, 2, 3))]

    def record(machine: Path, turn: int) -> None:
        with Recorder(Course(machine)) as recorder:
            recorder.prepare("mini")
            for one in graded[turn:] + graded[:turn]:
                recorder.save(one)

    with ThreadPoolExecutor(len(machines)) as pool:
        for done in [pool.submit(record, machine, turn % 2) for turn, machine in enumerate(machines)]:
            done.result()
    found = rows(course)
    assert Counter((student, question) for student, question, *_ in found) == dict.fromkeys(
        ((student, question) for student in STUDENTS for question in ("double", "number", "plain")), 1
    )
    assert {question: mark for _, question, mark, _ in found} == {"double": 4, "number": 2, "plain": 1}


def test_a_persons_mark_is_not_overwritten_by_a_grader_beside_it(course: Path) -> None:
    """Marks that people give while a class is recorded again and again stay, and so do the machine's."""
    graded = all_graded(course)
    with Recorder(Course(course)) as recorder:
        recorder.prepare("mini")
        for one in graded:
            recorder.save(one)

    def read_by_hand() -> None:
        for student in STUDENTS:
            with psycopg.connect(address_of(course)) as connection:
                connection.execute(
                    "UPDATE grade SET manual_score = 1 FROM submitted_notebook, submitted_assignment WHERE "
                    "submitted_notebook.id = grade.notebook_id AND "
                    "submitted_assignment.id = submitted_notebook.assignment_id AND student_id = %s",
                    (student,),
                )

    with ThreadPoolExecutor(1) as pool, Recorder(Course(course)) as recorder:
        by_hand = pool.submit(read_by_hand)
        for one in graded * 3:
            recorder.save(one)
        by_hand.result()
    assert {by_person for *_, by_person in rows(course)} == {1.0}
    assert {mark for _, question, mark, _ in rows(course) if question == "double"} == {4.0}


def test_a_connection_that_is_lost_leaves_nothing_half_recorded(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server hangs up between two tables: that student is named, the others are recorded, the next run mends it."""
    write_comments, lost = submission_rows._write_comments, []

    def hang_up(connection: submission_rows.Connection, *more: object) -> None:
        if not lost:
            lost.append(True)
            with psycopg.connect(address_of(course).rpartition("/")[0] + "/postgres", autocommit=True) as other:
                database = address_of(course).rpartition("/")[2]
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
        write_comments(connection, *more)

    monkeypatch.setattr(submission_rows, "_write_comments", hang_up)
    result = grade_class(Course(course), "mini", ClassOptions(jobs=1))
    (student,) = (one.student for one in result.done if one.trouble)
    whole = Counter(student for student, *_ in rows(course))
    assert whole == dict.fromkeys(whole, 3)
    assert set(STUDENTS) - whole.keys() == {student}
    assert not grade_class(Course(course), "mini", ClassOptions(jobs=1)).troubles
    assert Counter(student for student, *_ in rows(course)) == dict.fromkeys(STUDENTS, 3)


def test_a_course_without_a_name_is_told_what_to_set(server: str, tmp_path: Path) -> None:
    """Building and grading name the file and the line to add, and enter no assignment; with the line both go on."""
    root = make_course_on(server, tmp_path)
    wanted = rf"{root}/nbgrader_config\.py names no course.*add c\.CourseDirectory\.course_id"
    with pytest.raises(CourseError, match=wanted):
        build(Course(root), ["mini"])
    with pytest.raises(CourseError, match=wanted):
        grade_class(Course(root), "mini", ClassOptions(jobs=1))
    with psycopg.connect(address_of(root)) as connection:
        assert connection.execute("SELECT name FROM assignment").fetchall() == []
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.CourseDirectory.course_id = "mini"\n')
    build(Course(root), ["mini"])
    grade_class(Course(root), "mini", ClassOptions(jobs=1))
    assert len(rows(root)) == 3 * len(STUDENTS)
