"""Deletes what a course keeps about one student; whoever is stopped on the way gives the same command again."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from pathlib import Path

from nbseal.course import Course
from nbseal.gradebook.connection import connect, gradebook_label
from nbseal.gradebook.decisions import withdraw
from nbseal.gradebook.explained import explained, recording_alone
from nbseal.gradebook.extensions import forget
from nbseal.gradebook.student_rows import delete_student
from nbseal.student_data.finding import StudentData
from nbseal.watch.queue import Queue


def delete(course: Course, data: StudentData) -> None:
    """Delete all that was found about a student, but for backups; nothing of anybody else changes.

    Released feedback goes first, since it is found by what lies in submissions; the gradebook's rows go last, so that
    the student is known until everything else is gone. OSError and RecordError where something can't be deleted.
    """
    with recording_alone(course.private):
        for path in (*data.exchange.feedback, *data.exchange.submissions, *data.folders, *data.scorecards):
            _remove(path)
        for assignment in data.decisions:
            withdraw(course, assignment, data.student)
        if data.extensions:
            forget(course, data.student)
        if data.tasks:
            Queue(course.private).forget(data.student)
        if any(data.rows.values()):
            with explained(gradebook_label(course)), closing(connect(course)) as gradebook:
                delete_student(gradebook, data.student)


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; no link is followed."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    _make_writable(path)
    shutil.rmtree(path)


def _make_writable(top: Path) -> None:
    """Have us change the folders that are ours: a student's archive may bring some that nobody may write in."""
    with suppress(PermissionError):  # somebody else's, in whose folder we may write all the same
        top.chmod(0o700)
    for folder, folders, _ in os.walk(top):
        for path in (Path(folder, name) for name in folders):
            if not path.is_symlink():
                with suppress(PermissionError):
                    path.chmod(0o700)
