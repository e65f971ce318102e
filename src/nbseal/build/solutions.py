"""The instructor's notebook executed from top to bottom, with its figures."""

from __future__ import annotations

import base64
import binascii
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import ClearMarkScheme, ClearOutput, IncludeHeaderFooter, LockCells

from nbseal.build.assignment_files import BYPRODUCTS, Files, read_files, source_files
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import digest_of
from nbseal.grading import execute
from nbseal.notebook import Notebook
from nbseal.notebook.grade_cells import plain
from nbseal.notebook.nbgrader_steps import apply, load_source
from nbseal.notebook.reading import assign_ids
from nbseal.sandbox import is_linux
from nbseal.sandbox.warm import WarmSettings

STAMP = "source_sha256"
LARGEST_WRITTEN_FILE = 1 << 20
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")


def make_solutions(course: Course, assignment: str) -> tuple[Files, list[str]]:
    """Run an assignment's source notebooks; return the files of solutions/ and what its author should look at.

    Every cell is run, those tagged ``skip-execution`` too. Files that the notebooks write are kept beside
    them, up to 1 MiB each. CourseError names the cell that raised.
    """
    files = source_files(course, assignment)
    stamp = digest_of(files)
    result, notes = dict(files), []
    for path in files:
        if "/" in path or not path.endswith(".ipynb"):
            continue
        nb = _prepare(course, assignment, path)
        given = {name: data for name, data in files.items() if not name.endswith(".ipynb")}
        executed, written = run(course, nb, given, _preloaded(course, assignment))
        _check(executed, f"{assignment}/{path}")
        notes += _clean(executed, path)
        executed["metadata"] = {**nb["metadata"], "nbseal": {STAMP: stamp}}
        result[path] = (nbformat.writes(nbformat.from_dict(executed)) + "\n").encode()
        for name, data in written.items():
            if len(data) <= LARGEST_WRITTEN_FILE:
                result[name] = data
            else:
                notes.append(f"{path} writes {name}, which is too large to keep ({len(data) >> 20} MiB)")
    return result, notes


def stamp_of(data: bytes) -> str | None:
    """The digest of the sources that a solution notebook was made from; None if it has none."""
    try:
        stamp = json.loads(data)["metadata"]["nbseal"][STAMP]
    except (ValueError, TypeError, LookupError):
        return None
    return stamp if isinstance(stamp, str) else None


def _prepare(course: Course, assignment: str, notebook: str) -> Any:
    """nbgrader's own steps to a solution, up to running it."""
    path = course.assignment(assignment).source / notebook
    nb = load_source(path)
    try:
        for step in (IncludeHeaderFooter, LockCells, ClearOutput, ClearMarkScheme):
            apply(step, nb, {}, course.config)
    except (RuntimeError, ValueError, LookupError, OSError) as error:
        raise CourseError(f"{path} can't be made into a solution: {error}") from error
    assign_ids(nb["cells"], "given")
    return nb


def _check(nb: Any, where: str) -> None:
    for cell in nb["cells"]:
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error" and "raises-exception" not in cell["metadata"].get("tags", ()):
                raise CourseError(
                    f"the solution of {where} fails in cell {cell['id']!r}: {output['ename']}: {output['evalue']}"
                )


def _clean(nb: Any, path: str) -> list[str]:
    """Take away what differs from run to run, and report what can't be taken away."""
    notes = []
    for cell in nb["cells"]:
        for key in ("execution", "ExecuteTime"):
            cell["metadata"].pop(key, None)
        where = f"{path}, cell {cell['id']!r}"
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = without_metadata(data["image/png"])
            if output.get("name") == "stderr":
                notes.append(f"{where} writes to stderr: {output['text'].strip().splitlines()[0][:80]}")
            if ADDRESS.search(str(output.get("text", "")) + str(data.get("text/plain", ""))):
                notes.append(f"{where} shows a memory address, which differs from run to run")
    return notes


def _preloaded(course: Course, assignment: str) -> WarmSettings:
    """What is called ahead where submissions are run, a data set say, is called here, too: it sees our environment."""
    calls = list(course.seal.preload_calls.get(assignment, []))
    return WarmSettings(support=str(course.assignment(assignment).source), preload_calls=calls)


def run(course: Course, nb: Any, files: Files, warm: WarmSettings | None = None) -> tuple[Notebook, Files]:
    """Run every cell among ``files``; return the executed notebook and the files that it wrote or changed."""
    executed, left = _run_unsealed(course, plain(nb), files, warm) if is_linux() else _run_in_kernel(plain(nb), files)
    return executed, {path: data for path, data in left.items() if files.get(path) != data}


def _run_unsealed(course: Course, nb: Notebook, files: Files, warm: WarmSettings | None) -> tuple[Notebook, Files]:
    """Run the notebook as a submission is run, but for the walls: a last cell of ours carries its files out."""
    with tempfile.TemporaryDirectory(prefix="nbseal-solution-") as scratch:
        kept = Path(scratch) / "kept"
        source = f"__import__('shutil').copytree('.', {str(kept)!r})"
        carrier = {"cell_type": "code", "id": "carrier", "metadata": {}, "source": source, "outputs": []}
        executed = execute(
            course, {**nb, "cells": [*nb["cells"], {**carrier, "execution_count": None}]}, files, warm=warm
        )
        left = read_files(kept, BYPRODUCTS) if kept.is_dir() else {}
    executed["cells"] = executed["cells"][:-1]
    return executed, left


def _run_in_kernel(nb: Notebook, files: Files) -> tuple[Notebook, Files]:
    from nbseal.build.kernel import run_in_kernel  # loads what Linux doesn't need

    return run_in_kernel(nb, files)


SIGNATURE = b"\x89PNG\r\n\x1a\n"
DROPPED = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME"})


def without_metadata(picture: str) -> str:
    """Return a base64 PNG without its text and time chunks (W3C PNG, section 11.3); other data as it is."""
    try:
        data = base64.b64decode("".join(picture.split()), validate=True)
    except binascii.Error:
        return picture
    if not data.startswith(SIGNATURE):
        return picture
    kept, at = [SIGNATURE], len(SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in DROPPED:
            kept.append(data[at:end])
        at = end
    return base64.b64encode(b"".join(kept)).decode()
