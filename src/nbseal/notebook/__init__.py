"""Notebooks as plain data: read what was handed in, make the template, rebuild one from the other."""

from nbseal.notebook.chosen_cells import answer_cell, with_chosen_cells
from nbseal.notebook.grade_cells import Question, is_as_released, questions
from nbseal.notebook.reading import Notebook, Reading, read
from nbseal.notebook.rebuilding import Rebuilt, rebuild
from nbseal.notebook.template import make_template

__all__ = [
    "Notebook",
    "Question",
    "Reading",
    "Rebuilt",
    "answer_cell",
    "is_as_released",
    "make_template",
    "questions",
    "read",
    "rebuild",
    "with_chosen_cells",
]
