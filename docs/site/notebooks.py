"""The released notebooks as the site reads them: their headings, questions, objectives and first places of terms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HEADING = re.compile(r"^(#{1,4}) (.+)$", re.MULTILINE)
PLAN = re.compile(r"Plan for (?P<time>.+?)(?:[.;]\s|\.$)", re.MULTILINE | re.DOTALL)
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
NEEDS = re.compile(r"You need: (?P<needs>.+?\.)\s", re.DOTALL)


def slug(title: str) -> str:
    """The anchor of a heading, as code hosts and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@dataclass(frozen=True)
class Question:
    """A question with its points, and the anchor of the heading that it stands under."""

    name: str
    points: float
    anchor: str


@dataclass(frozen=True)
class Notebook:
    """One released notebook."""

    path: Path

    @property
    def name(self) -> str:
        """The assignment's name."""
        return self.path.stem

    @cached_property
    def content(self) -> dict[str, Any]:
        """The notebook as it was released."""
        return json.loads(self.path.read_text(encoding="utf-8"))

    @cached_property
    def cells(self) -> list[tuple[str, dict[str, Any], str]]:
        """Each cell's source, its nbgrader metadata, and the anchor of the heading above it or in it."""
        found, anchor = [], ""
        for cell in self.content["cells"]:
            source = "".join(cell["source"])
            headings = HEADING.findall(source) if cell["cell_type"] == "markdown" else []
            anchor = slug(headings[-1][1]) if headings else anchor
            found.append(
                (source if cell["cell_type"] == "markdown" else "", cell["metadata"].get("nbgrader", {}), anchor)
            )
        return found

    @property
    def opening(self) -> str:
        """The first cell: what it is about, what it needs, how long it takes."""
        return self.cells[0][0]

    @property
    def title(self) -> str:
        """The notebook's heading."""
        return HEADING.findall(self.opening)[0][1]

    @property
    def minutes(self) -> str:
        """How long it takes, in the notebook's own words up to a comma; ValueError if it doesn't say."""
        return self._said(PLAN, "time", 'a sentence "Plan for ..."').replace("**", "").partition(", ")[0]

    @property
    def needs(self) -> str:
        """What one needs to know before it, in the notebook's own words; ValueError if it doesn't say."""
        return self._said(NEEDS, "needs", 'a sentence "You need: ..."')

    @property
    def objectives(self) -> list[str]:
        """What one can do afterwards; empty where the notebook gives no list of it."""
        listed = self.opening.partition("**Afterwards you can**\n\n")[2].partition("\n\n")[0]
        return [line[2:].rstrip(";.") for line in listed.splitlines() if line.startswith("- ")]

    @property
    def questions(self) -> list[Question]:
        """The questions in their order."""
        return [Question(mark["grade_id"], mark["points"], at) for _, mark, at in self.cells if mark.get("grade")]

    def place_of(self, pattern: str) -> tuple[bool, str] | None:
        """Whether a term is printed bold, and the anchor of the section where that is; None if it isn't there."""
        word = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
        body = [(text, anchor) for text, _, anchor in self.cells[1:] if word.search(text)]
        bold = [anchor for text, anchor in body if any(map(word.search, BOLD.findall(text)))]
        return (bool(bold), (bold or [body[0][1]])[0]) if body else None

    def _said(self, pattern: re.Pattern[str], group: str, wanted: str) -> str:
        if not (found := pattern.search(self.opening)):
            raise ValueError(f"{self.path}: the first cell has no {wanted}: add it, the course site shows it.")
        return " ".join(found[group].split())


def released(root: Path) -> list[Notebook]:
    """All released notebooks in the order of the course."""
    return [Notebook(path) for path in sorted(root.glob("release/*/*.ipynb")) if path.stem == path.parent.name]
