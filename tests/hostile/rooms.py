"""Where and how the class of attackers is graded: both faces, and every level that this machine can give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.courses import Row, command, environment, grades
from tests.functional.test_unprivileged import STRANGER, uncovering
from tests.hostile.attack import Attack
from tests.hostile.course import ASSIGNMENT, Secrets
from tests.nbgrader_commands import give

SECONDS = 400
TOKEN = "NBSEAL_HOSTILE_TOKEN"
CONTAINER = str(Path(__file__).with_name("container.py"))


class Takes(Enum):
    """Which attacks are tried in a room."""

    EVERYTHING = "everything"
    WALLS = "what only the walls prevent"
    QUICK = "what doesn't wait for a time limit"
    WAITING = "what waits for a time limit"

    def __contains__(self, attack: object) -> bool:
        """Whether an attack is among them."""
        assert isinstance(attack, Attack)
        match self:
            case Takes.WALLS:
                return attack.walls
            case Takes.QUICK:
                return not attack.waits
            case Takes.WAITING:
                return attack.waits
        return True


@dataclass(frozen=True)
class Room:
    """One way of grading; ``level`` is what every scorecard must name; lanes of rooms are walked side by side.

    A ``slow`` one waits for `make test-slow`.
    """

    name: str
    level: str | None
    takes: Takes
    lane: int
    settings: str = ""
    inside: tuple[str, ...] = ()
    as_stranger: bool = False
    program: str = "nbseal"
    feedback: bool = False
    slow: bool = False


LANDLOCK = "c.Seal.level = 'landlock'\n"
ROOMS = {
    room.name: room
    for room in [
        Room("nbseal", None, Takes.EVERYTHING, lane=1, feedback=True),
        # nbgrader's command grades one after the other, so those that wait have a course of their own
        Room("nbgrader", None, Takes.QUICK, lane=2, program="nbgrader", feedback=True, slow=True),
        Room("nbgrader-waiting", None, Takes.WAITING, lane=3, program="nbgrader", feedback=True, slow=True),
        Room("user-namespaces", "namespaces", Takes.WALLS, lane=1, as_stranger=True, slow=True),
        Room("landlock", "landlock", Takes.WALLS, lane=1, settings=LANDLOCK, as_stranger=True),
        Room("container", "landlock", Takes.WALLS, lane=1, inside=(sys.executable, CONTAINER), slow=True),
    ]
}


def each(rooms: Iterable[Room]) -> list[ParameterSet]:
    """Rooms as what a test is tried with."""
    return [pytest.param(room, id=room.name, marks=pytest.mark.slow if room.slow else []) for room in rooms]


@dataclass
class Graded:
    """A class that was graded."""

    room: Room
    root: Path
    log: str
    pid: int
    cards: dict[str, dict[str, Any]]
    marks: dict[str, dict[str, Row]]

    def seen_by(self, student: str) -> bytes:
        """All that the student gets to see: the graded folder, the feedback page, the scorecard."""
        parts = [json.dumps(self.cards.get(student, {})).encode()]
        for kind in ("autograded", "feedback"):
            top = self.root / kind / student
            parts += [path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()]
            parts += [os.fsencode(path) for path in top.rglob("*")]
        return b"\n".join(parts)


def as_stranger(hold: Path, words: list[str]) -> list[str]:
    """The command, given by a user who owns nothing else; what Python needs of root's folders is uncovered."""
    hold.mkdir()
    identity = f"setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups --inh-caps=-all"
    script = f'{uncovering(str(hold))}\nexec {identity} "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *words]


def give_away(*tops: Path) -> None:
    """Make the stranger the owner of folders and all that is in them."""
    for top in tops:
        for folder, folders, names in os.walk(top):
            for name in [".", *folders, *names]:
                os.chown(Path(folder, name), STRANGER, STRANGER, follow_symlinks=False)


def grade(room: Room, root: Path, home: Path, secret: Secrets) -> Graded:
    """Grade the class of ``root``."""
    own = {TOKEN: secret["environment"], "TMPDIR": str(home), "HOME": str(home)}
    if room.program == "nbseal":
        words = command("nbseal", "grade", ASSIGNMENT, "--jobs", "3", "--json", "--output", "cards.json")
    else:
        words = command("nbgrader", "autograde", ASSIGNMENT, "--create")
    log = root.with_suffix(".log")
    hold = root.with_name(f"{root.name}-hold")
    words = as_stranger(hold, words) if room.as_stranger else [*room.inside, *words]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=root, env=environment(**own), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
    cards = root / "cards.json"
    return Graded(
        room,
        root,
        log.read_text("utf-8", "replace"),
        process.pid,
        {card["student"]: card for card in json.loads(cards.read_text("utf-8"))} if cards.exists() else {},
        grades(root, ASSIGNMENT),
    )


def generate_feedback(graded: Graded) -> None:
    """Make the feedback pages that students get."""
    code, said = give("generate_feedback", ASSIGNMENT, cwd=graded.root)
    assert code == 0, said[-3000:]


def findings(output: str) -> dict[str, str | None]:
    """What a probe printed, by mechanism."""
    return dict(json.loads(output.strip().splitlines()[-1]))
