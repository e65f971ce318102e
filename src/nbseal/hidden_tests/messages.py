"""What may be shown of an exception that a student's function raised: never what a hidden test gave to it.

Type, message and line come from a process that knows hidden inputs and wants to publish them. Shown is what the author
has written in the notebook, and what Python itself says, without the values in it.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from typing import Any

from nbseal.checks import TYPES
from nbseal.hidden_tests.python_messages import EXCEPTIONS, NAMES, OPERATORS, SENTENCES

GAP = "…"  # stands for what isn't shown
MAX_SOURCE = 200_000  # characters of a notebook's code that are looked at
MAX_MESSAGE, MAX_LINE, MAX_KIND = 300, 120, 80
MOST_DIMENSIONS, MOST_PARTS = 4, 3
SHORTEST_BEGINNING = 8  # of a text that the notebook goes on to fill in
BUILTIN_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)
STRINGS = re.compile(r'([rRuUfFbB]{0,2})("[^"\n]*"|\'[^\'\n]*\')')
FIELDS = re.compile(r"\{[^{}]*\}|%[-+ #0-9.]*[a-zA-Z]")
DTYPE = re.compile("[<>|=]?[biufcOSU][0-9]?")
PATTERNS = {
    "name": r"([\w.<>]{1,90})",
    "type": r"([\w.-]{1,60})",
    "dtype": r"('[^']{1,12}')",
    "operator": r"([^\s'\w]{1,3}|divmod\(\))",
    "n": r"(-?\d+)",
    "shape": r"(\([\d, ]*\))",
    "value": r"(.{1,500}?)",
    "rest": r"(.{0,500})",
}


class Words:
    """The words of one notebook's code."""

    def __init__(self, code: Sequence[str]) -> None:
        self._code = "\n".join(code)[:MAX_SOURCE]

    @cached_property
    def names(self) -> frozenset[str]:
        """All words and numbers in the code."""
        return frozenset(re.findall(r"\w+", self._code))

    @cached_property
    def lines(self) -> frozenset[str]:
        """The lines of the code, without their indentation."""
        return frozenset(line.strip() for line in self._code.splitlines())

    @cached_property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The string literals of the code, each in the parts between the values that are filled in."""
        found: list[tuple[str, ...]] = []
        end = -1
        for match in STRINGS.finditer(self._code):
            parts = FIELDS.split(match[2][1:-1])
            if found and end >= 0 and not self._code[end : match.start()].strip():
                last = found.pop()  # literals side by side are one text
                parts = [*last[:-1], last[-1] + parts[0], *parts[1:]]
            found.append(tuple(parts))
            end = match.end()
        return tuple(found)

    def kind(self, said: Any, bases: Iterable[str] = ()) -> str:
        """The name of an exception's class if it is well known or the notebook's own; else that of its nearest base."""
        known = BUILTIN_EXCEPTIONS | EXCEPTIONS
        name = str(said)[:MAX_KIND]
        if name in known or (name in self.names and re.search(rf"\bclass\s+{re.escape(name)}\b", self._code)):
            return name
        return next((base for base in bases if base in known and base != "object"), "an exception")

    def line(self, said: Any) -> str:
        """A line of the notebook's code; empty if it is none."""
        line = str(said).strip() if said else ""
        return line[:MAX_LINE] if line in self.lines else ""

    def message(self, said: Any, known: Iterable[str] = ()) -> str:
        """The message as it may be shown; empty if nothing is known of it. ``known`` are texts of our own."""
        text = str(said)[:MAX_MESSAGE]
        if not text or text in {one[:MAX_MESSAGE] for one in known}:
            return text
        return self._by_python(text) or self._by_author(text)

    def _by_python(self, text: str) -> str:
        for pattern, kinds, parts in sentences():
            match = pattern.fullmatch(text)
            if match:
                values = [FILLED[kind](self, value) for kind, value in zip(kinds, match.groups(), strict=True)]
                return "".join(part + value for part, value in zip(parts, [*values, ""], strict=True))
        return ""

    def _by_author(self, text: str) -> str:
        """The author's own text, without the values that were filled in."""
        quoted = text[1:-1] if text[:1] == text[-1:] and text[:1] in "'\"" else None  # a KeyError's, for example
        best = ""
        for parts in self.texts:
            if len(parts) == 1 and parts[0] in (text, quoted) and parts[0]:
                return text
            shown = _between(parts, text)
            best = shown if len(shown) > len(best) else best
        return best


def _between(parts: tuple[str, ...], text: str) -> str:
    """``text`` with gaps where something was filled in between ``parts``; empty if it isn't made of them."""
    first, *others = parts
    if not text.startswith(first):
        return ""
    if not others:  # something was added behind: "text " + str(value)
        return first + GAP if len(first) >= SHORTEST_BEGINNING else ""
    place, *middle, last = len(first), *others
    for part in middle:
        place = text.find(part, place) + len(part)
        if place < len(part):
            return ""
    fits = text.endswith(last) and len(text) - len(last) >= place
    return GAP.join(parts) if fits and any(part.strip() for part in parts) else ""


@cache
def sentences() -> tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...]:
    """Python's sentences: what fits them, what is filled in, and the words between."""
    made = []
    for sentence in SENTENCES:
        pieces = re.split(r"\{(\w+)\}", sentence)
        words, kinds = pieces[::2], pieces[1::2]
        pattern = "".join(
            re.escape(word) + (PATTERNS[kinds[i]] if i < len(kinds) else "") for i, word in enumerate(words)
        )
        made.append((re.compile(pattern, re.DOTALL), tuple(kinds), tuple(words)))
    return tuple(made)


def _name(words: Words, value: str) -> str:
    parts = value.split(".")  # more of them could spell a text
    return value if len(parts) <= MOST_PARTS and set(parts) <= words.names | NAMES else GAP


def _type(words: Words, value: str) -> str:
    return value if value in TYPES or value in words.names else GAP


def _dtype(words: Words, value: str) -> str:
    return value if value[1:-1] in TYPES or DTYPE.fullmatch(value[1:-1]) else GAP


def _operator(words: Words, value: str) -> str:
    return value if value in OPERATORS else GAP


def _numbers(words: Words, value: str) -> str:
    """A count or a shape: single digits, and numbers of the notebook's own."""
    if value.count(",") >= MOST_DIMENSIONS:
        return GAP
    return re.sub(r"\d+", lambda found: found[0] if len(found[0]) == 1 or found[0] in words.names else GAP, value)


def _value(words: Words, value: str) -> str:
    return value if (value.strip("'\""),) in words.texts else GAP


FILLED: dict[str, Callable[[Words, str], str]] = {
    "name": _name,
    "type": _type,
    "dtype": _dtype,
    "operator": _operator,
    "n": _numbers,
    "shape": _numbers,
    "value": _value,
    "rest": lambda words, value: GAP if value else "",
}
