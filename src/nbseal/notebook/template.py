"""The template: the instructor's notebook as every submission of it is graded."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader._version import __version__ as nbgrader_version
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from nbseal import __version__
from nbseal.errors import CourseError
from nbseal.notebook.reading import Notebook

_PREPARING = threading.Lock()  # a class's grader and its recorder ask for the same template at the same time


@dataclass(frozen=True)
class Question:
    """One cell that gives points; ``manual`` ones wait for a person. ``index`` counts the cells from 0."""

    grade_id: str
    points: float
    manual: bool
    index: int


def make_template(
    path: str | os.PathLike[str],
    config: Config | None = None,
    sealed: Collection[str] = (),
    shelf: Path | None = None,
) -> Notebook:
    """Make the notebook that submissions are rebuilt from, as plain data; CourseError if that fails.

    From an instructor's notebook, the steps are those of ``nbgrader generate_assignment`` up to where it
    saves cells to the gradebook: marking schemes and hidden test regions stay, because nbgrader's own way
    of grading needs them. ``sealed`` names the questions that have a hidden grader; their hidden test
    regions are removed, since the notebook runs where student code can read it. A released notebook is used
    as it is. In the folder ``shelf``, the template of each notebook is kept for the next time.
    """
    path = Path(path)
    config = config or Config()
    kept = shelf / f"{path.parent.name}-{path.stem}-{'sealed' if sealed else 'whole'}.json" if shelf else None
    made_of = _made_of(path, config, sealed) if kept else ""
    if kept and (template := _from_shelf(kept, made_of)):
        return template
    with _PREPARING:
        if kept and (template := _from_shelf(kept, made_of)):
            return template  # another thread has just made it
        from nbseal.notebook.preparing import prepare  # nbgrader's steps take longer to load than to run

        template = prepare(path, config, frozenset(sealed))
        if kept:
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = kept.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps({"made_of": made_of, "template": template}), encoding="utf-8")
            draft.replace(kept)
    return template


def _made_of(path: Path, config: Config, sealed: Collection[str]) -> str:
    """A digest of all that a template depends on; "" if the notebook can't be read, which its reader explains."""
    total = hashlib.sha256(f"{__version__} {nbgrader_version} {sorted(sealed)}".encode())
    # a section of Config that nobody has set comes into being when it is asked for
    settings = {name: section for name, section in config.items() if section}
    total.update(json.dumps(settings, sort_keys=True, default=repr).encode())
    root = str(settings.get("CourseDirectory", {}).get("root", "."))
    ends = [settings.get("IncludeHeaderFooter", {}).get(end) for end in ("header", "footer")]
    try:
        for file in [path, *(Path(root, str(end)) for end in ends if end)]:
            data = file.read_bytes()
            total.update(f"{len(data)} ".encode() + data)
    except OSError:
        return ""
    return total.hexdigest()


def _from_shelf(kept: Path, made_of: str) -> Notebook | None:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        template: Notebook = found["template"]
        return template if made_of and found["made_of"] == made_of else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def nbgrader_mark(cell: Any) -> dict[str, Any] | None:
    """nbgrader's metadata of a cell that it manages (grade, solution, locked, task), None for others."""
    mark = cell.get("metadata", {}).get("nbgrader")
    if not isinstance(mark, dict) or "grade_id" not in mark:
        return None
    return mark if any(mark.get(flag) for flag in ("grade", "solution", "locked", "task")) else None


def questions(nb: Notebook, where: str | os.PathLike[str] = "the notebook") -> list[Question]:
    """List the cells that give points, in order; CourseError naming ``where`` for a repeated grade_id."""
    check_grade_ids(nb, where)
    found = []
    for index, cell in enumerate(nb["cells"]):
        mark = nbgrader_mark(cell)
        if mark and (mark.get("grade") or mark.get("task")):
            manual = bool(mark.get("task") or mark.get("solution"))
            found.append(Question(mark["grade_id"], float(mark.get("points", 0)), manual, index))
    return found


def is_as_released(cell: Any, checksum: str | None) -> bool:
    """nbgrader's rule for "no response": the answer has the ``checksum`` that nbgrader gave to what it released."""
    if checksum is None:
        return False
    bare = from_dict({key: cell[key] for key in ("cell_type", "source", "metadata")})
    try:
        return bool(compute_checksum(bare) == checksum)
    except UnicodeEncodeError:  # half a character, which no release has
        return False


def check_grade_ids(nb: Any, where: str | os.PathLike[str]) -> None:
    """CourseError if two cells have the same grade_id: marks of one would be given to the other."""
    cells: dict[str, list[str]] = {}
    for number, cell in enumerate(nb["cells"], 1):
        if mark := nbgrader_mark(cell):
            cells.setdefault(mark["grade_id"], []).append(f"{number} ({cell['id']})")
    for grade_id, places in cells.items():
        if len(places) > 1:
            numbers = " and ".join(places)
            raise CourseError(f"{where}: grade_id {grade_id!r} is used by cells {numbers}: give each its own.")


def plain(nb: Any) -> Notebook:
    """A copy of the notebook in dicts, lists and texts only."""
    result: Notebook = json.loads(json.dumps(nb))
    return result
