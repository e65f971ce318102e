"""Findings about instructors' sources: what a person would have to mend before they are built."""

from __future__ import annotations

import json
import re
import statistics
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import writes_json

SCHEMA_VERSION = 3
MEDIAN_LINES = 6
READABLE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"(?=.*\d)[0-9a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FLAGS = ("grade", "solution", "locked", "task")
BEGIN_SOLUTION, END_SOLUTION = "BEGIN SOLUTION", "END SOLUTION"
TIMED = re.compile(r"^\s*%%?(time|timeit|prun)\b", re.MULTILINE)
MARKDOWN_IMAGE = re.compile(r"!\[\s*\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ALT = re.compile(r"""\balt\s*=\s*("[^"]+"|'[^']+')""", re.IGNORECASE)

Cell = dict[str, Any]


def lint(path: Path, named_cells: bool = False) -> list[str]:
    """Findings about one source notebook, each a sentence without the file's name.

    With ``named_cells``, a random id as JupyterLab gives it is one.
    """
    try:
        text = path.read_text(encoding="utf-8")
        nb = json.loads(text)
        if (nb["nbformat"], nb["nbformat_minor"]) < (4, 5):
            return ["is not in notebook format 4.5: open it in JupyterLab and save it"]
        _validate(nb)
    except nbformat.ValidationError as error:
        return [f"is not valid: {str(error).splitlines()[0]}"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return [f"can't be read as a notebook: {error}"]
    cells = [{**cell, "source": "".join(cell["source"])} for cell in nb["cells"]]
    findings = [*_check_form(text, nb), *_check_ids(cells, named_cells), *_check_grade_ids(cells)]
    for cell in cells:
        findings += [f"cell {cell.get('id')!r} {finding}" for finding in _check_cell(cell)]
    return [*findings, *_check_lengths(cells)]


def lint_copies(source: Path, names: Iterable[str]) -> dict[Path, list[str]]:
    """Findings about support files that should be alike in all assignments of ``source`` that have them."""
    findings = {}
    for name in names:
        copies = sorted(source.glob(f"*/{name}"))
        if not copies:
            findings[source] = [f"has no {name} in any assignment, though c.Sources.shared_files names it"]
        for copy in copies[1:]:
            if copy.read_bytes() != copies[0].read_bytes():
                findings[copy] = [f"is not the same as {copies[0]}: copy the right one over the other"]
    return findings


def _validate(nb: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing and repeated ids are findings of ours
        nbformat.validate(nbformat.from_dict(nb))


def _check_form(text: str, nb: dict[str, Any]) -> Iterator[str]:
    if text != writes_json(nbformat.from_dict(nb)) + "\n":
        yield "is not written as Jupyter writes notebooks (indent 1, sorted keys, newline at the end)"
    if "widgets" in nb.get("metadata", {}):
        yield "holds widget state: clear it"


def _check_ids(cells: list[Cell], named_cells: bool) -> Iterator[str]:
    ids = [str(cell.get("id")) for cell in cells]
    for cell_id, count in Counter(ids).items():
        if count > 1:
            yield f"has {count} cells with id {cell_id!r}"
        if not READABLE_ID.fullmatch(cell_id):
            yield f"has a cell id {cell_id!r} that is not made of a-z, 0-9 and single hyphens"
        elif named_cells and RANDOM_ID.fullmatch(cell_id):
            yield f"has a random cell id {cell_id!r}: name the cell for what it holds"


def _check_grade_ids(cells: list[Cell]) -> Iterator[str]:
    ids = Counter(str(mark.get("grade_id")) for cell in cells if (mark := _mark(cell)))
    for grade_id, count in ids.items():
        if count > 1:
            yield f"has {count} cells with grade_id {grade_id!r}"


def _check_cell(cell: Cell) -> Iterator[str]:
    source, mark = cell["source"], _mark(cell)
    if cell.get("outputs") or cell.get("execution_count") is not None:
        yield "has outputs or an execution count: clear them"
    if "nbgrader" in cell.get("metadata", {}) and mark is None:
        yield "has nbgrader metadata but is of no nbgrader kind: remove it"
    if mark and mark.get("schema_version") != SCHEMA_VERSION:
        yield f"has nbgrader metadata of schema {mark.get('schema_version')}, not {SCHEMA_VERSION}"
    if mark and (mark.get("grade") or mark.get("task")) and not isinstance(mark.get("points"), (int, float)):
        yield "is graded but has no points"
    begins, ends = source.count(BEGIN_SOLUTION), source.count(END_SOLUTION)
    if begins != ends:
        yield f"has {begins} beginnings and {ends} ends of a solution region"
    if mark and mark.get("solution") and not begins:
        yield "is a solution cell without a solution region: students would lose all of it"
    if begins and not (mark and mark.get("solution")):
        yield "has a solution region but is not a solution cell"
    if cell["cell_type"] == "code" and TIMED.search(source):
        yield "measures time: its output differs at every build"
    if cell["cell_type"] == "markdown" and _lacks_alt_text(source):
        yield "shows a picture without alt text"


def _check_lengths(cells: list[Cell]) -> Iterator[str]:
    lengths = [_lines(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    if lengths and (median := statistics.median(lengths)) > MEDIAN_LINES:
        yield f"has a median code cell of {median:g} lines, more than {MEDIAN_LINES}"


def _lines(source: str) -> int:
    """Lines of code, without blank ones and the markers of regions."""
    return sum(bool(line.strip()) and not re.search(r"### (BEGIN|END) ", line) for line in source.splitlines())


def _lacks_alt_text(source: str) -> bool:
    return bool(MARKDOWN_IMAGE.search(source)) or any(not ALT.search(tag) for tag in HTML_IMAGE.findall(source))


def _mark(cell: Cell) -> dict[str, Any] | None:
    mark = cell.get("metadata", {}).get("nbgrader")
    return mark if isinstance(mark, dict) and any(mark.get(flag) for flag in FLAGS) else None
