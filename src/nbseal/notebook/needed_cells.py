"""Which cells of a notebook make what later ones use, as far as its text says."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from nbseal.python_text import parse

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def needed_cells(cells: Sequence[dict[str, Any]], first: int, wanted: Collection[str]) -> list[dict[str, Any]]:
    """Leave out cells before number ``first`` that make no name which is ``wanted`` or used later on.

    A cell makes the names that it assigns, imports, defines or changes (``x[0] = 1``, ``x.append(1)``). One that can't
    be read is kept. Effects that no name tells of, such as a file that is written, are not seen.
    """
    trees = [_tree(cell["source"]) if cell["cell_type"] == "code" else ast.Module([], []) for cell in cells]
    modules = {name for tree in trees if tree for name in _imported(tree)}
    needed, kept = set(wanted), []
    for number, tree in reversed(list(enumerate(trees))):
        if number >= first or tree is None or "*" in _imported(tree) or not needed.isdisjoint(_made(tree, modules)):
            kept.append(cells[number])
            needed |= _used(tree, cells[number]["source"])
    return kept[::-1]


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imported(tree: ast.Module) -> set[str]:
    aliases = [node for node in ast.walk(tree) if isinstance(node, ast.alias)]
    return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def _used(tree: ast.Module | None, source: str) -> set[str]:
    """Names in a cell; where it can't be read, all words."""
    if tree is None:
        return set(re.findall(r"[^\W\d]\w*", source))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _made(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """Names that mean something else behind the cell than before it; calling a module's function changes no name."""
    yield from _imported(tree)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS):
            yield node.name
        elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            yield from _owner(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and id(node) in alone:
            yield from set(_owner(node.func)) - set(modules)


def _owner(node: ast.expr) -> Iterator[str]:
    """``x`` of ``x.y[0].z``."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
