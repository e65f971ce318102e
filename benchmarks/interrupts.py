"""``python -m benchmarks.interrupts``: how long after Ctrl-C a run has ended, wherever it is at that moment.

Each class of tests/interrupting.py is graded again and again, and stopped at one moment after the other: while it
loads, while submissions hang, while strangers' files are read. Exit code 1 if it ever took longer than a second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.interrupting import CASES, course_for, seconds_to_stop

MOST_SECONDS = 1.0


def main() -> int:
    """Grade, stop, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interrupts", description=__doc__)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between the moments")
    parser.add_argument("--until", type=float, default=5.0, help="seconds after the start of the last moment")
    parser.add_argument("--case", choices=list(CASES), action="append", help="one of the classes (default: all)")
    options = parser.parse_args()
    longest = 0.0
    for case in options.case or CASES:
        with tempfile.TemporaryDirectory(prefix="nbseal-interrupts-") as name:
            root = course_for(case, Path(name) / "course")
            moments = [options.every * (n + 0.5) for n in range(int(options.until / options.every))]
            took = {moment: seconds_to_stop(root, moment) for moment in moments}
        seconds = {moment: one for moment, one in took.items() if one is not None}
        worst = max(seconds, key=lambda moment: seconds[moment])
        longest = max(longest, seconds[worst])
        print(
            f"{case}: stopped at {len(seconds)} moments, median {statistics.median(seconds.values()):.2f} s, "
            f"longest {seconds[worst]:.2f} s ({worst:.1f} s after the start)",
            flush=True,
        )
    return int(longest > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
