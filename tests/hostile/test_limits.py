"""A submission holds no more than its limits where a watchdog alone keeps them, at any level."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.hogs import DISK, HOGS, MEMORY
from tests.hostile.places import PLACES, said_in, skip_unless_possible

# `make test` looks where the least is to be had, `make test-slow` everywhere
AT_ONCE = ("user-namespaces", "landlock")
SEALED = [
    pytest.param(place, marks=[] if place in AT_ONCE else pytest.mark.slow) for place in PLACES if place != "unsealed"
]
MORE = 80  # MiB: what nobody is asked about, and what is taken between two looks


@pytest.mark.parametrize("hog", HOGS)
@pytest.mark.parametrize("place", SEALED)
def test_cannot_hold_more_than_the_limit(place: str, hog: str, home: Path) -> None:
    """Whoever takes more memory or disk than it may, however it is hidden, is refused or ended."""
    skip_unless_possible(place)
    said, reason = said_in("tests.hostile.hogs", place, home)[hog]
    held = int(said.split()[1]) if said.startswith("held") else 0
    limit = DISK if "files" in hog else MEMORY
    assert held <= limit + MORE or reason in ("memory", "disk")


@pytest.mark.parametrize("place", SEALED)
def test_a_crowd_runs_in_the_background_and_as_one(place: str, home: Path) -> None:
    """Who wants many processors at once gets what others leave, and no share for each session of its own."""
    skip_unless_possible(place)
    said, _ = said_in("tests.hostile.hogs", place, home)["crowd"]
    assert said == "{'19 True'}"
