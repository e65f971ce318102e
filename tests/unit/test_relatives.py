"""What the sealed side sends of namedtuples, ranges, fractions and other relatives of plain data."""

import array
import enum
import socket
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from nbseal.wire import Channel, Opaque, Reference
from nbseal.wire.codec import MAX_ITEMS, pack, unpack
from nbseal.worker.relatives import RelativesEncoder
from nbseal.worker.stand_ins import StandIn

Pair = namedtuple("Pair", "first second")


class Level(enum.IntEnum):
    """Numbers with names."""

    HIGH = 3


class Doubling(list):
    """A list that shows other contents than it has."""

    def __iter__(self):
        return iter([*super().__iter__(), *super().__iter__()])

    def __len__(self):
        return 0


class Lying(int):
    """A number that claims to equal everything."""

    def __eq__(self, other):
        return True

    def __int__(self):
        return 7

    __hash__ = int.__hash__


class Refusing(dict):
    """A dict whose methods all fail."""

    def refuse(self, *arguments):
        """Fail."""
        raise RuntimeError("leave me alone")

    __iter__ = __len__ = keys = items = values = __getitem__ = refuse


def travel(value):
    header, blobs = pack(value, RelativesEncoder)
    return unpack(header, b"".join(blobs))


MOVED = OrderedDict(a=1, b=2)
MOVED.move_to_end("a")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Pair(1, [2.5]), (1, [2.5])),
        (MOVED, {"b": 2, "a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (range(3, 9, 2), [3, 5, 7]),
        (deque([1, 2], maxlen=3), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (OrderedDict(a=1).items(), [("a", 1)]),
        (array.array("d", [0.5, 1.5]), [0.5, 1.5]),
        (Fraction(1, 4), 0.25),
        (Fraction(6, 3), 2),
        (Fraction(np.int64(1), 4), 0.25),
        (Decimal("0.1"), 0.1),
        (Level.HIGH, 3),
        (Doubling([1, 2]), [1, 2]),
        (Lying(3), 3),
        (Refusing(a=1), {"a": 1}),
        ({Fraction(1, 2): range(2)}, {0.5: [0, 1]}),
        ([Pair(Fraction(1, 2), range(1))] * 2, [(0.5, [0])] * 2),
        (np.array([Fraction(1, 2), 1], dtype=object), [0.5, 1]),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_relative_arrives_as_the_plain_value(value, plain):
    """What holds plain data in another form arrives as plain data of exact types, with its own contents and order."""
    got = travel(value)
    assert got == plain
    assert type(got) is type(plain)
    assert list(got) == list(plain) if isinstance(plain, dict) else True


def test_an_array_without_axes_arrives_as_its_number():
    """np.array(1) is the number that it holds, and one with axes stays an array."""
    assert type(travel(np.array(1))) is np.int64
    assert travel(np.array([1])).shape == (1,)


@pytest.mark.parametrize(
    "value", [Fraction(10**2000, 3), Decimal("sNaN"), Decimal("1" * 9000), range(10**30), iter([])]
)
def test_what_has_no_plain_value_arrives_as_a_name(value):
    """A number that no float holds, and a range that fits nowhere, cross as their type's name."""
    assert type(travel([value])[0]) is Opaque


def test_the_trusted_side_still_sends_none_of_them():
    """Without the sealed side's encoder, a relative is no plain data."""
    header, blobs = pack([Pair(1, 2), range(3), Lying(3)])
    assert {type(one) for one in unpack(header, b"".join(blobs))} == {Opaque}


@pytest.mark.parametrize("value", [{frozenset([1])}, {frozenset([1]): 2}, {(frozenset(), 1)}, {range(2): 1}])
def test_a_key_that_could_not_be_looked_up_crosses_as_a_name(value):
    """A frozenset among keys breaks no conversation: of that key only the type's name arrives."""
    (key,) = travel(value)
    assert "Opaque" in repr(key)


@pytest.mark.parametrize("value", [[range(MAX_ITEMS - 10)] * 500, [deque(range(1000))] * 5000, [range(10**12)] * 1000])
def test_many_large_relatives_take_no_longer_than_one(value):
    """What is over the limit is passed by before anything is made of it."""
    before = time.process_time()
    travel(value)
    assert time.process_time() - before < 5


def test_a_stand_in_goes_back_as_the_reference_that_it_was():
    """What the check handed out and a function returns is known again over there."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reference = Reference(4, ("fit",), False)
        assert travel(StandIn(Channel(ours), reference)) == reference


def test_a_stand_in_says_that_it_is_one():
    """Who asks a stand-in for something that it doesn't have is told so, and scikit-learn is not misled."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stand_in = StandIn(Channel(ours), Reference(4, ("fit",), False))
        with pytest.raises(AttributeError, match="stand-in that the check hands out has no attribute 'coef_'"):
            stand_in.coef_  # noqa: B018
        assert not hasattr(stand_in, "__sklearn_clone__")
