"""The file that says what a person decided, and the cells that one chose."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbseal.errors import CourseError
from nbseal.gradebook.decisions import Decided, Decision, Kind, decider, read_decisions, record, withdraw
from nbseal.notebook import with_chosen_cells
from tests.mini import code, notebook

WHEN = datetime(2026, 5, 4, 20, 31, tzinfo=UTC)


def made(kind: Kind, student: str = "ada", handed_in: str = "digest", **more: Any) -> Decision:
    """A decision of ann's."""
    return Decision(student, kind, handed_in, "ann", WHEN, **more)


FILE = made(Kind.FILE, questions=("q1", "q2"), notebook="ps", file="Copy of ps.ipynb", reason="by mail")
CELL = made(Kind.CELL, questions=("q1",), notebook="ps", file="ps.ipynb", cell=7)
POINTS = made(Kind.POINTS, questions=("q1",), points=0.0)
NOTHING = made(Kind.NOTHING, questions=("q1", "q2"))
TIME = made(Kind.TIME, time=datetime(2026, 5, 4, 18, 30, tzinfo=UTC))


@pytest.fixture
def course(tmp_path: Path) -> Any:
    """As much of a course as decisions need."""
    return SimpleNamespace(private=tmp_path / ".nbseal")


@pytest.mark.parametrize("name", ["ps", "x" * 255])
@pytest.mark.parametrize("student", ["ada", "Zoë 学生", "\udcff", "../x"])
def test_decisions_come_back_as_they_were(course: Any, student: str, name: str) -> None:
    """Whatever student, assignment and kind: what was recorded is read, from a file that only its owner can read."""
    all_kinds = [
        replace(one, student=student) for one in (FILE, made(Kind.CELL, questions=("q3",), file="x", cell=1), TIME)
    ]
    for one in all_kinds:
        record(course, name, one)
    assert list(read_decisions(course.private, name).made) == all_kinds
    (path,) = (course.private / "decisions").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_decisions(course.private, "another").made == ()


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (POINTS, NOTHING, [NOTHING]),
        (NOTHING, POINTS, [replace(NOTHING, questions=("q2",)), POINTS]),
        (CELL, FILE, [FILE]),
        (FILE, CELL, [FILE, CELL]),
        (FILE, replace(FILE, file="other.ipynb"), [replace(FILE, file="other.ipynb")]),
        (FILE, replace(FILE, notebook="other"), [FILE, replace(FILE, notebook="other")]),
        (TIME, POINTS, [TIME, POINTS]),
        (NOTHING, replace(TIME, handed_in="another"), [NOTHING, replace(TIME, handed_in="another")]),
        (POINTS, replace(NOTHING, student="bob"), [POINTS, replace(NOTHING, student="bob")]),
    ],
)  # fmt: skip
def test_the_newer_decision_about_the_same_counts(
    course: Any, first: Decision, second: Decision, left: list[Decision]
) -> None:
    """A decision takes the place of earlier ones about the same, and of no other."""
    record(course, "ps", first)
    record(course, "ps", second)
    assert list(read_decisions(course.private, "ps").made) == left


def test_decisions_are_taken_back_for_a_question_or_all(course: Any) -> None:
    """Of a decision about several questions the others stay; a file that was chosen is about no single question."""
    for one in (FILE, NOTHING, replace(POINTS, student="bob")):
        record(course, "ps", one)
    assert withdraw(course, "ps", "ada", "q2") == [replace(NOTHING, questions=("q2",))]
    assert withdraw(course, "ps", "ada", "q2") == []
    assert withdraw(course, "ps", "ada") == [FILE, replace(NOTHING, questions=("q1",))]
    assert [one.student for one in read_decisions(course.private, "ps").made] == ["bob"]


def test_a_decision_counts_for_the_submission_that_it_is_about(course: Any) -> None:
    """Another student, or another submission, has nothing of it; a time is no part of what a mark depends on."""
    for one in (FILE, POINTS, TIME):
        record(course, "ps", one)
    found = read_decisions(course.private, "ps")
    assert found.about("ada", "digest") == Decided((FILE, POINTS))
    assert found.about("ada", "another") == found.about("bob", "digest") == Decided()
    assert found.time("ada", "digest") == TIME
    assert found.time("ada", "another") is None
    assert Decided().digest == ""
    assert len({Decided(some).digest for some in [(FILE,), (POINTS,), (FILE, POINTS)]}) == 3


