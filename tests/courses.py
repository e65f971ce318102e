"""Copies of this course for tests, the commands that a person would give there, and what the gradebook then says."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tests.samples import ROOT

ENGINE = ("nbseal.worker", "nbseal.pytest_plugin.judge")
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
Row = tuple[float | None, float | None, bool]


def copy_course(target: Path, assignments: Sequence[str], config: str = "") -> Path:
    """Copy sources, graders and settings of some assignments; ``config`` is added to nbgrader_config.py."""
    no_caches = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for assignment in assignments:
        shutil.copytree(ROOT / "source" / assignment, target / "source" / assignment, ignore=no_caches)
    shutil.copytree(ROOT / "graders", target / "graders", ignore=no_caches)
    text = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (target / "nbgrader_config.py").write_text(f"{text}\n{config}", encoding="utf-8")
    return target


def command(program: str, *arguments: str) -> list[str]:
    """The command line of nbseal or nbgrader in this Python."""
    module = {"nbseal": "nbseal.cli", "nbgrader": "nbgrader"}[program]
    return [sys.executable, "-m", module, *arguments]


def run(program: str, *arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Give a command in ``cwd`` and wait for its end; its output is text and goes to no terminal."""
    return subprocess.run(
        command(program, *arguments),
        cwd=cwd,
        env={**os.environ, **(env or {})},
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


def engine_processes() -> set[int]:
    """Processes of any engine on this machine: warm processes, judges, and all that they forked."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    return {pid for pid in pids if any(name in command_line(pid) for name in ENGINE)}


def children_of(pid: int) -> list[int]:
    """Direct children of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:
            continue
    return found


def find_child(pid: int, name: str) -> int | None:
    """The child of ``pid`` with ``name`` in its command line."""
    return next((child for child in children_of(pid) if name in command_line(child)), None)


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
    process.communicate()
