"""Marks, autograded folders and the ledger, with nbgrader's real gradebook."""

import datetime
import os
import shutil
import sqlite3
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from nbseal.course import Course
from nbseal.errors import RecordError
from nbseal.gradebook import Recorder, autograded, connection


def set_grade(course: Course, name: str, notebook: str = "part1", **values: object) -> None:
    """Do what a person does in the formgrader."""
    with Gradebook(course.db_url, "small") as gradebook:
        grade = gradebook.find_grade(name, notebook, "ps1", "ann")
        for key, value in values.items():
            setattr(grade, key, value)
        gradebook.db.commit()


def test_a_first_submission_gets_its_rows(recorder, graded, rows):
    """A new student's marks, timestamp, and the question that waits for a person are in the gradebook."""
    recorder.save(graded("ann", {"q2": 1.5}))
    found = rows("ann")
    assert found.grades["q1"] == (2.0, None, None, False, False)
    assert found.grades["q2"] == (1.5, None, None, False, True)
    assert found.grades["why"] == (None, None, None, True, False)
    assert found.timestamp == datetime.datetime(2025, 3, 1, 10)
    assert (found.score, found.max_score, found.needs_manual_grade) == (4.5, 10.0, True)
    assert set(found.comments.values()) == {(None, None)}


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader with SQLAlchemy 2
def test_the_gradebook_is_the_one_that_nbgrader_would_have_written(released, course, tmp_path, graded, rows):
    """For the same outcomes, late and in time, answered, unanswered and missing, all rows equal stock autograde's."""
    stock = Course(shutil.copytree(released, tmp_path / "stock"))
    full = {"q1-answer": "q1 = 42", "q2-answer": "q2 = 41", "q3-answer": "q3 = 42", "why": "I say so."}
    submit(stock, "ann", full)
    submit(stock, "bob", {}, timestamp="2025-03-03 10:00:00 UTC")
    submit(stock, "cyd", full, leave_out="part2")
    for one in (stock, course):
        one.config.LateSubmissionPlugin.penalty_method = "zero"
        with Gradebook(one.db_url, "small") as gradebook:
            gradebook.update_or_create_assignment("ps1", duedate="2025-03-01 12:00:00 UTC")
    api = NbGraderAPI(stock.coursedir, config=stock.config)
    assert all(api.autograde("ps1", name)["success"] for name in ("ann", "bob", "cyd"))
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    unanswered = {"q1-answer": stub, "q2-answer": stub, "q3-answer": stub, "why": "YOUR ANSWER HERE"}
    nothing = {"q1": 0.0, "q2": 0.0, "q3": 0.0}
    with Recorder(course) as late_recorder:
        late_recorder.prepare("ps1")
        late_recorder.save(graded("ann", {"q2": 0.0}, full))
        late_recorder.save(graded("bob", nothing, unanswered, timestamp="2025-03-03 10:00:00 UTC"))
        late_recorder.save(graded("cyd", {"q2": 0.0, "q3": 0.0}, full, missing=("part2",)))
    for student in ("ann", "bob", "cyd"):
        assert rows(student) == rows(student, stock.root)
        assert files_and_modes(course, student) == files_and_modes(stock, student)
    assert rows("bob").comments["why"] == ("No response.", None)
    assert rows("bob").grades["why"][:2] == (0.0, None)


def submit(course: Course, student: str, answers: dict, leave_out: str = "", timestamp: str | None = None) -> None:
    """Hand in a filled-in release."""
    folder = course.folder("submitted", student, "ps1")
    shutil.copytree(course.folder("release", assignment="ps1"), folder)
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
        nbformat.write(notebook, path)
        if path.stem == leave_out:
            path.unlink()
    (folder / "timestamp.txt").write_text(timestamp or "2025-03-01 10:00:00 UTC")


def files_and_modes(course: Course, student: str) -> dict[str, int]:
    """Names and permissions in a student's autograded folder."""
    folder = course.folder("autograded", student, "ps1")
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): path.stat().st_mode for path in paths}


def test_an_extension_is_heeded(course, graded, rows):
    """Who was given more time loses nothing, and only what came after it is late."""
    course.config.LateSubmissionPlugin.penalty_method = "zero"
    late = graded("ann", timestamp="2025-03-03 10:00:00 UTC")
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        with Gradebook(course.db_url, "small") as gradebook:
            gradebook.update_or_create_assignment("ps1", duedate="2025-03-01 12:00:00 UTC")
        penalties = []
        for hours in (None, 47, 45):
            if hours:
                with Gradebook(course.db_url, "small") as gradebook:
                    gradebook.grant_extension("ps1", "ann", hours=hours)
            recorder.save(late)
            penalties.append(rows("ann").notebooks["part1"][1])
    assert penalties == [5.0, None, 5.0]


