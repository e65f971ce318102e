"""What a hidden test will look up, as far as its source says so: it is fixed before the first hidden call."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbseal.python_text import parse

LOOK_UPS, FILES = frozenset({"value", "number", "array", "frame"}), frozenset({"file", "npz"})


@dataclass(frozen=True)
class Foreseen:
    """Names and files that a test looks up."""

    names: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


@functools.cache
def foreseen_in(function: Callable[..., Any]) -> Foreseen:
    """What a test looks up by calls such as ``student.value("weights")``; nothing where its source can't be read."""
    try:
        tree = parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return Foreseen()
    names: set[str] = set()
    files: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="student"), attr=method), args=[ast.Constant(value=str(name)), *_]
            ):
                names |= {name} if method in LOOK_UPS else set()
                files |= {name} if method in FILES else set()
    return Foreseen(frozenset(names), frozenset(files))
