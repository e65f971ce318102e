"""Texts that a page or a terminal shows, with nothing in them that either would obey."""

from __future__ import annotations

import re

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
