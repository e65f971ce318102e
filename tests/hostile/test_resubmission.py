"""What is graded twice: a worse second submission, and the same one again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from tests.courses import grades
from tests.hostile.attack import HONEST, Attack
from tests.hostile.course import ASSIGNMENT, Secrets, hand_in, make_course
from tests.nbgrader_commands import give

GOOD = Attack("eve", "All is right.")
WORSE = Attack("eve", "All is wrong.", answers=dict.fromkeys(HONEST, "pass"))
WORDS = [str(number) for number in range(1000)]  # what it says must stand in its own code
CURIOUS = f"words = {WORDS}\ndef double(x):\n    raise ValueError(words[x % 997])"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, with nobody in it."""
    root = tmp_path_factory.mktemp("template") / "course"
    make_course(root, Secrets())
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """A course of which eve is the only student."""
    return shutil.copytree(template, tmp_path / "course")


def hand_in_again(root: Path, attack: Attack) -> None:
    """Replace what was handed in before."""
    shutil.rmtree(root / "submitted" / "eve", ignore_errors=True)
    hand_in(root, attack, {})


def grade(root: Path, program: str) -> dict[str, float | None]:
    """Grade by one of the faces; marks by question."""
    if program == "nbseal":
        assert grade_class(Course(root), ASSIGNMENT, ClassOptions(jobs=1)).troubles == []
    else:
        code, said = give("autograde", ASSIGNMENT, "--create", "--force", cwd=root)
        assert code == 0, said
    return {question: row[0] for question, row in grades(root, ASSIGNMENT)["eve"].items()}


@pytest.mark.parametrize("program", ["nbseal", "nbgrader"])
def test_cannot_keep_the_marks_of_a_better_submission(program: str, root: Path) -> None:
    """A worse second submission gets the marks that it earns, not those of the first."""
    hand_in_again(root, GOOD)
    assert sum(mark or 0 for mark in grade(root, program).values()) == 13
    hand_in_again(root, WORSE)
    assert {name: mark for name, mark in grade(root, program).items() if mark} == {"saved": 2.0}


def test_cannot_learn_hidden_inputs_for_the_next_submission(root: Path) -> None:
    """Hidden inputs are the same when a submission is graded again, and others for any other submission."""
    seen = []
    for force, source in ((True, CURIOUS), (True, CURIOUS), (False, f"{CURIOUS}\n# changed")):
        hand_in_again(root, Attack("eve", "Curious.", answers={"double": source}))
        card = grade_class(Course(root), ASSIGNMENT, ClassOptions(jobs=1, force=force)).scorecards[0]
        seen.append(card.question("double").tests[0].message)
    assert "raised ValueError: " in seen[0]
    assert seen[0] == seen[1]
    assert seen[1] != seen[2]
