"""Submissions that are graded at the same time can't tell one another anything, at any level."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.pairs import CHANNELS
from tests.hostile.places import PLACES, said_in, skip_unless_possible

# `make test` looks at the level that most machines give, `make test-slow` everywhere
AT_ONCE = ("namespaces",)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "place",
    [pytest.param(one, marks=[] if one in AT_ONCE else pytest.mark.slow) for one in PLACES if one != "unsealed"],
)
def test_cannot_tell_a_neighbour(place: str, channel: str, home: Path) -> None:
    """What one submission tells by a channel of the kernel's, no other one hears."""
    skip_unless_possible(place)
    told, got = said_in("tests.hostile.pairs", place, home)[channel]
    assert got != told


@pytest.mark.slow
def test_the_channels_are_real(home: Path) -> None:
    """Without walls nearly every number is heard: what is tested above could fail."""
    skip_unless_possible("unsealed")
    lost = set(CHANNELS)
    for number in range(2):  # a busy machine may be too late for some, and for others the next time
        own = home.with_name(f"{home.name}-{number}")
        own.mkdir()
        found = said_in("tests.hostile.pairs", "unsealed", own)
        lost &= {name for name, (told, got) in found.items() if told != got}
        if len(lost) <= 2:
            break
    assert len(lost) <= 2, lost  # a file system may not tell which pages are in memory
