"""What verification finds: one outcome for each answer tried, findings, and a line of figures for each question."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from nbseal.verify.variants import Kind


class Problem(StrEnum):
    """What is wrong with a grader; each but the last two is a failure."""

    FALSE_ACCEPT = "false accept"
    FALSE_REJECT = "false reject"
    UNSTABLE = "unstable"
    FAULT = "fault of the grader"
    WORDS = "words missing"
    REDUNDANT = "redundant test"
    SELF_CHECK = "the self-check says ok"

    @property
    def fails(self) -> bool:
        """Whether the graders aren't right before this is mended or accepted."""
        return self not in (Problem.REDUNDANT, Problem.SELF_CHECK)


@dataclass(frozen=True)
class Failed:
    """A hidden test that did not pass: its id, its line, what it said, and whether it only waited for another one."""

    test: str
    line: str
    outcome: str
    message: str
    blocked: bool = False


@dataclass(frozen=True)
class Tried:
    """What became of one answer: its score under each draw, and the tests that failed under the first.

    ``alike``: it behaves like the right answer that it was made from, as far as ``probes`` tell; None if nobody asked,
    as where marks are lost or the oracle has spoken.
    ``oracle``: the instructor's own second opinion. ``passes_check``: the question's visible check raised nothing.
    """

    scores: tuple[float | None, ...]
    failed: tuple[Failed, ...] = ()
    passes_check: bool = True
    alike: bool | None = None
    oracle: bool | None = None
    probes: int = 0
    evidence: str = ""
    why: str = ""

    @property
    def score(self) -> float | None:
        """The mark under the first draw."""
        return self.scores[0] if self.scores else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tried:
        """Rebuild from ``to_dict``."""
        failed = tuple(Failed(**one) for one in data["failed"])
        return cls(**{**data, "scores": tuple(data["scores"]), "failed": failed})


@dataclass(frozen=True)
class Finding:
    """One thing that an instructor should look at; ``accepted`` is the reason why it may stay."""

    problem: Problem
    question: str
    kind: str
    name: str
    said: str = ""
    difference: str = ""
    accepted: str = ""

    @property
    def key(self) -> str:
        """What an instructor accepts it by."""
        text = "\0".join((self.problem, self.question, self.kind, self.name, self.difference))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def counts(self) -> bool:
        """Whether it makes verification fail."""
        return self.problem.fails and not self.accepted

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "problem": str(self.problem), "key": self.key}


@dataclass
class QuestionResults:
    """One question: how many answers of each kind were tried, what became of them, and what to look at."""

    assignment: str
    question: str
    points: float
    hidden_tests: int
    tried: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, Kind), 0))
    equivalent: int = 0
    caught: int = 0
    survived: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def count(self, problem: Problem) -> int:
        """Findings of one kind that nobody has accepted."""
        return sum(one.problem is problem and not one.accepted for one in self.findings)

    @property
    def fails(self) -> bool:
        """Whether something must be mended."""
        return any(one.counts for one in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "assignment": self.assignment,
            "question": self.question,
            "points": self.points,
            "hidden_tests": self.hidden_tests,
            "tried": self.tried,
            "equivalent": self.equivalent,
            "caught": self.caught,
            "survived": self.survived,
            "false_accepts": self.count(Problem.FALSE_ACCEPT),
            "false_rejects": self.count(Problem.FALSE_REJECT),
            "unstable": self.count(Problem.UNSTABLE),
            "faults": self.count(Problem.FAULT),
            "seconds": round(self.seconds, 2),
            "notes": self.notes,
            "findings": [one.to_dict() for one in self.findings],
        }


def failing(results: Sequence[QuestionResults]) -> list[QuestionResults]:
    """The questions whose graders must be mended."""
    return [one for one in results if one.fails]
