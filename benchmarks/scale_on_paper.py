"""``python -m benchmarks.scale_on_paper``: what larger clusters and deadlines would take, from measured costs.

Submissions wait for a free job, are graded, and wait for their turn to be recorded, which one process does one by one.
All of it is a simulation: the costs are measured, and that nothing else is in the way is assumed.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass

DEADLINE_SCALE = 15 * 60.0  # seconds before a deadline by which two thirds of those who are left hand in
SPREAD = 0.3  # of what grading takes: log-normal, the shape of the logarithm


@dataclass(frozen=True)
class Costs:
    """Seconds that grading one submission keeps a job busy, and that recording it keeps the recording process busy."""

    grading: float
    recording: float


@dataclass(frozen=True)
class Outcome:
    """Seconds until everything is recorded, and from handing in to recorded at the median and for 95 %."""

    whole: float
    median: float
    p95: float


def simulate(arrivals: Iterable[float], jobs: int, costs: Costs, seed: int = 1) -> Outcome:
    """Have submissions that arrive at these seconds graded by so many jobs, first come, first served."""
    dice = random.Random(seed)
    free = [0.0] * jobs
    graded = []
    for arrival in sorted(arrivals):
        begun = max(arrival, heapq.heappop(free))
        ended = begun + costs.grading * dice.lognormvariate(-(SPREAD**2) / 2, SPREAD)
        heapq.heappush(free, ended)
        graded.append((ended, arrival))
    recorded, waits = 0.0, []
    for ended, arrival in sorted(graded):
        recorded = max(recorded, ended) + costs.recording
        waits.append(recorded - arrival)
    waits.sort()
    return Outcome(recorded, waits[len(waits) // 2], waits[len(waits) * 95 // 100])


def before_deadline(count: int, seed: int = 1) -> list[float]:
    """When so many students hand in, in seconds: more and more of them until the deadline."""
    dice = random.Random(seed)
    before = [dice.expovariate(1 / DEADLINE_SCALE) for _ in range(count)]
    return [max(before) - one for one in before]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_on_paper", description=__doc__)
    parser.add_argument("--recording", type=float, required=True, help="seconds that recording takes each")
    parser.add_argument("--grading", type=float, nargs="+", default=[0.05, 0.5, 5.0], help="seconds of a job each")
    options = parser.parse_args()
    print("| what | grading takes | all recorded after | handed in → recorded, median | 95 % |")
    print("|---|---|---|---|---|")
    for name, arrivals, jobs in (
        ("100,000 at once, 200 workers with 4 jobs each", [0.0] * 100_000, 800),
        ("600 before a deadline, one machine with 17 jobs", before_deadline(600), 17),
    ):
        for grading in options.grading:
            found = simulate(arrivals, jobs, Costs(grading, options.recording))
            whole = f"{found.whole / 60:.0f} min" if len(set(arrivals)) == 1 else "—"
            print(f"| {name} | {grading:g} s | {whole} | {found.median:.1f} s | {found.p95:.1f} s |")


if __name__ == "__main__":
    main()
