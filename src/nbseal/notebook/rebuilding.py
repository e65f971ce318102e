"""Rebuild a submission on the instructor's template: the student supplies cell sources and nothing else.

What a notebook says about itself is under the student's control: which cells are graded, what they are
worth, what they printed, which kernel runs them. So none of it is believed. Cells come in the template's
order, with the template's type, metadata, points and kernelspec. Editing, deleting, duplicating, moving or
retyping a graded cell, or flipping its flags, leaves the rebuilt notebook as it would have been; outputs
are made anew by running it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.reading import Cell, Notebook, free_id

BEFORE_ALL = -1


@dataclass
class Matching:
    """Which student cell (by position) stands for which template cell (by position)."""

    student_of: dict[int, int] = field(default_factory=dict)
    template_of: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    ids_kept: bool = True

    def pair(self, ours: int, theirs: int) -> None:
        """Record that template cell ``ours`` and student cell ``theirs`` belong together."""
        self.student_of[ours] = theirs
        self.template_of[theirs] = ours

    def is_free(self, theirs: int) -> bool:
        """Tell whether a student cell has no place yet."""
        return theirs not in self.template_of and theirs not in self.copies


def rebuild(template: Notebook, submission: Notebook) -> tuple[Notebook, list[str]]:
    """Return the notebook to run and grade, and sentences about what the student's own lacked or changed.

    ``template`` is from `make_template`, ``submission`` from `read`; neither is changed, and nothing of the
    result is shared with the template. A solution cell takes the student's source (matched by grade_id; the
    first counts, later copies become plain cells right behind it), graded and locked cells keep the
    template's. Cells that the student added stay behind the cell they followed, without metadata.
    """
    ours, theirs = template["cells"], submission["cells"]
    matching = _match(ours, theirs)
    problems = _problems(ours, theirs, matching)
    followers = _followers(theirs, matching)
    used = {cell["id"] for cell in ours}
    cells = [_student_cell(theirs[index], used) for index in followers.get(BEFORE_ALL, ())]
    for position, cell in enumerate(ours):
        partner = matching.student_of.get(position)
        if partner is not None or nbgrader_mark(cell) or not matching.ids_kept:
            cells.append(_template_cell(cell, None if partner is None else theirs[partner]))
        cells.extend(_student_cell(theirs[index], used) for index in followers.get(position, ()))
    return {
        "cells": cells,
        "metadata": copy.deepcopy(template["metadata"]),
        "nbformat": 4,
        "nbformat_minor": 5,
    }, problems


def _match(ours: list[Cell], theirs: list[Cell]) -> Matching:
    matching = Matching()
    _match_by_grade_id(ours, theirs, matching)
    _match_by_id(ours, theirs, matching)
    our_ids = {cell["id"] for cell in ours}
    matching.ids_kept = 2 * sum(cell["id"] in our_ids for cell in theirs) >= len(ours)
    if not matching.ids_kept:
        # Saved by a program that makes its own cell ids: go by what the cells say, then by where they stand.
        _match_by_source(ours, theirs, matching)
        _match_by_place(ours, theirs, matching)
    return matching


def _match_by_grade_id(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    places = {mark["grade_id"]: index for index, cell in enumerate(ours) if (mark := nbgrader_mark(cell))}
    for index, cell in enumerate(theirs):
        position = places.get(_grade_id(cell))
        if position is None:
            continue
        if position in matching.student_of:
            matching.copies[index] = position
        else:
            matching.pair(position, index)


def _match_by_id(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    """Pair what has kept its id; this also finds solution cells whose metadata was lost on the way."""
    places = {cell["id"]: index for index, cell in enumerate(ours) if index not in matching.student_of}
    for index, cell in enumerate(theirs):
        position = places.get(cell["id"])
        if position is None or not matching.is_free(index) or position in matching.student_of:
            continue
        # A plain cell that the student retyped is theirs now: text turned into code should run as code.
        if nbgrader_mark(ours[position]) or ours[position]["cell_type"] == cell["cell_type"]:
            matching.pair(position, index)


def _match_by_source(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    waiting: dict[tuple[str, str], list[int]] = {}
    for position, cell in enumerate(ours):
        if position not in matching.student_of and not nbgrader_mark(cell):
            waiting.setdefault((cell["cell_type"], cell["source"].strip()), []).append(position)
    for index, cell in enumerate(theirs):
        places = waiting.get((cell["cell_type"], cell["source"].strip()))
        if places and matching.is_free(index):
            matching.pair(places.pop(0), index)


def _match_by_place(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    """Pair edited plain cells, where between two known cells there are just as many as in the template."""
    our_gaps: dict[int, list[int]] = {}
    last = BEFORE_ALL
    for position, cell in enumerate(ours):
        if position in matching.student_of:
            last = position
        elif not nbgrader_mark(cell):
            our_gaps.setdefault(last, []).append(position)
    their_gaps: dict[int, list[int]] = {}
    last = BEFORE_ALL
    for index in range(len(theirs)):
        last = matching.template_of.get(index, last)
        if matching.is_free(index):
            their_gaps.setdefault(last, []).append(index)
    for place, positions in our_gaps.items():
        indices = their_gaps.get(place, [])
        if [ours[p]["cell_type"] for p in positions] == [theirs[i]["cell_type"] for i in indices]:
            for position, index in zip(positions, indices, strict=True):
                matching.pair(position, index)


def _followers(theirs: list[Cell], matching: Matching) -> dict[int, list[int]]:
    """For each template cell, the student's own cells to put behind it: copies first, then added ones."""
    followers: dict[int, list[int]] = {}
    for index, position in matching.copies.items():
        followers.setdefault(position, []).append(index)
    last = BEFORE_ALL
    for index in range(len(theirs)):
        last = matching.template_of.get(index, last)
        if matching.is_free(index):
            followers.setdefault(last, []).append(index)
    return followers


