"""Copies of this course for tests, the commands that a person would give there, and what the gradebook then says."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.mini import keep_secret
from tests.samples import ROOT

WARM, JUDGE = "-m nbseal.worker ", "-m nbseal.hidden_tests "
PR_SET_CHILD_SUBREAPER = 36
GRADES = """
SELECT student.id, grade_cell.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade
FROM grade
JOIN base_cell AS grade_cell ON grade_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN student ON student.id = submitted_assignment.student_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
WHERE assignment.name = ?
"""
SMALL_DIGITS = """
c.Grading.grader_settings = {name: {"data_set": "digits_28"} for name in ("04-backprop", "05-mnist", "08-deep")}
"""
Row = tuple[float | None, float | None, bool]


def copy_course(target: Path, assignments: Sequence[str], config: str = "") -> Path:
    """Copy sources, graders and settings of some assignments; ``config`` is added to nbgrader_config.py.

    Whatever this machine has, handwriting is judged by the small data set that sample networks are trained on.
    """
    no_caches = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for assignment in assignments:
        shutil.copytree(ROOT / "source" / assignment, target / "source" / assignment, ignore=no_caches)
    shutil.copytree(ROOT / "graders", target / "graders", ignore=no_caches)
    text = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (target / "nbgrader_config.py").write_text(f"{text}\n{SMALL_DIGITS}\n{config}", encoding="utf-8")
    keep_secret(target)
    return target


def command(program: str, *arguments: str) -> list[str]:
    """The command line of nbseal or nbgrader in this Python."""
    module = {"nbseal": "nbseal.cli", "nbgrader": "nbgrader"}[program]
    return [sys.executable, "-m", module, *arguments]


def heed_interrupts() -> None:
    """Undo what a shell does to programs in the background: their children ignore interrupts, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def environment(**more: str) -> dict[str, str]:
    """Our environment with the programs beside our Python first, as after activating it: nbgrader starts alembic."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, **more}


def run(program: str, *arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Give a command in ``cwd`` and wait for its end; its output is text and goes to no terminal."""
    return subprocess.run(
        command(program, *arguments),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def grades(root: Path, assignment: str) -> dict[str, dict[str, Row]]:
    """Automatic mark, a person's mark and whether a person must look, by student and question."""
    found: dict[str, dict[str, Row]] = {}
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        for student, question, auto, manual, needs in connection.execute(GRADES, (assignment,)):
            found.setdefault(student, {})[question] = (auto, manual, bool(needs))
    return found


def is_whole(root: Path) -> bool:
    """Whether SQLite finds nothing wrong with the gradebook."""
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def command_line(pid: int) -> str:
    """The command line of a process; empty when there is no such process any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").replace("\0", " ")
    except OSError:
        return ""


def children() -> dict[int, set[int]]:
    """Children by parent, for all processes of this machine (/proc's own lists of children have gaps)."""
    found: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, set()).add(int(path.parent.name))
    return found


def descendants(pid: int) -> set[int]:
    """All processes below ``pid``."""
    found: set[int] = set()
    below, queue = children(), [pid]
    while queue:
        new = below.get(queue.pop(), set())
        found |= new
        queue += new
    return found


def kill(pids: Iterable[int], number: int = signal.SIGKILL) -> int:
    """Send a signal to processes; those that have ended meanwhile are left out. Returns how many were there."""
    there = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            there += 1
    return there


def engine_processes() -> set[int]:
    """Warm processes, judges, and all that they forked, below this process."""
    return {pid for pid in descendants(os.getpid()) if any(name in command_line(pid) for name in (WARM, JUDGE))}


def find_child(name: str) -> int | None:
    """A direct child of this process with ``name`` in its command line."""
    own = sorted(children().get(os.getpid(), ()))
    return next((pid for pid in own if name in command_line(pid)), None)


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Processes whose parent was killed become children of this one, so that they can be found."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def end(process: subprocess.Popen) -> None:
    """Kill a process that we started, with its group if it leads one, and wait for it."""
    if process.poll() is None:
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
