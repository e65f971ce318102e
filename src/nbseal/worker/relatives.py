"""Relatives of plain data, such as namedtuples, ranges, fractions and columns of a table, as plain data.

It is done on this side of the walls; the trusted side goes on taking nothing but exact plain data. Contents are read by
the methods of Python's own types, whatever a class of the student's makes of them.
"""

from __future__ import annotations

import array
import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from nbseal.wire.codec import MAX_ITEMS, Encoder, column
from nbseal.worker.stand_ins import StandIn, reference_of

MAX_BITS = 4096  # of a fraction's numbers
MAX_DECIMAL_BYTES = 1024  # of memory, which is some 2,000 digits
DICTS: tuple[dict[str, int], ...] = ({}, OrderedDict())
VIEWS = tuple(type(view()) for each in DICTS for view in (each.keys, each.values, each.items))
# how to get at the contents; what is further down may be a relative of what stands above it
CONTAINERS: dict[type, Callable[[Any], Any]] = {
    OrderedDict: lambda value: dict(OrderedDict.items(value)),
    dict: lambda value: dict(dict.items(value)),
    MappingProxyType: dict,
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: set(frozenset.__iter__(value)),
    deque: lambda value: list(deque.__iter__(value)),
    array.array: lambda value: array.array.tolist(value),
    range: list,
    **dict.fromkeys(VIEWS, list),
}


class RelativesEncoder(Encoder):
    """Encodes plain data as `Encoder` does, and relatives of plain data as the plain data that they hold."""

    def _encode_object(self, value: Any, kind: type, depth: int) -> Any:
        numpy = sys.modules.get("numpy")
        try:
            if numpy and kind is numpy.ndarray and value.ndim == 0:
                return self.encode(value[()], depth)
            return super()._encode_object(value, kind, depth)
        except MemoryError:
            raise
        except Exception:  # an object that refuses to be looked at
            return {"x": "object"}

    def encode_other(self, value: Any, kind: type, depth: int) -> Any:
        if kind is StandIn:
            return self.encode(reference_of(value), depth)
        for base, contents in CONTAINERS.items():
            if issubclass(kind, base):
                # looked at before anything is made: a range may claim any length
                too_large = self.items + base.__len__(value) > MAX_ITEMS  # type: ignore[attr-defined]
                return super().encode_other(value, kind, depth) if too_large else self.encode(contents(value), depth)
        pandas: Any = sys.modules.get("pandas")
        if pandas and issubclass(kind, pandas.DataFrame):
            return self.encode_frame(value, depth)
        if pandas and issubclass(kind, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
            return self.encode(column(value), depth)
        number = _number(value, kind)
        return super().encode_other(value, kind, depth) if number is None else self.encode(number, depth)


def _number(value: Any, kind: type) -> int | float | None:
    """The plain number that an object of another class stands for; None for any other object."""
    fractions: Any = sys.modules.get("fractions")
    decimal: Any = sys.modules.get("decimal")
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if fractions and issubclass(kind, fractions.Fraction):
        return _quotient(
            *(part.__get__(value) for part in (fractions.Fraction.numerator, fractions.Fraction.denominator))
        )
    if decimal and issubclass(kind, decimal.Decimal) and decimal.Decimal.__sizeof__(value) <= MAX_DECIMAL_BYTES:
        return float(decimal.Decimal.__float__(value))
    return None


def _quotient(numerator: Any, denominator: Any) -> int | float | None:
    numpy: Any = sys.modules.get("numpy")  # a fraction of what NumPy has counted keeps NumPy's whole numbers
    if numpy:
        whole = [part.item() if isinstance(part, numpy.integer) else part for part in (numerator, denominator)]
        numerator, denominator = whole
    if type(numerator) is not int or type(denominator) is not int:
        return None
    if max(numerator.bit_length(), denominator.bit_length()) > MAX_BITS:
        return None
    return numerator if denominator == 1 else numerator / denominator
