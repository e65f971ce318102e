"""Says what an author may not have meant: an assignment without questions, and checks that test nothing."""

from __future__ import annotations

import ast
from typing import Any

from nbseal.course import Course
from nbseal.notebook import make_template, questions
from nbseal.python_text import parse

NO_QUESTIONS = "no cell gives points, so there is nothing to grade"


def question_notes(course: Course, assignment: str) -> list[str]:
    """A note for each check without hidden tests that ends with a comparison, or one that there are no questions.

    nbgrader gives full marks where such a line shows False, and so does nbseal.
    """
    one = course.assignment(assignment)
    grader = one.grader.read_text("utf-8", "replace") if one.grader else ""
    found, count = [], 0
    for name in one.notebooks:
        template = make_template(one.template_path(name), course.config)
        for question in questions(template):
            count += 1
            named = any(f"{quote}{question.grade_id}{quote}" in grader for quote in "\"'")
            line = "" if question.manual or named else _last_comparison(template["cells"][question.index])
            if line:
                found.append(
                    f"{name}.ipynb: {question.grade_id} ends with {line!r}, which nobody asserts: whatever it shows, a "
                    "cell that runs has its points. Write assert before it."
                )
    return found if count else [NO_QUESTIONS]


def _last_comparison(cell: dict[str, Any]) -> str:
    """The source of a cell's last line if it is a comparison; "" otherwise."""
    source: str = cell["source"]
    try:
        body = parse(source).body
    except (SyntaxError, ValueError):
        return ""
    last = body[-1] if cell["cell_type"] == "code" and body else None
    if not isinstance(last, ast.Expr):
        return ""
    value = last.value
    while isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not):
        value = value.operand
    compares = [value] if isinstance(value, ast.Compare) else value.values if isinstance(value, ast.BoolOp) else []
    if not any(isinstance(one, ast.Compare) for one in compares):
        return ""
    return " ".join((ast.get_source_segment(source, last) or "").split())[:80]
