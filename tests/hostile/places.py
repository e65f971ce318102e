"""Where sealed processes are tried side by side: each level that this machine gives, by whom, and as what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.courses import environment
from tests.functional.test_unprivileged import uncovering
from tests.hostile.conftest import obstacle
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


@cache
def said_in(module: str, place: str, home: Path) -> dict[str, list[Any]]:
    """What a module prints, as a program that is told the mechanism, in one of the places."""
    mechanism, strange, inside = PLACES[place]
    words = [*inside, sys.executable, "-m", module, mechanism]
    hold = home.with_name(f"{home.name}-{module}-{place}".replace(" ", "-"))
    if strange:
        words = as_stranger(hold, words)
    elif inside and mechanism == "landlock":  # whose root may not look into what is another root's alone
        hold.mkdir()
        script = f'{uncovering(str(hold))}\nexec "$@"'
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *words]
    own = {"HOME": str(home), "TMPDIR": str(home)} if strange else {}
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment(**own, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def skip_unless_possible(place: str) -> None:
    """Skip where this machine can't give a place."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    room = {"user-namespaces": "user-namespaces", "landlock": "landlock", "container": "container"}.get(place)
    if room and (why := obstacle(ROOMS[room])):
        pytest.skip(why)
