"""Names the file, the cause and the mend when the disk or the gradebook refuses to take a mark."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from nbseal.errors import RecordError

BUSY_SECONDS = 10  # for which a gradebook that somebody else writes to is waited for
DISK_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space and run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
    errno.EACCES: ("it may not be written", "give yourself the right to write there and run again"),
    errno.EPERM: ("it may not be written", "give yourself the right to write there and run again"),
    errno.EROFS: ("the disk is read-only", "make it writable and run again"),
}
DATABASE_CAUSES = {
    "locked": (
        "another program has locked the gradebook",
        "close it (an nbgrader command, a database browser) and run the same command again",
    ),
    "is full": ("the disk is full", "free some space and run the same command again"),
    "readonly": ("the gradebook may not be written", "make the file and its folder writable and run again"),
    "unable to open": (
        "the gradebook can't be opened",
        "check that its folder exists and that you may write there, then run again",
    ),
    "not a database": ("the gradebook is damaged", "put a backup copy in its place and run again"),
    "malformed": ("the gradebook is damaged", "put a backup copy in its place and run again"),
    "no such": (
        "the gradebook is from another version of nbgrader",
        "copy it to a safe place, run nbgrader db upgrade, and then run again",
    ),
}


@contextmanager
def explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what goes wrong inside into a RecordError about ``path``."""
    try:
        yield
    except Timeout as error:
        raise _record_error(
            error.lock_file,
            "another program is recording marks in this course and does not finish",
            "wait for it or end it, and run again",
        ) from error
    except OSError as error:
        cause, mend = DISK_CAUSES.get(error.errno or 0, (f"{error.strerror or error}", "fix that and run again"))
        raise _record_error(error.filename or path, cause, mend) from error
    except _gradebook_errors() as error:
        cause, mend = _database_cause(str(getattr(error, "orig", None) or error))  # without statement and values
        raise _record_error(path, cause, mend) from error


@contextmanager
def recording_alone(private: Path) -> Iterator[None]:
    """Have nobody else record marks in the course whose ``private`` folder it is; RecordError if somebody goes on."""
    with explained(private):
        private.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(private / "record.lock", timeout=BUSY_SECONDS)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _gradebook_errors() -> tuple[type[Exception], ...]:
    """SQLAlchemy's errors, and nbgrader's own if its gradebook has been loaded."""
    if "nbgrader.api" not in sys.modules:
        return (SQLAlchemyError,)
    from nbgrader.api import InvalidEntry

    return SQLAlchemyError, InvalidEntry


def _database_cause(text: str) -> tuple[str, str]:
    for sign, cause_and_mend in DATABASE_CAUSES.items():
        if sign in text:
            return cause_and_mend
    first_line = text.partition("\n")[0]
    return f"the gradebook refused: {first_line}", "fix that and run again"


def _record_error(path: object, cause: str, mend: str) -> RecordError:
    name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)
    return RecordError(f"{name}: {cause}; {mend}. No mark that was recorded before is lost.")
