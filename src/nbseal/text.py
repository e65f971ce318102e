"""Texts that a page or a terminal shows, with nothing in them that either would obey."""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

MESSAGE_LIMIT = 4000  # characters of a text that anybody reads
CODE = re.compile(r"`([^`\n]{1,200})`")
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


def with_code(text: str) -> str:
    """A text as HTML: every sign stands for itself, but what is between backticks is shown as code."""
    return CODE.sub(r"<code>\1</code>", escape(printable(text)))


def first_of(names: Sequence[str], count: int) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def command(name: str, *arguments: str, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The words of a command of ours; an argument may begin with a hyphen, as an option does."""
    if any(argument.startswith("-") for argument in arguments):
        return ("nbseal", name, *options, "--", *arguments)
    return ("nbseal", name, *arguments, *options)


def shell(words: Iterable[str]) -> str:
    """A command as a shell takes it; what a terminal would obey is spelled out."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word == without_controls(word) and "\n" not in word:
        return shlex.quote(word)
    plain = set(range(0x20, 0x7F)) - set(b"'\\")
    return "$'" + "".join(chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in os.fsencode(word)) + "'"


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
