"""An attacker that searches by itself finds no way between two submissions, and would find one."""

from __future__ import annotations

import pytest

from benchmarks.attack_search import search
from nbseal.sandbox import choose_level

COMPOSITIONS = 50


def test_no_secret_crosses() -> None:
    """Of some compositions, as they are drawn, none tells a listener what a speaker knows."""
    assert search(choose_level().mechanism, seed=7, count=COMPOSITIONS) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_search_finds_what_is_there(seed: int) -> None:
    """Without walls, each of three seeds finds ways of most kinds."""
    kinds = {one.kind for one in search("none", seed, 400)}
    wanted = {"record locks", "watches", "places to wait at", "cached pages", "abstract names", "ports", "files"}
    assert len(kinds & wanted) >= 5, kinds
