"""Starts a course: a new one with one question, or an nbgrader course that nbseal is to grade from now on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbseal.course import CONFIG_FILE
from nbseal.errors import CourseError
from nbseal.files import write_whole

BEGIN = "# >>> nbseal: nbgrader's autograde goes through the sealed engine (take these lines out to go back)"
END = "# <<< nbseal"
LINES = """\
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
# The formgrader's long tasks are done outside its process, which serves all instructors.
from nbseal.formgrader import use_queue  # noqa: E402

use_queue()
# What students wrote is shown on feedback pages and in the formgrader, and can't act there.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "nbseal.notebook.rendering.markdown2html",
    "clean_html": "nbseal.notebook.rendering.clean_html",
}
# The page that students get back.
c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"
"""
BLOCK = f"{BEGIN}\n{LINES}{END}\n"
MAY_LIE_THERE = (".git",)
ALREADY = "nbseal.nbgrader_plugin.SealedAutograde"

SETTINGS = f'''\
"""Settings of this course; every option of nbgrader and of nbseal can be set here."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "my-course"

{BLOCK}'''
GRADER = '''\
"""Hidden tests of the assignment ``first``: students never see them, but each sentence in quotation marks is theirs."""

import pytest

from nbseal.checks import as_number


@pytest.mark.question("average", weight=2)
def test_averages_numbers(student):
    """average returns the mean of numbers that nobody has seen before."""
    numbers = student.rng.uniform(-10, 10, 5).tolist()
    got = as_number(student.call("average", numbers), "average(...)")
    assert abs(got - sum(numbers) / 5) < 1e-9, "Add the numbers up, and divide by how many there are."


@pytest.mark.question("average", requires="test_averages_numbers")
def test_refuses_nothing(student):
    """average raises a ValueError where there are no numbers."""
    student.raises("average", [], error="ValueError")
'''
CASES = {
    "pass_by_a_loop": '''\
about = "Adds the numbers up by hand."

[cells]
average-answer = """
def average(numbers):
    if not numbers:
        raise ValueError("no numbers")
    total = 0
    for number in numbers:
        total += number
    return total / len(numbers)
"""

[expect.average]
score = 3
words = []
''',
    "fail_divides_by_two": '''\
about = "Divides by two, however many numbers there are."

[cells]
average-answer = """
def average(numbers):
    if not numbers:
        raise ValueError("no numbers")
    return sum(numbers) / 2
"""

[expect.average]
score = 0
words = ["divide by how many"]
''',
}
IGNORED = """\
.nbseal/
.ipynb_checkpoints/
__pycache__/
gradebook.db
/submitted/
/autograded/
/feedback/
"""
ANSWER = """\
def average(numbers):
    ### BEGIN SOLUTION
    if not numbers:
        raise ValueError("an average needs at least one number")
    return sum(numbers) / len(numbers)
    ### END SOLUTION"""
CHECK = """\
got = average([1, 2, 6])
print("got", got, "expected 3")
assert abs(got - 3) < 1e-9, "1 + 2 + 6 is 9, and there are three numbers."
"""
QUESTION = """\
## Question 1: `average`

**Goal.** Find the mean of some numbers: their sum divided by how many there are.

**Your turn.** Return the mean of the list `numbers`. Raise a `ValueError` if the list is empty. (Three lines.)"""


def start_course(folder: Path) -> list[str]:
    """Write a course with one question into an empty folder, which is made; the names of its files.

    CourseError if something lies there already, but for a repository that was begun.
    """
    if folder.exists() and (not folder.is_dir() or any(path.name not in MAY_LIE_THERE for path in folder.iterdir())):
        raise CourseError(
            f"{folder} is not empty: give a new folder, or --adopt for an nbgrader course that already exists."
        )
    files = {
        CONFIG_FILE: SETTINGS,
        ".gitignore": IGNORED,
        "source/first/first.ipynb": json.dumps(_notebook(), indent=1, sort_keys=True, ensure_ascii=False) + "\n",
        "graders/test_first.py": GRADER,
        **{f"graders/cases/first/{name}/submission.toml": text for name, text in CASES.items()},
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def adopted_settings(folder: Path) -> str:
    """The settings of an nbgrader course with our lines at their end; CourseError if they are there, or it is none."""
    path = folder / CONFIG_FILE
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise CourseError(f"{path} is not written in UTF-8 ({error}): save it so, and run again.") from error
    elif (folder / "source").is_dir() or (folder / "release").is_dir():
        text = "c = get_config()  # noqa: F821\n"
    else:
        raise CourseError(f"{folder} is not an nbgrader course: it has neither {CONFIG_FILE} nor source/.")
    if ALREADY in text:
        raise CourseError(f"{path} has nbseal's lines already: there is nothing to do.")
    return f"{text.rstrip()}\n\n{BLOCK}"


def adopt_course(folder: Path) -> None:
    """Add our lines to the settings of an nbgrader course; CourseError as above."""
    write_whole(folder / CONFIG_FILE, adopted_settings(folder).encode("utf-8"))


def _notebook() -> dict[str, Any]:
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    title = "# My first assignment\n\nOne question, to begin with."
    cells = [
        _cell("markdown", "title", title),
        _cell("markdown", "average-text", QUESTION),
        _cell("code", "average-answer", ANSWER, solution=True),
        _cell("code", "average", CHECK.rstrip(), grade=True, locked=True, points=3),
    ]
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, name: str, source: str, **mark: Any) -> dict[str, Any]:
    flags = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    metadata = {"nbgrader": {**flags, "grade_id": name, **mark}} if mark else {}
    cell = {"cell_type": kind, "id": name, "metadata": metadata, "source": source.splitlines(keepends=True)}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
