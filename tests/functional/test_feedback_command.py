"""``nbseal feedback``: the pages that nbgrader would make, those that are out of date, and no others."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

import nbseal
from nbseal.course import Course
from nbseal.errors import CourseError, UnknownName
from nbseal.feedback import class_pages
from nbseal.feedback.class_pages import ClassPages, Outcome, make_class_pages
from nbseal.grading import ClassOptions, grade_class
from tests.courses import run
from tests.mini import Watching, hand_in, make_course
from tests.nbgrader_commands import give

# What nbgrader 0.9.6 itself does to SQLAlchemy 2.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

STUDENTS = ("ada", "alan", "barbara", "grace", "zoe")
EXPORTER = '\nc.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"\n'
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def class_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with five graded submissions; ada has a picture and a folder beside her notebook."""
    root = make_course(tmp_path_factory.mktemp("pages") / "course")
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(EXPORTER)
    for student in STUDENTS:
        wrong = {"number_answer": "answer = 41"} if student == "alan" else {}
        path = hand_in(root, student, **wrong)
        path.with_name("timestamp.txt").write_text("2026-01-02 12:00:00 UTC")
    beside = root / "submitted" / "ada" / "mini"
    (beside / "own.png").write_bytes(PNG)
    (beside / "data").mkdir()
    (beside / "data" / "notes.txt").write_text("mine")
    assert grade_class(Course(root), "mini").troubles == []
    return root


