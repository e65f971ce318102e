"""Nothing that a submission does raises its mark, tells its author a secret, or leaves a trace on the machine."""

from __future__ import annotations

import pytest

from tests.hostile.attack import POINTS, Attack
from tests.hostile.attacks import ALL
from tests.hostile.conftest import Tournament, skip_unless_possible
from tests.hostile.course import ASSIGNMENT, Secrets
from tests.hostile.neighbours import Neighbours
from tests.hostile.rooms import ROOMS, Graded, Room, each

BOUTS = [
    pytest.param(attack, room, id=f"{room.name}-{attack.name}", marks=pytest.mark.slow if room.slow else [])
    for room in ROOMS.values()
    for attack in ALL
    if attack in room.takes
]
EACH_ROOM = pytest.mark.parametrize("room", each(ROOMS.values()))


@pytest.mark.parametrize(("attack", "room"), BOUTS)
def test_an_attack_gains_nothing_and_learns_nothing(
    attack: Attack, room: Room, graded: Graded, secret: Secrets
) -> None:
    """Each question gets what the honest part earns, or waits for a person; no secret is in what the attacker sees."""
    rows = graded.marks.get(attack.name, {})
    assert set(rows) == set(POINTS), f"{attack.sentence} {graded.log[-1500:]}"
    wrong = {}
    for question, (auto, manual, needs_a_person) in rows.items():
        assert manual is None
        mark = None if needs_a_person and not auto else auto
        if mark not in attack.allowed(question) or (auto is None and not needs_a_person):
            wrong[question] = auto, needs_a_person
    assert wrong == {}, f"{attack.sentence} {graded.cards.get(attack.name, {}).get('problems')}"
    assert secret.found_in(graded.seen_by(attack.name)) == set(), attack.sentence


@pytest.mark.parametrize("room", each(room for room in ROOMS.values() if room.feedback))
def test_every_attacker_gets_a_feedback_page(room: Room, graded: Graded) -> None:
    """The pages that were searched for secrets are there, of everybody who has handed in a notebook."""
    for attack in (attack for attack in ALL if attack in room.takes):
        page = graded.root / "feedback" / attack.name / ASSIGNMENT / "hostile.html"
        assert page.exists() or "hostile.ipynb was not submitted" in str(graded.cards.get(attack.name)), attack.name


@pytest.mark.parametrize("room", each(room for room in ROOMS.values() if room.program == "nbgrader"))
def test_no_attack_makes_nbgrader_give_up(room: Room, graded: Graded) -> None:
    """nbgrader's own command comes to the end of every submission."""
    assert "There was an error processing" not in graded.log


@pytest.mark.parametrize("room", each(room for room in ROOMS.values() if room.program == "nbseal"))
def test_the_card_says_what_the_gradebook_says(room: Room, graded: Graded) -> None:
    """Every mark on a scorecard is in the gradebook, at the level of sealing that was to be tried."""
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


@pytest.mark.parametrize("rooms", ["quick rooms", pytest.param("slow rooms", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["processes", "files", "mounts", "control groups", "shared memory", "sockets"])
def test_nothing_is_left(kind: str, rooms: str, tournament: Tournament) -> None:
    """After all rooms that this run looks into, the machine is as it was before."""
    assert tournament.left(kind) == set()


@EACH_ROOM
def test_the_course_is_as_it_was(room: Room, tournament: Tournament) -> None:
    """Sources, graders and submissions have the modes and the times that they had."""
    skip_unless_possible(room)
    assert tournament.courses_after[room.name] == tournament.courses_before[room.name]


@EACH_ROOM
def test_neighbours_are_left_alone(room: Room, graded: Graded, neighbours: Neighbours) -> None:
    """Nobody has visited the other programs of this machine, or touched their memory."""
    assert neighbours.reached == []
    assert neighbours.shared() == neighbours.secret * 2


def test_every_attack_says_what_must_not_happen() -> None:
    """Each attack has a name and a sentence of its own."""
    assert all(attack.name.startswith("cannot_") for attack in ALL)
    assert all(attack.sentence.endswith(".") for attack in ALL)
