"""Which cell of a submission stands for which cell of the template: by nbgrader's names, ids, texts, and places.

Editors lose metadata, students delete answer cells and type them anew, or finish in a copy. Where a place is taken by
the student's own cells, these are the answer; where that can't be told for sure, the question is named as unsure.
"""

from __future__ import annotations

import ast
import builtins
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.reading import Cell
from nbseal.python_text import parse

BEFORE_ALL = -1
# Comparing takes a time that grows with the square of what is compared: no honest notebook comes near.
MOST_FREE, MOST_LINES, MOST_COMPARED = 2000, 2000, 2_000_000
FENCE = re.compile(r"(`{3,}+|~{3,}+)([^`]*)")
ALIKE = 0.9  # share of a locked cell's lines that make a cell without a name that cell


@dataclass
class Matching:
    """Which student cell (by position) stands for which template cell (by position).

    ``copies`` are further cells of one name. ``unsure`` holds answers (by position) of which it can't be told which of
    the student's cells they are; ``elsewhere`` those that other cells of the student's give, out of their place.
    """

    student_of: dict[int, int] = field(default_factory=dict)
    template_of: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    ids_kept: bool = True
    names_lost: bool = False
    unsure: set[int] = field(default_factory=set)
    elsewhere: set[int] = field(default_factory=set)
    retyped: set[int] = field(default_factory=set)

    def pair(self, ours: int, theirs: int) -> None:
        """Record that template cell ``ours`` and student cell ``theirs`` belong together."""
        self.student_of[ours] = theirs
        self.template_of[theirs] = ours

    def is_free(self, theirs: int) -> bool:
        """Tell whether a student cell has no place yet."""
        return theirs not in self.template_of and theirs not in self.copies


def match(ours: list[Cell], theirs: list[Cell]) -> Matching:
    """Pair the cells of a template and a submission."""
    matching = Matching()
    _by_grade_id(ours, theirs, matching)
    names_kept = bool(matching.student_of)
    _by_id(ours, theirs, matching)
    our_ids = {cell["id"] for cell in ours}
    matching.ids_kept = 2 * sum(cell["id"] in our_ids for cell in theirs) >= len(ours)
    if not matching.ids_kept:
        # Saved by a program that makes its own cell ids: go by what the cells say, then by where they stand.
        matching.names_lost = bool(theirs) and not names_kept and any(map(nbgrader_mark, ours))
        _by_source(ours, theirs, matching)
        _by_place(ours, theirs, matching)
    if missing := [index for index, cell in enumerate(ours) if is_answer(cell) and index not in matching.student_of]:
        _find_answers(ours, theirs, matching, missing)
    return matching


def is_answer(cell: Cell) -> bool:
    """Whether the student is to write in a template's cell."""
    mark = nbgrader_mark(cell)
    return bool(mark and mark.get("solution"))


