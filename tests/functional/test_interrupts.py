"""Ctrl-C ends a run soon, wherever it is."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from nbseal.course import Seal
from nbseal.errors import SealError
from nbseal.sandbox import WarmProcess
from nbseal.sandbox.launch import launch
from tests.courses import adopting_orphans, command_line, descendants, wait_until
from tests.interrupting import CASES, HANGING, course_for, seconds_to_stop
from tests.samples import ROOT
from tests.slow_walls import SECONDS

MOMENTS = (0.3, 1.5, 2.5)  # seconds after the start
SOON = 5.0  # seconds; `python -m benchmarks.interrupts` asks for one


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_does_not_wait(case: str, tmp_path: Path) -> None:
    """While a run loads, while submissions hang or strangers' files are read, it ends soon after Ctrl-C."""
    root = course_for(case, tmp_path / "course")
    took = [seconds for moment in MOMENTS if (seconds := seconds_to_stop(root, moment)) is not None]
    assert took
    assert max(took) < SOON


def test_who_has_lost_its_supervisor_before_the_walls_stand_runs_nothing() -> None:
    """A run that is stopped while a submission's walls are put up leaves no process that goes on for itself."""
    launched = launch("tests.slow_walls", {"PYTHONPATH": str(ROOT)})
    with adopting_orphans():
        with WarmProcess(Seal(), launched=launched).start() as warm:
            process = warm.spawn()

            def run() -> None:
                with suppress(SealError):  # nobody is there any more
                    process.run([(0, HANGING)], {})

            running = threading.Thread(target=run)
            running.start()
            time.sleep(SECONDS / 2)
        running.join()
        process.end()
        assert wait_until(lambda: not left(), 4 * SECONDS), left()


def left() -> list[str]:
    """The processes that still do something."""
    return [line for pid in descendants(os.getpid()) if "slow_walls" in (line := command_line(pid))]
