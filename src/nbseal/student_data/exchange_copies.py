"""One student's copies in nbgrader's exchange, where that is a folder: what was handed in, and feedback."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbseal.course import Course
from nbseal.files import read_regular

SECRET, SECRET_LIMIT = "submission_secret.txt", 4096
MOMENT = r"\d{4}-\d\d-\d\d "  # how the time begins in a submission's name


@dataclass(frozen=True)
class ExchangeCopies:
    """Paths in the exchange, or the ``reason`` for which it wasn't looked at."""

    submissions: tuple[Path, ...] = ()
    feedback: tuple[Path, ...] = ()
    reason: str = ""


def exchange_copies(course: Course, student: str, folders: Iterable[Path]) -> ExchangeCopies:
    """What the exchange has of a student; OSError where it can't be read.

    ``folders`` are the student's in the course: released feedback is found by the secrets that lie in submissions.
    """
    from nbgrader.exchange import ExchangeFactory
    from nbgrader.exchange.default import Exchange, ExchangeCollect

    course_id = course.coursedir.course_id
    if not course_id:
        return ExchangeCopies(reason="the settings name no course_id, so the exchange was not looked at")
    if not issubclass(ExchangeFactory(config=course.config).collect, ExchangeCollect):
        return ExchangeCopies(reason="the exchange is no folder (c.ExchangeFactory): its own commands look into it")
    top = Path(Exchange(coursedir=course.coursedir, config=course.config).root, course_id)
    submissions = [
        top / "inbound" / name for name in _names(top / "inbound") if is_submission_of(student, name)
    ]  # fmt: skip
    secrets = {secret for folder in [*submissions, *folders] for secret in _secrets(folder)}
    notebooks = {name for assignment in course.assignments() for name in course.assignment(assignment).notebooks}
    released = [top / "feedback" / _feedback_name(secret, notebook) for secret in secrets for notebook in notebooks]
    return ExchangeCopies(tuple(submissions), tuple(sorted(path for path in released if os.path.lexists(path))))


def is_submission_of(student: str, name: str) -> bool:
    """Whether a folder of the exchange, called ``<student>+<assignment>+<time>…``, bears this student's name."""
    return re.match(rf"{re.escape(student)}\+[^+]+\+{MOMENT}", name) is not None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _secrets(folder: Path) -> list[str]:
    """The secrets of the submissions below a folder."""
    paths = glob.iglob(f"{glob.escape(str(folder))}/**/{SECRET}", recursive=True, include_hidden=True)
    found = (read_regular(Path(path), SECRET_LIMIT) for path in paths)
    return [content.decode("utf-8", "replace") for content in found if content]


def _feedback_name(secret: str, notebook: str) -> str:
    from nbgrader.utils import notebook_hash

    return f"{notebook_hash(secret=secret, notebook_id=notebook)}.html"
