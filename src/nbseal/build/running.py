"""Run an instructor's notebook, and keep the files that it writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nbseal.build.files import Files, read_files
from nbseal.course import Course
from nbseal.grade import execute
from nbseal.notebook import Notebook
from nbseal.notebook.template import plain

BYPRODUCTS = ["__pycache__", ".*", "*.pyc", "fontlist-v*.json"]


def run(course: Course, nb: Any, files: Files) -> tuple[Notebook, Files]:
    """Run every cell among ``files``; return the executed notebook and the files that it wrote or changed.

    The notebook is the instructor's own and runs unsealed, so a last cell of ours may carry its files out.
    """
    nb = plain(nb)
    with tempfile.TemporaryDirectory(prefix="nbseal-solution-") as scratch:
        kept = Path(scratch) / "kept"
        source = f"__import__('shutil').copytree('.', {str(kept)!r})"
        carrier = {"cell_type": "code", "id": "carrier", "metadata": {}, "source": source, "outputs": []}
        executed = execute(course, {**nb, "cells": [*nb["cells"], {**carrier, "execution_count": None}]}, files)
        written = read_files(kept, BYPRODUCTS) if kept.is_dir() else {}
    executed["cells"] = executed["cells"][:-1]
    return executed, {path: data for path, data in written.items() if files.get(path) != data}
