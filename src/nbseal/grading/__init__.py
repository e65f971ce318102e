"""One submission, or a class: execute, score, and hand over to the record."""

from __future__ import annotations

from nbseal.grading.class_run import ClassOptions, ClassResult, Done, grade_class
from nbseal.grading.execution import execute
from nbseal.grading.grader import Grader, grade_notebook
from nbseal.grading.mark_changes import MarkChange
from nbseal.grading.own_solution import faults_of_solution
from nbseal.grading.plan import Plan, make_plan

__all__ = [
    "ClassOptions",
    "ClassResult",
    "Done",
    "Grader",
    "MarkChange",
    "Plan",
    "execute",
    "faults_of_solution",
    "grade_class",
    "grade_notebook",
    "make_plan",
]
