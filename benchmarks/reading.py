"""What it takes to read what strangers send and what was recorded; tests count the same work in calls."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nbseal.course import Course
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.notebook import make_template, read, rebuild
from nbseal.notebook.sanitising import sanitise_html
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from tests.samples import ROOT

HOSTILE = (
    "<div>" * 200_000, '<div ">' * 50_000, "<b><p>" * 50_000, "<table><tr><td>" * 30_000, "<svg><title>" * 50_000,
    "<a href=#a>" * 50_000, "<!--" * 100_000, "<p " + "a=1 " * 50_000 + ">",
)  # fmt: skip
PICTURE = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo=" * 1000}}


def rebuild_ms(assignment: str = "01-gates") -> float:
    """Median milliseconds of processor time to read a notebook with saved pictures, and to rebuild it."""
    course = Course(ROOT)
    template = make_template(course.assignment(assignment).template_path(assignment), course.config)
    cells = [
        {**cell, "outputs": [PICTURE], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in template["cells"]
    ]
    data = json.dumps({**template, "cells": cells}).encode()
    return 1e3 * statistics.median(_seconds(lambda: rebuild(template, read(data).nb)) for _ in range(9))


def ledger_ms(folder: Path, count: int = 1000) -> float:
    """Milliseconds of processor time to look at ``count`` entries of a ledger."""
    tests = tuple(TestResult(f"Line {number}", Outcome.PASSED, "ok") for number in range(20))
    card = Scorecard("mini", "s", "namespaces", 0.25, (QuestionResult("q", 2.0, 3.0, Status.GRADED, tests),))
    ledger = Ledger(folder)
    for number in range(count):
        student = f"s{number}"
        ledger.announce(Entry("digest", replace(card, student=student), {"mini": 100}))
        ledger.publish(student)
    return 1e3 * _seconds(ledger.entries)


def markup_seconds() -> float:
    """Seconds of processor time for the worst of some texts that are nested without end."""
    return max(_seconds(lambda html=html: sanitise_html(html)) for html in HOSTILE)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
