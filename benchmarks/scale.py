"""``python -m benchmarks.scale``: a cluster beside this machine, and large classes; keeps the table in docs/scale.md.

Every class is graded by the whole command, in an order in which what is compared is measured in turns. A rate is that
between the first scorecard and the last, so the start counts for neither side.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import monotonic

from tests.clusters import Cluster
from tests.courses import copy_course
from tests.mini import hand_in, make_course
from tests.samples import base_notebook

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- figures: python -m benchmarks.scale -->\n", "<!-- end of figures -->"
BUSY = "import time\nuntil = time.process_time() + {}\nwhile time.process_time() < until:\n    pass\nanswer = 42"
RUNS = 3
THEIRS = 10  # pages that nbgrader makes, to multiply up
CANVAS = ("Student,ID,SIS User ID,SIS Login ID,Section,mini (1)", "    Points Possible,,,,,7")
SECTIONS = ("local", "two", "large", "commands", "pages")
GATES = "01-gates"  # the course's lightest assignment
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Run:
    """One class graded: submissions a second, seconds of the whole command and of processor time, MiB held at most."""

    rate: float
    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--light", type=int, default=100, help="submissions that take a moment")
    parser.add_argument("--heavy", type=int, default=24, help="submissions that take half a processor second")
    parser.add_argument("--large", type=int, default=1000, help="submissions of a large class")
    parser.add_argument("--gates", type=int, default=100, help=f"submissions of {GATES}")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=SECTIONS, help="what is measured")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbseal-scale-") as name:
        folder = Path(name)
        light, heavy = classes(folder, options.light, ""), classes(folder, options.heavy, BUSY.format(0.5))
        large = classes(folder, options.large, "")
        gates = gates_class(folder, options.gates)
        for kind, section in (
            ("local", beside_local(folder / "beside", light, "light")),
            ("local", beside_local(folder / "beside-gates", gates, GATES)),
            ("local", beside_local(folder / "beside-heavy", heavy, "half a second")),
            ("two", two_workers(folder / "two-heavy", heavy, "half a second", "≥ 1.8 times")),
            ("two", two_workers(folder / "two", light, "light", "reported")),
            ("large", large_class(folder / "large", light, large)),
            ("commands", commands(folder / "commands", large)),
            ("pages", pages(folder / "pages", gates)),
        ):
            for row in section if kind in options.only else ():
                print("  ".join(row), flush=True)
                rows.append(row)
                keep(rows)


def classes(folder: Path, count: int, answer: str) -> Path:
    """A class of so many submissions, of which each runs ``answer`` besides."""
    root = make_course(folder / f"class-{count}-{len(answer)}")
    for number in range(count):
        hand_in(root, f"s{number:05}", **({"number_answer": answer} if answer else {}))
    return root


def gates_class(folder: Path, count: int) -> Path:
    """A class of so many right submissions of a real assignment; no two have an answer that is the same text."""
    root = copy_course(folder / f"gates-{count}", [GATES])
    solved = json.loads(base_notebook(GATES, "solution"))
    sources = [cell["source"] for cell in solved["cells"]]
    for number in range(count):
        for cell, source in zip(solved["cells"], sources, strict=True):
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                cell["source"] = f"# s{number:05}\n{source}"
        path = root / "submitted" / f"s{number:05}" / GATES / f"{GATES}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(solved), encoding="utf-8")
    return root


def graded(untouched: Path, folder: Path, *arguments: str) -> Run:
    """Grade a fresh copy of a class by the command."""
    root = shutil.copytree(untouched, folder)
    started = monotonic()
    command = [sys.executable, "-m", "nbseal.cli", "grade", assignment_of(root), *arguments]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    said = [(monotonic(), line) for line in process.stdout]
    times = [moment for moment, line in said if line.endswith(" s)\n")]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "".join(line for _, line in said)
    shutil.rmtree(root)
    seconds, processor = monotonic() - started, usage.ru_utime + usage.ru_stime
    return Run((len(times) - 1) / (times[-1] - times[0]), seconds, processor, usage.ru_maxrss / 1024)


def beside_local(folder: Path, untouched: Path, what: str) -> Iterator[Row]:
    """One worker beside this machine's own threads, as many jobs on the same processors."""
    jobs = len(os.sched_getaffinity(0)) + 1
    folder.mkdir()
    with Cluster(folder) as cluster:
        cluster.start_worker(jobs=jobs)
        graded(untouched, folder / "first", "--scheduler", cluster.address)  # starts its grader
        pairs = [
            (
                graded(untouched, folder / "here", "--jobs", str(jobs)).rate,
                graded(untouched, folder / "there", "--scheduler", cluster.address).rate,
            )
            for _ in range(RUNS)
        ]
    here, there = (median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = median(pair[1] / pair[0] for pair in pairs)
    name = f"{count_of(untouched)} {what} submissions, {jobs} jobs on the same processors"
    yield name, f"{here:.1f} a second here, {there:.1f} on Dask", f"{ratio:.2f} times", "≥ 0.85 times"


def two_workers(folder: Path, untouched: Path, what: str, goal: str) -> Iterator[Row]:
    """One worker with one job, and two of them, each on a processor of its own."""
    folder.mkdir()
    own = sorted(os.sched_getaffinity(0))[:2]
    with ExitStack() as stack:
        clusters = []
        for count in (1, 2):
            (folder / str(count)).mkdir()
            cluster = stack.enter_context(Cluster(folder / str(count)))
            for processor in own[:count]:
                cluster.start_worker(preload=f"import os\nos.sched_setaffinity(0, {{{processor}}})\n")
            graded(untouched, folder / "first", "--scheduler", cluster.address)
            clusters.append(cluster)
        pairs = [
            [graded(untouched, folder / "class", "--scheduler", cluster.address).rate for cluster in clusters]
            for _ in range(RUNS)
        ]
    one, two = (median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = median(pair[1] / pair[0] for pair in pairs)
    name = f"{count_of(untouched)} {what} submissions, 1 → 2 workers with a job and a processor each"
    yield name, f"{one:.1f} a second, {two:.1f} a second", f"{ratio:.2f} times", goal


def large_class(folder: Path, small: Path, large: Path) -> Iterator[Row]:
    """Time each and the client's memory, for a small class and a large one."""
    folder.mkdir()
    with Cluster(folder) as cluster:
        cluster.start_worker(jobs=len(os.sched_getaffinity(0)) + 1)
        runs = [(one, graded(one, folder / "class", "--scheduler", cluster.address)) for one in (small, large)]
    (count, first), (more, second) = ((count_of(one), run) for one, run in runs)
    each = (second.processor - first.processor) / (more - count)
    yield "sending, reading back and recording one of them", f"{1000 * each:.0f} ms of processor time here", "", ""
    for untouched, run in runs:
        name = f"{count_of(untouched)} light submissions on Dask"
        measured = f"{1000 / run.rate:.0f} ms each, whole command {run.seconds:.1f} s, {run.memory:.0f} MiB here"
        yield name, measured, f"{first.rate / run.rate:.2f} times the first", "within 15 %"


def commands(folder: Path, untouched: Path) -> Iterator[Row]:
    """What is done with a large class besides: graded here, and again, report, exports, pages."""
    root, count = shutil.copytree(untouched, folder), count_of(untouched)
    students = [one.name for one in (root / "submitted").iterdir()]
    lines = [f"{student},{number},,{student},," for number, student in enumerate(students)]
    (root / "canvas.csv").write_text("\n".join([*CANVAS, *lines, ""]))
    seconds, memory = timed(root, "grade", "mini")
    yield f"{count} light submissions here", f"{1000 * seconds / count:.0f} ms each, {memory:.0f} MiB", "", ""
    for what, goal, arguments in (
        ("graded again, all unchanged", "≤ 30 s", ("grade", "mini")),
        ("report", "≤ 30 s", ("report", "mini")),
        ("export csv", "≤ 30 s", ("export", "csv")),
        ("export moodle", "≤ 30 s", ("export", "moodle", "mini")),
        ("export canvas", "≤ 30 s", ("export", "canvas", "mini", "canvas.csv")),
    ):
        seconds, memory = timed(root, *arguments)
        yield f"the same {count}: {what}", f"{seconds:.1f} s, {memory:.0f} MiB", "", goal


def pages(folder: Path, untouched: Path) -> Iterator[Row]:
    """Feedback pages of a real assignment, beside nbgrader's command."""
    root, count, assignment = shutil.copytree(untouched, folder), count_of(untouched), assignment_of(untouched)
    timed(root, "grade", assignment)
    seconds, memory = timed(root, "feedback", assignment)
    shutil.rmtree(root / "feedback")
    one_digit = "--CourseDirectory.student_id=s0000[0-9]"
    stock = [sys.executable, "-m", "nbgrader", "generate_feedback", assignment, one_digit]
    started = monotonic()
    done = subprocess.run(stock, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    each = (monotonic() - started) / THEIRS
    ratio = each * count / seconds
    what = (
        f"{1000 * seconds / count:.0f} ms each, {memory:.0f} MiB; nbgrader takes {1000 * each:.0f} ms, "
        f"measured on {THEIRS}"
    )
    yield f"feedback pages of {count} submissions of {assignment}", what, f"{ratio:.1f} times as fast", "≥ 10 times"


def timed(root: Path, *arguments: str) -> tuple[float, float]:
    """Seconds that a command takes, and MiB that it holds at most."""
    started = monotonic()
    process = subprocess.Popen([sys.executable, "-m", "nbseal.cli", *arguments], cwd=root, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return monotonic() - started, usage.ru_maxrss / 1024


def assignment_of(untouched: Path) -> str:
    """The assignment that was handed in."""
    return next((untouched / "submitted").glob("*/*")).name


def count_of(untouched: Path) -> int:
    """How many submissions a class has."""
    return len(list((untouched / "submitted").iterdir()))


def keep(rows: list[Row]) -> None:
    """Put the table in its place on the page."""
    lines = ["| what | measured | ratio | goal |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    load = os.getloadavg()[1]
    where = (
        f"{len(os.sched_getaffinity(0))} processors, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    lines += ["", f"Medians of {RUNS} runs in turns; {where}; the machine's load was {load:.1f}."]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text("{}{}\n{}\n\n{}{}".format(before, BEGIN, "\n".join(lines), END, after), encoding="utf-8")


if __name__ == "__main__":
    main()
