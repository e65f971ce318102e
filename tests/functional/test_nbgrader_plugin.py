"""nbgrader's own autograde, through the sealed engine."""

import asyncio
import os
from pathlib import Path
from typing import ClassVar

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde, NbGraderException

from nbseal.course import Course
from nbseal.errors import SealBroken
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, grade_class
from nbseal.grading.recognition import is_notebook
from nbseal.grading.submission import read_folder, resubmitted
from tests.nbgrader_commands import give

# What nbgrader 0.9.6 itself does to SQLAlchemy 2.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

SETTINGS = """
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
GRADER = '''
import pytest

NAMES = [pytest.param(name, marks=pytest.mark.question(name)) for name in ("q1", "q2", "q3")]

@pytest.mark.parametrize("name", NAMES)
def test_value(student, name):
    """The value is 42."""
    value = student.number(name)
    assert value == 42, f"{name} is {value}."
'''


@pytest.fixture
def sealed(course: Course) -> Course:
    """The small course with our settings, read from its file as nbgrader does."""
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(SETTINGS)
    return Course(course.root)


@pytest.fixture
def engine(sealed: Course, graded):
    """A stand-in for the engine: it notes what is asked of it, and gives prepared submissions."""

    class Engine:
        opened: ClassVar[list[str]] = []
        asked: ClassVar[list[tuple[str, Path]]] = []
        answers: ClassVar[dict] = {}
        closed = 0

        def __init__(self, course: Course, assignment: str) -> None:
            assert course.root == sealed.root
            self.opened.append(assignment)

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            type(self).closed += 1

        def grade(self, student: str, folder: Path):
            self.asked.append((student, folder))
            files = {name: data for name, data in read_folder(folder, 128).files.items() if not is_notebook(name)}
            answer = self.answers.get(student) or graded(student, files=files)
            if isinstance(answer, Exception):
                raise answer
            return answer

    sealed.config.SealedExporter.grader_class = Engine
    return Engine


@pytest.fixture
def hand_in(sealed: Course, answered):
    """Hands in both notebooks."""

    def submit(student: str, text: str = "42", timestamp: str = "2025-03-01 10:00:00 UTC") -> Path:
        folder = sealed.folder("submitted", student, "ps1")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("part1", "part2"):
            notebook = answered(name, {f"{name}-answer": f"{name} = {text}" for name in ("q1", "q2", "q3")})
            nbformat.write(nbformat.from_dict(notebook), folder / f"{name}.ipynb")
        (folder / "timestamp.txt").write_text(timestamp)
        return folder

    return submit


def press_button(course: Course, student: str) -> dict:
    """What the formgrader does."""
    return NbGraderAPI(course.coursedir, config=course.config).autograde("ps1", student)


async def press_button_in_a_server(course: Course, student: str) -> dict:
    """The formgrader calls nbgrader from a request handler, inside the server's event loop."""
    return press_button(course, student)


def autograde(course: Course, force: bool = False) -> None:
    """What the command does, for all students."""
    course.coursedir.assignment_id = "ps1"
    converter = Autograde(coursedir=course.coursedir, config=course.config)
    converter.force = force
    converter.start()


def test_the_button_grades_and_records(sealed, engine, hand_in, rows):
    """Marks, executed notebooks, other files and the ledger are there; two notebooks are graded in one go."""
    folder = hand_in("ann")
    (folder / "notes.txt").write_text("mine")
    result = press_button(sealed, "ann")
    assert result["success"], result
    assert (engine.opened, engine.asked, engine.closed) == (["ps1"], [("ann", folder)], 1)
    assert rows("ann").score == 6.0
    written = sealed.folder("autograded", "ann", "ps1")
    assert sorted(os.listdir(written)) == ["notes.txt", "part1.ipynb", "part2.ipynb", "timestamp.txt"]
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o444}
    assert "q1 is there" in (written / "part1.ipynb").read_text("utf-8")
    with Recorder(sealed) as recorder:
        assert recorder.recorded("ps1")["ann"][0] == "digest"


def test_the_button_grades_again(sealed, engine, hand_in, rows, graded):
    """In the same server, a second press sees the newer submission."""
    hand_in("ann")
    press_button(sealed, "ann")
    engine.answers["ann"] = graded("ann", {"q1": 0.0})
    assert press_button(sealed, "ann")["success"]
    assert rows("ann").grades["q1"][0] == 0.0
    assert engine.closed == 2


def test_a_class_shares_one_engine(sealed, engine, hand_in, rows):
    """All students of a run are graded by one engine, which is closed at its end."""
    for student in ("ann", "bob", "Zoë"):
        hand_in(student)
    autograde(sealed)
    assert [student for student, _ in engine.asked] == ["Zoë", "ann", "bob"]
    assert (engine.opened, engine.closed) == (["ps1"], 1)
    assert rows("bob").score == 6.0


def test_existing_newer_and_forced(sealed, engine, hand_in):
    """nbgrader's rules for what to grade again hold: a newer timestamp or --force, and nothing else."""
    hand_in("ann")
    for _ in range(2):
        autograde(sealed)
    assert len(engine.asked) == 1
    hand_in("ann", timestamp="2025-03-02 10:00:00 UTC")
    autograde(sealed)
    assert len(engine.asked) == 2
    autograde(sealed, force=True)
    assert len(engine.asked) == 3


