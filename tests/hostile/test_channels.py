"""Submissions that are graded at the same time can't tell one another anything, at any level."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.courses import environment
from tests.functional.test_unprivileged import STRANGER
from tests.hostile.conftest import obstacle
from tests.hostile.pairs import CHANNELS
from tests.hostile.rooms import CONTAINER, ROOMS, as_stranger
from tests.samples import ROOT

NO_LANDLOCK = str(Path(__file__).with_name("no_landlock.py"))
# where it is tried: the mechanism, whether a stranger does it, and what it is started by
PLACES: dict[str, tuple[str, bool, list[str]]] = {
    "unsealed": ("none", False, []),
    "namespaces": ("namespaces", False, []),
    "namespaces without Landlock": ("namespaces", False, [sys.executable, NO_LANDLOCK]),
    "user-namespaces": ("user-namespaces", True, []),
    "landlock": ("landlock", True, []),
    "landlock of root": ("landlock", False, []),
    "container": ("landlock", False, [sys.executable, CONTAINER]),
}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder of the stranger's."""
    with tempfile.TemporaryDirectory(prefix="nbseal-pairs-") as name:
        os.chown(name, STRANGER, STRANGER)
        yield Path(name)


@cache
def heard(place: str, home: Path) -> dict[str, tuple[int, int | None]]:
    """For each channel the number that one side told, and what the other one heard."""
    mechanism, strange, inside = PLACES[place]
    words = [*inside, sys.executable, "-m", "tests.hostile.pairs", mechanism]
    if strange:
        words = as_stranger(home.with_name(f"{home.name}-{mechanism}"), words)
    own = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)} if strange else {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment(**own), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: (told, got) for name, (told, got) in json.loads(done.stdout.splitlines()[-1]).items()}


def skip_unless_possible(place: str) -> None:
    """Skip where this machine can't give a place."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    room = {"user-namespaces": "user-namespaces", "landlock": "landlock", "container": "container"}.get(place)
    if room and (why := obstacle(ROOMS[room])):
        pytest.skip(why)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("place", [place for place in PLACES if place != "unsealed"])
def test_cannot_tell_a_neighbour(place: str, channel: str, home: Path) -> None:
    """What one submission tells by a channel of the kernel's, no other one hears."""
    skip_unless_possible(place)
    told, got = heard(place, home)[channel]
    assert got != told


def test_the_channels_are_real(home: Path) -> None:
    """Without walls nearly every number is heard: what is tested above could fail."""
    skip_unless_possible("unsealed")
    found = heard("unsealed", home)
    lost = [name for name, (told, got) in found.items() if told != got]
    assert len(lost) <= 2, lost  # a file system may not tell which pages are in memory, a busy machine be too late
