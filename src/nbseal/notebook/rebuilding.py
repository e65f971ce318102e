"""Rebuild a submission on the instructor's template: the student supplies cell sources and nothing else.

What a notebook says about itself is under the student's control: which cells are graded, what they are
worth, what they printed, which kernel runs them. So none of it is believed. Cells come in the template's
order, with the template's type, metadata, points and kernelspec. Editing, deleting, duplicating, moving or
retyping a graded cell, or flipping its flags, leaves the rebuilt notebook as it would have been; outputs
are made anew by running it. And nothing that a student wrote is dropped: cells and lines of their own run where
they stand.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from textwrap import dedent
from typing import Any

from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.matching import (
    BEFORE_ALL,
    MOST_LINES,
    Matching,
    bound_names,
    is_answer,
    match,
    names_bound_by_own_cells,
    wanted_names,
)
from nbseal.notebook.reading import Cell, Notebook, free_id
from nbseal.python_text import parse

DEFINES = re.compile(r"\b(?:def|class)\s+(\w+)|\b(\w+)\s*=(?!=)")
ELSEWHERE = "# This cell was deleted; its answer stands in another cell of this notebook."
ELSEWHERE_ABOVE = "# This cell was as it was released; its answer stands in a cell above."


@dataclass
class Rebuilt:
    """The notebook to run and grade; sentences about what the student's own lacked or changed.

    ``unsure`` gives the reason for each question of which it can't be told which cells are its answer.
    """

    nb: Notebook
    problems: list[str] = field(default_factory=list)
    unsure: dict[str, str] = field(default_factory=dict)


def rebuild(template: Notebook, submission: Notebook) -> Rebuilt:
    """Put the student's sources into the instructor's notebook.

    ``template`` is from `make_template`, ``submission`` from `read`; neither is changed, and nothing of the
    result is shared with the template. A solution cell takes the student's source (see `nbseal.notebook.matching`;
    copies of one become plain cells right behind it), graded and locked cells keep the template's. Lines that were
    added to a locked cell run in a cell of their own before it. Cells that the student added stay behind the cell
    they followed, without metadata.
    """
    ours, theirs = template["cells"], submission["cells"]
    matching = match(ours, theirs)
    notes: list[str] = []
    followers = _followers(ours, theirs, matching)
    answers = _texts_beside_stubs(ours, theirs, matching, followers, notes)
    answers |= dict.fromkeys(matching.elsewhere, ELSEWHERE)
    answers |= _stubs_behind_answers(ours, theirs, matching, notes)
    in_texts = _in_texts(ours, theirs, matching, answers)
    used = {cell["id"] for cell in ours}
    cells = [_student_cell(theirs[index], used) for index in followers.get(BEFORE_ALL, ())]
    for position, cell in enumerate(ours):
        partner = matching.student_of.get(position)
        student = None if partner is None else theirs[partner]
        if student is not None and cell["cell_type"] == "code" and (added := _added_lines(cell, student)):
            cells.append(_student_cell({**student, "id": f"{cell['id'][:50]}-added", "source": added}, used))
        if partner is not None or nbgrader_mark(cell) or not matching.ids_kept:
            cells.append(_template_cell(cell, student, answers.get(position)))
        cells.extend(_student_cell(theirs[index], used) for index in followers.get(position, ()))
    nb = {"cells": cells, "metadata": copy.deepcopy(template["metadata"]), "nbformat": 4, "nbformat_minor": 5}
    problems = _problems(ours, theirs, matching, in_texts) + notes
    return Rebuilt(nb, problems, _questions_of(ours, _unsure(ours, matching) | in_texts))


def _followers(ours: list[Cell], theirs: list[Cell], matching: Matching) -> dict[int, list[int]]:
    """For each template cell, the student's own cells to put behind it: copies first, then added ones."""
    followers: dict[int, list[int]] = {}
    for index, position in matching.copies.items():
        if not _is_stub(ours[position], theirs[index]):  # a copy that is as released would undo the answer
            followers.setdefault(position, []).append(index)
    last = BEFORE_ALL
    for index in range(len(theirs)):
        last = matching.template_of.get(index, last)
        if matching.is_free(index):
            followers.setdefault(last, []).append(index)
    return followers


def _is_stub(cell: Cell, student: Cell) -> bool:
    """Whether an answer cell for code is as it was released."""
    return is_answer(cell) and cell["cell_type"] == "code" and student["source"].strip() == cell["source"].strip()