def _template_cell(cell: Cell, student: Cell | None) -> Cell:
    """A template cell with the student's source, where the student may write."""
    result = {**cell, "metadata": _copy_metadata(cell["metadata"])}
    mark = nbgrader_mark(cell)
    if student is not None and (mark is None or mark.get("solution")):
        result["source"] = student["source"]
        if cell["cell_type"] == "markdown" and student.get("attachments"):
            result["attachments"] = student["attachments"]
    if cell["cell_type"] == "code":
        result.update(execution_count=None, outputs=[])
    return result


def _student_cell(cell: Cell, used: set[str]) -> Cell:
    """A cell that the student added: no metadata, so no tag can make the run skip it or expect its errors."""
    result: Cell = {
        "cell_type": cell["cell_type"],
        "id": free_id(cell["id"], used),
        "metadata": {},
        "source": cell["source"],
    }
    if cell["cell_type"] == "code":
        result.update(execution_count=None, outputs=[])
    elif cell.get("attachments"):
        result["attachments"] = cell["attachments"]
    return result


def _problems(ours: list[Cell], theirs: list[Cell], matching: Matching) -> list[str]:
    problems = []
    copies = list(matching.copies.values())
    for position, cell in enumerate(ours):
        mark = nbgrader_mark(cell)
        if not mark:
            continue
        name = f"the cell {mark['grade_id']!r}"
        partner = matching.student_of.get(position)
        if partner is None:
            problems.append(f"{name} is missing")
            continue
        student = theirs[partner]
        if student["cell_type"] != cell["cell_type"]:
            kind = student["cell_type"]
            problems.append(f"{name} was turned into a {kind} cell; it was read as {cell['cell_type']}")
        if position in copies:
            problems.append(f"{name} is there {copies.count(position) + 1} times; the first one counts")
        if not mark.get("solution") and not _is_excerpt(student["source"], cell["source"]):
            problems.append(f"{name} was edited; the original was used")
    return problems


def _is_excerpt(text: str, whole: str) -> bool:
    """Tell whether ``text`` is ``whole`` with or without some lines: hidden tests are not handed out."""
    if text == whole:
        return True
    lines = iter([line.rstrip() for line in whole.rstrip().split("\n")])
    return all(line.rstrip() in lines for line in text.rstrip().split("\n"))


def _grade_id(cell: Cell) -> Any:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _copy_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        key: dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for key, value in metadata.items()
    }
