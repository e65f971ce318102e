"""nbgrader's exchange in folders, closed where it is open.

In nbgrader's own exchange everybody may write in the root, each submission can be read and changed by whoever knows
its name, and collecting follows links. Here

- only the account that owns the course may change the root and what is released;
- a submission appears in one step, readable and writable by its student and the course's group alone;
- collecting takes regular files that belong to the student whose name the submission bears, and nothing else; a
  submission that can't be collected doesn't stop the others.

``c.ExchangeFactory`` in nbgrader_config.py names these classes. This module needs nbgrader and little more.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import stat
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.default import (
    Exchange,
    ExchangeCollect,
    ExchangeFetchAssignment,
    ExchangeFetchFeedback,
    ExchangeList,
    ExchangeReleaseAssignment,
    ExchangeReleaseFeedback,
    ExchangeSubmit,
)
from nbgrader.utils import check_directory
from traitlets import Bool

from nbseal_hub.numbers import SUBMISSION_MODE, account_number

CHUNK = 1 << 20
# How far the time in a submission's name may be from the file system's before it is said.
TOLERANCE = timedelta(minutes=10)


class ClosedRoot(Exchange):  # type: ignore[misc]
    """An exchange whose root belongs to the course; nbgrader's own insists that everybody may write there."""

    def ensure_root(self) -> None:
        """Fail if there is no exchange that this account may enter."""
        if not check_directory(self.root, execute=True):
            self.fail(f"There is no exchange at {self.root}, or this account may not enter it.")


class FetchAssignment(ClosedRoot, ExchangeFetchAssignment):  # type: ignore[misc]
    """Fetching what was released."""


class FetchFeedback(ClosedRoot, ExchangeFetchFeedback):  # type: ignore[misc]
    """Fetching feedback."""


class List(ClosedRoot, ExchangeList):  # type: ignore[misc]
    """Listing what was released and submitted."""


class ReleaseAssignment(ClosedRoot, ExchangeReleaseAssignment):  # type: ignore[misc]
    """Releasing an assignment."""


class ReleaseFeedback(ClosedRoot, ExchangeReleaseFeedback):  # type: ignore[misc]
    """Releasing feedback."""


class Submit(ClosedRoot, ExchangeSubmit):  # type: ignore[misc]
    """Submitting: made in a private folder, and moved in whole."""

    inbound_path: str

    def copy_files(self) -> None:
        """Copy the student's folder to the exchange, and to the student's own record of submissions."""
        inbound = self.inbound_path
        staging = tempfile.mkdtemp(prefix=".", dir=inbound)
        try:
            if os.stat(staging).st_gid != os.stat(inbound).st_gid:
                self.fail(f"{inbound} has lost its set-group-ID bit; the operator's `nbseal-hub setup` mends it.")
            self.inbound_path = staging
            super().copy_files()
            made = os.path.join(staging, self.assignment_filename)
            os.chmod(made, SUBMISSION_MODE)
            os.rename(made, os.path.join(inbound, self.assignment_filename))
        finally:
            self.inbound_path = inbound
            shutil.rmtree(staging, ignore_errors=True)


class Collect(ClosedRoot, ExchangeCollect):  # type: ignore[misc]
    """Collecting: the latest submission of each student that is the student's own."""

    numbered_accounts = Bool(False, help="whether accounts have the numbers of containers, and no names").tag(
        config=True
    )

    def init_src(self) -> None:
        """Choose what to collect."""
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        self.inbound_path = os.path.join(self.root, self.coursedir.course_id, "inbound")
        if not check_directory(self.inbound_path, read=True, execute=True):
            self.fail(f"{self.inbound_path} is missing, or this account may not read it.")
        student = self.coursedir.student_id or "*"
        offered: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in glob.glob(os.path.join(self.inbound_path, f"{student}+{self.coursedir.assignment_id}+*")):
            record = self._accept(path)
            if record is not None:
                offered[record["username"]].append(record)
        self.duedate = self._due()
        self.src_records = [self._choose(records) for records in offered.values()]

    def copy_files(self) -> None:
        """Copy what was chosen; what can't be copied is said, and the others go on."""
        # whose each one is was looked at when it was chosen
        self.check_owner = False
        for record in self.src_records:
            self.src_records = [record]
            try:
                super().copy_files()
            except Exception as error:
                self.log.error("%s can't be collected: %s", record["filename"], error)

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission's own regular files, with nbgrader's limits on names and sizes."""
        owner = os.stat(src, follow_symlinks=False).st_uid
        with tempfile.TemporaryDirectory(prefix="collect-") as folder:
            copy = Path(folder, "submission")
            for name in copy_own_files(Path(src), copy, owner, 1000 * self.coursedir.max_dir_size):
                self.log.warning("%s: %s is not a regular file of the student's, and is left out.", src, name)
            super().do_copy(str(copy), dest, log=log)

    def _accept(self, path: str) -> dict[str, Any] | None:
        """What a submission's name says; nothing if it isn't a submission, or not the student's own."""
        try:
            record: dict[str, Any] = self._path_to_record(path)
            about = os.stat(path, follow_symlinks=False)
        except Exception as error:
            self.log.warning("%s is no submission, and is left alone: %s", path, error)
            return None
        if not stat.S_ISDIR(about.st_mode):
            self.log.warning("%s is no folder, and is left alone.", path)
            return None
        if self.check_owner and not self._owns(about.st_uid, record["username"]):
            self.log.warning("%s belongs to %s, and is left alone.", path, _account(about.st_uid))
            return None
        # the name's time is what the student's program wrote; the file system's can't be chosen
        changed = datetime.fromtimestamp(about.st_ctime, UTC).replace(tzinfo=None)
        if abs(record["timestamp"] - changed) > TOLERANCE:
            self.log.warning("%s says %s, and was last changed at %s.", path, record["timestamp"], changed)
        return record

    def _owns(self, number: int, student: str) -> bool:
        if self.numbered_accounts:
            return number == account_number(student)
        return _account(number) == student

    def _due(self) -> Any:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                return None

    def _choose(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """The latest one; with ``before_duedate`` the latest in time, if there is one."""
        latest: list[dict[str, Any]] = self._sort_by_timestamp(records)
        if self.duedate is None or not self.before_duedate:
            return latest[0]
        return next((record for record in latest if record["timestamp"] <= self.duedate), latest[0])


def copy_own_files(source: Path, target: Path, owner: int, most: int) -> list[str]:
    """Copy the regular files below ``source`` that belong to ``owner``, and return the names of what was left out.

    No link is followed, also when the folder is being changed meanwhile.

    Raises:
        RuntimeError: there are more than ``most`` bytes.
    """
    left_out = []
    for folder, folders, names, descriptor in os.fwalk(source, follow_symlinks=False):
        relative = Path(os.path.relpath(folder, source))
        (target / relative).mkdir(parents=True)
        links = [name for name in folders if _is_link(name, descriptor)]
        left_out += [str(relative / name) for name in links]
        for name in names:
            copied = _copy_file(name, descriptor, target / relative / name, owner, most)
            if copied is None:
                left_out.append(str(relative / name))
            else:
                most -= copied
    return left_out


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _copy_file(name: str, folder: int, target: Path, owner: int, most: int) -> int | None:
    """Copy one file and return its size in bytes; nothing if it isn't a regular file of the owner's."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != owner:
            return None
        size = 0
        with target.open("wb") as copy:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise RuntimeError("it is larger than c.CourseDirectory.max_dir_size allows")
                copy.write(chunk)
        return size


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
