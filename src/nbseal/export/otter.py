"""otter-grader: a student notebook for its client, and an autograder whose plugin grades with the sealed engine."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.bundle import REQUIREMENTS, Files, add_files, bundle, plan_of
from nbseal.export.containers import CHECK
from nbseal.files import write_whole
from nbseal.gradebook.autograded import notebook_bytes
from nbseal.grading.plan import NotebookPlan, Plan
from nbseal.notebook import Question
from nbseal.python_text import literal

PLUGIN = "nbseal.otter_plugin.SealedGrader"
PUBLIC_TEST = '''"""Self-check of the question {name}, as it stood in the notebook."""

from otter.test_files import test_case

OK_FORMAT = False

name = {name!r}
points = {points!r}

SELF_CHECK = {source}


def self_check(env):
    """Run it with the notebook's own variables, as a cell would: later cells may use what it makes."""
    exec(compile(SELF_CHECK, name, "exec"), env)


@test_case(name="self-check", points=points, hidden=False)
def check(env):
    self_check(env)
'''
PLACEHOLDER = '''"""The question {name} is judged by nbseal, not by this file: see the plugin in otter_config.json."""

from otter.test_files import test_case

OK_FORMAT = False

name = {name!r}
points = {points!r}


@test_case(name="self-check", points=points, hidden=False)
def check(env):
    raise RuntimeError("not judged: nbseal's plugin did not run")
'''
START = "import otter\n\ngrader = otter.Notebook({notebook!r})"
HAND_IN_TEXT = "## Hand in\n\nSave the notebook, run this cell, and hand in the zip that it makes."
HAND_IN = "grader.export(pdf=False, files={files!r})"


def export_otter(course: Course, assignment: str, target: Path, files: list[str], force: bool = False) -> list[str]:
    """Write ``student/`` and ``autograder/autograder.zip`` below ``target``; what to do with them, a line each.

    ``files`` are handed in with the notebook. CourseError where that can't be done.
    """
    if find_spec("otter") is None:
        raise CourseError("otter-grader is not installed: pip install 'nbseal[otter]'.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not force:
        raise CourseError(f"{target} already exists: give another folder with --output, or --force to write into it.")
    plan = plan_of(course, assignment)
    if len(plan.notebooks) != 1:
        raise CourseError(f"{assignment} has {len(plan.notebooks)} notebooks, and otter grades one: split it.")
    notebook = plan.notebooks[0]
    student = {**plan.support, **_student_files(notebook, files)}
    autograder = make_autograder(course, plan)
    for path, content in student.items():
        _write(target / "student" / path, content)
    _write(target / "autograder" / "autograder.zip", autograder)
    return [
        f"{target}/student: hand this folder out; grader.check runs the notebook's self-checks.",
        f"{target}/autograder/autograder.zip: otter run -a {target}/autograder/autograder.zip <submission>, or otter "
        "grade, or Gradescope. It holds the hidden tests: don't share it.",
    ]


def make_autograder(course: Course, plan: Plan) -> bytes:
    """The zip that ``otter generate`` makes, with the assignment, its hidden tests and the engine in it."""
    from otter.generate import main as otter_generate

    files = bundle(course, plan, "otter", {})
    wheel = next(path for path in files if path.endswith(".whl"))
    config = {
        "plugins": [PLUGIN],
        # every line is meant for students: none is hidden, and none is shown twice
        **{"show_hidden": True, "show_all_public": True, "force_public_test_summary": False},
    }
    with tempfile.TemporaryDirectory(prefix="nbseal-otter-") as name:
        folder = Path(name)
        for question in _auto(plan.notebooks[0]):
            _write(folder / "tests" / f"{question.grade_id}.py", _test(PLACEHOLDER, question, "").encode())
        _write(folder / "otter_config.json", json.dumps(config).encode())
        # the container unpacks the zip into /autograder/source
        requirements = files[REQUIREMENTS].decode() + f"/autograder/source/{wheel}\n"
        _write(folder / REQUIREMENTS, requirements.encode())
        path = folder / "autograder.zip"
        with contextlib.redirect_stdout(io.StringIO()):
            otter_generate(
                tests_dir=str(folder / "tests"),
                output_path=str(path),
                config=str(folder / "otter_config.json"),
                requirements=str(folder / REQUIREMENTS),
                no_environment=True,
                python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
            )
        with zipfile.ZipFile(path, "a") as archive:
            add_files(archive, files)
        return path.read_bytes()


def _student_files(plan: NotebookPlan, files: list[str]) -> Files:
    """The student's notebook, whose checks are otter's, and the public test of each question."""
    checked = {question.grade_id: question for question in _auto(plan)}
    cells: list[dict[str, Any]] = [_code_cell("otter-start", START.format(notebook=f"{plan.name}.ipynb"))]
    tests: Files = {}
    for cell in plan.template["cells"]:
        question = checked.get(cell["metadata"].get("nbgrader", {}).get("grade_id"))
        if question is None:
            cells.append(_as_released(cell))
            continue
        tests[f"tests/{question.grade_id}.py"] = _test(PUBLIC_TEST, question, cell["source"]).encode()
        cells.append({**cell, "source": CHECK.format(question.grade_id)})
    text = {"cell_type": "markdown", "id": "otter-hand-in-text", "metadata": {}, "source": HAND_IN_TEXT}
    cells += [text, _code_cell("otter-hand-in", HAND_IN.format(files=files))]
    return {**tests, f"{plan.name}.ipynb": notebook_bytes({**plan.template, "cells": cells})}


def _auto(plan: NotebookPlan) -> list[Question]:
    """The questions that a machine judges; CourseError for a name that can't be a test file's."""
    found = [question for question in plan.questions if not question.manual]
    for question in found:
        if not question.name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise CourseError(f"the question {question.name!r} can't be a file's name: use letters and digits.")
    return found


def _test(template: str, question: Question, source: str) -> str:
    """A test file in otter's exception-based format; CourseError when a self-check isn't Python."""
    python = TransformerManager().transform_cell(source)  # magic commands become calls
    try:
        compile(python, question.grade_id, "exec")
    except SyntaxError as error:
        raise CourseError(f"the check of {question.grade_id!r} can't be a test of otter's: {error}.") from error
    points: float = int(question.points) if question.points == int(question.points) else question.points
    return template.format(name=question.grade_id, points=points, source=_literal(python))


def _literal(text: str) -> str:
    """Text as Python source that a person can read, where that is possible."""
    readable = f'r"""\n{text}"""'
    return repr(text) if '"""' in text or text.endswith("\\") or literal(readable) != f"\n{text}" else readable


def _as_released(cell: dict[str, Any]) -> dict[str, Any]:
    return {**cell, "metadata": dict(cell["metadata"])}


def _code_cell(cell_id: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {"tags": ["otter_ignore"]},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
