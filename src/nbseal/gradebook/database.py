"""Opens nbgrader's gradebook by nbgrader: created whole or not at all, patient with locks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy.engine import URL, make_url

from nbseal.course import Course
from nbseal.gradebook.explained import BUSY_SECONDS

REVISION = re.compile(r"""^(down_)?revision = ['"](\w+)['"]""", re.MULTILINE)


class ClosedOnFailure(Gradebook):  # type: ignore[misc]
    """nbgrader's gradebook, which would leave its connection open when it can't be opened in full."""

    def __init__(self, url: URL, course_id: str) -> None:
        try:
            super().__init__(url, course_id)
        except BaseException:
            if hasattr(self, "db"):
                self.close()
            raise


def gradebook_url(course: Course) -> URL:
    """The gradebook's address, with the file's full path where it is a file."""
    url = make_url(course.db_url)
    if is_file(url):
        return url.set(database=str(course.root / str(url.database)))
    return url


def is_file(url: URL) -> bool:
    """Whether the gradebook is a SQLite file."""
    return url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")


def gradebook_name(url: URL) -> str:
    """What to call the gradebook in a message (never its password)."""
    return str(url.database) if is_file(url) else url.render_as_string(hide_password=True)


def open_gradebook(url: URL, course_id: str) -> Any:
    """Open the gradebook, and make it first if its file is missing."""
    if is_file(url):
        path = Path(str(url.database))
        if not path.exists():
            _create(path, course_id)
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    return _open(url, course_id)


def _open(url: URL, course_id: str) -> Any:
    with _own_programs_first(), _known_revision():  # it may have no tables yet
        return ClosedOnFailure(url, course_id)


@contextmanager
def transaction(gradebook: Any) -> Iterator[Any]:
    """One transaction on the gradebook's session: all of it, or nothing."""
    session = gradebook.db
    try:
        if gradebook.engine.name == "sqlite":
            # Ask for the right to write first: what is read below can't change until it is written.
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.remove()


def _create(path: Path, course_id: str) -> None:
    # nbgrader fills a new file step by step: do it elsewhere, then rename.
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    _open(URL.create("sqlite", database=str(draft)), course_id).close()
    if path.exists():
        draft.unlink()
    else:
        draft.replace(path)


@contextmanager
def _own_programs_first() -> Iterator[None]:
    """nbgrader starts the program ``alembic``, which lies beside our Python and may not be on the path."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextmanager
def _known_revision() -> Iterator[None]:
    """Spare nbgrader the start of ``alembic``, which takes longer than all the rest, where the answer is clear."""
    asks = nbgrader.api.get_alembic_version
    newest = newest_revision()
    if newest:
        nbgrader.api.get_alembic_version = lambda: newest
    try:
        yield
    finally:
        nbgrader.api.get_alembic_version = asks


def newest_revision() -> str | None:
    """The revision of nbgrader's tables that no other one follows; None if there is no such one."""
    names: dict[str, set[str]] = {"": set(), "down_": set()}
    for path in Path(ALEMBIC_DIR, "versions").glob("*.py"):
        for kind, name in REVISION.findall(path.read_text(encoding="utf-8")):
            names[kind].add(name)
    heads = names[""] - names["down_"]
    return heads.pop() if len(heads) == 1 else None
