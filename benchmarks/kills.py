"""``python -m benchmarks.kills``: kill -9 at seeded moments, of the run and of each kind of process behind it.

When a run has come to its end in spite of it, one more goes undisturbed. Then all marks must equal those of a class
that nobody disturbed, the gradebook must be whole, and no process may be left.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from tests.courses import (
    JUDGE,
    WARM,
    adopting_orphans,
    children,
    command,
    command_line,
    descendants,
    engine_processes,
    environment,
    grades,
    is_whole,
    wait_until,
)
from tests.mini import hand_in, make_course

STUDENTS = 12
VICTIMS = ("run", "warm process", "judge", "supervisor or sealed process", "judge's fork")
SLOW = "import time\ntime.sleep(0.2)\nanswer = {}"


def main() -> None:
    """Kill, look, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    done: Counter[str] = Counter()
    started, rounds = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="nbseal-kills-") as name, adopting_orphans():
        course = make_class(Path(name) / "class")
        undisturbed = shutil.copytree(course, Path(name) / "undisturbed")
        grade_class(Course(undisturbed), "mini", ClassOptions(jobs=2))
        expected = grades(undisturbed, "mini")
        while done.total() < options.kills:
            rounds += 1
            root = shutil.copytree(course, Path(name) / f"round{rounds}")
            while not disturbed_run(root, chance, done):
                print(f"\r{done.total()} kills, {rounds} classes", end="", flush=True)
            grade_class(Course(root), "mini", ClassOptions(jobs=2))
            check(root, expected)
            shutil.rmtree(root)
    kinds = ", ".join(f"{count} of a {kind}" for kind, count in sorted(done.items()))
    print(f"\r{done.total()} kills ({kinds}) while {rounds} classes of {STUDENTS} were graded, seed {options.seed}, in")
    print(f"{time.monotonic() - started:.0f} s: no mark lost or different, no process left, every gradebook whole")


def make_class(root: Path) -> Path:
    """A class whose submissions take a moment."""
    make_course(root)
    for number in range(STUDENTS):
        hand_in(root, f"student{number:02}", number_answer=SLOW.format(42 if number % 3 else 41))
    return root


def disturbed_run(root: Path, chance: random.Random, done: Counter[str]) -> bool:
    """Grade, killing something once or twice; whether the run came to its end."""
    others = engine_processes()
    run = subprocess.Popen(
        command("nbseal", "grade", "mini", "--jobs", "2"),
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    for _ in range(chance.randint(1, 2)):
        kind = chance.choice(VICTIMS)
        # forks are there once the first submission runs
        time.sleep(chance.uniform(1.2, 2.4) if "or" in kind or "fork" in kind else chance.uniform(0.1, 2.2))
        victim = find_victim(run.pid, kind, chance)
        if victim and run.poll() is None:
            os.kill(victim, signal.SIGKILL)
            done[kind] += 1
    complaint = run.communicate()[1].decode()
    if not wait_until(lambda: engine_processes() <= others, seconds=10):
        left = [f"{pid}: {command_line(pid)}" for pid in sorted(engine_processes() - others)]
        raise SystemExit("\n".join(["processes outlived the run:", *left]))
    if run.returncode not in (0, -signal.SIGKILL) and "nbseal" not in complaint:
        raise SystemExit(f"the run ended with {run.returncode}:\n{complaint}")
    return run.returncode == 0


def find_victim(run: int, kind: str, chance: random.Random) -> int | None:
    """A process of the kind asked for, or None if there is none just now."""
    if kind == "run":
        return run
    module = JUDGE if kind.startswith("judge") else WARM
    roots = [pid for pid in children().get(run, ()) if module in command_line(pid)]
    if kind in ("warm process", "judge"):
        return roots[0] if roots else None
    below = sorted(pid for root in roots for pid in descendants(root))
    return chance.choice(below) if below else None


def check(root: Path, expected: dict[str, object]) -> None:
    """Compare with the undisturbed class."""
    found = grades(root, "mini")
    if found != expected:
        differing = {student: (found.get(student), expected[student]) for student in expected}
        differing = {student: pair for student, pair in differing.items() if pair[0] != pair[1]}
        raise SystemExit(f"different marks (found, expected): {differing}")
    if not is_whole(root):
        raise SystemExit(f"the gradebook of {root} is damaged")


if __name__ == "__main__":
    main()
