"""nbgrader's exchange in folders, closed where it is open.

In nbgrader's own exchange everybody may write in the root, each submission can be read and changed by whoever knows
its name, and collecting follows links. Here

- only the account that owns the course may change the root and what is released;
- a submission appears in one step, readable and writable by its student and the course's group alone;
- it was handed in when the file system last saw it change, whatever its name and its files say;
- collecting takes regular files that belong to the student whose name the submission bears, and nothing else. What was
  collected before is replaced only by a whole copy; a submission that can't be collected doesn't stop the others, and
  is said at the end as an error.

``c.ExchangeFactory`` in nbgrader_config.py names these classes. This module needs nbgrader and little more.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import stat
import sys
import tempfile
import traceback
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import ExchangeError
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

from nbseal_hub.handed_in import Stamp, content_of, copy_own_files, look, moment_of, read_stamps, write_stamps
from nbseal_hub.numbers import SUBMISSION_MODE, TABLE, read_numbers

LIST_PAGES = "nbgrader.server_extensions.assignment_list.handlers"
# How far the time in a submission's name may be from the exchange's before it is said.
TOLERANCE = timedelta(minutes=10)


class ClosedRoot(Exchange):  # type: ignore[misc]
    """An exchange whose root belongs to the course; nbgrader's own insists that everybody may write there."""

    def ensure_root(self) -> None:
        """Fail if there is no exchange that this account may enter."""
        if not check_directory(self.root, execute=True):
            self.fail(f"There is no exchange at {self.root}, or this account may not enter it.")

    def start(self) -> Any:
        """Do it, and return what that found; what goes wrong with files is one sentence, without nbgrader's calls."""
        show_sentences()
        try:
            return super().start()
        except ExchangeError as error:
            raise ExchangeError(str(error)) from None
        except (OSError, RuntimeError) as error:
            self.log.fatal(str(error))
            raise ExchangeError(str(error)) from None


def show_sentences() -> None:
    """Have the list of assignments show an error of the exchange as its sentence, not as the calls that led there."""
    pages = sys.modules.get(LIST_PAGES)
    if pages and not isinstance(pages.traceback, _Sentences):
        pages.traceback = _Sentences()  # type: ignore[attr-defined]


