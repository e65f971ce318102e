"""Python text is parsed by one thread at a time, wherever it is parsed."""

from __future__ import annotations

import ast
import gc
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nbseal
from nbseal.python_text import MOST_PARSED, literal, parse

PACKAGE = Path(nbseal.__file__).parent
PARSERS = re.compile(r"\bast\.(parse|literal_eval)\(|PyCF_ONLY_AST|\bliteral_eval\(")


def test_threads_that_parse_at_once_all_get_their_trees() -> None:
    """Garbage collections in the middle of a tree, which is where threads change places, end in no SystemError."""
    source = "\n".join(f"x{number} = [(({number} + 1) * 2, [y for y in range({number})])]" for number in range(60))
    before = gc.get_threshold()
    gc.set_threshold(1)
    gc.callbacks.append(_let_others_run)
    try:
        with ThreadPoolExecutor(4) as executor:
            trees = list(executor.map(parse, [source] * 12))
    finally:
        gc.callbacks.remove(_let_others_run)
        gc.set_threshold(*before)
    assert [len(tree.body) for tree in trees] == [60] * 12


def _let_others_run(phase: str, info: dict[str, int]) -> None:
    sum(range(200))


def test_nobody_else_parses() -> None:
    """Whatever a thread of the grading process parses, it takes its turn."""
    others = [path for path in PACKAGE.rglob("*.py") if path.name != "python_text.py"]
    assert [str(path) for path in others if PARSERS.search(path.read_text(encoding="utf-8"))] == []


def test_a_source_too_long_to_be_ones_own_is_refused() -> None:
    """A source of any length is parsed where its author is trusted."""
    source = "x = 1\n" * (MOST_PARSED // 6 + 1)
    with pytest.raises(ValueError, match="too long"):
        parse(source)
    assert isinstance(parse(source, most=None), ast.Module)


def test_a_literal_is_what_python_reads() -> None:
    """A text, a number or a collection of them, and nothing that would have to be run."""
    assert literal("{'shape': (3, 4)}") == {"shape": (3, 4)}
    with pytest.raises(ValueError, match="malformed"):
        literal("print()")
