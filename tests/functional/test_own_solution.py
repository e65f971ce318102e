"""The instructor's own solution is graded before any student, and what it doesn't get is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbseal.build import build
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.grading import ClassOptions, ClassResult, Grader, grade_class
from nbseal.results import Status
from tests.mini import CONFIG, GRADER, code, hand_in, make_course, mini_cells, solution


def grade(root: Path) -> ClassResult:
    """Grade the class anew."""
    return grade_class(Course(root), "mini", ClassOptions(jobs=1))


def changed(**sources: str) -> list[dict[str, Any]]:
    """The cells of the mini course with other sources (``-`` as ``_``)."""
    return [{**cell, "source": sources.get(cell["id"].replace("-", "_"), cell["source"])} for cell in mini_cells()]


def test_a_right_solution_is_no_news(tmp_path: Path) -> None:
    """Nothing is said where the solution gets all points."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    assert grade(root).solution_faults == []


def test_a_solution_that_loses_points_is_named(tmp_path: Path) -> None:
    """The question, its points and the reason are said; the class is graded all the same."""
    root = make_course(tmp_path / "course", cells=changed(number_answer=solution("answer = 41")))
    hand_in(root, "ada")
    result = grade(root)
    (fault,) = result.solution_faults
    assert fault == "mini: the solution itself gets 0 of 2 for number: Look again: it is not 42."
    assert result.scorecards[0].score == 7.0


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("import math\nmath.bool8", "has no attribute 'bool8'"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_a_support_file_that_can_not_be_imported_costs_its_questions_alone(
    tmp_path: Path, tools: str, said: str
) -> None:
    """A package that isn't installed, or is too new for a support file, is named; all other questions have marks."""
    more = [
        code("draw-answer", solution("import tools"), solution=True),
        code("draw", "tools.draw()", grade=True, locked=True, points=1),
    ]
    root = make_course(tmp_path / "course", cells=mini_cells() + more)
    (root / "source" / "mini" / "tools.py").write_text(f"{tools}\ndef draw(): pass\n")
    hand_in(root, "ada")
    result = grade(root)
    (fault,) = result.solution_faults
    assert "draw" in fault
    assert said in fault
    assert [question.score for question in result.scorecards[0].questions] == [4, 2, 1, 0]


def test_a_cell_that_needs_more_than_half_its_time_is_named(tmp_path: Path) -> None:
    """A student's right answer may take twice as long: the setting to raise is said."""
    burn = "import time\nend = time.process_time() + 1.3\nwhile time.process_time() < end: pass"
    cells = [*changed()[:1], code("slow", burn), *changed()[1:]]
    root = make_course(tmp_path / "course", cells=cells)
    hand_in(root, "ada")
    (fault,) = grade(root).solution_faults
    assert "cell slow takes 1." in fault
    assert "of 2 seconds: raise c.Seal.cell_seconds" in fault


def test_hidden_tests_that_need_more_than_half_their_time_are_named(tmp_path: Path) -> None:
    """What the graders themselves need is counted, too."""
    slow = GRADER.replace("number = student.number", "__import__('time').sleep(3.0); number = student.number")
    root = make_course(tmp_path / "course", grader=slow)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.Seal.hidden_tests_seconds = 5.0\n")
    hand_in(root, "ada")
    (fault,) = grade(root).solution_faults
    assert "the hidden tests of the solution's mini take 3." in fault
    assert "of 5 seconds: raise c.Seal.hidden_tests_seconds" in fault


def test_what_a_skipped_cell_made_is_taken_from_the_built_solution(tmp_path: Path) -> None:
    """A cell that trains isn't run in grading: what it wrote lies in solutions/."""
    train = {**code("train", "open('n.txt', 'w').write('42')"), "metadata": {"tags": ["skip-execution"]}}
    cells = [train, *changed(number_answer=solution("answer = int(open('n.txt').read())"))]
    root = make_course(tmp_path / "course", cells=cells)
    (root / "nbgrader_config.py").write_text(f"{CONFIG}c.CourseDirectory.solution_directory = 'solutions'\n")
    hand_in(root, "ada")
    assert "FileNotFoundError" in grade(root).solution_faults[0]
    (root / "solutions" / "mini").mkdir(parents=True)
    (root / "solutions" / "mini" / "n.txt").write_text("42")
    assert grade(root).solution_faults == []


def test_it_is_graded_once_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run remembers what came of it, until the solution is another one."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    grade(root)
    students = []
    grade_submission = Grader.grade_submission
    monkeypatch.setattr(Grader, "grade_submission", lambda *a: (students.append(a[1]), grade_submission(*a))[1])
    grade(root)
    assert students == []
    path = root / "source" / "mini" / "mini.ipynb"
    path.write_text(path.read_text().replace("answer = 42", "answer = 43"))
    assert len(grade(root).solution_faults) == 1


def burning(seconds: float, result: str = "") -> str:
    """Code that takes processor time."""
    return f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n{result}"


@pytest.mark.parametrize(("solution_takes", "status"), [(0.1, Status.GRADED), (1.4, Status.NOT_JUDGED)])
def test_a_cell_that_was_stopped_is_a_zero_only_under_a_generous_limit(
    tmp_path: Path, solution_takes: float, status: Status
) -> None:
    """Where the solution needs more than half of the time itself, a student who was stopped isn't judged."""
    root = make_course(
        tmp_path / "course", cells=changed(plain_answer=solution(burning(solution_takes, "flag = True")))
    )
    hand_in(root, "ada", plain_answer=burning(9, "flag = True"))
    (card,) = grade(root).scorecards
    plain = card.question("plain")
    assert plain.status is status
    assert plain.score == (0.0 if status is Status.GRADED else None)
    assert card.question("double").score == 4.0
    if status is Status.NOT_JUDGED:
        assert "plain-answer was stopped after 2 seconds, of which the solution itself takes 1." in plain.reason


def test_a_build_that_failed_is_named(tmp_path: Path) -> None:
    """Students may have another release than the sources, until a build succeeds."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    path = root / "source" / "mini" / "mini.ipynb"
    right = path.read_text()
    path.write_text(right.replace('"points": 4', '"points": null'))
    with pytest.raises(CourseError):
        build(Course(root))
    path.write_text(right)
    assert "mini: the last nbseal build failed" in grade(root).solution_faults[0]
    build(Course(root))
    assert grade(root).solution_faults == []


def test_building_names_what_the_solution_does_not_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An author hears at once what hidden tests say of the solution; grading remembers it, and no change costs none."""
    root = make_course(tmp_path / "course", cells=changed(number_answer=solution("answer = 41")))
    (built,) = build(Course(root))
    assert built.notes == ("the solution itself gets 0 of 2 for number: Look again: it is not 42.",)
    hand_in(root, "ada")
    graded = []
    grade_submission = Grader.grade_submission
    monkeypatch.setattr(Grader, "grade_submission", lambda *a: (graded.append(a[1]), grade_submission(*a))[1])
    assert len(grade(root).solution_faults) == 1
    assert graded == []  # students' work is graded in other processes
    assert build(Course(root))[0].notes == ()