class _Sentences:
    """What those pages use of the module ``traceback``."""

    def format_exc(self) -> str:
        """The error that is being handled, in words."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ExchangeError) else traceback.format_exc()


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
                self.fail(f"{inbound} has lost its set-group-ID bit; the operator's `nbseal-hub setup` fixes it.")
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
        self.left_out: list[str] = []
        self.known, self.looked = read_stamps(Path(self.inbound_path)), dict[str, Stamp]()
        student = self.coursedir.student_id or "*"
        offered: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in glob.glob(os.path.join(self.inbound_path, f"{student}+{self.coursedir.assignment_id}+*")):
            record = self._accept(path)
            if record is not None:
                offered[record["username"]].append(record)
        write_stamps(Path(self.inbound_path), self.looked)
        self.duedate = self._due()
        self.src_records = [self._choose(records) for records in offered.values()]

    def copy_files(self) -> None:
        """Copy what was chosen; what can't be copied is an error at the end, when the others are there."""
        what = f"submissions of '{self.coursedir.assignment_id}' for course '{self.coursedir.course_id}'"
        if not self.src_records:
            self.log.warning("No %s to collect", what)
        else:
            self.log.info("Processing %d %s", len(self.src_records), what)
        for record in self.src_records:
            try:
                self._collect(record)
            except Exception as error:
                self._leave_out(f"{record['filename']} can't be collected: {error}")
        if self.left_out:
            self.fail("\n".join(["Not collected; everything else was:", *self.left_out]))

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission's own regular files, with nbgrader's limits on names and sizes."""
        owner = os.stat(src, follow_symlinks=False).st_uid
        with tempfile.TemporaryDirectory(prefix="collect-") as folder:
            copy = Path(folder, "submission")
            for name in copy_own_files(Path(src), copy, owner, self._most()):
                self.log.warning("%s: %s is not a regular file of the student's, and is left out.", src, name)
            stamp = self.looked.get(os.path.basename(src))
            if stamp is None or content_of(copy, os.getuid(), self._most()) != stamp.content:
                raise RuntimeError("it is being changed; collect again")
            super().do_copy(str(copy), dest, log=log)

    def _collect(self, record: dict[str, Any]) -> None:
        """Copy one submission, if it is newer than what was collected, with the exchange's time in it."""
        student, assignment = record["username"], self.coursedir.assignment_id
        place = Path(self.coursedir.format_path(self.coursedir.submitted_directory, student, assignment))
        put_back(place)
        if place.is_dir() and not self._replaces(place, record["timestamp"]):
            if self.update:
                self.log.info("No newer submission to collect: %s %s", student, assignment)
            else:
                self.log.info("Submission already exists, use --update to update: %s %s", student, assignment)
            return
        self.log.info("%s submission: %s %s", "Updating" if place.is_dir() else "Collecting", student, assignment)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.collected")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            self.do_copy(os.path.join(self.inbound_path, record["filename"]), str(beside))
            stamp = beside / "timestamp.txt"
            if stamp.is_dir():
                shutil.rmtree(stamp)
            stamp.write_text(moment_of(record["timestamp"]), encoding="utf-8")
            swap_in(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _replaces(self, place: Path, moment: datetime) -> bool:
        """Whether a submission of that time is to take the place of what was collected before."""
        before = self.coursedir.get_existing_timestamp(str(place))
        return bool((self.update and (before is None or moment > before)) or (self.before_duedate and before != moment))

    def _leave_out(self, sentence: str) -> None:
        self.log.error(sentence)
        self.left_out.append(sentence)

    def _most(self) -> int:
        """The largest submission, in bytes."""
        return int(1000 * self.coursedir.max_dir_size)

    def _accept(self, path: str) -> dict[str, Any] | None:
        """What a submission's name says, with the exchange's time; nothing if it isn't the student's own submission."""
        try:
            record: dict[str, Any] = self._path_to_record(path)
            about = os.stat(path, follow_symlinks=False)
        except Exception as error:
            self._leave_out(f"{path} is not a submission and is left alone: {error}")
            return None
        if not stat.S_ISDIR(about.st_mode):
            self._leave_out(f"{path} is not a folder and is left alone.")
            return None
        if self.check_owner and not self._owns(about.st_uid, record["username"]):
            self._leave_out(f"{path} belongs to {_account(about.st_uid)}, and is left alone.")
            return None
        claimed, record["timestamp"] = record["timestamp"], self._moment(path, about.st_ctime_ns // 1000)
        if abs(record["timestamp"] - claimed) > TOLERANCE:
            self.log.warning("%s says %s; it was last changed at %s, which counts.", path, claimed, record["timestamp"])
        return record

    def _moment(self, path: str, changed: int) -> datetime:
        """When a submission was handed in; by its folder alone, if it can't be read, which collecting then says."""
        name = os.path.basename(path)
        try:
            self.looked[name] = look(Path(path), self.known.get(name), self._most())
        except (OSError, RuntimeError) as error:
            self.log.warning("%s can't be looked at: %s", path, error)
            return Stamp(changed, changed, "").time
        return self.looked[name].time

    def _owns(self, number: int, student: str) -> bool:
        if self.numbered_accounts:
            return read_numbers(Path(self.inbound_path).with_name(TABLE)).get(student) == number
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


def swap_in(new: Path, place: Path) -> None:
    """Let a folder take a place; what is there stays until the new one is in."""
    old = _aside(place)
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        put_back(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def put_back(place: Path) -> None:
    """Put back what ``swap_in`` had moved away when it was stopped."""
    if _aside(place).exists() and not place.exists():
        _aside(place).rename(place)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.replaced")


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
