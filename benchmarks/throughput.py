"""Submissions a second: nbseal, stock nbgrader autograde and otter run, on equivalent notebooks, in the same run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook

from benchmarks.classes import otter_tests, sealed_course, stock_course
from benchmarks.stock_hidden_tests_01_gates import GRADE_CELL_TESTS

ASSIGNMENT = "01-gates"
Passed = dict[str, dict[str, bool]]


@dataclass(frozen=True)
class Rate:
    """How fast one tool graded how many submissions, and which questions it found right."""

    count: int
    seconds: float
    passed: Passed

    @property
    def each(self) -> float:
        """Seconds a submission."""
        return self.seconds / self.count


def nbseal_rate(folder: Path, count: int) -> Rate:
    """The whole command ``nbseal grade``, start to end, on a course that was built.

    What ``nbseal build`` does once, ``nbgrader generate_assignment`` does for the peer, outside its time, too.
    """
    root = sealed_course(folder, ASSIGNMENT, count)
    timed([sys.executable, "-m", "nbseal.cli", "build", ASSIGNMENT], root)
    seconds = timed([sys.executable, "-m", "nbseal.cli", "grade", ASSIGNMENT, "--json", "--output", "cards.json"], root)
    cards = json.loads((root / "cards.json").read_text())
    passed = {
        card["student"]: {q["grade_id"]: q["score"] == q["max_score"] for q in card["questions"]} for card in cards
    }
    return Rate(count, seconds, passed)


def nbgrader_rate(folder: Path, count: int) -> Rate:
    """The whole command ``nbgrader autograde`` with stock settings."""
    root = stock_course(folder, count)
    command = [sys.executable, "-m", "nbgrader"]
    timed([*command, "generate_assignment", ASSIGNMENT, "--force"], root)
    seconds = timed([*command, "autograde", ASSIGNMENT], root)
    passed: Passed = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions(ASSIGNMENT):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            passed[submission.student.id] = {grade.name: grade.auto_score == grade.max_score for grade in grades}
    return Rate(count, seconds, passed)


def otter_rate(folder: Path, submissions: Path, count: int) -> Rate:
    """``otter run`` on each submission; it takes one at a time."""
    tests = otter_tests(folder / "tests")
    command = [sys.executable, "-m", "otter"]
    timed([*command, "generate", "-t", str(tests), "-o", "autograder.zip", "--no-environment"], folder)
    passed: Passed = {}
    students = sorted(path.name for path in submissions.iterdir())[:count]
    started = time.perf_counter()
    for student in students:
        notebook = submissions / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        (folder / student).mkdir()
        timed([*command, "run", "-a", "autograder.zip", "-o", str(folder / student), str(notebook)], folder)
        results = json.loads((folder / student / "results.json").read_text())
        passed[student] = {
            test["name"].split(" - ")[0]: test.get("score") == test.get("max_score")
            for test in results["tests"]
            if test["name"].split(" - ")[0] in GRADE_CELL_TESTS
        }
    return Rate(len(students), time.perf_counter() - started, passed)


def nbseal_pages(root: Path) -> float:
    """Seconds that ``nbseal feedback`` takes for the pages of a class that was graded, none of which is there."""
    shutil.rmtree(root / "feedback", ignore_errors=True)
    return timed([sys.executable, "-m", "nbseal.cli", "feedback", ASSIGNMENT], root)


def nbgrader_pages(root: Path) -> float:
    """Seconds that ``nbgrader generate_feedback`` takes for the same, with that course's settings."""
    shutil.rmtree(root / "feedback", ignore_errors=True)
    return timed([sys.executable, "-m", "nbgrader", "generate_feedback", ASSIGNMENT], root)


def disagreements(ours: Rate, theirs: Rate) -> list[str]:
    """Questions that one tool gives full marks for and the other doesn't."""
    found = []
    for student, questions in theirs.passed.items():
        for grade_id in GRADE_CELL_TESTS:
            if questions.get(grade_id) != ours.passed[student][grade_id]:
                found.append(f"{student} {grade_id}")
    return found


def timed(command: list[str], folder: Path) -> float:
    """Run a command and return its wall time in seconds; its output is shown only when it fails."""
    # nbgrader starts alembic by its name
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return seconds
