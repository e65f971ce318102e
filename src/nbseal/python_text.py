"""Python source as a syntax tree, and as the literal that it writes, one thread at a time.

Python 3.11 counts the depth of a tree in one place for all threads: two that parse at once end in a SystemError, "AST
constructor recursion depth mismatch" (python/cpython#106905).
"""

from __future__ import annotations

import ast
import threading
from typing import Any

MOST_PARSED = 100_000  # characters of a cell
ONE_PARSER = threading.Lock()


def parse(source: str | bytes, *, most: int | None = MOST_PARSED) -> ast.Module:
    """``ast.parse``; ValueError for what is longer than ``most``, too long to be somebody's own code."""
    if most is not None and len(source) > most:
        raise ValueError("too long to be parsed")
    with ONE_PARSER:
        tree = ast.parse(source)
    return tree


def literal(text: str) -> Any:
    """``ast.literal_eval``: what a number, a text or a collection of them is when Python reads it."""
    with ONE_PARSER:
        return ast.literal_eval(text)
