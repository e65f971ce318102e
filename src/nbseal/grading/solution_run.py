"""Runs the instructor's own solution for what it tells: which checks give partial credit, and how long cells take.

nbgrader reads a mark off any last line that looks like a number, and gives full marks for any other. What a cell is
meant to do is what it does in the solution: partial credit is what ends with a number there. And a time limit is
generous if the solution needs less than half of it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbseal.course import Assignment, Course
from nbseal.errors import SealError
from nbseal.files import digest_of, write_whole
from nbseal.grading.execution import run_notebook
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.scoring import as_credit, name_of, results_of
from nbseal.notebook import Question
from nbseal.notebook.grade_cells import nbgrader_mark, plain
from nbseal.python_text import parse
from nbseal.sandbox import SealedProcess

FOLDER = "solution_runs"


def may_give_credit(template: Mapping[str, Any], question: Question, sealed: frozenset[str]) -> bool:
    """Whether a question is judged by nbgrader's rule and its check ends with an expression, which may be a mark."""
    if question.manual or question.grade_id in sealed:
        return False
    try:
        body = parse(template["cells"][question.index]["source"]).body
    except (SyntaxError, ValueError):
        return True  # a magic command may show something
    return bool(body) and isinstance(body[-1], ast.Expr)


@dataclass(frozen=True)
class SolutionRun:
    """What running a notebook's solution tells.

    ``credit``: whether the last line of a check, by grade_id, is a number of points; without those that the solution
    doesn't come to, or fails. ``cpu``: the processor time of each cell in seconds, by its name.
    """

    credit: dict[str, bool] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)


def run_solution(
    course: Course,
    assignment: Assignment,
    plan: NotebookPlan,
    files: Mapping[str, bytes],
    spawn: Callable[[], SealedProcess],
) -> SolutionRun:
    """Run a notebook's solution as a submission is run, once for each version of it; nothing where there is none."""
    path = assignment.source / f"{plan.name}.ipynb"
    if not path.is_file():
        return SolutionRun()
    kept = course.private / FOLDER / f"{assignment.name}-{plan.name}.json"
    depends_on = json.dumps([plan.template, course.seal.cell_seconds]).encode()
    stamp = digest_of({**files, "/notebook": path.read_bytes(), "/template": depends_on})
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["made_of"] == stamp:
            return SolutionRun(dict(found["credit"]), dict(found["cpu"]))
    except (OSError, ValueError, LookupError, TypeError):
        pass  # never kept, or not by us
    from nbseal.notebook.nbgrader_steps import complete, load_source  # takes long to load, and is rarely needed

    nb = load_source(path)
    complete(nb, path, course.config)
    told = _run(plain(nb), files, spawn)
    if told is None:
        return SolutionRun()
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(kept, json.dumps({"made_of": stamp, "credit": told.credit, "cpu": told.cpu}).encode())
    return told


def _run(nb: dict[str, Any], files: Mapping[str, bytes], spawn: Callable[[], SealedProcess]) -> SolutionRun | None:
    """What the solution's cells give; None if our own machinery failed."""
    try:
        process = spawn()
        try:
            run = run_notebook(process, nb, dict(files))
        finally:
            process.end()
    except SealError:
        return None
    found = SolutionRun(cpu={name_of(nb["cells"][index]): round(cell.cpu, 3) for index, cell in run.cells.items()})
    for cell in nb["cells"]:
        mark = nbgrader_mark(cell)
        if mark and mark.get("grade") and cell.get("execution_count") is not None:
            results = results_of(cell)
            if not any(output["output_type"] == "error" for output in cell["outputs"]):
                found.credit[mark["grade_id"]] = bool(results) and as_credit(results[-1]) is not None
    return found
