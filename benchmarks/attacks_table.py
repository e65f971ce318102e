"""The page that lists every attack, with what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.hostile.attack import Attack

TITLES = {
    "interpreter": "Inside the interpreter",
    "surroundings": "What surrounds a call",
    "structure": "The notebook's structure",
    "files": "Files",
    "theft": "Theft",
    "escape": "Escape",
    "memory": "Remembering hidden inputs between questions",
    "processes": "Processes",
    "resources": "Resources",
    "replies": "Replies",
    "publishing": "Publishing hidden inputs",
}
# Why whole themes are not run with stock nbgrader, and what of them is
THEMES_NOT_RUN = {
    "escape": "aims at other programs of the machine",
    "memory": "nothing to remember: all tests run in one process",
    "processes": "would touch other processes",
    "resources": "would take the machine down",
    "replies": "there is no reply channel",
    "publishing": "hidden tests are on every feedback page",
}
RUN_ALL_THE_SAME = {"cannot_read_paths_by_markdown"}
WORDS = {
    "hidden": "hidden inputs",
    "grader": "graders",
    "gradebook": "the gradebook",
    "submission": "another student's work",
    "environment": "a token of the environment",
    "solution": "the solution",
    "settings": "the course's settings",
    "neighbour": "another program's secret",
}
TOP = """# Every attack, and what became of it

The attacks of `tests/hostile/`: what must not happen, and whether it does with nbseal and with stock nbgrader. {when}.

**With nbseal** each attack is handed in and graded by `nbseal grade`; the tests do the same at every level and through
both faces ([security.md](security.md)). *Holds* means: no mark that wasn't earned, no secret in anything that the
student gets to see, nobody else's mark changed. *Waits* means that it holds and a person must look, because some mark
could not be made.

**With stock nbgrader**: the same notebooks by `nbgrader autograde`, with its own settings and the same questions as
hidden tests in grade cells. It was run in namespaces of its own on a throw-away course, so what would harm the machine
or needs other programs there was *not run*. A secret counts only if an honest student's page doesn't show it:
nbgrader's feedback pages show hidden tests, with their inputs, to everybody. *Costs the author* means that the attack
gains nothing and loses honest marks. otter-grader was not run: its notebooks have another form.

{summary}
"""


@dataclass(frozen=True)
class Outcome:
    """What became of an attack: questions that gained, secrets that were found, and how the grading went."""

    gained: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    changed: bool = False
    stopped: bool = False
    failed: bool = False
    waits: bool = False
    negative: bool = False
    lost: bool = False

    @property
    def holds(self) -> bool:
        """Whether the attack has failed."""
        return not (self.gained or self.found or self.changed or self.stopped or self.failed or self.negative)

    def words(self) -> str:
        """The outcome for a cell of the table."""
        parts = []
        if self.gained:
            parts.append(f"**gains marks** ({', '.join(self.gained)})")
        if self.negative:
            parts.append("**makes a mark negative**")
        if self.found:
            parts.append(f"**reads** {', '.join(WORDS[name] for name in self.found)}")
        if self.changed:
            parts.append("**changes the course**")
        if self.stopped:
            parts.append("**stops the class**")
        if self.failed:
            parts.append("ends in nbgrader's error, without a mark")
        if not parts:
            parts.append("holds, waits" if self.waits else "costs the author" if self.lost else "holds")
        return "; ".join(parts)


def not_run(attack: Attack) -> str | None:
    """Why an attack is not run with stock nbgrader; None if it is."""
    if attack.name in RUN_ALL_THE_SAME:
        return None
    if attack.waits:
        return "waits for a time limit"
    return THEMES_NOT_RUN.get(attack.theme)


def table(attacks: Sequence[Attack], ours: Mapping[str, Outcome], stock: Mapping[str, Outcome], when: str) -> str:
    """The whole page."""
    sections = [TOP.format(when=when, summary=summary(ours, stock))]
    for theme, group in groupby(attacks, key=lambda attack: attack.theme):
        lines = [f"## {TITLES[theme]}", "", "| attack | nbseal | stock nbgrader |", "|---|---|---|"]
        lines += [row(attack, ours, stock) for attack in group]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def row(attack: Attack, ours: Mapping[str, Outcome], stock: Mapping[str, Outcome]) -> str:
    """One attack's line."""
    name = attack.name.removeprefix("cannot_").replace("_", " ")
    theirs = stock[attack.name].words() if attack.name in stock else f"not run: {not_run(attack)}"
    sentence = attack.sentence.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
    return f"| **{name}** {sentence} | {ours[attack.name].words()} | {theirs} |"


def summary(ours: Mapping[str, Outcome], stock: Mapping[str, Outcome]) -> str:
    """The figures of the page in a sentence."""
    kinds = {
        "gain marks": sum(bool(one.gained) for one in stock.values()),
        "read what isn't theirs": sum(bool(one.found) for one in stock.values()),
        "change the course": sum(one.changed for one in stock.values()),
        "stop the class": sum(one.stopped for one in stock.values()),
        "end in an error": sum(one.failed for one in stock.values()),
    }
    broken = sum(not one.holds for one in ours.values())
    return (
        f"nbseal: {len(ours)} attacks, {broken} succeed. Stock nbgrader: {len(stock)} attacks were run; "
        + ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        + "."
    )
