"""An attacker that searches by itself finds nothing behind walls, and misses each mend that is switched off."""

from __future__ import annotations

import os

import pytest

from benchmarks.attack_search import drawn_pairs, drawn_tricks, first_found, search_alone, search_pairs
from nbseal.sandbox import choose_level
from tests.hostile.mends import MENDS
from tests.hostile.ways import HARMLESS

COMPOSITIONS, TRICKS = 50, 30
# Of those at which the least stands in the way of anything, what takes seconds
SOON_MISSED = ("locks are answered without the kernel", "values before calls", "sanitised pages")
# what takes minutes is left to `python -m benchmarks.attack_search --without`
LATE_MISSED = ("counters that stand still", "keys with equal hashes")
NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="without root a mechanism of root's can't be chosen")


def test_no_secret_crosses() -> None:
    """Of some compositions, as they are drawn, none tells a listener what a speaker knows."""
    assert search_pairs(choose_level().mechanism, 7, drawn_pairs(7, COMPOSITIONS)) == {}


def test_no_trick_reaches_anything() -> None:
    """Of some tricks, as they are drawn, none gains a mark, stalls the class, passes a limit or leaves anything."""
    assert search_alone(choose_level().mechanism, drawn_tricks(7, TRICKS)) == {}


@NEEDS_ROOT
@pytest.mark.parametrize("name", SOON_MISSED)
def test_a_mend_that_is_off_is_missed(name: str) -> None:
    """What a mend guards against is found while it is switched off."""
    assert first_found(name, "namespaces", 1) is not None


@NEEDS_ROOT
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MENDS if name not in (*SOON_MISSED, *LATE_MISSED)])
def test_each_mend_is_missed(name: str) -> None:
    """Without any one of the others, too, what it guards against is found."""
    assert first_found(name, MENDS[name].levels[0], 1) is not None


@pytest.mark.slow
def test_the_search_finds_what_is_there() -> None:
    """Without walls, a seed finds ways of most kinds; the benchmark tries more of them."""
    kinds = {one.kind for one in search_pairs("none", 1, drawn_pairs(1, 600, tuple(HARMLESS))).values()}
    wanted = {"record locks", "watches", "places to wait at", "cached pages", "abstract names", "ports", "files"}
    assert len(kinds & wanted) >= 5, kinds
