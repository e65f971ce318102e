"""A whole class on a hub in real browsers: from release to feedback, one student honest, one hostile.

All tests share one hub. Its class is taught once, in the fixture ``taught``; the tests look at what came of it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbseal_hub.links import release_link
from tests.browser.hub_pages import COURSE, Instructor, Person, Pictures, Student
from tests.browser.hubs import Hub
from tests.browsers import NEEDS_CHROMIUM, grader_lines
from tests.courses import grades
from tests.samples import ROOT

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
ASSIGNMENT = "01-gates"
HONEST, HOSTILE, IDLE = "student1", "student2", "student3"
COMMENT = "Name the gate that it computes."
ANSWER = "These numbers compute NOR."
# The hidden tests lie beside the submissions; this looks for them everywhere that a program can look.
SPY = """
import glob, os
found = []
for folder in ("/", os.getcwd(), {course!r}):
    for name in ("graders", "*/graders", "*/*/graders", "*/*/*/graders"):
        for path in glob.glob(os.path.join(folder, name, "*.py")) + [{grader!r}]:
            try:
                found.append(open(path).read())
            except OSError as error:
                found.append(type(error).__name__)
print("the spy was here", *found)
or_weights, or_threshold = [1, 1], 0.5
"""


@dataclass
class Taught:
    """What was seen while the class was taught."""

    failing: str
    validated: str
    marks: dict[str, float]
    by_hand: int
    feedback: dict[str, str]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with this course."""
    hub = Hub(tmp_path_factory.mktemp("hub") / "state")
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def people(hub: Hub, browser) -> dict[str, Person]:
    """Everybody, signed in; the instructor has released the assignment."""
    pictures = Pictures(ROOT / "build" / "hub-pictures")
    # all sign in first, so that their servers start beside each other
    instructor = Instructor(browser, hub.address, "instructor1", hub.password, pictures, assignment=ASSIGNMENT)
    students = {
        name: Student(browser, hub.address, name, hub.password, pictures, assignment=ASSIGNMENT)
        for name in (HONEST, HOSTILE)
    }
    # who only looks at a file needs no JupyterLab
    (hub.settings.homes / IDLE / "notes.txt").write_text("mine", encoding="utf-8")
    idle = Person(browser, hub.address, IDLE, hub.password, pictures, landing="files/notes.txt")
    instructor.open_formgrader()
    for button in ("assign", "release"):
        instructor.press(button)
    for student in students.values():
        student.open_list()
    idle.page.wait_for_url(f"**/user/{IDLE}/files/notes.txt")
    return {"instructor": instructor, **students, IDLE: idle}


@pytest.fixture(scope="module")
def taught(hub: Hub, people) -> Taught:
    """The class from fetching to reading feedback; if it stops, there is a picture of what everybody sees then."""
    try:
        return _teach(hub, people)
    except BaseException:
        for person in people.values():
            for page in person.context.pages:
                person.shoot("STOPPED", page)
        raise


def _teach(hub: Hub, people) -> Taught:
    failing, validated = _works_honestly(people[HONEST])
    _hands_in_a_spy(people[HOSTILE], hub.settings.course)
    instructor = people["instructor"]
    instructor.manage()
    instructor.press("collect")
    instructor.show_submissions()
    marks = {name: instructor.autograde(name) for name in (HONEST, HOSTILE)}
    by_hand = instructor.grade_by_hand("reflect", 1, COMMENT)
    instructor.manage()
    for button in ("generate-feedback", "release-feedback"):
        instructor.press(button)
    feedback = {name: people[name].read_feedback() for name in (HONEST, HOSTILE)}
    return Taught(failing, validated, marks, by_hand, feedback)


def _works_honestly(student: Student) -> tuple[str, str]:
    """See the first self-check fail, answer everything, validate and submit."""
    student.fetch()
    for text in ("from self_check import", "def perceptron", "the example above"):
        cell = student.run(text)
    # JupyterLab shows errors as what was written to standard error
    error = cell.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']")
    error.wait_for()
    error.scroll_into_view_if_needed()
    failing = error.inner_text()
    student.shoot("self-check-fails")
    student.answer(ANSWER)
    student.save()
    student.shoot("answered")
    validated = student.validate()
    student.submit()
    return failing, validated


