"""Time limits inside the walls: processor time, and more on the clock for code that waits."""

import os
import signal
import time

import pytest

from nbseal.worker.kernel.alarms import TIMERS, alarm


class Rung(Exception):
    """The alarm rang."""


def ring(number, frame):
    """Tell by which signal."""
    raise Rung(number)


def test_code_that_computes_is_interrupted_after_its_processor_time():
    """The clock has nothing to do with it."""
    with pytest.raises(Rung) as rung, alarm(0.1, 60, ring):
        while True:
            pass
    assert rung.value.args == (signal.SIGPROF,)


def test_code_that_waits_is_interrupted_by_the_clock():
    """Sleep takes no processor time."""
    with pytest.raises(Rung) as rung, alarm(60, 0.1, ring):
        time.sleep(60)
    assert rung.value.args == (signal.SIGALRM,)


def test_code_that_goes_on_is_interrupted_again():
    """Whoever swallows an interruption, and then waits, meets the next one."""
    with alarm(0.1, 60, ring):
        with pytest.raises(Rung):
            while True:
                pass
        with pytest.raises(Rung):
            time.sleep(60)


def test_both_at_once_ring_once():
    """A second interruption would stop what cleans up after the first."""
    rung = []
    with alarm(60, 60, lambda number, frame: rung.append(number)):
        for number in (signal.SIGALRM, signal.SIGPROF):
            os.kill(os.getpid(), number)
    assert len(rung) == 1


def test_everything_is_put_back():
    """Timers and handlers are as before, also after an alarm."""
    before = [signal.getsignal(number) for number in TIMERS]
    with pytest.raises(Rung), alarm(0.01, 60, ring):
        while True:
            pass
    assert [signal.getsignal(number) for number in TIMERS] == before
    assert [signal.getitimer(timer) for timer in TIMERS.values()] == [(0, 0)] * 2
