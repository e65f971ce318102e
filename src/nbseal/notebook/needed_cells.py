"""Which cells of a notebook make what later ones use, as far as its text says."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from nbseal.python_text import parse

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def needed_cells(
    cells: Sequence[dict[str, Any]], always: Collection[int], wanted: Collection[str]
) -> list[dict[str, Any]]:
    """Leave out cells that make no name which is ``wanted`` or used later on; those numbered ``always`` are kept.

    A cell makes the names that it assigns, imports, defines or changes (``x[0] = 1``, ``x.append(1)``). One that can't
    be read is kept. Effects that no name tells of, such as a file that is written, are not seen.
    """
    trees = [_tree(cell["source"]) if cell["cell_type"] == "code" else ast.Module([], []) for cell in cells]
    modules = {name for tree in trees if tree for name in _imported(tree)}
    needed, kept = set(wanted), []
    for number, tree in reversed(list(enumerate(trees))):
        if number in always or tree is None or "*" in _imported(tree) or not needed.isdisjoint(_made(tree, modules)):
            kept.append(cells[number])
            used, bound = _flow(tree, cells[number]["source"])
            needed = (needed - bound) | used
    return kept[::-1]


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imported(tree: ast.Module) -> set[str]:
    aliases = [node for node in ast.walk(tree) if isinstance(node, ast.alias)]
    return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def _flow(tree: ast.Module | None, source: str) -> tuple[set[str], set[str]]:
    """Names that a cell takes from cells before it, all words where it can't be read; and those that it sets anew."""
    if tree is None:
        return set(re.findall(r"[^\W\d]\w*", source)), set()
    used, bound = set[str](), set[str]()
    for statement in tree.body:
        used |= _used(statement) - bound
        bound |= _bound(statement)
    return used, bound


def _bound(statement: ast.stmt) -> set[str]:
    """Names that mean something new behind a statement, whatever they meant before."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).partition(".")[0] for alias in names}
        case ast.Assign(targets=targets):
            return {name for target in targets for name in _stored(target)}
        case _:
            return set()


def _stored(node: ast.AST) -> set[str]:
    """Names to which something in a piece of code gives a value."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _used(node: ast.AST) -> set[str]:
    """Names that a piece of code takes from outside of it: not those of its loops, functions and comprehensions."""
    match node:
        case ast.Name(id=name, ctx=context):
            return set() if isinstance(context, ast.Store) else {name}
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            return {name} | _used(value)
        case ast.For():
            return _used(node.iter) | _used_by_all([*node.body, *node.orelse, node.target]) - _stored(node.target)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _used_by_all(ast.iter_child_nodes(node)) - {
                name for part in node.generators for name in _stored(part.target)
            }
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            body: list[ast.AST] = [*node.body] if isinstance(node.body, list) else [node.body]
            declared = {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
            own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
            own |= {name for part in body for name in _stored(part)} - declared
            others = [*node.args.defaults, *filter(None, node.args.kw_defaults), *getattr(node, "decorator_list", [])]
            return (_used_by_all(body) | declared) - own | _used_by_all(others)
        case _:
            return _used_by_all(ast.iter_child_nodes(node))


def _used_by_all(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for node in nodes for name in _used(node)}


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
