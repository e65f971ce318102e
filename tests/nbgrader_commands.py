"""nbgrader's commands, each in a process of its own, without loading nbgrader anew for each: that takes two seconds."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
from multiprocessing import forkserver
from pathlib import Path

from tests.courses import environment

# A clean process that has loaded nbgrader, has done nothing else, and forks one for each command.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.unneeded", "nbgrader.apps", __name__])


def be_ready() -> None:
    """Have the clean process running, which the first command would start; for tests of what others leave behind."""
    forkserver.ensure_running()


def give(*arguments: str, cwd: Path, **more: str) -> tuple[int | None, str]:
    """Give an nbgrader command in ``cwd``, with ``more`` in its environment; its exit code and all that it said."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.txt"
        process = CONTEXT.Process(target=_run, args=(arguments, cwd, environment(**more), said))
        process.start()
        process.join(300)
        process.kill()
        process.join()
        return process.exitcode, said.read_text(encoding="utf-8", errors="replace")


def _run(arguments: tuple[str, ...], cwd: Path, variables: dict[str, str], said: Path) -> None:
    """What ``python -m nbgrader`` does."""
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(cwd)
    os.environ.update(variables)
    sys.argv = ["nbgrader", *arguments]
    runpy.run_module("nbgrader", run_name="__main__", alter_sys=True)
