"""Whether `otter run` on our autograder gives the marks of `nbseal check`, for every sample submission.

``python -m benchmarks.otter_marks [ASSIGNMENT…] [--step N] [--jobs N]`` hands each sample in as a zip, and exits with 1
if a mark differs. ``--step 10`` takes every tenth.
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
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from nbseal.course import Course
from nbseal.export.otter import export_otter
from nbseal.grade import Grader
from nbseal.results import Status
from tests.samples import ROOT, Sample, load_samples


def main() -> int:
    """Compare, print a line for each difference and one for each assignment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignments", nargs="*", default=Course(ROOT).assignments())
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    different = 0
    for assignment in chosen.assignments:
        samples = load_samples(assignment)[:: chosen.step]
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nbseal-otter-marks-") as name:
            folder = Path(name)
            export_otter(Course(ROOT), assignment, folder / "dist", [])
            with Grader(Course(ROOT), assignment) as grader, ThreadPoolExecutor(chosen.jobs) as pool:
                lines = list(pool.map(partial(compare, grader, folder), samples))
        found = [line for line in lines if line]
        different += len(found)
        print("\n".join([*found, f"{assignment}: {len(samples)} compared, {len(found)} different"]), flush=True)
        print(f"  {(time.monotonic() - started) / len(samples):.1f} s a sample", flush=True)
    return 1 if different else 0


def compare(grader: Grader, folder: Path, sample: Sample) -> str:
    """What differs for one sample; empty if nothing does."""
    work = folder / sample.name
    sample.write(work)
    card = grader.grade("", work).scorecard
    ours = {one.grade_id: one.score for one in card.questions if one.status is Status.GRADED}
    submission = shutil.make_archive(str(folder / sample.name), "zip", work)
    results = folder / f"{sample.name}-results"
    results.mkdir()
    command = [sys.executable, "-m", "otter", "run", "-a", str(folder / "dist/autograder/autograder.zip")]
    done = subprocess.run(
        [*command, "-o", str(results), "--no-logo", submission],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    path = results / "results.json"
    if not path.exists():
        # a submission without any mark must have no results either
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return "" if not ours else f"{sample.name}: otter run failed: {last}"
    tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
    theirs = {test["name"]: test["score"] for test in tests}
    return "" if ours == theirs else f"{sample.name}: nbseal {ours}, otter {theirs}"


if __name__ == "__main__":
    sys.exit(main())
