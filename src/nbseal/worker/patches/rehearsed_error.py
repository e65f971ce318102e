"""A short file that a rehearsed error passes through: reading and colouring a long one would take longer."""

from __future__ import annotations


def make() -> None:
    """Raise an error."""
    raise ValueError("rehearsed")