def _hands_in_a_spy(student: Student, course: Path) -> None:
    student.fetch()
    student.replace(
        "# Set or_weights", SPY.format(course=str(course), grader=str(course / "graders" / "test_01_gates.py"))
    )
    student.save()
    student.submit()


def test_the_self_check_fails_first(taught):
    """Running the fetched notebook stops at the first unanswered question and names it."""
    assert "Question 1: 10 of 10 rows are wrong." in taught.failing


def test_validate_praises_right_answers(taught):
    """Validate runs the student's notebook on the hub and finds nothing wrong."""
    assert "Success" in taught.validated


def test_the_button_gives_the_sealed_marks(hub, taught):
    """The formgrader's Autograde gives all marks but the text's to the honest, and OR alone to the spy."""
    assert taught.marks == {HONEST: 19, HOSTILE: 1}
    scorecards = list((hub.settings.course / ".nbseal").rglob("*.json"))
    assert {path.name for path in scorecards} != set()


def test_marks_by_hand_and_comment_reach_the_student(hub, taught):
    """The text question's mark is in the gradebook, and its comment and the sum are on the student's page."""
    assert taught.by_hand == 2
    assert grades(hub.settings.course, ASSIGNMENT)[HONEST]["reflect"] == (None, 1.0, False)
    assert COMMENT in taught.feedback[HONEST]
    assert re.search(r"Total\s+20 of 20", taught.feedback[HONEST])


def test_a_spy_learns_nothing_of_the_hidden_tests(hub, taught):
    """What a hostile notebook printed is shown, and no line of a hidden test is in it or in the feedback."""
    autograded = (hub.settings.course / "autograded" / HOSTILE / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text("utf-8")
    released = (ROOT / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8")
    secret = {line for line in grader_lines() if json.dumps(line)[1:-1] not in released}
    assert len(secret) > 500
    for shown in (autograded, taught.feedback[HOSTILE]):
        assert "the spy was here" in shown
        assert [line for line in secret if line in shown or json.dumps(line)[1:-1] in shown] == []


def test_a_student_reaches_no_other_server(hub, people, taught):
    """Another student's files, and the feedback among them, are refused to somebody signed in as a student."""
    for path in (f"/user/{HONEST}/api/contents", f"/user/{HONEST}/lab", f"/user/{HONEST}/files/{COURSE}/{ASSIGNMENT}"):
        answer = people[IDLE].context.request.get(hub.address + path)
        assert answer.status == 403, path
        assert COMMENT not in answer.text()
    own = people[IDLE].context.request.get(f"{hub.address}/user/{IDLE}/api/contents")
    assert own.status == 200


def test_a_student_cannot_open_the_formgrader(hub, people):
    """The formgrader's pages and its interface for programs refuse a student."""
    for path in ("lab", "formgrader/", "formgrader/api/assignments", "api/contents"):
        answer = people[IDLE].context.request.get(f"{hub.address}/services/{COURSE}/{path}")
        assert answer.status == 403, path


def test_a_link_brings_the_release_from_git(hub, people, tmp_path):
    """Somebody who is signed in clicks on a link, and the notebook of a git repository opens in JupyterLab."""
    repository = tmp_path / "release"
    shutil.copytree(ROOT / "release" / ASSIGNMENT, repository / ASSIGNMENT)
    for words in ("init --quiet --initial-branch main", "add .", "commit --quiet --message release"):
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
        subprocess.run(["git", *identity, *words.split()], cwd=repository, check=True)
    link = release_link(hub.address, repository.as_uri(), path=f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb")
    page = people[IDLE].page
    page.goto(link)
    page.locator(".jp-NotebookPanel .jp-Cell", has_text="One neuron and the logic gates").first.wait_for()
    people[IDLE].shoot("from-a-link")


def test_a_restart_loses_nothing(hub, browser, people, taught):
    """After the hub was stopped and started, accounts, submissions, marks and feedback are as before."""
    before = grades(hub.settings.course, ASSIGNMENT)
    for person in people.values():
        person.context.close()
    hub.stop()
    hub.start()
    pictures = people["instructor"].pictures
    student = Student(browser, hub.address, HONEST, hub.password, pictures, assignment=ASSIGNMENT)
    student.open_list()
    assert COMMENT in student.read_feedback()
    student.context.close()
    assert grades(hub.settings.course, ASSIGNMENT) == before
