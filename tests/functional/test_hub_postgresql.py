"""Hub and gradebook on a real PostgreSQL server, which these tests start and stop."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

import psycopg
from nbgrader.api import Gradebook

from nbseal_hub.backup import backup, restore
from nbseal_hub.database import drop, gradebook_database, make_databases, sqlalchemy_url
from nbseal_hub.demo import make_demo
from nbseal_hub.errors import HubError
from nbseal_hub.launch import running
from nbseal_hub.proxy import install_proxy
from nbseal_hub.settings import HubSettings, load_settings
from tests.courses import run
from tests.ports import free_ports
from tests.postgresql import NEEDS_POSTGRESQL, server_running
from tests.samples import ROOT, SAMPLES, load_sample

pytestmark = [pytest.mark.slow, NEEDS_POSTGRESQL]
ASSIGNMENT, STUDENT = "01-gates", "student1"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server that wants a password."""
    with server_running() as address:
        yield address


@pytest.fixture(scope="module")
def path(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file of a demo whose databases are on the server, with one graded submission."""
    path = make_demo(tmp_path_factory.mktemp("postgresql") / "state", ROOT, free_ports(1), free_ports(3))
    path.write_text(f'database = "{server}"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    settings = load_settings(path)
    with (settings.course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f'c.CourseDirectory.db_url = "{gradebook_url(settings)}"\n')
    make_databases(settings)
    sample = load_sample(SAMPLES / ASSIGNMENT / "fail_nor_instead_of_nand")
    sample.write(settings.course / "submitted" / STUDENT / ASSIGNMENT)
    for command in (("nbseal", "grade", ASSIGNMENT), ("nbgrader", "generate_feedback", ASSIGNMENT)):
        done = run(*command, cwd=settings.course)
        assert done.returncode == 0, done.stderr
    return path


def gradebook_url(settings: HubSettings) -> str:
    """The gradebook's address for nbgrader."""
    return sqlalchemy_url(settings, gradebook_database(settings))


def marks(settings: HubSettings) -> dict[str, float]:
    """The student's marks by question."""
    with Gradebook(gradebook_url(settings), settings.course_id) as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, STUDENT).notebooks
        return {grade.name: grade.score for grade in notebook.grades}


def users(settings: HubSettings) -> set[str]:
    """Whom the hub's database knows."""
    with psycopg.connect(f"{settings.database}/{settings.course_id}_hub") as connection:
        return {name for (name,) in connection.execute("SELECT name FROM users")}


def test_marks_are_recorded_in_postgresql(path):
    """Sealed grading and nbgrader's feedback work on it, and no gradebook of SQLite appears beside it."""
    settings = load_settings(path)
    assert marks(settings) == {
        "perceptron": 4, "football": 3, "or": 1, "and": 1, "not": 1, "nand": 0, "reflect": 0, "bias": 2, "learn": 4,
    }  # fmt: skip
    assert (settings.course / "feedback" / STUDENT / ASSIGNMENT / f"{ASSIGNMENT}.html").is_file()
    assert not (settings.course / "gradebook.db").exists()


def test_a_regrade_and_an_export_find_what_is_in_postgresql(path, tmp_path):
    """Rows that are there are changed in place, and the exported sums are those of nbgrader's classes."""
    settings = load_settings(path)
    before = marks(settings)
    for command in (
        ("grade", ASSIGNMENT, "--force"),
        ("export", "csv", "--partial", "--output", str(tmp_path / "a.csv")),
    ):
        done = run("nbseal", *command, cwd=settings.course)
        assert done.returncode == 0, done.stderr
    assert marks(settings) == before
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    with Gradebook(gradebook_url(settings), settings.course_id) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, STUDENT)
        assert rows[STUDENT]["score"] == rows[STUDENT]["raw_score"] == str(submission.score) == "16.0"
        assert rows[STUDENT]["max_score"] == str(submission.max_score) == "20.0"
        assert rows[STUDENT]["timestamp"] == str(submission.timestamp or "")


def test_an_extension_is_recorded_in_postgresql(path):
    """A line of extensions.csv is an interval there, as nbgrader reads it, and goes with the line."""
    settings = load_settings(path)
    for due, line, extension in (
        ("2026-05-04 21:00 UTC", f"{STUDENT},{ASSIGNMENT},2026-05-11 22:30 UTC\n", timedelta(days=7, minutes=90)),
        (None, "", None),
    ):
        with Gradebook(gradebook_url(settings), settings.course_id) as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=due)
        (settings.course / "extensions.csv").write_text(f"id,assignment,new date\n{line}", encoding="utf-8")
        done = run("nbseal", "grade", ASSIGNMENT, cwd=settings.course)
        assert done.returncode == 0, done.stderr
        assert "nothing to regrade, 1 unchanged; 1 with another due date or time" in done.stdout
        with Gradebook(gradebook_url(settings), settings.course_id) as gradebook:
            assert gradebook.find_submission(ASSIGNMENT, STUDENT).extension == extension


def test_the_hub_keeps_its_people_in_postgresql(path):
    """A hub starts on an empty database, and everybody of the course is in it afterwards."""
    install_proxy()
    with running(path) as settings:
        pass
    assert users(settings) == {"instructor1", "student1", "student2", "student3", "grader-nn101"}
    assert not (settings.private / "jupyterhub.sqlite").exists()


def test_a_restore_brings_both_databases_back(path, tmp_path):
    """Marks that were lost are there again, and the database that was replaced is kept under another name."""
    settings = load_settings(path)
    make_databases(settings)
    before = marks(settings)
    backup(path, tmp_path / "backup.tar.gz")
    with psycopg.connect(f"{settings.database}/{gradebook_database(settings)}") as connection:
        connection.execute("DELETE FROM grade")
    assert marks(settings) != before
    kept = restore(path, tmp_path / "backup.tar.gz").kept
    assert marks(settings) == before
    old = [name for name in kept if name.startswith("nn101_gradebook_replaced")]
    assert len(old) == 1
    with psycopg.connect(f"{settings.database}/{old[0]}") as connection:
        assert connection.execute("SELECT count(*) FROM grade").fetchone() == (0,)
    drop(settings, old[0])


def test_a_server_that_is_not_there_is_said(path):
    """The message names the address, and nothing starts."""
    text = path.read_text(encoding="utf-8")
    other = path.with_name("other.toml")
    address = text.split('"')[1]
    other.write_text(text.replace(address, "postgresql://nbseal@127.0.0.1:9"), encoding="utf-8")
    with pytest.raises(HubError, match=r"127\.0\.0\.1:9 doesn't let us in"):
        make_databases(load_settings(other))
