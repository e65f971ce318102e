"""Mutants of a right answer: one small change each, made on the syntax tree, of the kind that slips into code.

Most operators are mutmut's (comparison, arithmetic, boundary, constant, keyword, removed argument, …); those here add
what is common in numerical code: a wrong axis, swapped arguments, a call left out, a dropped statement, off by one.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, cast

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators, operator_string

from nbseal.python_text import parse

Operator = tuple[type, Callable[[Any], Iterable[cst.CSTNode]]]
MESSAGES = m.Raise() | m.Assert() | m.Call(func=m.Name("print"))  # nobody judges their texts
DEFAULTS = ("None", "0")


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """What was done and the changed source, for each mutant; none of a source that is no Python."""
    try:
        module = cst.parse_module(source)
    except cst.ParserSyntaxError:
        return
    before = _meaning(source)
    seen = {before}
    for node, operator in _places(module):
        for changed in operator(node):
            try:
                code = cast(cst.Module, module.deep_replace(node, changed)).code
                meaning = _meaning(code)
            except (SyntaxError, ValueError, TypeError, cst.CSTValidationError):
                continue
            if meaning not in seen:
                seen.add(meaning)
                yield _told(source, code), code


def _meaning(source: str) -> str:
    """What Python makes of a source, whatever it looks like."""
    return ast.dump(parse(source))


def _told(before: str, after: str) -> str:
    """The change in a few words: the first lines that differ."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:2] in ("- ", "+ ")]
    old = next((_short(line[2:]) for line in lines if line.startswith("- ")), "")
    new = next((_short(line[2:]) for line in lines if line.startswith("+ ")), "")
    return f"{old} → {new}" if new else f"without: {old}"


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= 80 else f"{line[:77]}…"


def _places(module: cst.Module) -> Iterator[tuple[cst.CSTNode, Callable[[Any], Iterable[cst.CSTNode]]]]:
    """Each node that an operator may change, with that operator."""
    messages = {id(part) for node in m.findall(module, MESSAGES) for part in _below(node)}
    for node in _below(module):
        if id(node) in messages:
            continue
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                yield node, operator


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all in it, without annotations and decorators, which change nothing."""
    yield node
    for child in node.children:
        if not isinstance(child, (cst.Annotation, cst.Decorator, cst.BaseParenthesizableWhitespace)):
            yield from _below(child)


def _off_by_one(node: cst.Integer) -> Iterator[cst.CSTNode]:
    if node.evaluated_value > 0:
        yield node.with_changes(value=str(node.evaluated_value - 1))


def _half(node: cst.Float) -> Iterator[cst.CSTNode]:
    if node.evaluated_value:
        yield node.with_changes(value=repr(node.evaluated_value / 2))


def _other_sign(node: cst.BaseNumber) -> Iterator[cst.CSTNode]:
    if isinstance(node, (cst.Integer, cst.Float)) and node.evaluated_value:
        operand = node.with_changes(lpar=[], rpar=[])
        yield cst.UnaryOperation(cst.Minus(), operand, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _other_axis(node: cst.Arg) -> Iterator[cst.CSTNode]:
    if m.matches(node, m.Arg(keyword=m.Name("axis"), value=m.Integer() | m.UnaryOperation())):
        axis = cst.Module([]).code_for_node(node.value)
        yield node.with_changes(value=cst.Integer("1" if axis == "0" else "0"))


def _swapped_arguments(node: cst.Call) -> Iterator[cst.CSTNode]:
    plain = [arg for arg in node.args if arg.keyword is None and not arg.star]
    for first, second in pairwise(plain):
        places = {id(first): second.value, id(second): first.value}
        yield node.with_changes(args=[arg.with_changes(value=places.get(id(arg), arg.value)) for arg in node.args])


def _without_call(node: cst.Call) -> Iterator[cst.CSTNode]:
    """``f(x)`` becomes ``x``, ``x.f()`` becomes ``x``."""
    first = next((arg.value for arg in node.args if arg.keyword is None and not arg.star), None)
    if first is not None:
        yield first
    elif isinstance(node.func, cst.Attribute):
        yield node.func.value


def _negated(node: cst.If | cst.While | cst.IfExp) -> Iterator[cst.CSTNode]:
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(whitespace_after=cst.SimpleWhitespace(" ")), test))


def _other_side(node: cst.ComparisonTarget) -> Iterator[cst.CSTNode]:
    turned: dict[type[cst.BaseCompOp], Callable[[], cst.BaseCompOp]] = {
        cst.LessThan: cst.GreaterThan,
        cst.GreaterThan: cst.LessThan,
        cst.LessThanEqual: cst.GreaterThanEqual,
        cst.GreaterThanEqual: cst.LessThanEqual,
    }
    if other := turned.get(type(node.operator)):
        yield node.with_changes(operator=other())


def _dropped(node: cst.IndentedBlock | cst.Module) -> Iterator[cst.CSTNode]:
    for statement in node.body:
        if not m.matches(statement, m.SimpleStatementLine(body=[m.Expr(m.SimpleString())]) | m.FunctionDef()):
            rest = [other for other in node.body if other is not statement]
            yield node.with_changes(body=rest or [cst.SimpleStatementLine([cst.Pass()])])


def _default_returned(node: cst.Return) -> Iterator[cst.CSTNode]:
    for default in DEFAULTS:
        yield node.with_changes(value=cst.parse_expression(default), whitespace_after_return=cst.SimpleWhitespace(" "))


def _one_side(node: cst.BinaryOperation | cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    yield node.left
    yield node.right


OURS: list[Operator] = [
    (cst.Integer, _off_by_one),
    (cst.Float, _half),
    (cst.BaseNumber, _other_sign),
    (cst.Arg, _other_axis),
    (cst.Call, _swapped_arguments),
    (cst.Call, _without_call),
    (cst.If, _negated),
    (cst.While, _negated),
    (cst.ComparisonTarget, _other_side),
    (cst.IndentedBlock, _dropped),
    (cst.Return, _default_returned),
    (cst.BinaryOperation, _one_side),
    (cst.BooleanOperation, _one_side),
]
# Upper case instead of lower case in a text says nothing about a grader.
OPERATORS: list[Operator] = [
    *((kind, operator) for kind, operator in mutation_operators if operator is not operator_string),
    *OURS,
]