def test_a_decision_is_a_sentence() -> None:
    """What was decided, who did, when, and why; on one line, whatever the reason says."""
    by = "decided by ann, 2026-05-04 20:31 UTC"
    assert FILE.sentence == f"`Copy of ps.ipynb` counts as ps.ipynb: {by} (by mail)"
    assert CELL.sentence == f"cell 7 of `ps.ipynb` is the answer to q1: {by}"
    assert replace(POINTS, points=1.0).sentence == f"q1 gets 1 point: {by}"
    assert NOTHING.sentence == f"q1, q2 count as nothing: {by}"
    assert TIME.sentence == f"handed in at 2026-05-04 18:30:00 UTC: {by}"
    assert replace(TIME, reason="a\n\x1b[31mb").sentence.endswith("(a \N{REPLACEMENT CHARACTER}[31mb)")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": 2, "decisions": []}',
        '{"schema": 1, "decisions": [1]}',
        json.dumps({"schema": 1, "decisions": [{**POINTS.to_dict(), "points": float("nan")}]}),
        json.dumps({"schema": 1, "decisions": [{**POINTS.to_dict(), "points": "3"}]}),
        json.dumps({"schema": 1, "decisions": [{**POINTS.to_dict(), "more": 1}]}),
        json.dumps({"schema": 1, "decisions": [{**POINTS.to_dict(), "who": 1}]}),
        json.dumps({"schema": 1, "decisions": [{**TIME.to_dict(), "time": "2026-05-04 18:30"}]}),
        json.dumps({"schema": 1, "decisions": [{**NOTHING.to_dict(), "questions": []}]}),
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(course: Any, text: str) -> None:
    """Nobody is graded, and nothing is written, as long as nobody can tell what was decided."""
    path = course.private / "decisions" / "ps.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(CourseError, match=r"ps\.json is damaged .* backup"):
        read_decisions(course.private, "ps")
    with pytest.raises(CourseError, match=r"ps\.json is damaged"):
        record(course, "ps", POINTS)
    assert path.read_text() == text


def test_who_decides_is_the_account_on_the_hub_or_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a hub it is the hub's name of the account; an account without any name has a number."""
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    assert decider() == "ann"
    monkeypatch.delenv("JUPYTERHUB_USER")
    monkeypatch.setenv("LOGNAME", "bob")
    assert decider() == "bob"
    monkeypatch.setattr("getpass.getuser", lambda: {}["nobody"])
    assert decider().startswith("account ")


TEMPLATE = notebook(
    [
        code("a", "# stub a", solution=True),
        code("qa", "print(a)", grade=True, locked=True, points=1),
        code("b", "# stub b", solution=True),
        code("qb", "print(b)", grade=True, locked=True, points=1),
    ]
)


def chosen(cells: list[dict[str, Any]], **numbers: int) -> list[tuple[str, str]]:
    """Names and sources of the cells once some were chosen as answers."""
    found = with_chosen_cells(TEMPLATE, notebook(cells), numbers)["cells"]
    return [(cell["metadata"].get("nbgrader", {}).get("grade_id", ""), cell["source"]) for cell in found]


def test_a_chosen_cell_takes_the_answer_s_name() -> None:
    """An untouched stub is dropped, and an answer that was not chosen comes before the one that was."""
    qa = code("qa", "print(a)", grade=True)
    assert chosen([code("a", "# stub a", solution=True), qa, code("x", "a = 1")], qa=3) == [
        ("qa", "print(a)"),
        ("a", "a = 1"),
    ]
    assert chosen([code("a", "a = 0", solution=True), qa, code("x", "a = 1")], qa=3) == [
        ("qa", "print(a)"),
        ("", "a = 0"),
        ("a", "a = 1"),
    ]


def test_a_chosen_cell_that_is_another_answer_counts_for_both() -> None:
    """Who answered two questions in one cell has answered both; a check cell may be the answer, too."""
    both = code("b", "a = b = 1", solution=True)
    assert chosen([both], qa=1) == [("a", "a = b = 1"), ("b", "a = b = 1")]
    assert chosen([code("qa", "a = 1", grade=True)], qa=1) == [("a", "a = 1")]


def test_what_cannot_be_chosen_changes_nothing() -> None:
    """A cell that isn't there, or a question without an answer cell, leaves the notebook as it is."""
    assert chosen([code("x", "a = 1")], qa=2, unknown=1) == [("", "a = 1")]
