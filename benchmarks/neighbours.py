"""``python -m benchmarks.neighbours``: how much longer honest submissions take beside hostile ones.

A class in which each cell needs its time is graded alone, and again with one hostile submission among every four. Each
kind hangs, spins with many processes, fills memory or disk, or makes whoever reads it work as long as such bytes can.
Seconds are those of the honest submissions' scorecards. Exit code 1 if a mark is lost, or a median is over 1.5 times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.scale import BUSY
from tests.courses import run
from tests.interrupting import FRAME, HANGING, MARKUP, QUOTES, notebook_with, packed
from tests.mini import hand_in, make_course

MOST = 1.5
CROWD = """
import os
for _ in range(55):
    if os.fork() == 0:
        os.setsid()
        while True: pass
while True: pass
"""
MEMORY = "held = []\nwhile True: held.append(bytearray(8 << 20))"
DISK = "with open('large', 'wb') as file:\n    while True: file.write(bytes(1 << 20))"
VALUES = notebook_with({"many": [[1, 2, 3]] * 990_000})
OUTPUTS = notebook_with(outputs=[{"text": ["x\\", "[]"] * 9}] * 400_000)


def cell(source: str) -> Callable[[Path, str], None]:
    """A notebook whose first cell does something."""
    return lambda root, name: _ignore(hand_in(root, name, imports=source))


def file(data: bytes) -> Callable[[Path, str], None]:
    """Bytes in a notebook's place."""
    return lambda root, name: _ignore(hand_in(root, name).write_bytes(data))


def _ignore(_: object) -> None:
    return None


KINDS = {
    "hangs, deaf to interrupts": cell(HANGING),
    "55 processes that spin": cell(CROWD),
    "memory without end": cell(MEMORY),
    "a file without end": cell(DISK),
    "a frame of a million values": cell(FRAME),
    "a frame of quotes that are never closed": cell(QUOTES),
    "hostile markup": cell(MARKUP),
    "a notebook of a million values": file(VALUES),
    "400,000 saved outputs": file(OUTPUTS),
    "a zipped notebook of a million values": file(packed(VALUES)),
}


def graded(honest: int, hostile: Callable[[Path, str], None] | None) -> tuple[list[float], set[float]]:
    """Seconds and scores of the honest submissions of a class."""
    with tempfile.TemporaryDirectory(prefix="nbseal-neighbours-") as name:
        root = make_course(Path(name) / "course")
        for number in range(honest):
            hand_in(root, f"s{number:03}", number_answer=BUSY.format(0.2).replace("answer = 42", "") + "\nanswer = 42")
            if hostile and number % 4 == 0:
                hostile(root, f"s{number:03}-hostile")
        done = run("nbseal", "grade", "mini", "--json", "--output", "cards.json", cwd=root)
        assert done.returncode == 0, done.stderr
        cards = json.loads((root / "cards.json").read_text())
        own = [card for card in cards if not card["student"].endswith("-hostile")]
        assert len(own) == honest
        return [card["seconds"] for card in own], {card["score"] for card in own}


def main() -> int:
    """Grade, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("--honest", type=int, default=24, help="honest submissions of each class")
    options = parser.parse_args()
    alone, marks = graded(options.honest, None)
    print(f"alone: median {statistics.median(alone):.2f} s, longest {max(alone):.2f} s", flush=True)
    failed = False
    for name, hostile in KINDS.items():
        beside, found = graded(options.honest, hostile)
        ratio = statistics.median(beside) / statistics.median(alone)
        lost = "" if found == marks else f"; marks differ: {sorted(found, key=str)}"
        failed = failed or bool(lost) or ratio > MOST
        print(
            f"beside {name}: median {statistics.median(beside):.2f} s, {ratio:.2f} times; longest {max(beside):.2f} s, "
            f"{max(beside) / max(alone):.2f} times{lost}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
