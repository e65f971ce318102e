"""The gradebook's tables in SQL: by Python's own SQLite where they are a file, by SQLAlchemy where they are elsewhere.

SQLAlchemy and nbgrader's classes take as long to load as several submissions to grade, and most gradebooks are files.
They still make the tables, and put assignments into them: see `nbseal.gradebook.database`.
"""

from __future__ import annotations

import datetime
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from nbseal.course import Course
from nbseal.gradebook.explained import BUSY_SECONDS

PLAIN_FILE = re.compile(r"sqlite:///(?!:memory:)([^?#%]+)")
TABLES = {
    "assignment", "base_cell", "comment", "grade", "grade_cells", "notebook", "solution_cells", "source_cell",
    "student", "submitted_assignment", "submitted_notebook", "task_cells",
}  # fmt: skip
# as SQLAlchemy writes moments and lengths of time into SQLite, which has neither
MOMENT = "%Y-%m-%d %H:%M:%S.%f"
EPOCH = datetime.datetime(1970, 1, 1)


def gradebook_file(course: Course) -> Path | None:
    """The gradebook's file; None if it is no file, or its address says more than where that is."""
    found = PLAIN_FILE.fullmatch(course.db_url)
    return course.root / found[1] if found else None


def gradebook_label(course: Course) -> str:
    """What to call the gradebook in a message (never its password)."""
    path = gradebook_file(course)
    if path:
        return str(path)
    from nbseal.gradebook.database import gradebook_name, gradebook_url

    return gradebook_name(gradebook_url(course))


def connect(course: Course) -> Connection:
    """Open the gradebook; what it lacks is made by nbgrader first."""
    path = gradebook_file(course)
    if path is None:
        return ServerConnection(course)
    if not path.exists():
        _have_made(course)
    connection = FileConnection(path)
    try:
        complete = connection.tables() >= TABLES
    except BaseException:
        connection.close()
        raise
    if not complete:
        connection.close()
        _have_made(course)
        connection = FileConnection(path)
    return connection


def _have_made(course: Course) -> None:
    from nbseal.gradebook.database import gradebook_url, open_gradebook

    open_gradebook(gradebook_url(course), course.coursedir.course_id).close()


class FileConnection:
    """A gradebook in a SQLite file. In statements, ``:name`` stands for a value."""

    def __init__(self, path: Path) -> None:
        address = f"{path.absolute().as_uri()}?mode=rw"  # a file that has gone is not made anew
        self._connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)

    def tables(self) -> set[str]:
        """The names of all tables."""
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def rows(self, statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What a query finds."""
        return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, rows: Sequence[dict[str, Any]]) -> None:
        """Carry out a statement for each of ``rows``."""
        self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        # Ask for the right to write first: what is read can't change until it is written.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    def moment(self, value: datetime.datetime | None) -> Any:
        """A time as it is stored."""
        return value and value.strftime(MOMENT)

    def duration(self, value: datetime.timedelta | None) -> Any:
        """A length of time as it is stored."""
        return None if value is None else self.moment(EPOCH + value)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class ServerConnection:
    """A gradebook in any database that SQLAlchemy knows; the same to its users as a file."""

    def __init__(self, course: Course) -> None:
        from nbseal.gradebook.database import gradebook_url, open_gradebook, transaction

        self._gradebook = open_gradebook(gradebook_url(course), course.coursedir.course_id)
        self._begin = transaction
        self._writing = False

    def rows(self, statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What a query finds."""
        session = self._gradebook.db
        try:
            return [tuple(row) for row in session.execute(_text(statement), values)]
        finally:
            if not self._writing:
                session.remove()

    def write(self, statement: str, rows: Sequence[dict[str, Any]]) -> None:
        """Carry out a statement for each of ``rows``."""
        self._gradebook.db.execute(_text(statement), rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        self._writing = True
        try:
            with self._begin(self._gradebook):
                yield
        finally:
            self._writing = False

    def moment(self, value: datetime.datetime | None) -> Any:
        """A time as it is stored."""
        return value.strftime(MOMENT) if value and self._gradebook.engine.name == "sqlite" else value

    def duration(self, value: datetime.timedelta | None) -> Any:
        """A length of time as it is stored."""
        from sqlalchemy import Interval

        dialect = self._gradebook.engine.dialect
        process = Interval().dialect_impl(dialect).bind_processor(dialect)
        return process(value) if process else value

    def close(self) -> None:
        """Hang up."""
        self._gradebook.close()


Connection = FileConnection | ServerConnection


@cache
def _text(statement: str) -> Any:
    from sqlalchemy import text

    return text(statement)


def as_moment(value: Any) -> datetime.datetime | None:
    """A time that was stored."""
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) else value


def as_duration(value: Any) -> datetime.timedelta | None:
    """A length of time that was stored; databases without a kind for it have it as a time after 1970 began."""
    if value is None or isinstance(value, datetime.timedelta):
        return value
    moment = as_moment(value)
    return moment - EPOCH if moment else None
