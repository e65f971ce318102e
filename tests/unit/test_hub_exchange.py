"""Collecting on a hub: when something was handed in, and what becomes of what was collected before."""

from __future__ import annotations

import datetime
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from nbgrader.utils import capture_log
from traitlets.config import Config

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.exchange import Collect, put_back, swap_in
from nbseal_hub.handed_in import last_change, look_all, read_stamps, write_stamps

EARLY, LATE = "2020-01-01 00:00:00.000000 UTC", "2031-01-01 00:00:00.000000 UTC"
TOO_LARGE = 100_001_000  # bytes; nbgrader's own limit is 100 MB


class Place:
    """An exchange and a course in which everything belongs to one account, as in the demo."""

    def __init__(self, top: Path) -> None:
        self.root, self.course = top / "exchange", top / "course"
        self.inbound = self.root / "nn101" / "inbound"
        self.submitted = self.course / "submitted" / "ann" / "ps1"
        self.inbound.mkdir(parents=True)
        self.course.mkdir()

    def submit(self, stamp: str, text: str) -> Path:
        """Put a submission of ann's there that says it is of a certain time."""
        folder = self.inbound / f"ann+ps1+{stamp}+x"
        folder.mkdir()
        (folder / "ps1.ipynb").write_text(text, encoding="utf-8")
        (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
        return folder

    def collect(self) -> None:
        """Collect what is newer, as the formgrader does."""
        self.app().start()

    def app(self) -> Collect:
        """What collects."""
        c = Config()
        c.CourseDirectory.root, c.CourseDirectory.course_id = str(self.course), "nn101"
        c.CourseDirectory.assignment_id = "ps1"
        c.CourseDirectory.db_url = f"sqlite:///{self.course / 'gradebook.db'}"
        c.Exchange.root = str(self.root)
        c.ExchangeCollect.check_owner, c.ExchangeCollect.update = False, True
        collect = Collect(coursedir=CourseDirectory(config=c), authenticator=Authenticator(config=c), config=c)
        collect._due = lambda: None
        return collect

    def moment(self) -> datetime.datetime:
        """The time that grading will take."""
        text = (self.submitted / "timestamp.txt").read_text(encoding="utf-8")
        return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f %Z")

    def text(self) -> str:
        """What was collected."""
        return (self.submitted / "ps1.ipynb").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty exchange."""
    return Place(tmp_path)


def microseconds(moment: datetime.datetime) -> int:
    """A time in UTC in microseconds since 1970."""
    return (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)


@pytest.mark.parametrize("stamp", [EARLY, LATE])
def test_the_time_is_the_exchanges_own(place, stamp):
    """Neither a submission's name nor its timestamp.txt says when it was handed in."""
    folder = place.submit(stamp, "answer")
    place.collect()
    assert microseconds(place.moment()) == last_change(folder)


def test_a_submission_that_is_changed_later_was_handed_in_later(place):
    """Overwriting a file in an earlier submission, with its old times put back, doesn't keep the earlier moment."""
    folder = place.submit(EARLY, "nothing")
    place.collect()
    before = place.moment()
    about = (folder / "ps1.ipynb").stat()
    (folder / "ps1.ipynb").write_text("solved", encoding="utf-8")
    os.utime(folder / "ps1.ipynb", ns=(about.st_atime_ns, about.st_mtime_ns))
    place.collect()
    assert place.text() == "solved"
    assert place.moment() > before


def test_what_an_operator_does_to_rights_or_disks_changes_no_time(place):
    """As long as its content is what was noted, a submission keeps its moment."""
    folder = place.submit(EARLY, "answer")
    write_stamps(place.inbound, look_all([folder], {}))
    moment = read_stamps(place.inbound)[folder.name].moment
    folder.chmod(0o700)
    shutil.move(shutil.copytree(place.inbound, place.root / "copy"), place.root / "moved")
    shutil.rmtree(place.inbound)
    (place.root / "moved").rename(place.inbound)
    assert last_change(folder) > moment
    place.collect()
    assert microseconds(place.moment()) == moment
    assert (place.root / "nn101" / "stamps.json").stat().st_mode & 0o777 == 0o600


def test_what_was_collected_stays_until_a_whole_copy_is_there(place):
    """A resubmission that can't be copied is an error that names it, and the earlier one is still in submitted/."""
    place.submit(EARLY, "first")
    place.collect()
    moment = place.moment()
    folder = place.submit(LATE, "second")
    os.truncate(folder / "ps1.ipynb", TOO_LARGE)
    with pytest.raises(ExchangeError, match=r"Not collected.*\n.*2031.* can't be collected: it is larger than"):
        place.collect()
    assert (place.text(), place.moment()) == ("first", moment)
    assert [path.name for path in place.submitted.parent.iterdir()] == ["ps1"]


def test_an_error_is_a_sentence_and_no_list_of_calls(place):
    """What the dialog shows of an exception is short, and names the cause."""
    shutil.rmtree(place.inbound)
    result = capture_log(place.app())
    assert not result["success"]
    assert "inbound is missing, or this account may not read it" in result["log"]
    assert result["error"].rstrip().endswith("may not read it.")
    assert len(result["error"].splitlines()) <= 8


def test_students_read_a_sentence(tmp_path, monkeypatch):
    """What the list of assignments shows of a failed submission is the cause, and none of the program's files."""
    from nbgrader.server_extensions.assignment_list.handlers import AssignmentList

    c = Config()
    c.Exchange.root, c.ExchangeFactory.submit = str(tmp_path / "gone"), "nbseal_hub.exchange.Submit"
    pages = AssignmentList()
    pages.root_dir = str(tmp_path)
    monkeypatch.setattr(pages, "get_assignment_dir_config", lambda: nullcontext(c))
    monkeypatch.setattr(pages, "load_config", lambda: c)
    (tmp_path / "ps1").mkdir()
    monkeypatch.chdir(tmp_path)
    shown = pages.submit_assignment("nn101", "ps1")
    assert shown["success"] is False
    assert shown["value"] == f"There is no exchange at {tmp_path / 'gone'}, or this account may not enter it."
    monkeypatch.setattr("nbseal_hub.exchange.Submit.start", lambda self: 1 / 0)
    assert "ZeroDivisionError" in pages.submit_assignment("nn101", "ps1")["value"]


def test_an_exchange_that_is_stopped_midway_is_put_back(tmp_path):
    """Whether it was killed or refused, the folder that was there before is there again."""
    old = tmp_path / "ps1"
    old.mkdir()
    with pytest.raises(FileNotFoundError):
        swap_in(tmp_path / "missing", old)
    assert old.is_dir()
    old.rename(tmp_path / ".ps1.replaced")
    put_back(old)
    assert [path.name for path in tmp_path.iterdir()] == ["ps1"]
