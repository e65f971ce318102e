"""What crosses between the recording machine and a worker: plain data, read strictly."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nbseal.course import Course
from nbseal.errors import RecordError, WireError
from nbseal.gradebook.autograded import contents
from nbseal.gradebook.decisions import Decision, Decisions, Kind
from nbseal.grading.cluster.unpickling import no_pickle_runs
from nbseal.grading.messages import read_reply, read_task, reply_bytes, task_bytes
from nbseal.grading.plan import Plan, make_plan
from nbseal.grading.submission import HandedIn, Task
from nbseal.results import CellTime, GradedSubmission, Outcome, QuestionResult, Scorecard, Status, TestResult
from nbseal.wire.parcel import open_parcel, parcel
from tests.mini import make_course

ODD = os.fsdecode(b"caf\xe9.txt")  # a name that is no UTF-8
SEED = bytes(range(32))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of the mini assignment."""
    course = Course(make_course(tmp_path_factory.mktemp("course"), grader=None))
    return make_plan(course, course.assignment("mini"), ())


@pytest.fixture
def task() -> Task:
    """A submission with a decision about it."""
    files = {"mini.ipynb": b"{}", ODD: b"\x00\xff"}
    decision = Decision("ada", Kind.POINTS, "abc", "lecturer", datetime.now(UTC), questions=("plain",), points=1.0)
    return Task("ada", HandedIn(files, {"link": "is a link"}), Decisions((decision,)), SEED)


@pytest.fixture
def graded(plan: Plan, task: Task) -> GradedSubmission:
    """What a worker has made of it."""
    test = TestResult("It doubles.", Outcome.FAILED, "no", measured={"accuracy": float("nan")}, credit=0.5)
    questions = tuple(
        QuestionResult(one.grade_id, 1.0, one.points, Status.GRADED, (test,)) for one in plan.notebooks[0].questions
    )
    card = Scorecard("mini", "ada", "namespaces", 0.5, questions, ("odd: caf\udce9",), (CellTime("double", 0.1),))
    nb = {"cells": [{"source": "half \ud83d"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    files = {ODD: b"\x00\xff", "made.txt": b"new"}
    return GradedSubmission(card, "d" * 64, {"mini": nb}, files, (), "2026-01-01", {"double": 0.1}, handed_in="abc")


def test_a_task_arrives_as_it_was_sent(task: Task) -> None:
    """Names that are no UTF-8, bytes, decisions and the seed cross unchanged, and so does the submission's digest."""
    arrived = read_task(task_bytes(task))
    assert arrived == task
    assert arrived.handed_in.digest == task.handed_in.digest


def test_a_scorecard_arrives_as_it_was_sent(plan: Plan, task: Task, graded: GradedSubmission) -> None:
    """Marks, notebooks and files come back the same; files that were sent are not sent back."""
    data = reply_bytes(graded, task.handed_in.files)
    assert b"made.txt" in data
    assert b"\x00\xff" not in data[100:]
    arrived = read_reply(data, task, plan)
    assert arrived.files == graded.files
    assert repr(replace(arrived, files={})) == repr(replace(graded, files={}))  # a number that is none isn't itself


def changed(data: bytes, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> bytes:
    """The reply with something else in it."""
    about, files = open_parcel(data)
    change(about, files)
    return parcel(about, files)


WRONG: dict[str, Callable[[dict[str, Any], dict[str, bytes]], None]] = {
    "another student": lambda about, files: about["scorecard"].update(student="grace"),
    "another assignment": lambda about, files: about["scorecard"].update(assignment="other"),
    "a question less": lambda about, files: about["scorecard"]["questions"].pop(),
    "more points": lambda about, files: about["scorecard"]["questions"][0].update(max_score=100),
    "a mark that is a text": lambda about, files: about["scorecard"]["questions"][0].update(score="7"),
    "a mark without end": lambda about, files: about["scorecard"]["questions"][0].update(score=float("inf")),
    "a message that is a list": lambda about, files: about["scorecard"]["questions"][0]["tests"][0].update(message=[]),
    "a status that there isn't": lambda about, files: about["scorecard"]["questions"][0].update(status="best"),
    "a strange notebook": lambda about, files: files.update({"notebook other": b"{}"}),
    "a notebook that is a list": lambda about, files: files.update({"notebook mini": b"[]"}),
    "a file that wasn't sent": lambda about, files: about.update(same_files=["/etc/passwd"]),
    "no digest": lambda about, files: about.pop("digest"),
    "nothing": lambda about, files: about.clear(),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_this_student_s_scorecard_is_refused(
    name: str, plan: Plan, task: Task, graded: GradedSubmission
) -> None:
    """A reply with anything else in it than marks of this student for this assignment is no reply."""
    data = changed(reply_bytes(graded, task.handed_in.files), WRONG[name])
    with pytest.raises(WireError):
        read_reply(data, task, plan)


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 12, pickle.dumps({}), "text", None, 7, b"\x00\x00\x00\x02" + b"\xff" * 40]
)
def test_what_is_no_parcel_is_refused(data: Any) -> None:
    """Bytes of another kind, too few bytes, and what isn't bytes are refused."""
    with pytest.raises(WireError):
        open_parcel(data)


def test_a_file_can_t_leave_its_folder(plan: Plan, task: Task, graded: GradedSubmission) -> None:
    """A path that leads elsewhere is not written, whoever sends it."""
    data = changed(reply_bytes(graded, {}), lambda about, files: files.update({"file ../../course/x": b""}))
    with pytest.raises(RecordError, match="not a name inside a submission"):
        contents(read_reply(data, task, plan).files, {})


class Hostile:
    """What runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("load", [pickle.loads, pickle._loads], ids=["C", "Python"])  # type: ignore[attr-defined]
def test_no_pickle_runs(protocol: int, load: Callable[[bytes], Any], tmp_path: Path) -> None:
    """A pickle that would run something is not opened while a cluster is talked with; plain data still is."""
    path = tmp_path / "ran"
    data = pickle.dumps(Hostile(path), protocol)
    with no_pickle_runs():
        with pytest.raises(WireError, match="not opened"):
            load(data)
        assert load(pickle.dumps({"a": [1, "b"]}, protocol)) == {"a": [1, "b"]}
    assert not path.exists()
    load(data)
    assert path.exists()  # so the pickle is one that runs


def test_json_of_a_reply_is_plain(graded: GradedSubmission) -> None:
    """All of a reply but the bytes of files is JSON."""
    about, files = open_parcel(reply_bytes(graded, {}))
    assert json.loads(json.dumps(about))["digest"] == graded.digest
    assert set(files) == {"notebook mini", f"file {ODD}", "file made.txt"}