def _by_grade_id(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    places = {mark["grade_id"]: index for index, cell in enumerate(ours) if (mark := nbgrader_mark(cell))}
    found: dict[int, list[int]] = {}
    for index, cell in enumerate(theirs):
        position = places.get(cell["metadata"].get("nbgrader", {}).get("grade_id"))
        if position is not None:
            found.setdefault(position, []).append(index)
    for position, indices in found.items():
        # the first counts, unless it is untouched and a copy isn't
        touched = [index for index in indices if theirs[index]["source"].strip() != ours[position]["source"].strip()]
        chosen = touched[0] if touched and is_answer(ours[position]) else indices[0]
        matching.pair(position, chosen)
        matching.copies |= dict.fromkeys((index for index in indices if index != chosen), position)


def _by_id(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    """Pair what has kept its id; this also finds solution cells whose metadata was lost on the way."""
    places = {cell["id"]: index for index, cell in enumerate(ours) if index not in matching.student_of}
    for index, cell in enumerate(theirs):
        position = places.get(cell["id"])
        if position is None or not matching.is_free(index) or position in matching.student_of:
            continue
        # A plain cell that the student retyped is theirs now: text turned into code should run as code.
        if nbgrader_mark(ours[position]) or ours[position]["cell_type"] == cell["cell_type"]:
            matching.pair(position, index)


def _by_source(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    """Pair cells that say the same, in the order in which they stand; then locked cells that say nearly the same."""
    left = [position for position in range(len(ours)) if position not in matching.student_of]
    free = [index for index in range(len(theirs)) if matching.is_free(index)]
    if len(free) > MOST_FREE:
        return
    our_keys = [(ours[i]["cell_type"], ours[i]["source"].strip()) for i in left]
    their_keys = [(theirs[i]["cell_type"], theirs[i]["source"].strip()) for i in free]
    for block in SequenceMatcher(None, our_keys, their_keys, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            matching.pair(left[block.a + offset], free[block.b + offset])
    lines = {index: theirs[index]["source"].strip().split("\n") for index in free}
    to_compare = MOST_COMPARED
    for position in left:
        if position in matching.student_of or is_answer(ours[position]) or not nbgrader_mark(ours[position]):
            continue
        whole = ours[position]["source"].strip().split("\n")
        before = max((index for place, index in matching.student_of.items() if place < position), default=-1)
        for index in free:
            same_kind = ours[position]["cell_type"] == theirs[index]["cell_type"]
            if index <= before or not same_kind or not matching.is_free(index):
                continue
            to_compare -= len(whole) * len(lines[index])
            if to_compare < 0:
                return
            if _are_alike(whole, lines[index]):
                matching.pair(position, index)
                break


def _are_alike(whole: list[str], text: list[str]) -> bool:
    """Whether lines are a locked cell's with or without a few: hidden tests aren't handed out, others are added."""
    if text == [""] or len(text) > MOST_LINES:
        return False
    blocks = SequenceMatcher(None, whole, text, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= ALIKE * min(len(whole), len(text))


def _by_place(ours: list[Cell], theirs: list[Cell], matching: Matching) -> None:
    """Pair edited plain cells, where between two known cells there are just as many as in the template."""
    for positions, indices in _gaps(ours, theirs, matching):
        plain = [position for position in positions if not nbgrader_mark(ours[position])]
        if len(plain) < len(positions):
            continue
        if [ours[p]["cell_type"] for p in plain] == [theirs[i]["cell_type"] for i in indices]:
            for position, index in zip(plain, indices, strict=True):
                matching.pair(position, index)


def _gaps(ours: list[Cell], theirs: list[Cell], matching: Matching) -> list[tuple[list[int], list[int]]]:
    """Template cells and student cells without a partner, between each two known cells."""
    gaps: dict[int, tuple[list[int], list[int]]] = {}
    last = BEFORE_ALL
    for position in range(len(ours)):
        if position in matching.student_of:
            last = position
        else:
            gaps.setdefault(last, ([], []))[0].append(position)
    last = BEFORE_ALL
    for index in range(len(theirs)):
        last = matching.template_of.get(index, last)
        if matching.is_free(index):
            gaps.setdefault(last, ([], []))[1].append(index)
    return list(gaps.values())


def _find_answers(ours: list[Cell], theirs: list[Cell], matching: Matching, missing: list[int]) -> None:
    """Give missing answers the student's own cells in their places, or say where they are."""
    wanted = {position: wanted_names(ours, position) for position in missing}
    for positions, indices in _gaps(ours, theirs, matching):
        answers = [position for position in positions if position in wanted]
        own = [index for index in indices if theirs[index]["source"].strip()]
        if answers and own:
            _fill_gap(ours, theirs, matching, answers, own, wanted)
    bound = names_bound_by_own_cells(ours, theirs, matching)
    for position in missing:
        if position not in matching.student_of and wanted[position] & bound:
            matching.elsewhere.add(position)
            matching.unsure.discard(position)


def _fill_gap(
    ours: list[Cell], theirs: list[Cell], matching: Matching, answers: list[int], own: list[int],
    wanted: dict[int, frozenset[str]],
) -> None:  # fmt: skip
    """Pair the answers of one gap with the student's own cells in it, each with the one that it fits best."""
    for kind in ("code", "markdown"):
        left = [position for position in answers if (ours[position]["cell_type"] == "code") == (kind == "code")]
        free = [index for index in own if (theirs[index]["cell_type"] == "code") == (kind == "code")]
        for position in list(left):
            fits = [(len(wanted[position] & bound_names(theirs[index]["source"])), -index) for index in free]
            if kind == "code" and fits and max(fits)[0]:
                index = -max(fits)[1]
                matching.pair(position, index)
                left.remove(position)
                free.remove(index)
        if not left or not free:
            continue
        if len(left) == 1 or len(left) == len(free):
            for position, index in zip(left, free, strict=False):
                matching.pair(position, index)
        else:
            matching.unsure |= set(left)
    matching.retyped |= set(answers) & matching.student_of.keys()


def wanted_names(ours: list[Cell], position: int) -> frozenset[str]:
    """Names that an answer is to give: those that its stub defines, or else those that only its checks use."""
    cell = ours[position]
    if cell["cell_type"] != "code":
        return frozenset()
    if names := bound_names(cell["source"]):
        return names
    used: set[str] = set()
    for later in ours[position + 1 :]:
        if is_answer(later):
            break
        used |= _used_names(later["source"]) if later["cell_type"] == "code" else set()
    given = {name for other in ours if other["cell_type"] == "code" for name in bound_names(other["source"])}
    return frozenset(used - given - set(dir(builtins)))


def names_bound_by_own_cells(ours: list[Cell], theirs: list[Cell], matching: Matching) -> set[str]:
    """Names that the student's own code gives: cells of their own, other answers, and lines added to locked cells."""
    bound: set[str] = set()
    for index, cell in enumerate(theirs):
        if cell["cell_type"] != "code":
            continue
        partner = matching.template_of.get(index)
        given = bound_names(ours[partner]["source"]) if partner is not None else frozenset()
        bound |= bound_names(cell["source"]) - given
    return bound


def bound_names(source: str) -> frozenset[str]:
    """Names that a cell defines, assigns or imports at its top level; none where it isn't Python."""
    tree = _parsed(source)
    found: set[str] = set()
    for node in tree.body if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            stored = [part for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
            found |= {part.id for part in stored}
    return frozenset(found)


def code_in(cell: Cell) -> str:
    """What may be code in a cell: all of it, or what stands between fences in a cell for text."""
    return (_fenced(cell["source"]) if cell["cell_type"] != "code" else "") or str(cell["source"])


def _fenced(text: str) -> str:
    """What stands between fences that are closed, found without looking at a line twice."""
    lines = text.split("\n")
    closing: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        closing.setdefault(line.rstrip(" \t"), []).append(number)
    parts, number = [], 0
    while number < len(lines):
        opened = FENCE.fullmatch(lines[number])
        ends = closing.get(opened[1], []) if opened else []
        place = bisect_right(ends, number)
        if place < len(ends):
            parts.append("".join(f"{line}\n" for line in lines[number + 1 : ends[place]]))
            number = ends[place]
        number += 1
    return "\n".join(parts)


def is_python(source: str) -> bool:
    """Whether a cell can be read as Python."""
    return _parsed(source) is not None


def _used_names(source: str) -> set[str]:
    tree = _parsed(source)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()


def _parsed(source: str) -> ast.Module | None:
    """A cell as Python; magic commands are left out."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
    try:
        tree = parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if isinstance(tree, ast.Module) else None
