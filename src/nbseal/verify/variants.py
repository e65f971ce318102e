"""The answers to a question that verification makes of right ones: wrong on purpose, or right in another way."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import libcst as cst
import libcst.matchers as m

from nbseal.notebook import Notebook, Question
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.python_text import parse
from nbseal.verify.doubles import adversaries, for_functions, for_values, own_ways, wrong_ideas
from nbseal.verify.mutants import mutants


class Kind(StrEnum):
    """What an answer is tried for."""

    CASE = "case"
    MUTANT = "mutant"
    IDEA = "idea"
    ADVERSARY = "adversary"
    OWN_WAY = "own way"


@dataclass(frozen=True)
class RightAnswer:
    """A notebook whose answer to a question deserves full marks, with the files beside it."""

    name: str
    notebook: Notebook
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One answer to try: ``cells`` are other sources by grade_id, the rest are cells that run before others.

    ``shown`` says in a few lines what those before the check do.
    """

    kind: Kind
    right: str
    name: str
    cells: Mapping[str, str] = field(default_factory=dict)
    before_answer: tuple[str, ...] = ()
    before_check: tuple[str, ...] = ()
    shown: str = ""

    @property
    def digest(self) -> str:
        """Identifies what is tried."""
        parts = [
            self.kind,
            self.right,
            *sorted(map(str, self.cells.items())),
            *self.before_answer,
            "-",
            *self.before_check,
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def answer_cells(template: Notebook, question: Question) -> list[str]:
    """The question's own code cells, by grade_id: those between the check before it and its own."""
    found: list[str] = []
    for cell in template["cells"]:
        mark = nbgrader_mark(cell)
        if not mark:
            continue
        if mark.get("solution") and cell["cell_type"] == "code":
            found.append(mark["grade_id"])
        if mark["grade_id"] == question.grade_id:
            return found
        if mark.get("grade") or mark.get("task"):
            found = []
    return []


def sources(notebook: Notebook, names: Collection[str]) -> dict[str, str]:
    """What stands in the cells of these grade_ids."""
    return {name: cell["source"] for cell in notebook["cells"] if (name := grade_id_of(cell)) in names}


def grade_id_of(cell: Mapping[str, Any]) -> str:
    """nbgrader's name of a cell; "" if it has none."""
    return str((cell["metadata"].get("nbgrader") or {}).get("grade_id", ""))


def mutants_of(right: RightAnswer, cells: Mapping[str, str]) -> Iterator[Variant]:
    """Each small change of each answer cell."""
    for grade_id, source in cells.items():
        for told, changed in mutants(source):
            yield Variant(Kind.MUTANT, right.name, told, {grade_id: changed})


def doubles_of(kind: Kind, right: RightAnswer, functions: Sequence[str], values: Sequence[str]) -> Iterator[Variant]:
    """Each disguise of each name that hidden tests ask for."""
    module = wrong_ideas if kind is Kind.IDEA else own_ways
    for names, doubles in ((functions, for_functions(module)), (values, for_values(module))):
        for name in names:
            for double in doubles:
                yield Variant(
                    kind,
                    right.name,
                    f"{name}: {double.name}",
                    before_check=(double.cell(name),),
                    shown=double.words(name),
                )


def adversaries_of(right: RightAnswer, functions: Sequence[str], values: Sequence[str]) -> Iterator[Variant]:
    """Answers that know nothing: every name of the question that hidden tests ask for says the same."""
    of_values = {double.name: double for double in for_values(adversaries)}
    nothing = of_values["always None"]
    for double in for_functions(adversaries) if functions else of_values.values():
        pairs = [(double, name) for name in functions]
        pairs += [(of_values.get(double.name, nothing), name) for name in values]
        if pairs:
            cells = tuple(one.cell(name) for one, name in pairs)
            shown = "\n".join(one.words(name) for one, name in pairs)
            yield Variant(Kind.ADVERSARY, right.name, double.name, before_check=cells, shown=shown)


def rewritten(right: RightAnswer, cells: Mapping[str, str]) -> Iterator[Variant]:
    """The same answer written in another way: other names inside, more cells, imports and remarks."""
    for grade_id, source in cells.items():
        for name, before, after in _rewritten(source):
            if after != source or before:
                yield Variant(Kind.OWN_WAY, right.name, f"{grade_id}: {name}", {grade_id: after}, before)


def _rewritten(source: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    try:
        tree, module = parse(source), cst.parse_module(source)
    except (SyntaxError, ValueError, cst.ParserSyntaxError):
        return
    yield "more imports", (), f"import math, sys, json\nimport numpy as np\n{source}"
    yield "remarks", (), f"# My answer.\n{source}\n# That's it.\n"
    yield "a figure", (), f"{source}\nimport matplotlib.pyplot as plt\n_figure = plt.figure()\nplt.close(_figure)\n"
    yield "other names inside", (), module.visit(_Renaming()).code
    if len(tree.body) > 1:
        lines = source.splitlines()
        first = min([tree.body[-1].lineno, *(one.lineno for one in getattr(tree.body[-1], "decorator_list", []))])
        yield "in two cells", ("\n".join(lines[: first - 1]),), "\n".join(lines[first - 1 :])


class _Renaming(cst.CSTTransformer):
    """Gives other names to what functions assign inside them; parameters keep theirs, for calls may name them."""

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        targets = m.AssignTarget(target=m.SaveMatchedNode(m.Name(), "name")) | m.For(
            target=m.SaveMatchedNode(m.Name(), "name")
        )
        found = {match["name"].value for match in m.extractall(original_node.body, targets)}  # type: ignore[union-attr]
        parameters = {
            one.name.value for one in m.findall(original_node.params, m.Param()) if isinstance(one, cst.Param)
        }
        declared = {
            item.name.value
            for node in m.findall(original_node, m.Global() | m.Nonlocal())
            for item in node.names  # type: ignore[attr-defined]
        }
        nested = m.findall(original_node.body, m.FunctionDef() | m.Lambda() | m.ClassDef())
        names = found - parameters - declared
        return updated_node if nested else updated_node.with_changes(body=updated_node.body.visit(_Names(names)))


class _Names(cst.CSTTransformer):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return not isinstance(node.value, cst.Name) or node.value.value in self.names

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return (
            updated_node.with_changes(value=f"my_{updated_node.value}")
            if updated_node.value in self.names
            else updated_node
        )


def with_variant(right: RightAnswer, variant: Variant, answers: Sequence[str]) -> Notebook:
    """The notebook to try; ``answers`` are the grade_ids of the question's answer cells."""
    cells, first = [], next(iter(variant.cells), answers[0] if answers else None)
    for cell in right.notebook["cells"]:
        grade_id = grade_id_of(cell)
        if grade_id == first:
            cells += [_plain_cell(number, source) for number, source in enumerate(variant.before_answer)]
        cells.append({**cell, "source": variant.cells[grade_id]} if grade_id in variant.cells else cell)
    return {**right.notebook, "cells": cells}


def _plain_cell(number: int, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": f"own-{number}",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def difference(right: RightAnswer, variant: Variant, cells: Mapping[str, str]) -> str:
    """What is different from the right answer, as a unified diff, or the code that changes it."""
    if variant.before_check:
        return variant.shown
    lines: list[str] = []
    for grade_id, source in variant.cells.items():
        before = [*variant.before_answer, source]
        old = cells.get(grade_id, "").splitlines()
        lines += difflib.unified_diff(old, "\n".join(before).splitlines(), right.name, grade_id, lineterm="", n=2)
    return "\n".join(lines)
