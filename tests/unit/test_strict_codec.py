"""What strangers send is read as plain data or refused: frames of the wire, arrays, archives of arrays, notebooks."""

import io
import json
import lzma
import pickle
import random
import socket
import struct
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import EXPECTED, attempt, case, is_plain, mutate, reshape, seeds
from nbseal.errors import StudentError, SubmissionError, WireError
from nbseal.hidden_tests.student import read_npz
from nbseal.notebook import read
from nbseal.wire import Channel, Opaque, Reference
from nbseal.wire.channel import PREFIX, frame
from nbseal.wire.codec import pack, unpack
from nbseal.wire.npy import pack_npy, parse_npy

CLASSES_LOADED: list[str] = []
WATCHED = threading.local()


def watch(event, arguments):
    """Note each class that a pickle names, while a test reads strangers' bytes."""
    if event == "pickle.find_class" and getattr(WATCHED, "on", False):
        CLASSES_LOADED.append(".".join(map(str, arguments)))


sys.addaudithook(watch)


@pytest.fixture(autouse=True)
def no_pickles():
    """No test here may come as far as to load a class that a stranger named."""
    CLASSES_LOADED.clear()
    WATCHED.on = True
    yield
    WATCHED.on = False
    assert CLASSES_LOADED == []


def test_the_watch_sees_pickles():
    """The hook that all these tests rely on notices a pickle."""
    pickle.loads(pickle.dumps(EXPECTED["frame"]))
    assert CLASSES_LOADED == ["nbseal.errors.WireError"]
    CLASSES_LOADED.clear()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**4000), 2**4000) | st.floats(allow_nan=False) | TEXT
    | st.binary(max_size=8) | st.builds(Opaque, TEXT)
    | st.builds(Reference, st.integers(0, 99), st.tuples(TEXT, TEXT), st.booleans())
)  # fmt: skip
KEYS = st.booleans() | st.integers(-(2**70), 2**70) | TEXT | st.tuples(st.integers(0, 9), TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.sets(KEYS, max_size=3)
    ),
    max_leaves=12,
)
DTYPES = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "|b1", "|u1", "<i8", ">i2", "<c16", "<U1", "<U5", ">U2"])


@st.composite
def arrays(draw):
    """Arrays of all accepted types, orders and byte orders, with up to three dimensions."""
    dtype = np.dtype(draw(DTYPES))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    array = rng.integers(0, 100, shape).astype(dtype.newbyteorder("=")).astype(dtype)
    return np.asfortranarray(array) if draw(st.booleans()) else array


@settings(max_examples=150)
@given(VALUES)
def test_plain_data_goes_through_a_frame_and_comes_back(value):
    """Values keep their types and compare equal after the journey through a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(theirs).send(value)
        back = Channel(ours).receive(time.monotonic() + 5.0)
    assert back == value
    assert type(back) is type(value)
    assert is_plain(back)


@settings(max_examples=150)
@given(arrays(), st.booleans())
def test_arrays_come_back(array, by_numpy):
    """Our writer's and numpy's own files give the same values, in the machine's byte order and C order."""
    file = io.BytesIO()
    np.save(file, array)
    back = parse_npy(file.getvalue() if by_numpy else pack_npy(array))
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert (back == array).all()
    assert back.flags.c_contiguous
    assert back.flags.writeable


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["w", "bias", "a b", "é"]), arrays(), max_size=3), st.booleans())
def test_archives_come_back(named, compressed):
    """What np.savez and np.savez_compressed write is read with names and values."""
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **named)
    back = read_npz(file.getvalue(), "weights.npz")
    assert back.keys() == named.keys()
    assert all((back[name] == array).all() and back[name].shape == array.shape for name, array in named.items())


@settings(max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": TEXT, "metadata": st.just({})}
        ),
        max_size=4,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_notebooks_come_back(cells, encoding):
    """Types and sources of cells are read from every encoding, and the result is a valid input again."""
    reading = read(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}, ensure_ascii=False).encode(encoding))
    assert [(cell["cell_type"], cell["source"]) for cell in reading.nb["cells"]] == [
        (cell["cell_type"], cell["source"]) for cell in cells
    ]
    assert read(json.dumps(reading.nb).encode()).nb == reading.nb


@settings(max_examples=200)
@given(st.sampled_from(sorted(EXPECTED)), st.randoms(use_true_random=False), st.booleans())
def test_damage_gives_plain_data_or_the_readers_own_error(reader, rng, keep_form):
    """Whatever is changed in a good example, no other exception and no other type comes out."""
    examples = seeds()[reader]
    data = rng.choice(examples)
    data = reshape(rng, reader, data) if keep_form else mutate(rng, data, examples)
    with warnings.catch_warnings(action="error"):
        outcome, found = attempt(reader, data)
    assert found == ""
    assert outcome in ("value", "error")


