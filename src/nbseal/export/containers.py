"""Grades the one submission that a grading container holds, whatever the folder around the notebook is called."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import CourseError, SubmissionError
from nbseal.export.bundle import COURSE, SETTINGS
from nbseal.gradebook.autograded import notebook_bytes
from nbseal.grading import Grader
from nbseal.grading.submission import Submission, read_submission, walk
from nbseal.notebook import read
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.results import Scorecard, Status

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
        submission = _read(grader, folder)
    except SubmissionError:
        return grader.grade("", folder).scorecard  # it meets the same trouble, and says so on a scorecard
    files = {path: data for path, data in submission.files.items() if not path.startswith(tuple(ignored))}
    return grader.grade_submission("", _from_otter(grader, replace(submission, files=files))).scorecard


def is_unjudged(card: Scorecard) -> bool:
    """Whether nothing could be judged of what a machine judges."""
    judged = [question for question in card.questions if question.status is not Status.MANUAL]
    return bool(judged) and all(question.status is Status.NOT_JUDGED for question in judged)


def _read(grader: Grader, folder: Path) -> Submission:
    """Read a submission; the notebook may lie in a folder, and an assignment's only one may have another name."""
    names = grader.assignment.notebooks
    found = [path for path in walk(folder, []) if path.suffix == ".ipynb"]
    if any(path.parent == folder and path.stem in names for path in found):
        return grader.read(folder)
    roots = {path.parent for path in found if path.stem in names}
    if len(roots) == 1:
        return grader.read(roots.pop())
    if len(found) == 1 and len(names) == 1:
        path = found[0]
        submission = read_submission(path.parent, [path.stem], grader.course.seal.submission_mib)
        return replace(submission, notebooks=dict(zip(names, submission.notebooks.values(), strict=False)))
    submission = grader.read(folder)
    there = ", ".join(path.relative_to(folder).as_posix() for path in found[:5]) or "no notebook"
    problem = f"{' and '.join(f'{name}.ipynb' for name in names)} should be handed in; there was {there}"
    return replace(submission, problems=(*submission.problems, problem))


def _from_otter(grader: Grader, submission: Submission) -> Submission:
    """Turn notebooks that were made for otter's client back: its cells would only be noted as strange.

    Marks don't depend on it, since a submission is rebuilt on the template anyway.
    """
    notebooks, problems = dict(submission.notebooks), list(submission.problems)
    for plan in grader.plan.notebooks:
        data = notebooks.get(plan.name, b"")
        if CHECK.partition("(")[0].encode() not in data:
            continue
        try:
            reading = read(data, name=f"{plan.name}.ipynb")
        except SubmissionError:
            continue
        sources = {mark["grade_id"]: cell["source"] for cell in plan.template["cells"] if (mark := nbgrader_mark(cell))}
        cells = [cell for cell in reading.nb["cells"] if cell["id"] not in OTTER_CELLS]
        for cell in cells:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if cell["source"].strip() == CHECK.format(grade_id):
                cell["source"] = sources.get(grade_id, cell["source"])
        notebooks[plan.name] = notebook_bytes({**reading.nb, "cells": cells})
        problems += reading.problems
    return replace(submission, notebooks=notebooks, problems=tuple(problems))
