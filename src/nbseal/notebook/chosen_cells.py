"""The cells that a person says are the answers: in a submitted notebook they take the names of the answer cells."""

from __future__ import annotations

from collections.abc import Mapping

from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.matching import code_in, is_answer
from nbseal.notebook.reading import Cell, Notebook


def answer_cell(template: Notebook, question: str) -> Cell | None:
    """The answer cell of a question: the nearest one at or before its graded cell; None if there is none."""
    answer = None
    for cell in template["cells"]:
        answer = cell if is_answer(cell) else answer
        if (nbgrader_mark(cell) or {}).get("grade_id") == question:
            return answer
    return None


def with_chosen_cells(template: Notebook, submission: Notebook, chosen: Mapping[str, int]) -> Notebook:
    """The submitted notebook with the ``chosen`` cells, by question and counted from 1, as those questions' answers.

    ``template`` and ``submission`` are not changed. A cell that had the answer's name is left out if nothing was
    written in it, and otherwise runs right before the chosen one. A chosen cell that has another answer's name keeps
    it, and counts for both.
    """
    cells = submission["cells"]
    answers: dict[str, Cell] = {}
    places: dict[int, list[str]] = {}
    for question, number in chosen.items():
        if (answer := answer_cell(template, question)) and 0 < number <= len(cells):
            answers[_name(answer)] = answer
            places.setdefault(number - 1, []).append(_name(answer))
    if not answers:
        return submission
    others = {_name(cell) for cell in template["cells"] if is_answer(cell)} - answers.keys()
    result: list[Cell] = []
    for index, cell in enumerate(cells):
        own = _name(cell)
        for name in places.get(index, ()):
            rivals = (other for place, other in enumerate(cells) if place != index)
            result += [_named(rival) for rival in rivals if _is_rival(rival, answers[name])]
            is_code = answers[name]["cell_type"] == "code"
            result.append(_named(_as_code(cell) if is_code else cell, name))
        if own in others or (own not in answers and index not in places):
            result.append(cell)
    return {**submission, "cells": result}


def _is_rival(cell: Cell, answer: Cell) -> bool:
    """Whether a cell has an answer's name and something of the student's in it."""
    source = cell["source"].strip()
    return _name(cell) == _name(answer) and source not in ("", answer["source"].strip())


def _as_code(cell: Cell) -> Cell:
    """A cell for code with the code that may stand in a cell for text."""
    return cell if cell["cell_type"] == "code" else {**cell, "cell_type": "code", "source": code_in(cell)}


def _name(cell: Cell) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def _named(cell: Cell, name: str = "") -> Cell:
    return {**cell, "metadata": {"nbgrader": {"grade_id": name}} if name else {}}
