"""One submission, or a class: execute, score, and hand over to the record."""

from nbseal.grade.classes import ClassResult, Done, grade_class
from nbseal.grade.grader import Grader, grade_notebook
from nbseal.grade.plan import Plan, make_plan
from nbseal.grade.running import execute

__all__ = ["ClassResult", "Done", "Grader", "Plan", "execute", "grade_class", "grade_notebook", "make_plan"]