@pytest.mark.parametrize("seed", range(4))
def test_the_corpus(seed):
    """Some cases of the fuzzer, the same every time."""
    for number in range(750):
        reader, data = case(seed, number)
        assert attempt(reader, data)[1] == "", (seed, number)


@settings(max_examples=100)
@given(st.sampled_from(sorted(EXPECTED)), st.binary(max_size=200))
def test_noise_gives_plain_data_or_the_readers_own_error(reader, data):
    """Bytes that never were an example are no different."""
    assert attempt(reader, data)[1] == ""


def npy(shape, descr="<f8", body=b"", order=False):
    """A .npy file that claims what it likes."""
    header = repr({"descr": descr, "fortran_order": order, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def archive(*contents, kind=zipfile.ZIP_DEFLATED):
    """An .npz with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as packed:
        for number, content in enumerate(contents):
            packed.writestr(f"a{number}.npy", content)
    return file.getvalue()


def message(value, *blobs, lengths=None):
    """A frame's two parts that claim what they like."""
    header = {"v": value, "b": [len(blob) for blob in blobs] if lengths is None else lengths}
    return json.dumps(header).encode(), b"".join(blobs)


def peak(action) -> int:
    """How many bytes ``action`` held at once."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BIG = 2**33
LIES = [
    npy((BIG // 8,)),
    npy((BIG // 8,), order=True),
    npy((0, 2**62)),
    npy((2**62, 0, 2**62)),
    npy((10**40,)),
    npy((2**31,), "<U0"),
    npy((3,), "|O", b"0" * 24),
    npy((2,), "|V8", b"0" * 16),
    npy((2,), "|S4", b"0" * 8),
    npy((1,), "<M8[ns]", b"0" * 8),
    npy((1,), "f8,f8", b"0" * 16),
    npy((1,), "(2,)f8", b"0" * 16),
    npy((1,), [("a", "<f8")], b"0" * 8),
    npy((1,), "<a8", b"0" * 8),
    npy((1,), "<U1", b"\xff" * 4),
    npy((1,), "<U999999999"),
    npy((-1,)),
    npy((True,), body=b"0" * 8),
    npy([1], body=b"0" * 8),
    npy((1,) * 33, body=b"0" * 8),
    npy((9**999,) * 30),
    npy((1,), order=1, body=b"0" * 8),
    npy((1,), "<f3", b"0" * 3),
    b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1),
    b"\x93NUMPY\x03\x00" + b"\0" * 60,
    b"\x93NUMPY\x01\x00",
    b"\x93NUMPY\x01\x00" + struct.pack("<H", 4000) + b"(" * 4000,
    pickle.dumps(np.arange(3)),
    b"",
]


@pytest.mark.parametrize("data", LIES)
def test_a_header_that_lies_costs_nothing(data):
    """Sixty bytes that claim gigabytes, objects or voids are refused before memory is given to them."""

    def refused():
        with pytest.raises(WireError):
            parse_npy(data)
        with pytest.raises(StudentError):
            read_npz(archive(data), "weights.npz")

    assert peak(refused) < 2 << 20


@pytest.mark.parametrize(
    ("header", "blobs"),
    [
        message({"a": 0}, npy((BIG // 8,))),
        message([{"a": 0}] * 1000, pack_npy(np.zeros(100_000))),
        message([{"b": 0}] * 1000, b"x" * 100_000),
        message([], lengths=[0] * 5 + [2**60]),
        message([], lengths="no list"),
        message([], lengths=[-1, 1]),
        (b'{"v": 1e999, "b": []}', b""),
        (b'{"v": ' + b"9" * 30 + b', "b": []}', b""),
        (b'{"v": ' + b"9" * 5000 + b', "b": []}', b""),
        message({"i": "0x" + "f" * 100_000}),
        message({"t": "text"}),
        message({"o": [["a", 1]]}),
        message({"o": {"é": 1}}),
        message({"o": {str(number): 0 for number in range(2000)}}),
        message({"d": {"a": 1}}),
        message({"d": [["ab"]]}),
        message({"d": [[[], 1]]}),
        message({"d": [[{"i": hex((2**61 - 1) * n)}, 0] for n in range(2**10, 2**12)]}),
        message({"p": [[], [], 2**62]}),
        message({"p": [["a"], [{"a": 0}], 2]}, pack_npy(np.zeros((2, 2)))),
        message({"p": [["a"], ["text"], 4]}),
        message({"x": {"a": 1}}),
        message({"r": [0, "run", True]}),
        message({"n": 0}, pack_npy(np.zeros(3))),
        message({"a": 0, "b": 1}),
        (b'{"v": 1, "b": [], "c": 2}', b""),
    ],
)
def test_a_message_that_lies_costs_nothing(header, blobs):
    """Blobs are given out once; lengths, numbers and tables must be what our own writer makes."""

    def refused():
        with pytest.raises(WireError):
            unpack(header, blobs)

    assert peak(refused) < 4 << 20


def test_a_crowd_of_empty_lists_is_refused_before_it_is_parsed():
    """Twelve megabytes of brackets would become hundreds once parsed; the same bytes in a text are fine."""
    crowd = b'{"v": [' + b"[]," * 4_000_000 + b'0], "b": []}'

    def refused():
        with pytest.raises(WireError, match="more values"):
            unpack(crowd, b"")

    assert peak(refused) < 3 * len(crowd)
    text = "[]," * 2_000_000
    assert unpack(*message(text)) == text


def test_announced_bytes_get_no_memory_before_they_come():
    """A frame that announces 256 MB and sends ten bytes costs a megabyte."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(PREFIX.pack(10, 256 << 20) + b"0123456789")
        theirs.close()

        def refused():
            with pytest.raises(WireError):
                Channel(ours).receive(time.monotonic() + 5.0)

        assert peak(refused) < 3 << 20
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(PREFIX.pack(2**32 - 1, 2**64 - 1))
        with pytest.raises(WireError, match="limit"):
            Channel(ours).receive(time.monotonic() + 5.0)


@pytest.mark.parametrize("greedy", [False, True])
def test_messages_longer_than_a_portion_arrive_whole(greedy):
    """Large arrays come in pieces, one message behind the other."""
    array = np.arange(400_000.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=lambda: [Channel(theirs).send([n, array]) for n in range(3)])
        sender.start()
        channel = Channel(ours, greedy=greedy)
        for n in range(3):
            number, back = channel.receive(time.monotonic() + 5.0)
            assert number == n
            assert (back == array).all()
        sender.join()


def test_zip_bombs_are_not_unpacked():
    """Archives that unpack to gigabytes, that hold thousands of members, or that are packed by lzma, are refused."""
    bomb = archive(b"\0" * (129 << 20))
    lying = bytearray(archive(b"\0" * (140 << 20)))
    place = lying.rindex(b"PK\x01\x02")
    lying[place + 24 : place + 28] = struct.pack("<I", 1000)  # the size that the directory claims
    many = archive(*[b"x"] * 201)
    lzma_file = archive(npy((1,), body=b"0" * 8), kind=zipfile.ZIP_LZMA)

    def refused():
        for data in (bomb, bytes(lying), many, lzma_file):
            with pytest.raises(StudentError):
                read_npz(data, "weights.npz")

    assert lzma.is_check_supported(lzma.CHECK_CRC32)
    assert peak(refused) < 4 << 20


def test_values_that_numpy_could_not_have_made_are_mended():
    """A bool is 0 or 1, so that counts can be believed; half characters, which no file can hold, become '?'."""
    flags = parse_npy(npy((4,), "|b1", b"\x00\x01\x02\xff"))
    assert flags.sum() == 3
    assert flags.view(np.uint8).tolist() == [0, 1, 1, 1]
    assert parse_npy(npy((1,), "<U2", b"\x00\xd8\x00\x00a\x00\x00\x00")).tolist() == ["?a"]


@pytest.mark.parametrize(
    "data",
    [b"[" * 30_000_000, b'{"cells": [' + b"[]," * 2_000_000 + b"[]]}", b'{"a":' * 100_000, b" " * (33 << 20)],
)
def test_notebooks_that_ask_for_memory_are_refused(data):
    """Few bytes can't ask for many values."""

    def refused():
        with pytest.raises(SubmissionError):
            read(data)

    assert peak(refused) < 3 * len(data)


def test_tables_come_back_with_odd_labels():
    """Tables with labels of several types, none, or the same twice keep them."""
    frame_ = pd.DataFrame([[1, "a", 2.5], [2, None, float("inf")]], columns=["x", 3, "x"])
    back = unpack(pack(frame_)[0], b"".join(pack(frame_)[1]))
    assert list(back.columns) == ["x", 3, "x"]
    assert back.shape == (2, 3)
    assert is_plain(back)
    empty = unpack(*message({"p": [[], [], 3]}))
    assert empty.shape == (3, 0)


def test_frames_are_the_same_for_the_same_message():
    """A message has one form, so examples and digests can be kept."""
    value = {"a": [1, (2.5, None)], "b": np.arange(3)}
    assert frame(value) == frame(value)
    assert random.Random(case(1, 5)[0]).random() == random.Random(case(1, 5)[0]).random()
    assert case(3, 7) == case(3, 7)
