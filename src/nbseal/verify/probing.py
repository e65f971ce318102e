"""Asks two answers the same things that their grader does not ask, and tells whether they behave alike.

The grader's calls of a right answer are recorded, and perturbed: other signs, zeros, ties, another order, fewer and
more entries, other numbers of the same kind. A call to which the right answer says nothing (it raises) tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbseal.wire import Opaque, Reference

MOST_CALLS = 60  # of the recorded ones; each is perturbed in several ways
TOLERANCE = 1e-9
Request = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a question's hidden tests ask for: names whose values they look at, functions, and calls of these."""

    values: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    calls: tuple[Request, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the notebook that are asked for, without what hangs on them."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in (*self.values, *self.functions)))


@dataclass(frozen=True)
class Probes:
    """Requests that tell answers apart, what a right answer replies to them, and what identifies its cells' outputs."""

    requests: tuple[Request, ...] = ()
    replies: tuple[Any, ...] = field(default=())
    shown: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.requests)


def asked_of(question: str, requests: Sequence[Mapping[str, Any]]) -> Asked:
    """What hidden tests asked for, by the requests that they made."""
    values, functions, calls = dict[str, None](), dict[str, None](), list[Request]()
    for request in requests:
        request = request.get("first", request)
        if request.get("question", question) != question:
            continue
        match request["do"]:
            case "get":
                values[request["name"]] = None
            case "call" | "calls":
                functions[request["function"]] = None
                calls += _single_calls(request)
    return Asked(tuple(values), tuple(functions), tuple(calls))


def _single_calls(request: Mapping[str, Any]) -> Iterator[Request]:
    cases = request["cases"] if request["do"] == "calls" else [request["args"]]
    for arguments in cases:
        named = request.get("kwargs", {})
        if not any(isinstance(value, Reference) for value in (*arguments, *named.values())):
            more = {key: value for key, value in request.items() if key not in ("cases", "question")}
            yield {**more, "do": "call", "args": list(arguments), "kwargs": named}


def probes_for(asked: Asked, rng: np.random.Generator) -> list[Request]:
    """Requests that the grader doesn't make: its calls changed, and the values that it looks at."""
    found: list[Request] = [{"do": "get", "name": name} for name in asked.values]
    calls = list(asked.calls)
    if len(calls) > MOST_CALLS:
        calls = [calls[place] for place in sorted(rng.choice(len(calls), MOST_CALLS, replace=False))]
    for call in calls:
        found.append(call)
        for arguments in perturbed(call["args"], rng):
            found.append({**call, "args": arguments})
    return found


def perturbed(arguments: Sequence[Any], rng: np.random.Generator) -> Iterator[list[Any]]:
    """Changed arguments; sequences of one length stay of one length, and change alike."""
    lengths = {len(value) for value in arguments if _is_sequence(value)}
    for place, value in enumerate(arguments):
        for other in _other_values(value, rng):
            yield [*arguments[:place], other, *arguments[place + 1 :]]
    for length in lengths:
        orders = [
            rng.permutation(length),
            np.arange(length - 1),
            np.append(np.arange(length), 0),
            np.zeros(length, int),
            np.arange(1),
            np.arange(0),
        ]
        for order in orders if length else []:
            yield [
                _taken(value, order) if _is_sequence(value) and len(value) == length else value for value in arguments
            ]


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _taken(value: Any, order: Any) -> Any:
    """The entries of a sequence in another order, some left out or there twice."""
    if isinstance(value, np.ndarray):
        return value[order]
    return type(value)(value[place] for place in order)


def _other_values(value: Any, rng: np.random.Generator) -> Iterator[Any]:
    """Other values of the same kind: numbers stay whole, or 0 and 1, if they were."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, (int, float)) and abs(value) < 1e15:
        yield -value
        yield type(value)(0)
        yield value + 1
        yield type(value)(value + rng.integers(2, 5))
        return
    array = np.asarray(value) if _is_flat(value) else None
    if array is None or array.dtype.kind not in "iuf" or not array.size:
        return
    for changed in _other_arrays(array, rng):
        yield changed if isinstance(value, np.ndarray) else type(value)(changed.tolist())


def _is_flat(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.ndim)
    return isinstance(value, (list, tuple)) and bool(value) and all(type(one) in (int, float) for one in value)


def _other_arrays(array: Any, rng: np.random.Generator) -> Iterator[Any]:
    if set(np.unique(array)) <= {0, 1}:
        yield 1 - array
        yield rng.permutation(array.ravel()).reshape(array.shape)
        return
    if array.dtype.kind == "f":
        yield -array
        yield array * 0
        yield array + np.round(rng.normal(size=array.shape), 2)
        yield array * 3
    else:
        low, high = int(array.min()), int(array.max())
        yield rng.integers(low, high + 1, array.shape).astype(array.dtype)
        yield np.full_like(array, low)
    yield rng.permutation(array.ravel()).reshape(array.shape)


def telling(requests: Sequence[Request], replies: Sequence[Any], shown: Mapping[str, str]) -> Probes:
    """The probes to which a right answer has something to say."""
    pairs = [pair for pair in zip(requests, replies, strict=True) if _says_something(pair[1])]
    return Probes(tuple(request for request, _ in pairs), tuple(reply for _, reply in pairs), shown)


def _says_something(reply: Any) -> bool:
    if not isinstance(reply, dict) or "value" not in reply or reply.get("callable"):
        return False
    return not isinstance(reply["value"], Opaque) or bool(reply.keys() - {"value", "callable", "from_end"})


def same(one: Any, other: Any) -> bool:
    """Whether two replies say the same, up to rounding and to the kind of list or number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if _is_list(one) and _is_list(other):
        return _same_lists(one, other)
    if _is_number(one) and _is_number(other):
        return _same_numbers(complex(one), complex(other))
    if type(one).__module__.startswith("pandas") or type(other).__module__.startswith("pandas"):
        return type(one) is type(other) and bool(one.equals(other))
    return type(one) is type(other) and bool(one == other)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_)) and not (
        isinstance(value, int) and abs(value) > 1 << 1000
    )


def _same_lists(one: Any, other: Any) -> bool:
    if np.shape(one) == np.shape(other) if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) else False:
        if one.dtype.kind in "biufc" and other.dtype.kind in "biufc":
            return bool(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
        return bool((one == other).all())
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def _same_numbers(one: complex, other: complex) -> bool:
    if one == other or (one != one and other != other):
        return True
    return math.isclose(abs(one - other), 0, abs_tol=TOLERANCE * max(1.0, abs(one), abs(other)))


def in_words(request: Request) -> str:
    """A request as a line of Python, to be shown as evidence."""
    if request["do"] == "get":
        return str(request["name"])
    arguments = [_short(value) for value in request["args"]]
    arguments += [f"{name}={_short(value)}" for name, value in request["kwargs"].items()]
    return f"{request['function']}({', '.join(arguments)})"


def _short(value: Any) -> str:
    text = repr(getattr(value, "tolist", lambda: value)())
    return text if len(text) <= 80 else f"{text[:77]}…"
