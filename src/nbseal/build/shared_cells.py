"""Cells that are alike in all source notebooks: each has its text in a file, found to differ or written from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import writes_json

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import write_whole


def lint_cells(course: Course) -> dict[Path, list[str]]:
    """Findings about cells that aren't as ``c.Sources.shared_cells`` has them; CourseError if a text is missing."""
    findings: dict[Path, list[str]] = {}
    for path, nb, wanted in _notebooks(course):
        cells = {cell["id"]: _text(cell) for cell in nb["cells"] if "id" in cell}
        for cell_id, text in wanted.items():
            if cells.get(cell_id) != text:
                origin = course.sources.shared_cells[cell_id]
                mend = "nbseal lint --write-cells" if cell_id in cells else f"add a cell with the id {cell_id!r}"
                findings.setdefault(path, []).append(f"cell {cell_id!r} is not the text of {origin}: {mend}")
    return findings


def write_cells(course: Course) -> list[Path]:
    """Write the shared texts into the cells with their ids; return the notebooks that changed."""
    changed = []
    for path, nb, wanted in _notebooks(course):
        differing = [cell for cell in nb["cells"] if _text(cell) != wanted.get(cell.get("id"), _text(cell))]
        for cell in differing:
            cell["source"] = wanted[cell["id"]]
        if differing:
            write_whole(path, (writes_json(nbformat.from_dict(nb)) + "\n").encode())
            changed.append(path)
    return changed


def _notebooks(course: Course) -> Iterator[tuple[Path, dict[str, Any], dict[str, str]]]:
    """Each source notebook that can be read, with the texts that its shared cells should have."""
    texts = {cell_id: _read(course.root / name) for cell_id, name in course.sources.shared_cells.items()}
    for path in sorted(course.folder("source").glob("*/*.ipynb")) if texts else ():
        try:
            nb = json.loads(path.read_text(encoding="utf-8"))
            [_text(cell) for cell in nb["cells"]]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # what is wrong with it is a finding of the notebook's own
        yield path, nb, {one: text.replace("<assignment>", path.parent.name) for one, text in texts.items()}


def _text(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CourseError(f"c.Sources.shared_cells: {path} can't be read: {error.strerror}") from error
