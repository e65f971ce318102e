"""What a student's function has drawn, read from the plain data that a sealed process sent of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from nbseal.errors import StudentError

MAX_MARKS = 1000


class Mark(NamedTuple):
    """A marker at a place; ``look`` is another text for another shape, and for a hollow one instead of a filled one."""

    x: float
    y: float
    look: str


@dataclass(frozen=True)
class Drawing:
    """Markers in the order of matplotlib's artists, how many lines and shapes have none, and the names of the axes."""

    marks: tuple[Mark, ...]
    others: int
    xlabel: str
    ylabel: str
    title: str


def read_drawing(data: Any, function: str) -> Drawing:
    """The drawing that ``function`` made; StudentError if there is too much of it, or if it can't be read."""
    data = data if isinstance(data, dict) else {}
    marks, others = data.get("marks"), data.get("others")
    names = [data.get(name) for name in ("xlabel", "ylabel", "title")]
    if not isinstance(marks, list) or type(others) is not int or not all(isinstance(name, str) for name in names):
        raise StudentError(f"What `{function}` has drawn can't be read.")
    if len(marks) > MAX_MARKS:
        raise StudentError(f"`{function}` draws more than {MAX_MARKS} markers.")
    if not all(isinstance(mark, tuple) and _is_mark(*mark) for mark in marks):
        raise StudentError(f"`{function}` draws a marker at a place that is not two finite numbers.")
    xlabel, ylabel, title = map(str, names)
    return Drawing(tuple(Mark(*mark) for mark in marks), others, xlabel, ylabel, title)


def _is_mark(x: Any = None, y: Any = None, look: Any = None, *more: Any) -> bool:
    numbers = all(isinstance(number, float) and math.isfinite(number) for number in (x, y))
    return numbers and isinstance(look, str) and not more