def test_a_persons_marks_survive(course, recorder, graded, rows):
    """A manual score, extra credit and a manual comment stay through a regrade, and ask for another look."""
    recorder.save(graded("ann"))
    set_grade(course, "q1", manual_score=1.0, extra_credit=0.5, needs_manual_grade=False)
    set_grade(course, "why", manual_score=3.0, needs_manual_grade=False)
    recorder.save(graded("ann", {"q1": 0.0}))
    found = rows("ann")
    assert found.grades["q1"] == (0.0, 1.0, 0.5, True, True)
    assert found.grades["why"] == (None, 3.0, None, True, False)
    assert found.score == 1.0 + 0.5 + 3.0 + 3.0 + 1.0


def test_a_worse_resubmission_counts(recorder, graded, rows):
    """The newer, worse marks and the newer timestamp replace the old ones."""
    recorder.save(graded("ann"))
    recorder.save(graded("ann", {"q1": 0.0}, timestamp="2025-03-02 10:00:00 UTC"))
    assert rows("ann").grades["q1"][0] == 0.0
    assert rows("ann").timestamp == datetime.datetime(2025, 3, 2, 10)


def test_what_was_not_judged_is_no_zero(recorder, graded, rows):
    """A question that could not be judged has no automatic mark and asks for a person."""
    recorder.save(graded("ann"))
    recorder.save(graded("ann", {"q1": None}))
    assert rows("ann").grades["q1"] == (None, None, None, True, None)


def test_an_unread_notebook_is_not_called_unanswered(recorder, graded, rows):
    """Where nothing of a notebook was judged, the released text in its place brings no "No response."."""
    unread = graded("ann", {"q3": None}, {"q3-answer": "# YOUR CODE HERE\nraise NotImplementedError()"})
    questions = list(unread.scorecard.questions)
    object.__setattr__(questions[-1], "tests", ())
    recorder.save(unread)
    assert rows("ann").comments["q3-answer"] == (None, None)


def test_a_notebook_that_is_missing_now_gets_zero(course, recorder, graded, rows):
    """Zero for its questions and no question to a person, even where an earlier hand-in had marks."""
    recorder.save(graded("ann"))
    recorder.save(graded("ann", {"q3": 0.0}, missing=("part2",)))
    assert rows("ann").grades["q3"] == (0.0, None, None, False, True)
    assert not (course.folder("autograded", "ann", "ps1") / "part2.ipynb").exists()


