"""Whether `otter run` on our autograder gives the marks of `nbseal check`, for every sample submission.

``python -m benchmarks.otter_marks [ASSIGNMENT…] [--from N] [--step N] [--limit N] [--jobs N]``
hands each sample in as a zip, and exits with 1 if a mark differs. ``--step 10`` takes every tenth.

What runs is otter's own ``otter.run.main`` on the autograder's zip: it unpacks both, calls the plugin, runs the
notebook that the plugin leaves in a kernel, and writes results.json. Only what all samples share is made once: the
imports, and the grader that the plugin would start for each. With ``--command`` nothing is shared: each sample is a run
of the command `otter run`, which takes several times as long.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

from nbseal.course import Course
from nbseal.export.containers import grader_of
from nbseal.export.otter import export_otter
from nbseal.grading import Grader
from nbseal.results import Scorecard
from tests.samples import ROOT, Sample, load_samples

Marks = dict[str, float]
Run = Callable[[Path, Path, Path], None]


class Worker:
    """What one process keeps from sample to sample: the grader of `nbseal check`, and how otter is run."""

    current: Worker

    def __init__(self, folder: Path, assignment: str, command: bool) -> None:
        stack = ExitStack()
        Finalize(self, stack.close, exitpriority=1)
        self.zip = folder / "dist/autograder/autograder.zip"
        self.outside = stack.enter_context(Grader(Course(ROOT), assignment))
        self.run: Run = run_command
        if not command:
            self.run = run_here
            source = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
            with zipfile.ZipFile(self.zip) as archive:
                archive.extractall(source)
            keep_grader(stack.enter_context(grader_of(source)))

    @classmethod
    def start(cls, folder: Path, assignment: str, command: bool) -> None:
        """Begin the process's work; what otter prints for students is dropped."""
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        cls.current = cls(folder, assignment, command)


def main() -> int:
    """Compare, print a line for each difference and one for each assignment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignments", nargs="*", default=Course(ROOT).assignments())
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--command", action="store_true")
    chosen = parser.parse_args()
    different = 0
    for assignment in chosen.assignments:
        samples = load_samples(assignment)[chosen.first :: chosen.step][: chosen.limit]
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nbseal-otter-marks-") as name:
            folder = Path(name)
            export_otter(Course(ROOT), assignment, folder / "dist", [])
            with ProcessPoolExecutor(
                chosen.jobs,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=Worker.start,
                initargs=(folder, assignment, chosen.command),
            ) as pool:
                found = [line for line in pool.map(partial(compare, folder), samples) if line]
        different += len(found)
        seconds = time.monotonic() - started
        print("\n".join([*found, f"{assignment}: {len(samples)} compared, {len(found)} different"]), flush=True)
        print(f"  {seconds:.0f} s, {seconds / len(samples):.1f} s a sample", flush=True)
    return 1 if different else 0


def compare(folder: Path, sample: Sample) -> str:
    """What differs for one sample; empty if nothing does. What has no mark must have none there, either."""
    worker = Worker.current
    work = folder / sample.name
    sample.write(work)
    ours = marks_of(worker.outside.grade("", work).scorecard)
    submission = Path(shutil.make_archive(str(work), "zip", work))
    results = work.with_name(f"{work.name}-results")
    results.mkdir()
    worker.run(worker.zip, submission, results)
    theirs = marks_in(results / "results.json")
    return "" if ours == theirs else f"{sample.name}: nbseal {ours}, otter {theirs}"


def marks_of(card: Scorecard) -> Marks:
    """The marks that a machine has made."""
    return {one.grade_id: one.score for one in card.questions if one.score is not None}


def marks_in(results: Path) -> Marks:
    """The marks in results.json; none where otter made no results."""
    if not results.exists():
        return {}
    return {test["name"]: test["score"] for test in json.loads(results.read_text(encoding="utf-8"))["tests"]}


def keep_grader(grader: Grader) -> None:
    """Have the plugin use a grader that was started before, from the same zip, and leave it open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ipylab's, which otter imports
        from nbseal import otter_plugin
    otter_plugin.grader_of = lambda source: nullcontext(grader)  # type: ignore[assignment]


def run_here(autograder: Path, submission: Path, results: Path) -> None:
    """Run otter's own function; where it fails it leaves no results, which is for the comparison to judge."""
    import otter.run

    path = os.environ["PATH"]
    os.environ["PATH"] = with_our_programs(path)
    try:
        with contextlib.suppress(Exception):
            otter.run.main(str(submission), autograder=str(autograder), output_dir=str(results), no_logo=True)
    finally:
        os.environ["PATH"] = path


def run_command(autograder: Path, submission: Path, results: Path) -> None:
    """Run the command `otter run` in a process of its own."""
    command = [sys.executable, "-m", "otter", "run", "-a", str(autograder), "-o", str(results), "--no-logo"]
    environment = {**os.environ, "PATH": with_our_programs(os.environ.get("PATH", ""))}
    subprocess.run([*command, str(submission)], env=environment, capture_output=True, check=False)


def with_our_programs(path: str) -> str:
    """A search path on which the programs of this environment come first: otter starts a kernel by its name."""
    return f"{Path(sys.executable).parent}{os.pathsep}{path}"


if __name__ == "__main__":
    sys.exit(main())
