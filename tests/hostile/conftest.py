"""One small course, attacked by a class of strangers, and graded once in each room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.courses import adopting_orphans, environment, wait_until
from tests.functional.test_unprivileged import STRANGER
from tests.hostile import rooms
from tests.hostile.attacks import ALL
from tests.hostile.course import Secrets, copy_course, hand_in_all, make_course
from tests.hostile.machine import State, course_state, state_of
from tests.hostile.neighbours import MARK, Neighbours
from tests.hostile.rooms import ROOMS, Graded, Room
from tests.nbgrader_commands import be_ready


@dataclass(frozen=True)
class Tournament:
    """The class as it was graded in each room, and the machine and the courses before and after all of it."""

    rooms: dict[str, Future[Graded]]
    before: State
    after: State
    courses_before: dict[str, dict[str, tuple[int, int]]]
    courses_after: dict[str, dict[str, tuple[int, int]]]

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
def tournament(
    request: pytest.FixtureRequest, base: Path, secret: Secrets, neighbours: Neighbours
) -> Iterator[Tournament]:
    """Grades the class in all rooms that are asked for: rooms of one lane one after the other, lanes side by side."""
    template = base / "template"
    make_course(template, secret)
    rooms_ = [room for room in asked_for(request.session.items) if obstacle(room) is None]
    roots = {room.name: hand_in_for(room, template, base, secret, neighbours) for room in rooms_}
    homes = [home_of(root) for root in roots.values()]
    be_ready()
    before = state_of(base, homes, [])
    courses_before = {name: course_state(root) for name, root in roots.items()}
    with adopting_orphans():
        graded = grade_in_lanes(rooms_, roots, secret)
        pids = [future.result().pid for future in graded.values() if not future.exception()]
        wait_until(lambda: state_of(base, homes, pids) == before, 30.0)  # ends take a moment
        after = state_of(base, homes, pids)
        courses_after = {name: course_state(root) for name, root in roots.items()}
        yield Tournament(graded, before, after, courses_before, courses_after)


def asked_for(items: list[pytest.Item]) -> list[Room]:
    """The rooms that the chosen tests look into."""
    names = {item.callspec.params["room"].name for item in items if "room" in getattr(item, "fixturenames", ())}
    return [room for room in ROOMS.values() if room.name in names or not names]


def home_of(root: Path) -> Path:
    """The folder that the graders of a course call their own."""
    return root.with_name(f"{root.name}-home")


def hand_in_for(room: Room, template: Path, base: Path, secret: Secrets, neighbours: Neighbours) -> Path:
    """A course for one room, with all submissions in it."""
    root = copy_course(template, base / room.name, secret, room.settings)
    home = home_of(root)
    home.mkdir()
    hand_in_all(root, [one for one in ALL if one in room.takes], secret, neighbours, home)
    if room.as_stranger:
        rooms.give_away(root, home)
    return root


def grade_in_lanes(chosen: list[Room], roots: dict[str, Path], secret: Secrets) -> dict[str, Future[Graded]]:
    """Grade in each room; an error waits for the tests of that room."""
    graded: dict[str, Future[Graded]] = {room.name: Future() for room in chosen}

    def grade(room: Room) -> Graded:
        done = rooms.grade(room, roots[room.name], home_of(roots[room.name]), secret)
        if room.feedback:
            rooms.generate_feedback(done)
        return done

    def walk(lane: int) -> None:
        for room in (room for room in chosen if room.lane == lane):
            try:
                graded[room.name].set_result(grade(room))
            except BaseException as error:
                graded[room.name].set_exception(error)

    lanes = {room.lane for room in chosen}
    with ThreadPoolExecutor(max(1, len(lanes))) as pool:
        list(pool.map(walk, lanes))
    return graded


@pytest.fixture
def graded(tournament: Tournament, room: Room) -> Graded:
    """The class as it was graded in a room."""
    skip_unless_possible(room)
    return tournament.rooms[room.name].result()


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
        return f"not available here: {done.stderr.strip()[-200:]}"
    needed = {"user-namespaces": "user-namespaces", "landlock": "landlock", "container": "landlock"}.get(room.name)
    reason = rooms.findings(done.stdout).get(needed) if needed else None
    return f"{needed}: {reason}" if reason else None


def skip_unless_possible(room: Room) -> None:
    """Skip where the machine can't give the room."""
    reason = obstacle(room)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder of the stranger's, for what is tried outside the tournament."""
    with tempfile.TemporaryDirectory(prefix="nbseal-pairs-") as name:
        if os.getuid() == 0:
            os.chown(name, STRANGER, STRANGER)
        yield Path(name)
