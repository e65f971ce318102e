"""A hub with `nbseal watch`, in real browsers: a student hands in and reads a receipt, then the marks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.browser.hub_pages import COURSE, Instructor, Person, Pictures, Student
from tests.browser.hubs import Hub
from tests.browsers import NEEDS_CHROMIUM
from tests.samples import ROOT

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
ASSIGNMENT, STUDENT = "01-gates", "student1"
DUE = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=7)
SETTINGS = """
c.Watch.release = "everything"
c.Watch.attempts = 5
"""
# feedback would replace the receipt within seconds, perhaps before it is read
SLOW_TESTS = """
import time
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def receipt_is_read():
    while not Path({sign!r}).exists():
        time.sleep(0.05)
"""


@dataclass
class Seen:
    """What the student saw, when the notebook was handed in, and its SHA-256."""

    receipt: str
    feedback: str
    handed_in: tuple[datetime, datetime]
    notebook: str


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that grades what arrives, though not before the sign is there that the receipt was read."""
    hub = Hub(tmp_path_factory.mktemp("hub") / "state", "watch = true")
    with (hub.settings.course / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    (hub.settings.course / "graders" / "conftest.py").write_text(SLOW_TESTS.format(sign=str(_sign(hub))), "utf-8")
    hub.start()
    yield hub
    hub.stop()


def _sign(hub: Hub) -> Path:
    return hub.settings.state / "receipt-is-read"


@pytest.fixture(scope="module")
def seen(hub: Hub, browser) -> Seen:
    """The way of one submission; if it stops, there is a picture of what everybody sees then."""
    pictures = Pictures(ROOT / "build" / "watch-pictures")
    instructor = Instructor(browser, hub.address, "instructor1", hub.password, pictures, assignment=ASSIGNMENT)
    student = Student(browser, hub.address, STUDENT, hub.password, pictures, assignment=ASSIGNMENT)
    try:
        return _hand_in(hub, instructor, student)
    except BaseException:
        _shoot_all(instructor, student)
        raise


def _shoot_all(*people: Person) -> None:
    for person in people:
        for page in person.context.pages:
            person.shoot("STOPPED", page)


def _hand_in(hub: Hub, instructor: Instructor, student: Student) -> Seen:
    instructor.open_formgrader()
    instructor.set_due_date(DUE)
    for button in ("assign", "release"):
        instructor.press(button)
    student.open_list()
    student.fetch()
    student.answer("These numbers compute NOR.")
    student.save()
    before = datetime.now(UTC).replace(microsecond=0)
    student.submit()
    handed_in = before, datetime.now(UTC)
    student.wait_for_news()
    receipt = student.read_receipt()
    _sign(hub).touch()
    student.wait_for_news()
    own = hub.settings.homes / STUDENT / COURSE / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    return Seen(receipt, student.read_feedback(), handed_in, hashlib.sha256(own.read_bytes()).hexdigest())


def _said(page: str, name: str) -> str:
    """What a page says on the line of a name."""
    found = re.search(rf"^{name}:?\s+(.+)$", page, re.MULTILINE)
    assert found is not None, page
    return found.group(1).strip()


def test_the_receipt_says_what_arrived_when_and_what_it_waits_for(seen):
    """While the work waits, the student reads its time, its hash and that of the notebook, and that it waits."""
    assert "It waits to be graded." in seen.receipt
    arrived = datetime.strptime(_said(seen.receipt, "Arrived"), "%d %B %Y, %H:%M:%S UTC").replace(tzinfo=UTC)
    assert seen.handed_in[0] <= arrived <= seen.handed_in[1]
    assert re.fullmatch("[0-9a-f]{64}", _said(seen.receipt, "SHA-256 of its files"))
    assert _said(seen.receipt, f"{ASSIGNMENT}.ipynb").endswith(seen.notebook)
    assert _said(seen.receipt, "Attempt") == "1 of 5"


def test_feedback_takes_the_place_of_the_receipt(seen):
    """Nobody presses a button of the formgrader, and the student reads the marks of that very submission."""
    for line in ("Arrived", "SHA-256 of its files", "Attempt"):
        assert _said(seen.feedback, line) == _said(seen.receipt, line)
    assert re.search(r"Total so far\s+19 of 19", seen.feedback)
    assert "19 of 20 points are marked so far. 1 question has no mark yet." in seen.feedback


def test_students_see_the_due_date(seen):
    """The date that the instructor set in the formgrader is on the receipt and on the feedback page."""
    for page in (seen.receipt, seen.feedback):
        assert _said(page, "Due") == f"{DUE.day} {DUE:%B %Y, %H:%M:%S} UTC"
