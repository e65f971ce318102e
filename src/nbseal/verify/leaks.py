"""Tells whether feedback gives away what a student could use in the next attempt: inputs or answers that stay the same.

Inputs that are drawn anew for each submission help nobody. What hidden tests ask under every draw, and the right
answers to that, must not stand in any sentence, whatever was handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nbseal.verify.results import Failed

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.ASCII)
TELLING = 3  # digits that make a number more than a small one that anybody may name
LONG = 8  # characters that make a text more than a word that anybody may use


def secrets_in(told: Iterable[Mapping[str, Any]], public: str) -> set[str]:
    """Numbers and texts in hidden inputs and right replies that the released notebook doesn't show."""
    return {one for value in told for one in _tokens(value) if one not in public}


def _tokens(value: Any) -> Iterator[str]:
    """The numbers and texts in plain data that would tell something, as they would be written."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_tokens(key), *_tokens(item))
    elif isinstance(value, np.ndarray):
        found = value.ravel().tolist()
        yield from _tokens(found if _counts_on(found) else found[:1000])
    elif isinstance(value, (list, tuple)) and _counts_on(value):
        yield from (*_tokens(value[0]), *_tokens(value[-1]))
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _tokens(item)
    elif isinstance(value, str) and len(value) >= LONG:
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = f"{value:.6g}"
        if len(re.sub(r"e.*|\D", "", text).strip("0")) >= TELLING:
            yield text


def _counts_on(value: Sequence[Any]) -> bool:
    """Whether these are whole numbers in a row, of which nothing tells more than the first and the last."""
    whole = len(value) > 2 and all(type(one) is int for one in value)
    return whole and all(after == before + 1 for before, after in pairwise(value))


def leaks(failed: Iterable[Failed], secrets: set[str]) -> list[str]:
    """Sentences that say one of the secrets, with the test that says it."""
    found = []
    for one in failed:
        numbers = {f"{float(text):.6g}" for text in NUMBER.findall(one.message)}
        told = [secret for secret in secrets if secret in numbers or (len(secret) >= LONG and secret in one.message)]
        if told:
            found.append(f"{one.test} says {told[0]}: {one.message}")
    return found
