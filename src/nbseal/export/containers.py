"""Grades the one submission that a grading container holds, whatever the folder around the notebook is called."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import CourseError, SubmissionError
from nbseal.export.bundle import COURSE, SETTINGS
from nbseal.grading import Grader
from nbseal.grading.submission import Submission
from nbseal.notebook import Notebook
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.reading import Cell
from nbseal.results import Scorecard

CHECK = 'grader.check("{}")'
OTTER_CELLS = frozenset({"otter-start", "otter-hand-in-text", "otter-hand-in"})


def settings_of(source: Path) -> dict[str, str]:
    """What was exported into a container's source folder; CourseError if that isn't there."""
    try:
        return dict(json.loads((source / SETTINGS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(f"{source / SETTINGS} can't be read ({error}): export the autograder again.") from error


def grader_of(source: Path) -> Grader:
    """A grader for the assignment that was exported into a container's source folder."""
    return Grader(Course(source / COURSE), settings_of(source)["assignment"])


def grade_folder(grader: Grader, folder: Path, ignored: Collection[str] = ()) -> Scorecard:
    """Grade what was handed in; files with a path that begins with one of ``ignored`` are the container's own."""
    try:
        handed_in = grader.read(folder)
    except SubmissionError:
        return grader.grade("", folder).scorecard  # it meets the same trouble, and says so on a scorecard
    files = {path: data for path, data in handed_in.files.items() if not path.startswith(tuple(ignored))}
    submission = grader.recognise(replace(handed_in, files=files))
    return grader.grade_submission("", _from_otter(grader, submission)).scorecard


def _from_otter(grader: Grader, submission: Submission) -> Submission:
    """Turn notebooks that were made for otter's client back: its cells would only be noted as strange.

    Marks don't depend on it, since a submission is rebuilt on the template anyway.
    """
    templates = {plan.name: plan.template for plan in grader.plan.notebooks}
    notebooks = {}
    for name, reading in submission.notebooks.items():
        cells = _without_checks(reading.nb, templates[name])
        notebooks[name] = replace(reading, nb={**reading.nb, "cells": cells})
    return replace(submission, notebooks=notebooks)


def _without_checks(nb: Notebook, template: Notebook) -> list[Cell]:
    sources = {mark["grade_id"]: cell["source"] for cell in template["cells"] if (mark := nbgrader_mark(cell))}
    cells = []
    for cell in nb["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if cell["source"].strip() == CHECK.format(grade_id):
            cell = {**cell, "source": sources.get(grade_id, cell["source"])}
        if cell["id"] not in OTTER_CELLS:
            cells.append(cell)
    return cells
