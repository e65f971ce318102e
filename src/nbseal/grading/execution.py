"""Runs a notebook in a sealed process and puts the outputs where a kernel would have put them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbseal.course import Course
from nbseal.errors import SolutionFailed
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.outputs import clean_outputs
from nbseal.sandbox import NONE, SealedProcess, WarmProcess
from nbseal.sandbox.sealed import Run
from nbseal.sandbox.warm import WarmSettings

SKIP_TAG = "skip-execution"


def runnable(nb: dict[str, Any], skip_tagged: bool = True) -> list[tuple[int, str]]:
    """The cells that nbclient would run: code that isn't empty and isn't tagged ``skip-execution``."""
    return [
        (index, cell["source"])
        for index, cell in enumerate(nb["cells"])
        if cell["cell_type"] == "code"
        and cell["source"].strip()
        and not (skip_tagged and SKIP_TAG in cell["metadata"].get("tags", []))
    ]


def check_cells(nb: dict[str, Any]) -> dict[int, str]:
    """The question of each graded code cell, by the cell's index."""
    marks = [(index, nbgrader_mark(cell)) for index, cell in enumerate(nb["cells"]) if cell["cell_type"] == "code"]
    return {index: mark["grade_id"] for index, mark in marks if mark and mark.get("grade")}


def run_notebook(
    process: SealedProcess,
    nb: dict[str, Any],
    files: dict[str, bytes],
    skip_tagged: bool = True,
    on_cell: Callable[[int], None] | None = None,
) -> Run:
    """Run the cells of ``nb`` and store their outputs in it."""
    run = process.run(runnable(nb, skip_tagged), files, on_cell, check_cells(nb))
    for index, result in run.cells.items():
        if index < len(nb["cells"]) and nb["cells"][index]["cell_type"] == "code":
            cell = nb["cells"][index]
            cell["outputs"] = clean_outputs(result.outputs)
            cell["execution_count"] = result.execution_count
    return run


def execute(
    course: Course,
    nb: dict[str, Any],
    files: dict[str, bytes],
    skip_tagged: bool = False,
    warm: WarmSettings | None = None,
    on_cell: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Run an instructor's notebook, unsealed and with time to train, and return it with its outputs.

    ``on_cell`` is told the index of each cell that is done. SolutionFailed when it can't be run to its end; errors of
    single cells are among the outputs.
    """
    seal = course.seal.__class__(config=course.config)
    seal.cell_seconds, seal.notebook_seconds = course.sources.cell_seconds, 3600.0
    executed = {**nb, "cells": [dict(cell) for cell in nb["cells"]]}
    with WarmProcess(seal, NONE).start(warm) as warm_process:
        process = warm_process.spawn()
        run = run_notebook(process, executed, files, skip_tagged, on_cell)
        process.end()
    if run.failure:
        raise SolutionFailed(f"the notebook can't be executed: {run.failure}")
    return executed
