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
@pytest.mark.parametrize("name", [name for name, mend in MENDS.items() if name not in SOON_MISSED])
def test_each_mend_is_missed(name: str) -> None:
    """Without any one of the others, too, what it guards against is found."""
    assert first_found(name, MENDS[name].levels[0], 1) is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_search_finds_what_is_there(seed: int) -> None:
    """Without walls, each of three seeds finds ways of most kinds."""
    kinds = {one.kind for one in search_pairs("none", seed, drawn_pairs(seed, 600, tuple(HARMLESS))).values()}
    wanted = {"record locks", "watches", "places to wait at", "cached pages", "abstract names", "ports", "files"}
    assert len(kinds & wanted) >= 5, kinds