def test_one_failure_does_not_stop_the_others(sealed, engine, hand_in, rows, graded):
    """Where the engine fails, old marks stand and no folder is left; the next student is graded."""
    hand_in("ann")
    hand_in("bob")
    autograde(sealed)
    engine.answers = {"ann": SealBroken("the process is gone"), "bob": graded("bob", {"q1": 0.0})}
    with pytest.raises(NbGraderException):
        autograde(sealed, force=True)
    assert rows("ann").grades["q1"][0] == 2.0
    assert not sealed.folder("autograded", "ann", "ps1").exists()
    assert rows("bob").grades["q1"][0] == 0.0
    assert engine.closed == 3


DAMAGES = [
    *("link", "dangling link", "pipe", "folder", "empty", "cut", "huge", "nested"),
    *("not UTF-8", "no notebook", "version 999", "half a character"),
]


def break_notebook(path: Path, how: str) -> None:
    """Put something in a notebook's place that is none."""
    text = path.read_bytes()
    path.unlink()
    if how == "link":
        path.symlink_to("/etc/passwd")
    elif how == "dangling link":
        path.symlink_to("/nowhere")
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
        (path / "inside.txt").write_text("in the way")
    else:
        contents = {
            "empty": b"",
            "cut": text[:100],
            "not UTF-8": b"\xff\xfe" + text,
            "nested": b"[" * 200_000,
            "no notebook": b'{"cells": 7, "nbformat": 4, "nbformat_minor": 5, "metadata": null}',
            "version 999": text.replace(b'"nbformat": 4', b'"nbformat": 999'),
            "half a character": text.replace(b"= 42", b"= '\\ud800'"),
            "huge": b" " * (65 << 20),
        }
        path.write_bytes(contents[how])


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_notebook_reaches_the_engine(sealed, engine, hand_in, how):
    """nbgrader's first pass survives everything that bears a notebook's name; the engine sees the folder."""
    folder = hand_in("ann")
    break_notebook(folder / "part1.ipynb", how)
    result = press_button(sealed, "ann")
    assert result["success"], result
    assert engine.asked == [("ann", folder)]
    assert "q1 is there" in (sealed.folder("autograded", "ann", "ps1") / "part1.ipynb").read_text("utf-8")


def test_the_empty_form_holds_no_solution(sealed, engine, hand_in):
    """What stands in for a damaged notebook, should the run end there, is what students have anyway."""
    folder = hand_in("ann")
    break_notebook(folder / "part1.ipynb", "cut")
    converter = Autograde(coursedir=sealed.coursedir, config=sealed.config)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    exporter.register_preprocessor("nbseal.nbgrader_plugin.RebuildNotebook")
    names = {"nbgrader": {"assignment": "ps1", "student": "ann", "notebook": "part1"}}
    text, _ = exporter.from_filename(str(folder / "part1.ipynb"), resources=names)
    assert "YOUR CODE HERE" in text
    assert "q1 = 42" not in text
    assert "Because." not in text


def test_nothing_is_copied_through_links(sealed, engine, hand_in):
    """What a link in a submission shows is not in autograded/, from where feedback would hand it out."""
    folder = hand_in("ann")
    (folder / "data").mkdir()
    (folder / "data" / "stolen.txt").symlink_to(sealed.root / "source" / "ps1" / "part1.ipynb")
    (folder / "data" / "own.txt").write_text("mine")
    assert press_button(sealed, "ann")["success"]
    assert os.listdir(sealed.folder("autograded", "ann", "ps1") / "data") == ["own.txt"]


def test_what_can_not_be_recorded_is_told(sealed, engine, hand_in, graded):
    """A failed recording fails the run with the reason in its log, and leaves no folder that looks graded."""
    hand_in("ann")
    engine.answers["ann"] = graded("ann\ud800")
    result = press_button(sealed, "ann")
    assert not result["success"]
    assert "has a name that is not UTF-8" in result["log"]
    assert not sealed.folder("autograded", "ann", "ps1").exists()
    assert engine.closed == 1


def test_the_exporter_is_needed(sealed, hand_in):
    """With only a part of our settings the log says which one is missing."""
    hand_in("ann")
    del sealed.config.Autograde["exporter_class"]
    assert "c.Autograde.exporter_class" in press_button(sealed, "ann")["log"]


def test_the_command_and_grade_class_agree(sealed, hand_in, rows):
    """The command and the button record what the parallel way does, which then has nothing left to do."""
    (sealed.root / "graders").mkdir()
    (sealed.root / "graders" / "test_ps1.py").write_text(GRADER)
    hand_in("ann")
    hand_in("bob", text="41")
    (hand_in("cyd") / "part2.ipynb").unlink()
    code, said = give("autograde", "ps1", cwd=sealed.root)
    assert code == 0, said
    assert [rows(student).score for student in ("ann", "bob", "cyd")] == [6.0, 0.0, 5.0]
    assert resubmitted(sealed, "ps1") == []
    before = [rows(student) for student in ("ann", "bob", "cyd")]
    result = grade_class(sealed, "ps1", ClassOptions(jobs=1))
    assert [one.unchanged for one in result.done] == [True, True, True]
    assert asyncio.run(press_button_in_a_server(sealed, "ann"))["success"]
    again = grade_class(sealed, "ps1", ClassOptions(jobs=1, force=True))
    assert [card.score for card in again.scorecards] == [6.0, 0.0, 5.0]
    assert [rows(student) for student in ("ann", "bob", "cyd")] == before
