"""What an attack is: the submission that it hands in, and the marks that its honest part earns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

POINTS = {"double": 4.0, "number": 2.0, "reverse": 2.0, "spied": 2.0, "saved": 2.0, "plain": 1.0}
ASKED = ("double", "number", "reverse", "spied")  # questions that only the student's process can answer
HONEST = {
    "double": "def double(x):\n    return 2 * x",
    "number": "answer = 42",
    "reverse": "def reverse(text):\n    return text[::-1]",
    "spied": "def ask(model, rows):\n    return [model.predict(row) for row in rows]",
    "plain": "flag = True",
}
WRONG_DOUBLE = "def double(x):\n    return 0"


class Lost(Enum):
    """Which honest answers the attack may cost its own author: they are not judged, and wait for a person."""

    NOTHING = "nothing"
    PERHAPS = "perhaps"
    OWN_FAULT = "perhaps, or wrong: the author's own process has given a wrong answer to a right question"
    PROCESS = "all that the process was asked for"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    ``name`` is what must not happen, ``sentence`` the same for readers. ``answers`` replace honest ones; ``before``
    and ``after`` are cells of the student's own. ``edit`` changes the notebook before it is written, ``files`` changes
    the folder afterwards. ``wrong`` are the questions that earn nothing. ``theme`` is the module that describes it.
    ``walls`` is true for what the walls must keep in, and so has to fail at every level; ``waits`` for what takes
    until a time limit.
    """

    name: str
    sentence: str
    answers: dict[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    edit: Callable[[dict[str, Any]], Any] | None = None
    files: Callable[[Path], None] | None = None
    wrong: frozenset[str] = frozenset()
    lost: Lost = Lost.NOTHING
    theme: str = ""
    walls: bool = False
    waits: bool = False

    def allowed(self, question: str) -> set[float | None]:
        """Marks that the question may get; None is a mark that was not made."""
        mark = 0.0 if question in self.wrong else POINTS[question]
        match self.lost:
            case Lost.EVERYTHING:
                return {None}
            case Lost.PERHAPS:
                return {mark, None}
            case Lost.OWN_FAULT:
                return {mark, 0.0, None}
            case Lost.PROCESS:
                return {None} if question in ASKED else {0.0, 1.0, None} if question == "plain" else {mark}
        return {mark}


def attack(name: str, sentence: str, *, wrong: str = "", before: str = "", after: str = "", **more: Any) -> Attack:
    """Describe an attack in short: answers by question, and the wrong ones as words."""
    answers = {question: more.pop(question).strip("\n") for question in POINTS if question in more}
    assert set(wrong.split()) <= set(POINTS), wrong
    texts = {"before": before.strip("\n"), "after": after.strip("\n")}
    return Attack(name, sentence, answers, wrong=frozenset(wrong.split()), **texts, **more)
