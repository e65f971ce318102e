"""Nothing that a submission does raises its mark, tells its author a secret, or leaves a trace on the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.attack import POINTS, Attack
from tests.hostile.attacks import ALL
from tests.hostile.conftest import Visit, skip_unless_possible
from tests.hostile.course import Secrets
from tests.hostile.neighbours import Neighbours
from tests.hostile.rooms import ROOMS, Graded, Room


def bouts(known: str) -> list[Any]:
    """Each attack in each room that takes it; one that is known to succeed must do so, until it is mended."""
    made = []
    for room in ROOMS.values():
        for attack in filter(room.takes, ALL):
            reason = getattr(attack, known)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            made.append(pytest.param(attack, room, id=f"{room.name}-{attack.name}", marks=marks))
    return made


EACH_ROOM = pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))


@pytest.mark.parametrize(("attack", "room"), bouts("gains"))
def test_an_attack_gains_nothing(attack: Attack, room: Room, graded: Graded) -> None:
    """Each question gets what the honest part of the answer earns, or waits for a person: never more."""
    rows = graded.marks.get(attack.name, {})
    if attack.gives_up and room.program == "nbgrader":
        assert f"for student '{attack.name}'" in graded.log
        assert not any(auto for auto, _, _ in rows.values())
        return
    assert set(rows) == set(POINTS), f"{attack.sentence} {graded.log[-1500:]}"
    wrong = {}
    for question, (auto, manual, needs_a_person) in rows.items():
        assert manual is None
        mark = None if needs_a_person and not auto else auto
        if mark not in attack.allowed(question) or (auto is None and not needs_a_person):
            wrong[question] = auto, needs_a_person
    assert wrong == {}, f"{attack.sentence} {graded.cards.get(attack.name, {}).get('problems')}"


@pytest.mark.parametrize(("attack", "room"), bouts("tells"))
def test_an_attack_learns_nothing(attack: Attack, room: Room, graded: Graded, secret: Secrets) -> None:
    """No secret of the course, of another student or of this machine is in what the attacker gets to see."""
    assert secret.found_in(graded.seen_by(attack.name)) == set(), attack.sentence


@EACH_ROOM
def test_the_card_says_what_the_gradebook_says(room: Room, graded: Graded) -> None:
    """Every mark on a scorecard is in the gradebook, at the level of sealing that was to be tried."""
    if room.program == "nbgrader":
        pytest.skip("nbgrader writes no scorecards")
    for student, card in graded.cards.items():
        for question in card["questions"]:
            auto, _, needs = graded.marks[student][question["grade_id"]]
            assert (question["score"], question["score"] is None) == (auto, needs) or question["status"] == "not_judged"
    levels = {card["seal"] for card in graded.cards.values()}
    assert len(levels) == 1
    assert room.level is None or levels == {room.level}


@EACH_ROOM
def test_an_honest_student_among_attackers_gets_all_marks(room: Room, graded: Graded) -> None:
    """No attack costs anybody else a mark."""
    assert {name: row[0] for name, row in graded.marks["ada"].items()} == POINTS


@EACH_ROOM
@pytest.mark.parametrize("kind", ["processes", "files", "mounts", "control groups", "shared memory", "sockets"])
def test_nothing_is_left(kind: str, room: Room, visit: Callable[[str], Visit]) -> None:
    """After the whole class, the machine is as it was before."""
    skip_unless_possible(room)
    assert visit(room.name).left(kind) == set()


@EACH_ROOM
def test_the_course_is_as_it_was(room: Room, visit: Callable[[str], Visit]) -> None:
    """Sources, graders and submissions have the modes and the times that they had."""
    skip_unless_possible(room)
    found = visit(room.name)
    assert found.course_after == found.course_before


@EACH_ROOM
def test_neighbours_are_left_alone(room: Room, graded: Graded, neighbours: Neighbours) -> None:
    """Nobody has visited the other programs of this machine, or touched their memory."""
    assert neighbours.reached == []
    assert neighbours.shared() == neighbours.secret * 2


def test_every_attack_says_what_must_not_happen() -> None:
    """Each attack has a name and a sentence of its own."""
    assert all(attack.name.startswith("cannot_") for attack in ALL)
    assert all(attack.sentence.endswith(".") for attack in ALL)
