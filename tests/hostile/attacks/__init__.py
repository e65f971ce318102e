"""All attacks, by theme."""

from __future__ import annotations

from dataclasses import replace

from tests.hostile.attack import Attack
from tests.hostile.attacks import (
    escape,
    files,
    interpreter,
    memory,
    processes,
    publishing,
    replies,
    resources,
    structure,
    surroundings,
    theft,
)

THEMES = (
    interpreter, surroundings, structure, files, theft, escape, memory, processes, resources, replies, publishing,
)  # fmt: skip
# What only the walls prevent. The rest is prevented by what is asked and read outside, whatever the walls are.
WALLS = (theft, escape, memory, processes, resources)
# Kept by the same code at every level: time limits, and how much is taken of an output.
THE_SAME = (
    "cannot_run_for_ever",
    "cannot_flood",
    "cannot_stop_itself",
    "cannot_run_programs",
    "cannot_answer_too_much",
)
# These wait for a time limit.
WAITING = {
    "cannot_answer_in_place_of_the_process",
    "cannot_answer_too_much",
    "cannot_answer_with_callbacks_to_nothing",
    "cannot_answer_with_endless_callbacks",
    "cannot_fall_through_the_stack",
    "cannot_flood_by_displays",
    "cannot_flood_by_errors",
    "cannot_flood_the_channel_with_ends",
    "cannot_keep_the_answer_fork_alive",
    "cannot_keep_the_channel_silent",
    "cannot_pass_by_breaking_the_builtins",
    "cannot_run_for_ever",
    "cannot_run_for_ever_behind_all_signals",
    "cannot_run_for_ever_in_a_single_operation",
    "cannot_run_for_ever_on_looking_up",
    "cannot_run_for_ever_when_asked",
    "cannot_run_programs_with_more_rights",
    "cannot_stop_itself_for_ever",
    "cannot_stop_the_clock",
    "cannot_take_all_memory_as_a_family",
}


ALL: list[Attack] = [
    replace(
        attack,
        theme=module.__name__.rpartition(".")[2],
        walls=module in WALLS and not attack.name.startswith(THE_SAME),
        waits=attack.name in WAITING,
    )
    for module in THEMES
    for attack in module.ATTACKS
]
BY_NAME = {attack.name: attack for attack in ALL}
assert len(BY_NAME) == len(ALL), "two attacks have the same name"
assert set(BY_NAME) >= WAITING, WAITING - set(BY_NAME)
