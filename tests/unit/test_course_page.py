"""The page about the course names questions that exist, and leaves none out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.samples import ROOT

PAGE = ROOT / "docs" / "course.md"


def questions_of(path: Path) -> dict[str, float]:
    """The points of a notebook's questions by their grade_ids."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return {mark["grade_id"]: mark["points"] for mark in marks if mark.get("grade")}


QUESTIONS = {path.stem: questions_of(path) for path in sorted((ROOT / "source").glob("*/*.ipynb"))}


def named() -> dict[str, set[str]]:
    """The questions that the page's tables name, by assignment."""
    found: dict[str, set[str]] = {name: set() for name in QUESTIONS}
    for row in PAGE.read_text(encoding="utf-8").splitlines():
        if not row.startswith("|"):
            continue
        for part in row.split("|")[-2].split(";"):
            words = re.findall(r"`([^`]+)`", part)
            if words and words[0] in found:
                found[words[0]] |= set(words[1:])
    return found


def test_every_question_that_the_page_names_exists() -> None:
    """A question that was renamed or taken out is found here."""
    assert {name: found - QUESTIONS[name].keys() for name, found in named().items()} == {
        name: set() for name in QUESTIONS
    }


def test_every_question_has_its_place() -> None:
    """Each question serves something that the lessons teach; texts about the whole notebook are left out."""
    texts = {"reflect", "verdict"}
    assert {name: QUESTIONS[name].keys() - found - texts for name, found in named().items()} == {
        name: set() for name in QUESTIONS
    }


def test_the_points_of_the_course_are_those_of_its_notebooks() -> None:
    """The sum at the head of the page is right."""
    points = sum(sum(found.values()) for found in QUESTIONS.values())
    assert f"Nine assignments, {points:g} points." in PAGE.read_text(encoding="utf-8")
