"""Finds similar answers of an assignment and renders them side by side."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from nbseal.course import Course
from nbseal.pages import render
from nbseal.similarity.answer_cells import read_answers
from nbseal.similarity.winnowing import COMMON, FEW, THRESHOLD, Pair, Slices, compare

MOST = 200  # pairs on a page


@dataclass(frozen=True)
class Couple:
    """Two students and their similar answers."""

    students: tuple[str, str]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Findings:
    """What a search found, and what it looked at."""

    assignment: str
    threshold: float
    common: float
    students: int
    answers: int
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the answers themselves."""
        return {
            "assignment": self.assignment,
            "threshold": self.threshold,
            "students": self.students,
            "answers": self.answers,
            "pairs": [
                {
                    "question": pair.first.question,
                    "students": list(pair.students),
                    "share": round(pair.share, 3),
                    "same": pair.same,
                }
                for pair in self.pairs
            ],
            "notes": list(self.notes),
        }


def find_similar(
    course: Course, assignment: str, threshold: float = THRESHOLD, common: float = COMMON
) -> Findings:  # fmt: skip
    """Compare the answers of everybody who has handed something in; UnknownName or CourseError as in grading."""
    name = course.assignment(assignment).name
    found = read_answers(course, name)
    pairs = compare(found.answers, found.given, threshold, common)
    students = {answer.student for answer in found.answers}
    return Findings(name, threshold, common, len(students), len(found.answers), tuple(pairs), found.notes)


def similarity_page(findings: Findings) -> str:
    """The findings as one HTML page that needs nothing else."""
    return render(
        "nbseal.similarity",
        "similarity.html.j2",
        findings=findings,
        couples=couples(findings.pairs[:MOST]),
        shown=MOST,
        made=datetime.datetime.now(datetime.UTC),
        few=FEW,
        parts=parts,
    )


def couples(pairs: Iterable[Pair]) -> list[Couple]:
    """The pairs by the two students whose they are, in their order: those of the same two follow one another."""
    return [Couple(students, tuple(own)) for students, own in groupby(pairs, lambda pair: pair.students)]


def parts(source: str, marks: Slices) -> list[tuple[bool, str]]:
    """The source in pieces: whether a piece is also in the other answer, and its text."""
    cuts = [0, *(place for mark in marks for place in mark), len(source)]
    return [(index % 2 == 1, source[a:b]) for index, (a, b) in enumerate(pairwise(cuts)) if a < b]
