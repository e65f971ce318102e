"""Has tricks of single submissions (tricks.py) graded, beside honest neighbours, and says what became of each."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

from nbseal.course import Course
from nbseal.grading import processes, readers
from nbseal.grading.grader import BEYOND, Grader
from nbseal.notebook.rendering import render
from nbseal.results import GradedSubmission
from tests.courses import adopting_orphans, wait_until
from tests.hostile.machine import state_of
from tests.hostile.tricks import Trick
from tests.mini import code, make_course, mini_cells, notebook, write

MEMORY, DISK, OUTPUT = 128, 16, 256  # MiB, MiB, KiB
BESIDE = 80  # MiB: what nobody is asked about, and what is taken between two looks
HIDDEN = 48_151_623  # what a hidden call is told
STALL = 1  # seconds of processor time in the process that reads a submission
STALLED = re.compile(f"{BEYOND}|the process that read the submission has ended")
LARGEST = 4 * OUTPUT << 10  # characters of a recorded notebook
JOBS = 3
HONEST_EVERY = 10
HELD = re.compile(r"held (\d+) MiB of (memory|disk)")
CROWD = re.compile(r"crowd;(.*)")
SETTINGS = f"""
c.Seal.memory_mib = {MEMORY}
c.Seal.disk_mib = {DISK}
c.Seal.output_kib = {OUTPUT}
c.Seal.cell_seconds = 4.0
c.Seal.processes = 24
c.Seal.control_groups = False
c.Seal.level = {{level!r}}
"""
GRADER = f'''
import numpy as np
import pytest


@pytest.mark.question("double")
def test_doubles(student):
    """It doubles a number."""
    assert student.call("double", {HIDDEN}, timeout=1.0) == {2 * HIDDEN}, "double(x) should be 2 * x."


@pytest.mark.question("number")
def test_number(student):
    """The number is 42."""
    number = float(np.ravel(student.value("answer"))[0])
    assert number == 42, f"Your number is {{number:.0f}}."
'''
ACTING = frozenset(("script", "iframe", "object", "embed", "form", "button", "link", "meta", "base", "style"))


def found_by(tried: Sequence[Trick], level: str, base: Path) -> dict[int, list[str]]:
    """What each trick has reached that it must not, by its number; -1 stands for what was left at the end of all.

    ``level`` is that of the settings.
    """
    root = make_course(base / "course", GRADER)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(level=level))
    names = {number: f"s{number}" for number in range(len(tried))}
    for number, name in names.items():
        hand_in(root, name, tried[number])
    hand_in(root, "honest", None)
    found: dict[int, list[str]] = {}
    with adopting_orphans():
        before = state_of(base, [], [os.getpid()])
        with (
            mock.patch.object(readers, "READ_SECONDS", STALL),
            mock.patch.object(readers, "SLACK_SECONDS", 0),
            mock.patch.object(processes, "can_fork", return_value=True),  # what is off here, is off there
            Grader(Course(root), "mini") as grader,
            ThreadPoolExecutor(JOBS) as pool,
        ):
            grader.readers()  # as long as no thread of the pool holds a lock
            done = pool.map(lambda number: _tried(grader, root, names[number], number), names)
            found = {number: what for number, what in zip(names, done, strict=True) if what}
        wait_until(lambda: state_of(base, [], [os.getpid()]) == before, 10.0)
        after = state_of(base, [], [os.getpid()])
    if left := [f"left behind: {one}" for kind in after for one in after[kind] - before[kind]]:
        found[-1] = left
    return found


def hand_in(root: Path, student: str, trick: Trick | None) -> None:
    """Write a submission whose answers are wrong, with a trick; or, without one, one whose answers are right."""
    cells = mini_cells()
    if trick:
        wrong = {"double-answer": trick.double, "number-answer": trick.answer, "plain-answer": "flag = False"}
        for cell in cells:
            cell["source"] = wrong.get(cell["id"], cell["source"])
        cells.insert(1, code("trick", trick.source))
    nb = notebook(cells)
    names = {"nb": nb, "cells": cells, "mark": lambda which: cells[which]["metadata"]["nbgrader"]}
    for edit in trick.edits if trick else ():
        with suppress(LookupError, AttributeError, TypeError):  # the cell is gone, or its mark is odd by now
            exec(edit, names)
    path = root / "submitted" / student / "mini" / "mini.ipynb"
    path.parent.mkdir(parents=True)
    write(path, nb)


def _tried(grader: Grader, root: Path, name: str, number: int) -> list[str]:
    """What a trick has reached; every now and then also what an honest neighbour has lost meanwhile."""
    graded = grader.grade(name, root / "submitted" / name / "mini")
    what = [*reached(graded), *(["stalled"] if STALLED.search(" ".join(graded.scorecard.problems)) else [])]
    if number % HONEST_EVERY == 0:
        card = grader.grade("honest", root / "submitted" / "honest" / "mini").scorecard
        what += [] if card.score == 7 else [f"a neighbour got {card.score}: {card.problems}"]
    return what


def reached(graded: GradedSubmission) -> list[str]:
    """What a graded submission, of which every answer is wrong, has reached."""
    card = graded.scorecard
    what = [f"not earned: {one.score} for {one.grade_id}" for one in card.questions if one.score]
    page = json.dumps(graded.notebooks)
    if str(HIDDEN) in f"{page} {card}":
        what.append("a hidden input crossed")
    if len(page) > LARGEST:
        what.append(f"recorded: {len(page)} characters")
    said = "".join(out.get("text", "") for cell in cells_of(graded) for out in cell.get("outputs", ()))
    if held := HELD.search(said):
        limit = MEMORY if held[2] == "memory" else DISK
        what += [held[0]] if int(held[1]) > limit + BESIDE else []
    if (crowd := CROWD.search(said)) and set(crowd[1].split(";")) - {"19 True"}:
        what.append(f"not in the background, or not in one session: {crowd[1]}")
    return what + [f"acts in a page: {one}" for one in acting(graded)]


def cells_of(graded: GradedSubmission) -> list[dict[str, Any]]:
    """All cells of what is recorded."""
    return [cell for nb in graded.notebooks.values() for cell in nb["cells"]]


def acting(graded: GradedSubmission) -> list[str]:
    """What in outputs and in texts would do more than show something, by a reader that knows nothing of the cleaner."""
    reader = _Acting()
    for cell in cells_of(graded):
        if cell["cell_type"] == "markdown":
            reader.feed(render(cell["source"]))
        for out in cell.get("outputs", ()):
            data = out.get("data", {})
            reader.feed(data.get("text/html", "") + data.get("image/svg+xml", ""))
    reader.close()
    return reader.found


class _Acting(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note tags that act, handlers of events, and addresses that are programs."""
        handlers = [name for name, _ in attrs if name.startswith("on") or name in ("srcdoc", "formaction")]
        programs = [name for name, value in attrs if "javascript:" in re.sub(r"\s", "", value or "").lower()]
        if tag in ACTING or handlers or (programs and {"href", "src", "xlink:href"} & set(programs)):
            self.found.append(f"{tag} {handlers + programs}")
