"""Texts that a page or a terminal shows, with nothing in them that either would obey."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MESSAGE_LIMIT = 4000  # characters of a text that anybody reads
# Terminal escapes, text that runs backwards and half characters could make a page show something else than its words.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def without_controls(text: str) -> str:
    """The text with a replacement character for each that a page or a terminal would obey."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def printable(text: str) -> str:
    """Take control characters out of a text, and cut what is longer than anybody reads."""
    if len(text) > MESSAGE_LIMIT:
        text = text[:MESSAGE_LIMIT] + "…"
    return without_controls(text).strip()


def one_line(text: str) -> str:
    """A text that may come from a student, in one line and without control characters."""
    return " ".join(printable(text).split())


def notes_on_like_ids(students: Iterable[str]) -> list[str]:
    """A note for each group of ids that people take for one: they differ in capitals or in how an accent is stored."""
    groups: dict[str, list[str]] = {}
    for student in sorted(students):
        groups.setdefault(unicodedata.normalize("NFKC", student).casefold(), []).append(student)
    return [
        f"{' and '.join(map(one_line, group))} are different students here, and their ids differ only in capitals or "
        "accents: if they are one, give their folders in submitted/ one name, and grade again"
        for group in groups.values()
        if len(group) > 1
    ]
