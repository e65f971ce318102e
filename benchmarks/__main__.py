"""``make bench``: everything in one run; prints the table and keeps it in benchmarks/results.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import engine, mnist, reading, throughput
from nbseal.sandbox import choose_level

RESULTS = Path(__file__).with_name("results.md")
Row = tuple[str, str, str, str]
RUNS = 3  # of nbseal on the small class, which takes it a few seconds; its peers take a minute


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--submissions", type=int, default=40, help="size of the class that all tools grade")
    parser.add_argument("--otter", type=int, default=6, help="submissions that otter run grades, one after the other")
    parser.add_argument("--large", type=int, default=1000, help="size of the large class")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbseal-bench-") as name:
        folder = Path(name)
        stock = throughput.nbgrader_rate(folder / "nbgrader", options.submissions)
        for section in (
            speed(folder / "speed", options.submissions, options.otter, stock),
            pages(folder / "speed" / "nbseal-0", folder / "nbgrader", options.submissions),
            cost(folder / "cost", options.submissions),
            many(folder / "many", options.large, stock),
            networks(folder / "networks"),
            files(folder / "files"),
        ):
            for row in section:
                print("  ".join(row), flush=True)
                rows.append(row)
    RESULTS.write_text(table(rows), encoding="utf-8")
    print(f"\nkept in {RESULTS}")


def speed(folder: Path, count: int, otter: int, stock: throughput.Rate) -> Iterator[Row]:
    """nbseal beside its peers."""
    runs = [throughput.nbseal_rate(folder / f"nbseal-{number}", count) for number in range(RUNS)]
    ours = sorted(runs, key=lambda run: run.each)[RUNS // 2]
    other = throughput.otter_rate(folder / "otter", folder / "nbseal-0" / "submitted", otter)
    what = f"01-gates, {count} submissions, whole command, median of {RUNS} runs"
    yield what, f"{ours.each * 1e3:.0f} ms a submission", "nbseal grade", ""
    for name, theirs, goal in (("nbgrader autograde", stock, 15), ("otter run", other, 50)):
        differing = throughput.disagreements(ours, theirs)
        agreement = "same questions right" if not differing else f"{len(differing)} differ: {', '.join(differing[:5])}"
        factor = theirs.each / ours.each
        yield (
            f"the same for {theirs.count}, {name}",
            f"{theirs.each * 1e3:.0f} ms a submission",
            f"nbseal is {factor:.1f} times as fast; {agreement}",
            f"≥ {goal} times",
        )


def pages(ours: Path, stock: Path, count: int) -> Iterator[Row]:
    """Feedback pages of the classes that were graded above."""
    seconds = sorted(throughput.nbseal_pages(ours) for _ in range(RUNS))[RUNS // 2]
    theirs, same = throughput.nbgrader_pages(stock), throughput.nbgrader_pages(ours)
    yield (
        f"feedback pages for a class of {count}, nbseal feedback, median of {RUNS} runs",
        f"{seconds:.1f} s, {seconds / count * 1e3:.0f} ms a page",
        f"nbgrader generate_feedback: {theirs:.1f} s, so nbseal is {theirs / seconds:.1f} times as fast; "
        f"with our page {same:.1f} s",
        "≥ 10 times",
    )


def cost(folder: Path, count: int) -> Iterator[Row]:
    """Processor time beyond the student's own."""
    found = engine.isolated_own_cost(folder / "gates", "01-gates", count)
    yield (
        "processor time a submission of 01-gates",
        f"{found['own']:.0f} ms of the engine's own",
        f"{found['total']:.0f} ms in all, {found['cells']:.0f} ms in the student's cells",
        "≤ 70 ms",
    )
    yield (
        f"the seal: fork, walls and end of a process, level {choose_level().name}",
        f"{engine.seal_cost():.0f} ms (median)",
        "wall time, one after the other",
        "≤ 45 ms",
    )


def many(folder: Path, count: int, stock: throughput.Rate) -> Iterator[Row]:
    """A large class: looked at again, and the parent's memory."""
    small = engine.class_run(engine.large_class(folder / "small", count // 10))
    root = engine.large_class(folder / "large", count)
    large = engine.class_run(root)
    again = engine.class_run(root)
    each = large["seconds"] / count
    yield (
        f"{count} submissions graded",
        f"{large['seconds']:.0f} s, {each * 1e3:.0f} ms a submission",
        f"{stock.each / each:.1f} times as fast as nbgrader autograde above",
        "≥ 20 times",
    )
    yield (
        f"{int(again['unchanged'])} unchanged submissions checked again",
        f"{again['seconds']:.1f} s",
        "nothing is graded again",
        "≤ 3 s",
    )
    yield (
        f"memory of the parent, {count // 10} and {count} submissions",
        f"{small['peak_mb']:.0f} and {large['peak_mb']:.0f} MB",
        f"{large['peak_mb'] / small['peak_mb']:.2f} times",
        "flat",
    )


def networks(folder: Path) -> Iterator[Row]:
    """04-backprop, 05-mnist and 08-deep."""
    with_mnist = mnist.found_mnist()
    data = "real MNIST" if with_mnist else "embedded digits (real MNIST was not found here)"
    found = engine.isolated_own_cost(folder / "04", "04-backprop", 4)
    yield f"processor time a submission of 04-backprop, {data}", f"{found['total'] / 1e3:.2f} s", "", "≤ 3 s"
    found = engine.isolated_own_cost(folder, "05-mnist", 4)
    yield f"processor time a submission of 05-mnist, {data}", f"{found['total'] / 1e3:.2f} s", "", "≤ 2 s"
    yield (
        "hidden check of a network on 10,000 pictures",
        f"{mnist.check_seconds() * 1e3:.0f} ms",
        "forward pass of MLP(50)",
        "≤ 100 ms",
    )
    deep = engine.isolated_own_cost(folder / "deep", "08-deep", 4)
    yield f"processor time a submission of 08-deep, {data}", f"{deep['total'] / 1e3:.2f} s", "", "≤ 3 s"
    yield (
        "hidden checks of both networks of 08-deep",
        f"{mnist.deep_check_seconds():.2f} s of processor time",
        "7,000 pictures, and 2,000 altered ones",
        "≤ 2 s",
    )


def files(folder: Path) -> Iterator[Row]:
    """What strangers send, and what was recorded."""
    yield "reading and rebuilding a notebook", f"{reading.rebuild_ms():.0f} ms", "01-gates, pictures saved", "≤ 10 ms"
    yield "looking at 1000 entries of the ledger", f"{reading.ledger_ms(folder):.0f} ms", "", "≤ 500 ms"
    yield "markup that is nested without end", f"{reading.markup_seconds():.1f} s", "the worst of eight", "≤ 3 s"


def table(rows: list[Row]) -> str:
    """The results as a page."""
    cores = len(os.sched_getaffinity(0))
    lines = [
        "# Measured",
        "",
        f"`make bench`, {datetime.now(UTC):%Y-%m-%d}, {cores} cores, Linux {platform.release().split('-')[0]}, Python "
        f"{platform.python_version()}, seal level {choose_level().name}. All in one run.",
        "",
        "| what | measured | beside it | goal |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
