"""The instructor's notebook executed from top to bottom, with its figures."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import ClearMarkScheme, ClearOutput

from nbseal.build.assignment_files import BYPRODUCTS, Files, read_files, source_files
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import digest_of
from nbseal.grading import execute
from nbseal.grading.plan import warm_settings
from nbseal.notebook import Notebook
from nbseal.notebook.grade_cells import plain
from nbseal.notebook.nbgrader_steps import apply, complete, load_source
from nbseal.notebook.outputs import failure
from nbseal.sandbox import is_linux

STAMP = "source_sha256"
LARGEST_WRITTEN_FILE = 1 << 20
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
OnCell = Callable[[str, int, int], None]  # the notebook, how many cells it has, and the index of the one that is done


@dataclass
class Notes:
    """What an author should look at: cells that fail, and other things."""

    failures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def make_solutions(course: Course, assignment: str, on_cell: OnCell | None = None) -> tuple[Files, Notes]:
    """Run an assignment's source notebooks; return the files of solutions/ and what its author should look at.

    Every cell is run, those tagged ``skip-execution`` too. Files that the notebooks write are kept beside
    them, up to 1 MiB each. Cells that raise are named in the notes, unless a tag says that they may.
    """
    files = source_files(course, assignment)
    stamp = digest_of(files)
    result, notes = dict(files), Notes()
    for path in files:
        if "/" in path or not path.endswith(".ipynb"):
            continue
        nb = _prepare(course, assignment, path)
        given = {name: data for name, data in files.items() if not name.endswith(".ipynb")}
        told = partial(on_cell, path, len(nb["cells"])) if on_cell else None
        executed, written = run(course, nb, given, assignment, told)
        failed = (failure(cell) for cell in executed["cells"])
        notes.failures += [f"{path}: {one[0]}, fails in the solution: {one[1]}" for one in failed if one]
        notes.others += _clean(executed, path)
        executed["metadata"] = {**nb["metadata"], "nbseal": {STAMP: stamp}}
        result[path] = (nbformat.writes(nbformat.from_dict(executed)) + "\n").encode()
        for name, data in written.items():
            if len(data) <= LARGEST_WRITTEN_FILE:
                result[name] = data
            else:
                notes.others.append(f"{path} writes {name}, which is too large to keep ({len(data) >> 20} MiB)")
    return result, notes


def lacking(course: Course, assignment: str) -> str:
    """What a solution needs and this machine lacks, in the words of the function in c.Sources.solution_needs.

    Empty where nothing is lacking or no function is named; CourseError if the function can't be called.
    """
    named = course.sources.solution_needs.get(assignment, "")
    module, _, function = named.partition(":")
    if not function:
        return ""
    call = f"import {module}; print({module}.{function}(), end='')"
    folder = course.assignment(assignment).source
    done = subprocess.run([sys.executable, "-B", "-c", call], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip() or "it ended without a message").splitlines()[-1]
        raise CourseError(f"{named} of {folder}, which c.Sources.solution_needs names, failed: {why}")
    return done.stdout.strip()


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
    complete(nb, path, course.config)
    try:
        for step in (ClearOutput, ClearMarkScheme):
            apply(step, nb, {}, course.config)
    except (RuntimeError, ValueError, LookupError, OSError) as error:
        raise CourseError(f"{path} can't be made into a solution: {error}") from error
    return nb


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


def run(
    course: Course, nb: Any, files: Files, assignment: str, on_cell: Callable[[int], None] | None = None
) -> tuple[Notebook, Files]:
    """Run every cell among ``files``; return the executed notebook and the files that it wrote or changed."""
    if is_linux():
        executed, left = _run_unsealed(course, plain(nb), files, assignment, on_cell)
    else:
        executed, left = _run_in_kernel(plain(nb), files, course.sources.cell_seconds)
    return executed, {path: data for path, data in left.items() if files.get(path) != data}


def _run_unsealed(
    course: Course, nb: Notebook, files: Files, assignment: str, on_cell: Callable[[int], None] | None
) -> tuple[Notebook, Files]:
    """Run the notebook as a submission is run, but for the walls: a last cell of ours carries its files out.

    So it sees what c.Seal.preload_calls loads, the real data among it, which grading sees, too.
    """
    with tempfile.TemporaryDirectory(prefix="nbseal-solution-") as scratch:
        kept = Path(scratch) / "kept"
        source = f"__import__('shutil').copytree('.', {str(kept)!r})"
        carrier = {"cell_type": "code", "id": "carrier", "metadata": {}, "source": source, "outputs": []}
        whole = {**nb, "cells": [*nb["cells"], {**carrier, "execution_count": None}]}
        warm = warm_settings(course, course.assignment(assignment))
        executed = execute(course, whole, files, warm=warm, on_cell=on_cell)
        left = read_files(kept, BYPRODUCTS) if kept.is_dir() else {}
    executed["cells"] = executed["cells"][:-1]
    return executed, left


def _run_in_kernel(nb: Notebook, files: Files, cell_seconds: float) -> tuple[Notebook, Files]:
    from nbseal.build.kernel import run_in_kernel  # loads what Linux doesn't need

    return run_in_kernel(nb, files, cell_seconds)


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
