"""What is said between who records and who grades, a reader or a cluster's worker: plain data, read back strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from nbseal.errors import WireError
from nbseal.gradebook.decisions import Decision, Decisions
from nbseal.grading.plan import Plan
from nbseal.grading.submission import HandedIn, Task
from nbseal.results import GradedSubmission, Scorecard
from nbseal.wire.parcel import open_parcel, parcel

MALFORMED = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
NOTEBOOK, FILE = "notebook ", "file "


def task_bytes(task: Task) -> bytes:
    """A task as it is sent; TooLarge if it is over the limits."""
    about = {
        "student": task.student,
        "left_out": task.handed_in.left_out,
        "misplaced": task.handed_in.misplaced,
        "decisions": [one.to_dict() for one in task.decisions.made],
        "seed": task.seed.hex(),
    }
    return parcel(about, task.handed_in.files)


def read_task(data: bytes) -> Task:
    """Read what ``task_bytes`` has made."""
    about, files = open_parcel(data)
    decisions = Decisions(tuple(map(Decision.from_dict, about["decisions"])))
    handed_in = HandedIn(files, about["left_out"], about["misplaced"])
    return Task(about["student"], handed_in, decisions, bytes.fromhex(about["seed"]))


def reply_bytes(graded: GradedSubmission, sent: Mapping[str, bytes]) -> bytes:
    """What became of a task. Files that were ``sent`` with it are not sent back; TooLarge if it is over the limits."""
    same = {path for path, data in graded.files.items() if sent.get(path) == data}
    about = {
        "scorecard": graded.scorecard.to_dict(),
        "digest": graded.digest,
        "same_files": sorted(same),
        "missing_notebooks": graded.missing_notebooks,
        "timestamp": graded.timestamp,
        "cell_cpu": dict(graded.cell_cpu),
        "tests_seconds": dict(graded.tests_seconds),
        "handed_in": graded.handed_in,
    }
    files = {f"{FILE}{path}": data for path, data in graded.files.items() if path not in same}
    notebooks = {f"{NOTEBOOK}{name}": json.dumps(nb).encode() for name, nb in graded.notebooks.items()}
    return parcel(about, notebooks | files)


def read_reply(data: Any, task: Task, plan: Plan) -> GradedSubmission:
    """What a worker made of ``task``; WireError for anything that isn't marks of this student for this assignment."""
    about, parts = open_parcel(data)
    sent = task.handed_in.files | plan.support
    if isinstance(about, dict) and "failed" in about:
        raise WireError(f"it failed: {about['failed']}")
    try:
        names = {one.name for one in plan.notebooks}
        notebooks = {name.removeprefix(NOTEBOOK): part for name, part in parts.items() if name.startswith(NOTEBOOK)}
        files = {name.removeprefix(FILE): part for name, part in parts.items() if name.startswith(FILE)}
        files |= {path: sent[path] for path in map(_text, about["same_files"])}
        missing = tuple(map(_text, about["missing_notebooks"]))
        if not names.issuperset({*notebooks, *missing}):
            raise WireError("it names notebooks that the assignment hasn't")
        return GradedSubmission(
            scorecard=_scorecard(about["scorecard"], task, plan),
            digest=_text(about["digest"]),
            notebooks={name: _notebook(part) for name, part in notebooks.items()},
            files=files,
            missing_notebooks=missing,
            timestamp=None if about["timestamp"] is None else _text(about["timestamp"]),
            cell_cpu=_seconds(about["cell_cpu"]),
            tests_seconds=_seconds(about["tests_seconds"]),
            handed_in=_text(about["handed_in"]),
        )
    except MALFORMED as error:
        raise WireError(f"it isn't a scorecard with notebooks: {type(error).__name__}") from error


def _scorecard(data: dict[str, Any], task: Task, plan: Plan) -> Scorecard:
    card = Scorecard.from_dict(data)
    texts = (card.seal, *card.problems, *card.decisions, *(one.cell for one in card.slowest))
    for question in card.questions:
        texts += question.told, *(text for test in question.tests for text in (test.name, test.message))
        _ = question.score is None or _number(question.score)
        for test in question.tests:
            texts += tuple(test.measured)
            if {*map(type, (test.credit, *test.measured.values()))} - {int, float}:  # measured may be no number, too
                raise TypeError("a number is missing")
    _ = [_text(text) for text in texts], _number(card.seconds), [_number(one.seconds) for one in card.slowest]
    asked = [(one.name, one.points) for notebook in plan.notebooks for one in notebook.questions]
    if [(one.grade_id, one.max_score) for one in card.questions] != asked:
        raise WireError("its questions are not the assignment's")
    if (card.student, card.assignment) != (task.student, plan.assignment.name):
        raise WireError("it is about somebody or something else")
    return card


def _notebook(data: bytes) -> dict[str, Any]:
    nb = json.loads(data)
    if {*map(type, (nb, *nb["cells"], nb["metadata"]))} != {dict} or type(nb["nbformat"]) is not int:
        raise WireError("a notebook has another form")
    return dict(nb)


def _seconds(data: dict[str, Any]) -> dict[str, float]:
    return {_text(name): _number(seconds) for name, seconds in data.items()}


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("a text is missing")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError("a number is missing")
    return float(value)
