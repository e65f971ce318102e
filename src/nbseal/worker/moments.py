"""What the notebook's names stood for right behind each check cell, so that no later cell changes what is judged.

A moment is a shallow copy of the namespace, and the encoded contents of small plain values. Taking one runs no code of
the student's. Values are handed out at once, and so outlive the process; functions are called in a copy of the process
in which the moment was put back. What can't be put back: arrays over `SMALL_BYTES` and objects that were changed in
place.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy

from nbseal.wire.codec import pack, unpack

SMALL_BYTES, SMALL_COUNT, SMALL_DEPTH = 1 << 16, 2000, 6  # of one value
ALL_BYTES = 4 << 20  # of all values that one notebook hands out
SCALARS = frozenset({type(None), bool, int, float, str})
END = ""  # the moment behind the last cell
PLAIN = 2  # the version of marshal whose bytes don't hang on how often an object is referred to
Encoded = tuple[bytes, ...]


@dataclass
class Moment:
    """The namespace behind one cell; ``contents`` are those of its small containers."""

    names: dict[str, Any]
    contents: dict[str, Encoded] = field(default_factory=dict)


class Moments:
    """The moments of one notebook by question; ``names`` is the namespace that its cells run in."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._taken: dict[str, Moment] = {}
        self._last: dict[str, Any] = {}  # what was handed out: scalars as they are, containers encoded
        self._left = ALL_BYTES

    def take(self, question: str) -> dict[str, Any]:
        """Keep the moment for ``question``; small values that have changed since the last one, and names that went."""
        moment = self._taken[question] = Moment(dict(self._names))
        values: dict[str, Any] = {}
        seen: dict[str, Any] = {}
        for name, value in moment.names.items():
            if not _is_shown(name, value):
                continue
            if type(value) in SCALARS:
                if type(value) is str and len(value) > SMALL_BYTES:
                    continue
                seen[name] = value
                if name not in self._last or self._last[name] is not value:
                    values[name] = value
            elif (encoded := self._encoded(value)) is not None:
                seen[name] = moment.contents[name] = encoded
                if self._last.get(name) != encoded:
                    values[name] = value
        gone = [name for name in self._last if name not in seen]
        self._last = seen
        return {"values": {name: value for name, value in values.items() if self._pays(seen[name])}, "gone": gone}

    def names_at(self, question: str) -> dict[str, Any]:
        """The namespace at a question's moment; at the end, if its cell was never run."""
        moment = self._taken.get(question) or self._taken.get(END)
        return moment.names if moment else self._names

    def put_back(self, question: str) -> None:
        """Have the namespace and its small containers as they were; for a copy of the process, there is no way back."""
        moment = self._taken.get(question) or self._taken.get(END)
        if moment is None:
            return
        self._names.clear()
        self._names.update(moment.names)
        for name, encoded in moment.contents.items():
            if self._encoded(moment.names[name]) != encoded:
                self._names[name] = _refilled(moment.names[name], _decoded(encoded))

    def _encoded(self, value: Any) -> Encoded | None:
        """A small plain container's contents; None for anything else."""
        left = [SMALL_COUNT]
        if not _is_plain(value, left, 0):
            return None
        encoded = (marshal.dumps(value, PLAIN),) if len(left) == 1 else _packed(value)
        return encoded if sum(map(len, encoded)) <= SMALL_BYTES + (1 << 12) else None

    def _pays(self, seen: Any) -> bool:
        """Whether a value may still be handed out."""
        self._left -= sum(map(len, seen)) if type(seen) is tuple else len(seen) if type(seen) is str else 32
        return self._left >= 0


def _is_shown(name: Any, value: Any) -> bool:
    """Whether a name may be an answer: IPython's own begin with an underscore, and modules are no values.

    ``isinstance`` would ask the value for its ``__class__``, which is code of the student's.
    """
    return type(name) is str and not name.startswith("_") and name.isascii() and not issubclass(type(value), ModuleType)


def _packed(value: Any) -> Encoded:
    header, blobs = pack(value)
    return header, b"".join(blobs)


def _decoded(encoded: Encoded) -> Any:
    return marshal.loads(encoded[0]) if len(encoded) == 1 else unpack(*encoded)


def _is_plain(value: Any, left: list[int], depth: int) -> bool:
    """Whether a value is made of exact built-in types and small arrays of numbers.

    ``left`` holds how many items may still come, and behind that a 1 for each array that was met.
    """
    kind = type(value)
    if kind in SCALARS:
        left[0] -= 1
        return left[0] >= 0
    if kind is list or kind is tuple or kind is set or kind is frozenset or kind is dict:
        left[0] -= len(value)
        if left[0] < 0 or depth > SMALL_DEPTH:
            return False
        parts = [*value, *value.values()] if kind is dict else value
        return SCALARS.issuperset(map(type, parts)) or all(_is_plain(part, left, depth + 1) for part in parts)
    left.append(1)
    if kind is numpy.ndarray:
        return value.dtype.kind in "biufU" and value.nbytes <= SMALL_BYTES
    return issubclass(kind, numpy.generic) and kind.__module__ == "numpy" and value.dtype.kind in "biufU"


def _refilled(container: Any, contents: Any) -> Any:
    """The same container with these contents, where that can be done in place; else the contents."""
    kind = type(container)
    if kind is list:
        container[:] = contents
    elif kind is dict or kind is set:
        container.clear()
        container.update(contents)
    elif kind is numpy.ndarray and container.flags.writeable and container.shape == contents.shape:
        container[...] = contents
    else:
        return contents
    return container
