"""The way to nbgrader's gradebook, be it a SQLite file or a database on a server.

nbgrader makes its tables, and only then are its own classes loaded: they take a quarter of a second.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Executable, NullPool, create_engine, inspect
from sqlalchemy.engine import URL, make_url

from nbseal.course import CONFIG_FILE, Course
from nbseal.errors import CourseError
from nbseal.gradebook.explained import BUSY_SECONDS
from nbseal.gradebook.schema import schema_problem
from nbseal.gradebook.tables import TABLES

WRITERS = 7_307_181_154_592_777_580  # what our writers lock in a database; any number that others don't use


def gradebook_url(course: Course) -> URL:
    """The gradebook's address, with the file's full path where it is a file."""
    url = make_url(course.db_url)
    file = _file_of(url)
    return url.set(database=str(course.root / file)) if file else url


def gradebook_file(course: Course) -> Path | None:
    """The gradebook's file; None if it is in a database on a server."""
    return _file_of(gradebook_url(course))


def gradebook_label(course: Course) -> str:
    """What to call the gradebook in a message (never its password)."""
    url = gradebook_url(course)
    return str(_file_of(url) or url.render_as_string(hide_password=True))


def check_course_id(course: Course) -> None:
    """CourseError if a new assignment can't be entered: only SQLite takes one that belongs to no course."""
    if not course.coursedir.course_id and gradebook_url(course).get_backend_name() != "sqlite":
        raise CourseError(
            f"{course.root / CONFIG_FILE} names no course, and {gradebook_label(course)} keeps no assignment without "
            'one: add c.CourseDirectory.course_id = "my-course", and run the same command again.'
        )


def _file_of(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if is_file else None


class Connection:
    """A connection to the gradebook that carries out statements of SQLAlchemy Core."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def tables(self) -> set[str]:
        """The names of all tables."""
        with self._in_a_transaction():
            return set(inspect(self._connection).get_table_names())

    def schema_problem(self, course: Course) -> str:
        """Why its tables are not those of the installed nbgrader, with the mend; empty if they are."""
        with self._in_a_transaction():
            return schema_problem(self._connection, gradebook_label(course), course.root)

    def rows(self, statement: Executable, **values: Any) -> Sequence[Any]:
        """What a query finds, with ``values`` for its parameters."""
        with self._in_a_transaction():
            return self._connection.execute(statement, values).all()

    def write(self, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
        """Carry out a statement for each of ``rows``, of which there is at least one."""
        with self._in_a_transaction():
            self._connection.execute(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        with self._connection.begin():
            if self._connection.dialect.name == "sqlite":
                # Ask for the right to write first: what is read can't change until it is written.
                self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif self._connection.dialect.name == "postgresql":  # the same, among graders on whatever machines
                self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
            yield

    def overwrite_what_is_deleted(self) -> None:
        """Have rows that are deleted from now on overwritten by zeros in a file; a server has ways of its own."""
        if self._connection.dialect.name == "sqlite":
            with self._in_a_transaction():
                self._connection.exec_driver_sql("PRAGMA secure_delete = ON")

    def _in_a_transaction(self) -> Any:
        """The one that has begun, or one that ends at once: a server keeps things for those that are open."""
        return nullcontext() if self._connection.in_transaction() else self._connection.begin()

    def close(self) -> None:
        """Close the file, or hang up."""
        self._connection.close()


def connect_to(address: str) -> Connection:
    """Open a gradebook that is there, by its SQLAlchemy address."""
    return _connect(make_url(address))


def connect(course: Course) -> Connection:
    """Open the gradebook; what it lacks is made by nbgrader first.

    Raises:
        CourseError: its tables are of another version of nbgrader.
    """
    file = gradebook_file(course)
    if file and not file.exists():
        open_gradebook(course).close()
    connection = _connect_checked(course)
    complete = connection.tables() >= {table.name for table in TABLES}
    if not complete:
        connection.close()
        open_gradebook(course).close()
        connection = _connect(gradebook_url(course))
    return connection


def _connect_checked(course: Course) -> Connection:
    """Connect to a gradebook that is there, unless its tables are of another version of nbgrader."""
    connection = _connect(gradebook_url(course))
    try:
        if problem := connection.schema_problem(course):
            raise CourseError(problem)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(url: URL) -> Connection:
    options = dict[str, Any]()
    if file := _file_of(url):
        # A file that has gone is not made anew. The driver begins no transactions of its own.
        url = url.set(database=file.absolute().as_uri()).update_query_dict({"uri": "true", "mode": "rw"})
        options = {"timeout": BUSY_SECONDS, "isolation_level": None}
    return Connection(create_engine(url, poolclass=NullPool, connect_args=options).connect())


def open_gradebook(course: Course) -> Any:
    """nbgrader's own `Gradebook` of the course; a file is made whole or not at all if it is missing.

    Raises:
        CourseError: its tables are of another version of nbgrader, which would add to them what it misses.
    """
    url, course_id = gradebook_url(course), course.coursedir.course_id
    file = _file_of(url)
    if file and not file.exists():
        _create(file, course_id)
    else:
        _connect_checked(course).close()
    if file:
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    return _open(url, course_id)


def _create(file: Path, course_id: str) -> None:
    # nbgrader fills a new file step by step: do it elsewhere, then rename.
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    _open(URL.create("sqlite", database=str(draft)), course_id).close()
    if file.exists():
        draft.unlink()
    else:
        draft.replace(file)


def _open(url: URL, course_id: str) -> Any:
    from nbgrader.api import Gradebook

    from nbseal.patches.nbgrader_revision import known_revision

    gradebook: Any = Gradebook.__new__(Gradebook)
    with _own_programs_first(), known_revision():  # it may have no tables yet
        try:
            gradebook.__init__(url, course_id)
        except BaseException:  # nbgrader would leave its connection open
            if hasattr(gradebook, "db"):
                gradebook.close()
            raise
    return gradebook


@contextmanager
def _own_programs_first() -> Iterator[None]:
    """nbgrader starts the program ``alembic``, which lies beside our Python and may not be on the path."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
