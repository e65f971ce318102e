"""Whether `otter run` on our autograder gives the marks of `nbseal check`, for every sample submission.

``python -m benchmarks.otter_marks [ASSIGNMENT…] [--step N] [--jobs N]`` hands each sample in as a zip, and exits with 1
if a mark differs. ``--step 10`` takes every tenth; ``--plugin`` calls the plugin's own function instead of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from nbseal.course import Course
from nbseal.export.containers import grader_of
from nbseal.export.otter import export_otter
from nbseal.grade import Grader
from nbseal.otter_plugin import SealedGrader, as_test_files
from nbseal.results import Scorecard
from tests.samples import ROOT, Sample, load_samples

Marks = dict[str, float]


def main() -> int:
    """Compare, print a line for each difference and one for each assignment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignments", nargs="*", default=Course(ROOT).assignments())
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plugin", action="store_true")
    chosen = parser.parse_args()
    different = 0
    for assignment in chosen.assignments:
        samples = load_samples(assignment)[:: chosen.step]
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nbseal-otter-marks-") as name:
            folder = Path(name)
            export_otter(Course(ROOT), assignment, folder / "dist", [])
            with ExitStack() as stack:
                grader = stack.enter_context(Grader(Course(ROOT), assignment))
                pool = stack.enter_context(ThreadPoolExecutor(chosen.jobs))
                their_marks = partial(marks_of_command, folder)
                if chosen.plugin:
                    with zipfile.ZipFile(folder / "dist/autograder/autograder.zip") as archive:
                        archive.extractall(folder / "source")
                    their_marks = partial(marks_of_plugin, stack.enter_context(grader_of(folder / "source")))
                lines = list(pool.map(partial(compare, grader, folder, their_marks), samples))
        found = [line for line in lines if line]
        different += len(found)
        print("\n".join([*found, f"{assignment}: {len(samples)} compared, {len(found)} different"]), flush=True)
        print(f"  {(time.monotonic() - started) / len(samples):.1f} s a sample", flush=True)
    return 1 if different else 0


def compare(grader: Grader, folder: Path, their_marks: Callable[[Path], Marks], sample: Sample) -> str:
    """What differs for one sample; empty if nothing does. What has no mark must have none there, either."""
    work = folder / sample.name
    sample.write(work)
    ours = marks_of(grader.grade("", work).scorecard)
    theirs = their_marks(work)
    return "" if ours == theirs else f"{sample.name}: nbseal {ours}, otter {theirs}"


def marks_of(card: Scorecard) -> Marks:
    """The marks that a machine has made."""
    return {one.grade_id: one.score for one in card.questions if one.score is not None}


def marks_of_command(folder: Path, work: Path) -> Marks:
    """The marks in results.json of ``otter run``; none where it makes no results."""
    submission = shutil.make_archive(str(work), "zip", work)
    results = work.with_name(f"{work.name}-results")
    results.mkdir()
    command = [sys.executable, "-m", "otter", "run", "-a", str(folder / "dist/autograder/autograder.zip")]
    subprocess.run(
        [*command, "-o", str(results), "--no-logo", submission],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        check=False,
    )
    path = results / "results.json"
    if not path.exists():
        return {}
    return {test["name"]: test["score"] for test in json.loads(path.read_text(encoding="utf-8"))["tests"]}


def marks_of_plugin(grader: Grader, work: Path) -> Marks:
    """The marks that the plugin gives to otter."""
    return {name: test.score for name, test in as_test_files(SealedGrader.grade(grader, work)).items()}


if __name__ == "__main__":
    sys.exit(main())