def _stubs_behind_answers(
    ours: list[Cell], theirs: list[Cell], matching: Matching, problems: list[str]
) -> dict[int, str]:
    """Answer cells that are as released, where code of the student's own above them defines all that they define.

    It may stand in a cell of theirs, in another answer, or among lines that they added.
    """
    found: dict[int, str] = {}
    own: set[str] = set()
    for index, student in enumerate(theirs):
        position = matching.template_of.get(index)
        given = "" if position is None else ours[position]["source"]
        if position is None or not _is_stub(ours[position], student):
            if student["cell_type"] == "code" and student["source"] != given:  # most cells are as they were given
                own |= _defined(student["source"]) - _defined(given)
        elif own:
            names = _defined(given)
            if names and names <= own:
                found[position] = ELSEWHERE_ABOVE
                name = _name(ours[position])
                problems.append(f"the cell {name!r} is as it was released; the answer above it counts")
    return found


def _defined(source: str) -> set[str]:
    """Functions and classes that a cell defines."""
    try:
        nodes = ast.iter_child_nodes(parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _texts_beside_stubs(
    ours: list[Cell], theirs: list[Cell], matching: Matching, followers: dict[int, list[int]], problems: list[str]
) -> dict[int, str]:
    """The answers to questions for text that were typed above or below the untouched cell, or into a copy of it.

    The cells that hold them are taken out of ``followers``.
    """
    found: dict[int, str] = {}
    for position, cell in enumerate(ours):
        partner = matching.student_of.get(position)
        if not is_answer(cell) or cell["cell_type"] == "code" or position in matching.unsure:
            continue
        if partner is not None and theirs[partner]["source"].strip() not in (cell["source"].strip(), ""):
            continue
        before = max((place for place in matching.student_of if place < position), default=BEFORE_ALL)
        texts = []
        for place in (before, position):
            for index in list(followers.get(place, ())):
                if theirs[index]["cell_type"] != "code" and theirs[index]["source"].strip():
                    texts.append(theirs[index]["source"])
                    followers[place].remove(index)
        if texts:
            found[position] = "\n\n".join(texts)
            name = _name(cell)
            problems.append(f"the text beside the cell {name!r}, which is as it was released, was taken as its answer")
    return found


def _added_lines(cell: Cell, student: Cell) -> str:
    """Lines that the student added to a locked cell, where they are Python by themselves."""
    if is_answer(cell) or not nbgrader_mark(cell) or student["cell_type"] != "code":
        return ""
    added = "\n".join(line for block in _changes(cell, student)[0] for line in block)
    try:
        parse(dedent(added))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return dedent(added).strip("\n")


def _changes(cell: Cell, student: Cell) -> tuple[list[list[str]], list[str]]:
    """Blocks of lines that were added to a locked cell, and lines that stand in the place of its own."""
    if cell["source"] == student["source"]:
        return [], []
    whole, text = ([line.rstrip() for line in one["source"].rstrip().split("\n")] for one in (cell, student))
    if len(text) > MOST_LINES:
        return [], text
    added, changed = [], []
    for kind, start, end, first, last in SequenceMatcher(None, whole, text, autojunk=False).get_opcodes():
        if kind == "insert":
            added.append(text[first:last])
        elif kind == "replace":
            extra = max(0, (last - first) - (end - start))
            changed += text[first : last - extra]
            if extra:
                added.append(text[last - extra : last])
    return [block for block in added if any(line.strip() for line in block)], [line for line in changed if line.strip()]


def _template_cell(cell: Cell, student: Cell | None, answer: str | None = None) -> Cell:
    """A template cell with the student's source, where the student may write."""
    result = {**cell, "metadata": _copy_metadata(cell["metadata"])}
    if answer is not None:
        result["source"] = answer
    elif student is not None and (nbgrader_mark(cell) is None or is_answer(cell)):
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


def _problems(ours: list[Cell], theirs: list[Cell], matching: Matching, in_texts: Collection[int]) -> list[str]:
    """What a student's notebook lacks or changed; of answers ``in_texts`` it is said elsewhere."""
    problems = ["its cells have lost their names: they were told by their texts and order"] * matching.names_lost
    for position, cell in enumerate(ours):
        mark = nbgrader_mark(cell)
        if not mark:
            continue
        name = f"the cell {mark['grade_id']!r}"
        partner = matching.student_of.get(position)
        if position in matching.elsewhere:
            problems.append(f"{name} was deleted; other cells give its answer")
        elif position in matching.retyped and not matching.names_lost:
            problems.append(f"{name} was retyped: the student's own cell in its place was taken")
        elif partner is None:
            problems.append(f"{name} is missing")
        if partner is None:
            continue
        student = theirs[partner]
        if student["cell_type"] != cell["cell_type"] and position not in in_texts:
            kind = student["cell_type"]
            problems.append(f"{name} was turned into a {kind} cell; it was read as {cell['cell_type']}")
        if copies := [theirs[index] for index, place in matching.copies.items() if place == position]:
            problems.append(f"{name} is there {len(copies) + 1} times; {_which_counts(cell, copies)}")
        if not mark.get("solution") and any(changes := _changes(cell, student)):
            problems.append(_what_was_edited(name, cell, student, *changes))
    return problems


def _which_counts(cell: Cell, copies: list[Cell]) -> str:
    """Which of a cell and its ``copies`` counts."""
    if not is_answer(cell):
        return "the original was used"
    if all(copy["source"].strip() in (cell["source"].strip(), "") for copy in copies):
        return "the others are as released or empty"
    if cell["cell_type"] != "code":
        return "the first one that was changed is the answer, the others stand below it"
    return "they run one after the other, so where two define the same, the last one counts"


def _what_was_edited(name: str, cell: Cell, student: Cell, added: list[list[str]], changed: list[str]) -> str:
    """A sentence about a locked cell: what became of lines that the student changed or added."""
    said = f"{name} was edited; the original was used"
    if changed:
        said += f" (not: {' / '.join(line.strip()[:60] for line in changed[:3])})"
    if _added_lines(cell, student):
        said += "; lines that were added run before it"
    return said


def _unsure(ours: list[Cell], matching: Matching) -> dict[int, str]:
    """Why it can't be told which cells are the answer, by its position."""
    return {
        position: f"the cell {_name(ours[position])!r} is missing, and it can't be told which other cells stand for it"
        for position in matching.unsure - matching.student_of.keys()
    }


def _in_texts(ours: list[Cell], theirs: list[Cell], matching: Matching, answers: Collection[int]) -> dict[int, str]:
    """Answers for code, by position, which may stand in cells that are none for code: nobody knows if they are meant.

    ``answers`` are those that are taken from other cells.
    """
    given = {cell["source"].strip() for cell in ours} | {""}
    texts = {
        index: cell["source"]
        for index, cell in enumerate(theirs)
        if cell["cell_type"] != "code" and cell["source"].strip() not in given
    }
    found: dict[int, str] = {}
    for position, cell in enumerate(ours if texts else ()):
        partner = matching.student_of.get(position)
        is_turned = partner is not None and partner in texts
        is_open = partner is None or is_turned or _is_stub(cell, theirs[partner])
        if not is_open or not is_answer(cell) or cell["cell_type"] != "code" or position in answers:
            continue
        wanted, name = wanted_names(ours, position), f"the cell {_name(cell)!r}"
        if partner is not None and is_turned:
            names = bound_names(texts[partner])
            if not names or (wanted and not names & wanted):
                kind = theirs[partner]["cell_type"]
                found[position] = f"{name} was turned into a {kind} cell, and isn't valid code"
        elif places := [index for index, text in texts.items() if _gives(text, wanted)]:
            if wanted & names_bound_by_own_cells(ours, theirs, matching):
                continue
            state = "missing" if partner is None else "as it was released"
            found[position] = f"{name} is {state}, and cell {places[0] + 1}, which is for text, has code for it"
    return found


def _gives(text: str, names: Collection[str]) -> bool:
    """Whether a text has code that defines or assigns one of some names, between fences or not."""
    found = DEFINES.findall(text)
    return any(defined in names or assigned in names for defined, assigned in found)


def _questions_of(ours: list[Cell], answers: Mapping[int, str]) -> dict[str, str]:
    """Questions with the reason of the answer that they stand at, or behind, up to the next answer."""
    found: dict[str, str] = {}
    for position, reason in sorted(answers.items()):
        for place in range(position, len(ours)):
            if place > position and is_answer(ours[place]):
                break
            mark = nbgrader_mark(ours[place])
            if mark and (mark.get("grade") or mark.get("task")):
                found[mark["grade_id"]] = reason
    return found


def _name(cell: Cell) -> str:
    return str((nbgrader_mark(cell) or {})["grade_id"])


def _copy_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        key: dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for key, value in metadata.items()
    }
