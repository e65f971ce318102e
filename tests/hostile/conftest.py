"""One small course, attacked by a class of strangers, and graded once in each room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.courses import adopting_orphans, environment, wait_until
from tests.hostile import rooms
from tests.hostile.attacks import ALL
from tests.hostile.course import Secrets, copy_course, hand_in_all, make_course
from tests.hostile.machine import State, course_state, state_of
from tests.hostile.neighbours import MARK, Neighbours
from tests.hostile.rooms import ROOMS, Graded, Room


@dataclass(frozen=True)
class Visit:
    """A graded class, and the machine and the course before and after."""

    graded: Graded
    before: State
    after: State
    course_before: dict[str, tuple[int, int]]
    course_after: dict[str, tuple[int, int]]

    def left(self, kind: str) -> set[str]:
        """What is there now and was not before."""
        return self.after[kind] - self.before[kind]


@pytest.fixture(scope="session")
def secret() -> Secrets:
    """The tokens that nobody may find."""
    return Secrets()


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder that others may walk through; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="nbseal-attacked-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def neighbours(base: Path, secret: Secrets) -> Iterator[Neighbours]:
    """Other programs that run on this machine meanwhile."""
    some = Neighbours(base, secret["neighbour"])
    yield some
    some.close()


@pytest.fixture(scope="session")
def visit(base: Path, secret: Secrets, neighbours: Neighbours) -> Iterator[Callable[[str], Visit]]:
    """Grades the class in a room, the first time that somebody asks."""
    template = base / "template"
    make_course(template, secret)

    @cache
    def go(name: str) -> Visit:
        room = ROOMS[name]
        root = copy_course(template, base / name, secret, room.settings)
        home = base / f"{name}-home"
        home.mkdir()
        hand_in_all(root, [one for one in ALL if room.takes(one)], secret, neighbours, home)
        if room.as_stranger:
            rooms.give_away(root, home)
        before, course_before = state_of(base, [home], []), course_state(root)
        graded = rooms.grade(room, root, home, secret)
        wait_until(lambda: state_of(base, [home], [graded.pid]) == before, 3.0)  # ends take a moment
        after = state_of(base, [home], [graded.pid])
        return Visit(graded, before, after, course_before, course_state(root))

    failed: dict[str, BaseException] = {}

    def go_once(name: str) -> Visit:
        if name in failed:
            raise failed[name]
        try:
            return go(name)
        except BaseException as error:
            failed[name] = error
            raise

    with adopting_orphans():
        yield go_once


@pytest.fixture
def graded(visit: Callable[[str], Visit], room: Room) -> Graded:
    """The class as it was graded in a room."""
    skip_unless_possible(room)
    return visit(room.name).graded


@cache
def obstacle(room: Room) -> str | None:
    """Why a class can't be graded in a room on this machine."""
    if (room.as_stranger or room.inside) and os.getuid() != 0:
        return "only root can become somebody else"
    missing = [name for name in ("unshare", "setpriv", "mount") if room.as_stranger and not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)} (util-linux)"
    with tempfile.TemporaryDirectory(prefix=MARK) as folder:
        os.chmod(folder, 0o755)
        words = [sys.executable, "-c", "from nbseal.sandbox import probe; import json; print(json.dumps(probe()))"]
        words = rooms.as_stranger(Path(folder, "hold"), words) if room.as_stranger else [*room.inside, *words]
        done = subprocess.run(
            words, env=environment(), cwd="/", capture_output=True, text=True, timeout=60, check=False
        )
    if done.returncode != 0:
        return f"not to be had here: {done.stderr.strip()[-200:]}"
    needed = {"user-namespaces": "user-namespaces", "landlock": "landlock", "container": "landlock"}.get(room.name)
    reason = rooms.findings(done.stdout).get(needed) if needed else None
    return f"{needed}: {reason}" if reason else None


def skip_unless_possible(room: Room) -> None:
    """Skip where the machine can't give the room."""
    reason = obstacle(room)
    if reason:
        pytest.skip(reason)