@pytest.fixture
def root(class_root: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(class_root, tmp_path / "course")


@pytest.fixture(scope="module")
def made_root(class_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all pages."""
    copy = shutil.copytree(class_root, tmp_path_factory.mktemp("made") / "course")
    assert outcomes(make_class_pages(Course(copy), "mini")) == dict.fromkeys(STUDENTS, Outcome.MADE)
    return copy


@pytest.fixture
def made(made_root: Path, tmp_path: Path) -> Path:
    """A copy of that."""
    return shutil.copytree(made_root, tmp_path / "course")


def outcomes(result: ClassPages) -> dict[str, Outcome]:
    """What became of each student's page."""
    return {page.student: page.outcome for page in result.pages}


def page_of(root: Path, student: str) -> Path:
    """Where a student's page lies."""
    return root / "feedback" / student / "mini" / "mini.html"


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Permissions and contents of all that lies in a folder."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize(
    "more", ["", "c.CourseDirectory.groupshared = True\n", "c.GenerateFeedback.permissions = 600\n"]
)
def test_pages_are_those_of_nbgraders_command(root: Path, more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte the same files in the same places, with the same permissions, whether few or many are made."""
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(more)
    make_class_pages(Course(root), "mini", ["ada"])
    monkeypatch.setattr(class_pages, "FEW", 1)
    make_class_pages(Course(root), "mini", jobs=2)
    ours = tree(root / "feedback")
    shutil.rmtree(root / "feedback")
    code, said = give("generate_feedback", "mini", cwd=root)
    assert code == 0, said
    assert ours == tree(root / "feedback")
    assert {"ada/mini/own.png", "ada/mini/data/notes.txt", "zoe/mini/mini.html"} <= ours.keys()


def test_what_nbgraders_command_made_is_up_to_date(root: Path) -> None:
    """Either face knows the other's pages."""
    code, said = give("generate_feedback", "mini", cwd=root)
    assert code == 0, said
    assert set(outcomes(make_class_pages(Course(root), "mini")).values()) == {Outcome.UNCHANGED}


def test_nothing_is_written_where_nothing_changed(made: Path) -> None:
    """A second run leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in (made / "feedback").rglob("*")}
    assert outcomes(make_class_pages(Course(made), "mini")) == dict.fromkeys(STUDENTS, Outcome.UNCHANGED)
    assert {path: path.stat().st_mtime_ns for path in (made / "feedback").rglob("*")} == before


def in_gradebook(change: Callable) -> Callable[[Path], None]:
    """A change of ada's rows in the gradebook."""

    def do(root: Path) -> None:
        with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
            change(gradebook, gradebook.find_submission_notebook("mini", "mini", "ada"))
            gradebook.db.commit()

    return do


def put(question: str, **values: float | None) -> Callable[[Path], None]:
    """A change of a grade."""

    def change(gradebook: Gradebook, _: object) -> None:
        for name, value in values.items():
            setattr(gradebook.find_grade(question, "mini", "mini", "ada"), name, value)

    return in_gradebook(change)


def comment(gradebook: Gradebook, _: object) -> None:
    """A person's comment on an answer."""
    gradebook.find_comment("double-answer", "mini", "mini", "ada").manual_comment = "Well done."


def take_off(_: Gradebook, notebook: object) -> None:
    """A penalty for being late."""
    notebook.late_submission_penalty = 1.0


def regrade(root: Path) -> None:
    """Another submission, graded."""
    shutil.rmtree(root / "submitted" / "ada")
    hand_in(root, "ada", double_answer="def double(x):\n    return 3 * x")
    grade_class(Course(root), "mini", ClassOptions(["ada"]))


def edit(relative: str, content: bytes | None) -> Callable[[Path], None]:
    """A file of ada's with other content, or none."""

    def change(root: Path) -> None:
        path = root / relative
        path.chmod(0o600)
        path.unlink() if content is None else path.write_bytes(content)

    return change


def without_tag(root: Path) -> None:
    """A page that doesn't say what it was made from, as an older nbseal made it."""
    page = page_of(root, "ada")
    page.write_text(page.read_text("utf-8").replace("nbseal-made-from", "other"), encoding="utf-8")


def cut_off(root: Path) -> None:
    """A page of which a full disk kept half."""
    page = page_of(root, "ada")
    page.write_bytes(page.read_bytes()[:3000])


CHANGES = {
    "regraded": regrade,
    "a person's mark": put("number", manual_score=1.0),
    "a person's mark that is the same": put("number", manual_score=2.0),
    "extra credit": put("number", extra_credit=0.5),
    "a mark that is gone": put("plain", auto_score=None),
    "comment": in_gradebook(comment),
    "penalty": in_gradebook(take_off),
    "picture": edit("autograded/ada/mini/own.png", PNG + b"\0"),
    "picture gone": edit("autograded/ada/mini/own.png", None),
    "page gone": edit("feedback/ada/mini/mini.html", None),
    "page empty": edit("feedback/ada/mini/mini.html", b""),
    "page cut off": cut_off,
    "page without tag": without_tag,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_page_is_made_again_when_what_it_shows_changed(made: Path, change: Callable[[Path], None]) -> None:
    """Only that page, and after it there is nothing more to do."""
    change(made)
    expected = dict.fromkeys(STUDENTS, Outcome.UNCHANGED) | {"ada": Outcome.MADE}
    assert outcomes(make_class_pages(Course(made), "mini")) == expected
    assert set(outcomes(make_class_pages(Course(made), "mini")).values()) == {Outcome.UNCHANGED}


def due(root: Path, extension: timedelta | None = None) -> None:
    """A due date a day before the hand-in, and more time for ada."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate="2026-01-01 12:00:00 UTC")
        if extension:
            gradebook.find_submission("mini", "ada").extension = extension
        gradebook.db.commit()


def test_lateness_and_extensions_are_on_the_page(made: Path) -> None:
    """A new due date concerns all pages, an extension one."""
    due(made)
    assert set(outcomes(make_class_pages(Course(made), "mini")).values()) == {Outcome.MADE}
    assert "Handed in late (1 d 0 h)" in page_of(made, "ada").read_text("utf-8")
    due(made, timedelta(days=2))
    found = outcomes(make_class_pages(Course(made), "mini"))
    assert found == dict.fromkeys(STUDENTS, Outcome.UNCHANGED) | {"ada": Outcome.MADE}
    assert "Handed in late" not in page_of(made, "ada").read_text("utf-8")


def test_settings_and_the_engine_concern_all_pages(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other marks around hidden tests, or another version of nbseal, make every page anew."""
    with (made / "nbgrader_config.py").open("a") as config:
        config.write("c.ClearHiddenTests.begin_test_delimeter = 'HIDE'\n")
    assert set(outcomes(make_class_pages(Course(made), "mini")).values()) == {Outcome.MADE}
    monkeypatch.setattr(nbseal, "__version__", "1000")
    assert set(outcomes(make_class_pages(Course(made), "mini", jobs=1)).values()) == {Outcome.MADE}


def test_files_beside_a_page_follow_without_it(made: Path) -> None:
    """A file that the page doesn't show is copied again, and the page stays."""
    edit("autograded/ada/mini/data/notes.txt", b"new")(made)
    assert set(outcomes(make_class_pages(Course(made), "mini")).values()) == {Outcome.UNCHANGED}
    assert (made / "feedback" / "ada" / "mini" / "data" / "notes.txt").read_bytes() == b"new"


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_page_that_can_not_be_made_stops_no_other(root: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with the reason, and what lay there before stays."""
    monkeypatch.setattr(class_pages, "FEW", 1)
    edit("autograded/ada/mini/mini.ipynb", b"{")(root)
    page_of(root, "ada").parent.mkdir(parents=True)
    page_of(root, "ada").write_text("before")
    seen: list[str] = []
    result = make_class_pages(Course(root), "mini", None, jobs, Watching(lambda page: seen.append(page.student)))
    assert outcomes(result) == dict.fromkeys(STUDENTS, Outcome.MADE) | {"ada": Outcome.FAILED}
    assert "JSON" in result.pages[0].problem
    assert page_of(root, "ada").read_text() == "before"
    assert sorted(seen) == sorted(STUDENTS)


def test_the_page_of_a_notebook_that_is_gone_is_left(made: Path) -> None:
    """While somebody hands in again, the page of what was graded stays, and nothing is said of it."""
    edit("autograded/ada/mini/mini.ipynb", None)(made)
    before = page_of(made, "ada").read_bytes()
    assert "ada" not in outcomes(make_class_pages(Course(made), "mini"))
    assert page_of(made, "ada").read_bytes() == before


def test_who_has_not_been_graded_is_named_if_asked_for(made: Path) -> None:
    """One who has handed in gets a note, an unknown one is an error."""
    hand_in(made, "late")
    assert make_class_pages(Course(made), "mini").notes == []
    result = make_class_pages(Course(made), "mini", ["late", "ada"])
    assert outcomes(result) == {"ada": Outcome.UNCHANGED}
    assert result.notes == ["late: not graded yet, so there is no page: run nbseal grade mini"]
    with pytest.raises(UnknownName, match="nobody"):
        make_class_pages(Course(made), "mini", ["nobody"])


def test_a_notebook_that_the_gradebook_does_not_know_is_named(made: Path) -> None:
    """No page is made with marks that nobody gave."""
    with Gradebook(f"sqlite:///{made}/gradebook.db") as gradebook:
        gradebook.remove_submission("mini", "ada")
    result = make_class_pages(Course(made), "mini", ["ada"])
    assert outcomes(result) == {"ada": Outcome.FAILED}
    assert "run nbseal grade" in result.pages[0].problem


@pytest.mark.parametrize(
    "setting",
    [
        "c.GenerateFeedback.exporter_class = 'nbconvert.exporters.HTMLExporter'",
        "c.GenerateFeedback.post_convert_hook = print",
        "c.GenerateFeedback.preprocessors = []",
    ],
)
def test_settings_that_ask_for_other_pages_are_refused(made: Path, setting: str) -> None:
    """The message names the setting and nbgrader's command, which heeds it."""
    with (made / "nbgrader_config.py").open("a") as config:
        config.write(f"{setting}\n")
    with pytest.raises(CourseError, match=rf"{setting.partition(' ')[0]}.*nbgrader\s+generate_feedback"):
        make_class_pages(Course(made), "mini")


def test_the_command_says_what_it_did(root: Path) -> None:
    """A line for each page and one about all; with --json a list; exit code 3 if a page is missing."""
    done = run("nbseal", "feedback", "mini", cwd=root)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    assert sorted(lines) == [f"{student}: mini.html made" for student in STUDENTS]
    assert last.startswith("mini: 5 pages made in ")
    edit("autograded/ada/mini/mini.ipynb", b"{")(root)
    done = run("nbseal", "feedback", "mini", "--json", "--student", "ada", "--student", "zoe", cwd=root)
    assert done.returncode == 3
    ada, zoe = json.loads(done.stdout)
    assert (ada["outcome"], ada["page"]) == ("failed", "feedback/ada/mini/mini.html")
    assert zoe == {"student": "zoe", "notebook": "mini", "page": "feedback/zoe/mini/mini.html", "outcome": "unchanged"}
    assert "not made: ada, mini.html: " in done.stderr


def test_nothing_graded_is_an_error_with_the_mend(tmp_path: Path) -> None:
    """The message says what to run first."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    with pytest.raises(CourseError, match="run nbseal grade mini first"):
        make_class_pages(Course(root), "mini")


def test_why_a_page_is_not_made_is_said(root: Path) -> None:
    """Damaged notebooks, files in the way, who handed nothing in, and who isn't known: what it is, and what to do."""
    for student, damage in (("ada", b'{"cells": [{"x"'), ("alan", b"{}"), ("barbara", b"\xff\xfe")):
        path = root / "autograded" / student / "mini" / "mini.ipynb"
        path.chmod(0o644)
        path.write_bytes(damage)
    (root / "feedback").mkdir(exist_ok=True)
    (root / "feedback" / "grace").write_text("in the way")
    (root / "submitted" / "max" / "mini").mkdir(parents=True)
    assert grade_class(Course(root), "mini", ClassOptions(["max"])).troubles == []
    pages = {page.student: page for page in make_class_pages(Course(root), "mini").pages}
    for student in ("ada", "alan", "barbara"):
        assert "autograded/" + student + "/mini/mini.ipynb is damaged (" in pages[student].problem
        assert pages[student].problem.endswith("): grade it again with --force.")
    assert pages["grace"].problem == f"{root}/feedback/grace is where a folder must go: move it away and run again."
    assert pages["zoe"].problem == ""
    found = make_class_pages(Course(root), "mini", ["max"])
    assert (found.pages, found.notes) == ([], ["max: nothing was handed in, so there is no page"])
    with pytest.raises(UnknownName, match="no student called 'zoey': did you mean zoe"):
        make_class_pages(Course(root), "mini", ["zoey"])
