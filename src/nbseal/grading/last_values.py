"""Tells which graded cells without hidden tests give partial credit: those whose last line is a number in the solution.

nbgrader reads a mark off any last line that looks like a number, and gives full marks for any other. What a cell is
meant to do is what it does in the instructor's own solution, which is run for that, once for each version of it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbseal.course import Assignment, Course
from nbseal.errors import SealError
from nbseal.files import digest_of, write_whole
from nbseal.grading.execution import run_notebook
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.scoring import as_credit, results_of
from nbseal.notebook import Question
from nbseal.notebook.grade_cells import nbgrader_mark, plain
from nbseal.notebook.matching import parse
from nbseal.notebook.nbgrader_steps import complete, load_source
from nbseal.sandbox import SealedProcess

FOLDER = "last_values"


def may_give_credit(template: Mapping[str, Any], question: Question, sealed: frozenset[str]) -> bool:
    """Whether a question is judged by nbgrader's rule and its check ends with an expression, which may be a mark."""
    if question.manual or question.grade_id in sealed:
        return False
    try:
        body = parse(template["cells"][question.index]["source"]).body
    except (SyntaxError, ValueError):
        return True  # a magic command may show something
    return bool(body) and isinstance(body[-1], ast.Expr)


def partial_credit(
    course: Course,
    assignment: Assignment,
    plan: NotebookPlan,
    wanted: Sequence[Question],
    files: Mapping[str, bytes],
    spawn: Callable[[], SealedProcess],
) -> dict[str, bool]:
    """Whether the ``wanted`` checks of a notebook give a number in its solution; what can't be told is left out.

    That is all of them where there is no source, and those that the solution itself doesn't come to, or fails.
    """
    path = assignment.source / f"{plan.name}.ipynb"
    if not wanted or not path.is_file():
        return {}
    kept = course.private / FOLDER / f"{assignment.name}-{plan.name}.json"
    stamp = digest_of({**files, "/notebook": path.read_bytes(), "/template": json.dumps(plan.template).encode()})
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["made_of"] == stamp:
            return dict(found["credit"])
    except (OSError, ValueError, LookupError, TypeError):
        pass  # never kept, or not by us
    nb = load_source(path)
    complete(nb, path, course.config)
    credit = _of_solution(plain(nb), wanted, files, spawn)
    if credit is None:
        return {}
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(kept, json.dumps({"made_of": stamp, "credit": credit}).encode())
    return credit


def _of_solution(
    nb: dict[str, Any], wanted: Sequence[Question], files: Mapping[str, bytes], spawn: Callable[[], SealedProcess]
) -> dict[str, bool] | None:
    """What the solution's cells give; None if our own machinery failed."""
    try:
        process = spawn()
        try:
            run_notebook(process, nb, dict(files))
        finally:
            process.end()
    except SealError:
        return None
    asked = {question.grade_id for question in wanted}
    found = {}
    for cell in nb["cells"]:
        mark = nbgrader_mark(cell)
        if mark and mark["grade_id"] in asked and cell.get("execution_count") is not None:
            results = results_of(cell)
            if not any(output["output_type"] == "error" for output in cell["outputs"]):
                found[mark["grade_id"]] = bool(results) and as_credit(results[-1]) is not None
    return found
