"""Interrupts code of a student's that takes too long, however busy the machine is."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import signal as set_handler  # a notebook may patch this module, and the next
from time import monotonic
from types import FrameType
from typing import Any

AGAIN_SECONDS = 1.0  # code which swallows one interruption meets the next
TIMERS = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def alarm(cpu_seconds: float, wall_seconds: float, handler: Handler) -> Iterator[None]:
    """Call ``handler`` as a signal handler when the block has taken ``cpu_seconds`` of processor time: SIGPROF.

    A block that waits is interrupted after ``wall_seconds``: SIGALRM. These should be more, since a block on a busy
    machine waits, too. Who goes on all the same is interrupted again and again, with SIGALRM.
    """
    rung = -AGAIN_SECONDS

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rung
        if monotonic() - rung < AGAIN_SECONDS / 2:
            return  # both at once: the second one would interrupt what cleans up after the first
        rung = monotonic()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)
        handler(number, frame)

    before = {number: set_handler(number, ring) for number in TIMERS}
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds, AGAIN_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        _put_back(before)


def _put_back(before: dict[signal.Signals, Any]) -> None:
    try:
        for timer in TIMERS.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            set_handler(number, handler)
    except BaseException:  # from the handler, at the last moment
        _put_back(before)
