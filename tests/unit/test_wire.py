"""The codec between the trusted and the sealed side."""

import itertools
import math
import socket
import struct
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbseal.errors import WireError
from nbseal.wire import Channel, EndOfStream, Late, Opaque, parse_json
from nbseal.wire.channel import MAX_HEADER
from nbseal.wire.codec import pack, unpack
from nbseal.wire.npy import pack_npy, parse_npy

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])) | st.binary()
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=20,
)


def travel(value):
    header, blobs = pack(value)
    return unpack(header, b"".join(blobs))


@given(VALUES)
def test_plain_data_comes_back_equal_and_of_the_same_type(value):
    """Plain data survives the journey unchanged."""
    back = travel(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "array",
    [np.arange(6).reshape(2, 3), np.zeros((0, 3)), np.array(1.5), np.array(["a", "bcd"]), np.arange(3, dtype=">i4"),
     np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([True, False]), np.array([1 + 2j])],
)  # fmt: skip
def test_arrays_come_back_with_shape_and_values(array):
    """Arrays of any order, byte order and shape come back equal."""
    back = travel(array)
    assert back.shape == array.shape
    assert (back == array).all()
    assert back.flags.c_contiguous
    assert back.dtype.isnative


def test_numbers_of_numpy_stay_numbers_of_numpy():
    """A numpy scalar doesn't turn into a Python number, so graders can tell them apart."""
    assert type(travel(np.int64(1))) is np.int64
    assert math.isnan(travel(float("nan")))


def test_tables_come_back_as_tables():
    """A DataFrame keeps its columns and rows."""
    frame = pd.DataFrame({"photo": ["a", "b"], "confidence": [0.5, np.nan]})
    back = travel(frame)
    assert list(back.columns) == ["photo", "confidence"]
    assert back["photo"].tolist() == ["a", "b"]
    assert math.isnan(back["confidence"][1])


def test_a_table_is_refused_where_pandas_is_missing(monkeypatch):
    """Without pandas nobody can have sent a table in good faith: it is refused, with what to install."""
    packed = pack(pd.DataFrame({"photo": ["a", "b"]}))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(WireError, match="pip install pandas"):
        unpack(packed[0], b"".join(packed[1]))


def test_other_objects_arrive_as_their_type_name_only():
    """What isn't plain data crosses as a name, never as an object."""
    back = travel([iter([]), object()])
    assert [type(item) for item in back] == [Opaque, Opaque]
    assert back[1].type_name == "object"


class LyingInt(int):
    """An int that calls itself equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def test_subclasses_do_not_cross_as_their_base():
    """An object that claims to equal everything doesn't arrive as a number."""
    assert isinstance(travel(LyingInt(3)), Opaque)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, '{"v": Infinity}', "\xff"])
def test_json_that_lies_is_refused(text):
    """NaN, duplicate keys, bottomless nesting and broken text are errors, not values."""
    with pytest.raises(WireError):
        parse_json(text.encode("latin1"))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_wire_error(data):
    """No reply, however malformed, raises anything but WireError."""
    for attempt in (lambda: unpack(data, b""), lambda: unpack(b'{"v": {"a": 0}, "b": [%d]}' % len(data), data)):
        try:
            attempt()
        except WireError:
            continue


def header_claiming(shape: str, descr: str = "<f8", extra: bytes = b"") -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + extra


@pytest.mark.parametrize(
    "data",
    [
        header_claiming("(1000000000,)"),
        header_claiming("(2,)", "|O", b"0" * 16),
        header_claiming("(2,)", "|V8", b"0" * 16),
        header_claiming("(-1,)"),
        header_claiming("(True,)", extra=b"0" * 8),
        header_claiming("(1,)", "<f8", b"0" * 9),
        header_claiming("().__class__"),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x80\x04\x95pickle",
        b"",
    ],
)
def test_arrays_that_lie_about_themselves_are_refused(data):
    """Huge claims, objects, voids, wrong sizes and code in headers are refused before anything is allocated."""
    with pytest.raises(WireError):
        parse_npy(data)


def test_packed_arrays_can_be_read_by_numpy(tmp_path):
    """What we write is an ordinary .npy file."""
    path = tmp_path / "array.npy"
    path.write_bytes(pack_npy(np.arange(4).reshape(2, 2)))
    assert np.load(path).tolist() == [[0, 1], [2, 3]]


def test_a_channel_carries_messages_both_ways():
    """A message sent on one end is received on the other."""
    ours, theirs = (Channel(end) for end in socket.socketpair())
    with ours.sock, theirs.sock:
        ours.send({"do": "get", "data": np.zeros(1000)})
        assert theirs.receive(time.monotonic() + 1)["data"].shape == (1000,)


def test_silence_is_late_and_a_closed_end_is_the_end():
    """No answer in time and a closed connection are told apart."""
    ours, theirs = (Channel(end) for end in socket.socketpair())
    with ours.sock:
        with pytest.raises(Late):
            ours.receive(time.monotonic() + 0.01)
        theirs.close()
        with pytest.raises(EndOfStream):
            ours.receive(time.monotonic() + 1)


def test_a_message_over_the_limit_is_refused_before_it_is_read():
    """A frame that claims gigabytes is refused by its claim alone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack(">IQ", 10, 1 << 40))
        with pytest.raises(WireError, match="over the limit"):
            Channel(ours).receive(time.monotonic() + 1)


class Dripping:
    """A connection on which a byte comes or goes whenever it is asked for, and never more than one."""

    def __init__(self, ready: socket.socket) -> None:
        self.fileno = ready.fileno
        self._bytes = itertools.chain(struct.pack(">IQ", MAX_HEADER, 0), itertools.repeat(0))

    def recv(self, count: int, flags: int) -> bytes:
        return bytes([next(self._bytes)])

    def send(self, data: memoryview, flags: int) -> int:
        return 1


@pytest.fixture
def dripping():
    """A connection to somebody who has a byte ready, or takes one, at any moment."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"always something to read")
        yield Dripping(ours)


@pytest.mark.parametrize("greedy", [False, True])
def test_who_sends_byte_after_byte_is_late(dripping: Dripping, greedy: bool):
    """Bytes that come one by one, so quickly that one always waits, put no deadline off."""
    before = time.monotonic()
    with pytest.raises(Late):
        Channel(dripping, greedy=greedy).receive(before + 0.1)
    assert 0.1 <= time.monotonic() - before < 2


def test_who_takes_byte_after_byte_is_late(dripping: Dripping):
    """A reader that takes one byte at a time puts no deadline off."""
    before = time.monotonic()
    with pytest.raises(Late):
        Channel(dripping).send(np.zeros(1 << 23), before + 0.1)
    assert 0.1 <= time.monotonic() - before < 2


@pytest.mark.parametrize("greedy", [False, True])
def test_a_whole_message_that_waits_is_taken_after_the_deadline(greedy: bool):
    """What had come before somebody asked is no victim of whoever was slow to ask."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(theirs).send({"value": list(range(5000))})
        assert Channel(ours, greedy=greedy).receive(time.monotonic() - 1)["value"][-1] == 4999
