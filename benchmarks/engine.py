"""What the engine itself costs: processor time, the look at unchanged submissions, memory."""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.classes import sealed_course
from nbseal.course import Course, Seal
from nbseal.gradebook import Recorder
from nbseal.grading import Grader
from nbseal.sandbox import WarmProcess, choose_level

ASSIGNMENT = "01-gates"
MEASURE = """
import json, resource, sys, time
sys.modules.setdefault("rfc3987_syntax", None)
started = time.perf_counter()
from nbseal.course import Course
from nbseal.grading import grade_class
result = grade_class(Course("."), sys.argv[1])
print(json.dumps({
    "seconds": time.perf_counter() - started,
    "unchanged": sum(done.unchanged for done in result.done),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def own_cost(folder: Path, assignment: str, count: int) -> dict[str, float]:
    """Milliseconds of processor time a submission, of all processes: total, the student's cells, the rest.

    The rest is everything else: walls, forks, the hidden tests with what they call, scoring and recording.
    """
    course = Course(sealed_course(folder, assignment, count))
    with Recorder(course) as recorder:
        recorder.prepare(assignment)  # a new gradebook is made by a program of nbgrader's, once for a course
    before = _children()
    with Recorder(course) as recorder, Grader(course, assignment) as grader:
        recorder.prepare(assignment)
        folders = {name: course.folder("submitted", name, assignment) for name in course.students(assignment)}
        grader.grade("warm-up", next(iter(folders.values())))
        own, cells = time.process_time(), 0.0
        for student, path in folders.items():
            graded = grader.grade(student, path)
            cells += sum(graded.cell_cpu.values())
            recorder.save(graded)
        own = time.process_time() - own
    # what the forks used is known once both warm processes have ended; their start is measured apart and taken off
    used = _children() + own
    with Grader(course, assignment) as grader:
        grader.grade("warm-up", next(iter(folders.values())))
    start = _children() + own - used
    total = used - before - start
    return {"total": 1e3 * total / count, "cells": 1e3 * cells / count, "own": 1e3 * (total - cells) / count}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def isolated_own_cost(folder: Path, assignment: str, count: int) -> dict[str, float]:
    """``own_cost`` in a process of its own, so that no earlier child is counted."""
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.engine import own_cost; "
        "print(json.dumps(own_cost(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), assignment, str(count)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))  # a hidden test that reads data for the first time says so


def class_run(root: Path) -> dict[str, float]:
    """Grade the class in ``root`` once, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, ASSIGNMENT], cwd=root, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def seal_cost(count: int = 100) -> float:
    """Median milliseconds, wall time, to fork a sealed process, have it ready, and end it with all that it made."""
    with WarmProcess(Seal(), choose_level()).start() as warm:
        times = []
        for _ in range(count):
            started = time.perf_counter()
            process = warm.spawn()
            failure = process.run([], {}).failure
            process.end()
            times.append(1e3 * (time.perf_counter() - started))
            if failure:
                raise RuntimeError(failure)
    return statistics.median(times)


def large_class(folder: Path, count: int) -> Path:
    """A course with ``count`` submissions, copies of forty."""
    root = sealed_course(folder, ASSIGNMENT, 40)
    first = root / "submitted" / "s0000"
    for number in range(40, count):
        shutil.copytree(root / "submitted" / f"s{number % 40:04d}", first.with_name(f"s{number:04d}"))
    return root