def test_a_custom_late_penalty_stays_within_the_score(course, graded, rows, tmp_path, monkeypatch):
    """The course's own plugin is asked with the notebook's score, and can't take more than that."""
    (tmp_path / "late_rule.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n"
        "class Rule(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return 2.0 if total_seconds_late == 3600 else None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    course.config.AssignLatePenalties.plugin_class = "late_rule.Rule"
    with Gradebook(course.db_url, "small") as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2025-03-01 09:00:00 UTC")
    with Recorder(course) as recorder:
        recorder.save(graded("ann"))
        assert rows("ann").notebooks == {"part1": (False, 2.0, False), "part2": (False, 1.0, False)}
        recorder.save(graded("ann", timestamp="2025-03-01 09:00:00 UTC"))
        assert rows("ann").notebooks["part1"] == (False, None, False)


def test_feedback_shows_our_lines(course, recorder, graded):
    """nbgrader generate_feedback works on what was recorded, and its page has each test's line, escaped."""
    recorder.save(graded("ann", {"q2": 0.0}))
    result = NbGraderAPI(course.coursedir, config=course.config).generate_feedback("ps1", "ann")
    assert result["success"], result
    page = (course.folder("feedback", "ann", "ps1") / "part1.html").read_text("utf-8")
    assert "q1 is there" in page
    assert "Got &lt;q2&gt;, expected 42." in page
    assert "<q2>" not in page


@pytest.mark.parametrize("student", ["Zoë Ω 学生", "o'brien; DROP TABLE", "a%20b?c#d", "x" * 250, "-rf", "a\nb"])
def test_awkward_names_are_recorded(course, recorder, graded, rows, student):
    """Students and files with unusual names come through all three places."""
    files = {"my notes.txt": b"1", "data/été\n2.csv": b"2", "data/\udcff": b"3", "part1.ipynb/x": b"4"}
    recorder.save(graded(student, files=files))
    assert recorder.recorded("ps1")[student][1].score == 6.0
    assert rows(student).score == 6.0
    folder = course.folder("autograded", student, "ps1")
    assert (folder / "data" / "été\n2.csv").read_bytes() == b"2"
    assert (folder / "data" / "\udcff").read_bytes() == b"3"
    assert (folder / "part1.ipynb").is_file()


def test_names_that_leave_the_folder_are_refused(course, recorder, graded):
    """A file name with .. in it is never written."""
    with pytest.raises(RecordError, match=r"\.\./evil"):
        recorder.save(graded("ann", files={"../evil": b""}))
    assert not (course.folder("autograded", "ann", ".") / "evil").exists()
    assert recorder.recorded("ps1") == {}


@pytest.mark.parametrize("text", ["yesterday", "", "9" * 5000, "2025-03-01 10:00:00 UTC\n"])
def test_timestamps_are_read_as_nbgrader_does_or_left_out(course, recorder, graded, rows, text):
    """A timestamp that makes no sense stops nothing and isn't passed on; without one, the old one stays."""
    recorder.save(graded("ann", timestamp=text))
    right = text.startswith("2025")
    assert rows("ann").timestamp == (datetime.datetime(2025, 3, 1, 10) if right else None)
    assert (course.folder("autograded", "ann", "ps1") / "timestamp.txt").exists() == right


def test_only_what_is_wholly_there_counts_as_recorded(course, recorder, graded):
    """Without its rows, its folder or its notebook as recorded, a submission counts as not recorded."""
    for student in ("ann", "bob", "cyd", "dan"):
        recorder.save(graded(student, digest=student))
    assert {name: digest for name, (digest, _) in recorder.recorded("ps1").items()} == {
        name: name for name in ("ann", "bob", "cyd", "dan")
    }
    shutil.rmtree(course.folder("autograded", "ann", "ps1"))
    notebook = course.folder("autograded", "bob", "ps1") / "part1.ipynb"
    notebook.chmod(0o644)
    notebook.write_text("{}")
    with Gradebook(course.db_url, "small") as gradebook:
        gradebook.remove_submission("ps1", "cyd")
    assert set(recorder.recorded("ps1")) == {"dan"}


def test_a_locked_gradebook_is_waited_for_and_named(course, recorder, graded, rows, monkeypatch):
    """After the wait comes an error with file, cause and mend; the old marks stand, and later it works."""
    recorder.save(graded("ann"))
    recorder.close()
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.2)
    holder = sqlite3.connect(course.root / "gradebook.db")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordError, match=r"gradebook\.db.*locked.*run"):
        recorder.save(graded("ann", {"q1": 0.0}))
    holder.rollback()
    holder.close()
    assert rows("ann").grades["q1"][0] == 2.0
    assert recorder.recorded("ps1")["ann"][1].score == 6.0
    recorder.save(graded("ann", {"q1": 0.0}))
    assert rows("ann").grades["q1"][0] == 0.0


def test_a_damaged_gradebook_is_named(course, graded):
    """A file that is no database is left alone and named, and not kept open."""
    path = course.root / "gradebook.db"
    path.write_bytes(b"not a database" * 100)
    with Recorder(course) as recorder, pytest.raises(RecordError, match=r"gradebook\.db.*damaged.*backup") as raised:
        recorder.save(graded("ann"))
    assert raised.value.__traceback__ is not None  # what it holds on to is still there
    assert str(path) not in [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]


def test_a_full_disk_loses_nothing(course, recorder, graded, rows, monkeypatch):
    """When the disk fills up while a folder is written, everything recorded before stands."""
    recorder.save(graded("ann"))

    def full(path: Path, content: bytes, mode: int) -> None:
        raise OSError(28, os.strerror(28), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(autograded, "write_file", full)
        with pytest.raises(RecordError, match=r"timestamp\.txt.*disk is full.*free some space"):
            recorder.save(graded("ann", {"q1": 0.0}))
    assert rows("ann").grades["q1"][0] == 2.0
    assert recorder.recorded("ps1")["ann"][1].score == 6.0
    assert os.listdir(course.folder("autograded", "ann", ".")) == ["ps1"]


def test_a_folder_that_can_not_be_written_is_named(course, recorder, graded):
    """A file where the student's folder should be is named."""
    (course.root / "autograded").mkdir()
    (course.root / "autograded" / "ann").write_text("in the way")
    with pytest.raises(RecordError, match="autograded/ann"):
        recorder.save(graded("ann"))
    assert recorder.recorded("ps1") == {}
