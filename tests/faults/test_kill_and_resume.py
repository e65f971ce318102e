"""kill -9 at any moment of grading a class: nothing is lost, nothing is left behind, the next run goes on."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, ClassResult, grade_class
from nbseal.results import Status
from tests.courses import (
    JUDGE,
    WARM,
    Row,
    adopting_orphans,
    command,
    descendants,
    end,
    engine_processes,
    environment,
    find_child,
    grades,
    is_whole,
    kill,
    run,
    wait_until,
)
from tests.faults.conftest import STUDENTS
from tests.mini import Watching

KILLS = 6
SEED = 20250301


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen]]:
    """Runs that a test has begun; none outlives it."""
    processes: list[subprocess.Popen] = []
    with adopting_orphans():
        yield processes
    for process in processes:
        end(process)


def begin(root: Path, started: list[subprocess.Popen]) -> subprocess.Popen:
    """Begin to grade the class as a person would."""
    process = subprocess.Popen(
        command("nbseal", "grade", "mini", "--jobs", "2"),
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started.append(process)
    return process


def recorded(root: Path) -> set[str]:
    """Students whose submission is wholly recorded."""
    with Recorder(Course(root)) as recorder:
        return set(recorder.recorded("mini"))


def lines_of(output: str) -> dict[str, str]:
    """What a run said of each student."""
    pairs = [line.partition(": ") for line in output.splitlines()]
    return {name: text for name, _, text in pairs if name in STUDENTS}


@pytest.mark.slow
@pytest.mark.parametrize("part", ["start", "class"])
def test_killed_runs_lose_nothing_and_leave_nothing_behind(
    part: str, root: Path, undisturbed: dict[str, dict[str, Row]], started: list[subprocess.Popen]
) -> None:
    """However often a run is killed, recorded students stay recorded, and in the end all marks are as they should."""
    chance = random.Random(f"{SEED} {part}")
    others = engine_processes()
    before: set[str] = set()
    for _ in range(KILLS):
        process = begin(root, started)
        if part == "class" and not before:
            process.stdout.readline()
        time.sleep(chance.uniform(0.1, 2.5 if part == "start" else 1.8))
        process.kill()
        said = lines_of(process.communicate()[0])
        assert wait_until(lambda: engine_processes() <= others, seconds=10), "processes outlived the run"
        now = recorded(root) if (root / "gradebook.db").exists() else set()
        assert before <= now
        assert {name for name, text in said.items() if "unchanged" in text} <= before
        assert set(said) <= now
        before = now
    last = run("nbseal", "grade", "mini", "--jobs", "2", cwd=root)
    assert last.returncode == 0, last.stderr
    said = lines_of(last.stdout)
    assert set(said) == set(STUDENTS)
    assert {name for name, text in said.items() if "unchanged" in text} == before
    assert grades(root, "mini") == undisturbed
    assert is_whole(root)
    folders = sorted((root / "autograded").glob("*/*"))
    assert folders == [root / "autograded" / student / "mini" for student in STUDENTS]


@pytest.mark.parametrize("part", [WARM, JUDGE], ids=["warm process", "judge"])
def test_a_killed_helper_is_replaced(part: str, root: Path, undisturbed: dict[str, dict[str, Row]]) -> None:
    """When the warm process or the judge is killed in mid-class, the run goes on and everyone gets their marks."""
    victims: list[int] = []
    turns = iter(range(len(STUDENTS)))

    def kill_the_helper(_: object) -> None:
        if next(turns) in (1, 7):
            victims.append(find_child(part))
            kill([victims[-1], *descendants(victims[-1])])

    result = grade_class(Course(root), "mini", ClassOptions(jobs=2), Watching(kill_the_helper))
    assert len(set(victims)) == 2
    assert all_judged(result), [card.problems for card in result.scorecards]
    assert grades(root, "mini") == undisturbed
    assert all(one.unchanged for one in grade_class(Course(root), "mini", ClassOptions(jobs=2)).done)


@pytest.mark.parametrize("part", [WARM, JUDGE], ids=["sealed processes", "judge's forks"])
def test_killed_forks_cost_no_marks(part: str, root: Path, undisturbed: dict[str, dict[str, Row]]) -> None:
    """What works for single students and is killed, as a machine short of memory does, is made good."""
    killed = 0
    turns = iter(range(len(STUDENTS)))

    def kill_the_forks(_: object) -> None:
        nonlocal killed
        if next(turns) in (1, 7):
            killed += kill(descendants(find_child(part)))

    result = grade_class(Course(root), "mini", ClassOptions(jobs=2), Watching(kill_the_forks))
    assert killed
    assert all_judged(result), [card.problems for card in result.scorecards]
    assert grades(root, "mini") == undisturbed


def all_judged(result: ClassResult) -> bool:
    """Whether every student is there and has all marks."""
    states = {question.status for card in result.scorecards for question in card.questions}
    return [card.student for card in result.scorecards] == STUDENTS and states == {Status.GRADED}
