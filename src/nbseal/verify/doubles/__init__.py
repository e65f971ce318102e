"""Answers in disguise: what a name of the notebook stands for is replaced by something that is made from it.

Each module here is sent into the sealed process as text and knows nothing of the engine. Its ``FUNCTIONS`` and
``VALUES`` say, by what a report calls it, what becomes of a function or of any other value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from nbseal.verify.doubles import adversaries, own_ways, wrong_ideas


@dataclass(frozen=True)
class Double:
    """One way to replace what a name stands for, by its ``name`` in a table of a module."""

    module: ModuleType
    table: str
    name: str

    def cell(self, target: str) -> str:
        """The cell that replaces ``target``; nothing else that the notebook knows by name is touched."""
        return _cell(self.module, target, f"[{self.table!r}][{self.name!r}]")

    def words(self, target: str) -> str:
        """The same in a line for people, with the module that says what is done."""
        return f"{target} = {self.module.__name__.rpartition('.')[2]}.{self.table}[{self.name!r}]({target})"


def as_told(target: str, answers: Sequence[float], function: bool) -> str:
    """The cell that has ``target`` answer so, call by call; a value is the last of the answers."""
    if not function:
        return f"{target} = {answers[-1] if answers else None!r}\n"
    return _cell(adversaries, target, f"['as_told']({list(answers)!r})")


def _cell(module: ModuleType, target: str, double: str) -> str:
    source = _source(module)
    return f"_double = {{}}\nexec({source!r}, _double)\n{target} = _double{double}({target})\ndel _double\n"


@cache
def _source(module: ModuleType) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text(encoding="utf-8")


def _doubles(module: ModuleType, table: str) -> list[Double]:
    return [Double(module, table, name) for name in getattr(module, table)]


def for_functions(module: ModuleType) -> list[Double]:
    """What a module makes of functions."""
    return _doubles(module, "FUNCTIONS")


def for_values(module: ModuleType) -> list[Double]:
    """What a module makes of other values."""
    return _doubles(module, "VALUES")


__all__ = ["Double", "adversaries", "as_told", "for_functions", "for_values", "own_ways", "wrong_ideas"]
