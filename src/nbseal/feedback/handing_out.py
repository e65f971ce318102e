"""What a page says, and leaves out, that is given to a student as soon as the work is graded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nbseal.gradebook.queries import NotebookMarks


@dataclass(frozen=True)
class HandingOut:
    """``receipt`` are lines about what arrived; of the ``withheld`` questions neither marks nor tests are shown.

    ``until`` says in words when these will be; "" if nobody knows.
    """

    receipt: Mapping[str, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    until: str = ""

    def of(self, marks: NotebookMarks) -> NotebookMarks:
        """What of the marks may be shown."""
        if not self.withheld:
            return marks
        scores = {question: None if question in self.withheld else score for question, score in marks.scores.items()}
        comments = {cell: text for cell, text in marks.comments.items() if cell not in self.withheld}
        return replace(marks, scores=scores, comments=comments, by_person=marks.by_person - self.withheld)

    def facts(self) -> list[Any]:
        """All of it as plain data."""
        return [dict(self.receipt), sorted(self.withheld), self.until]
