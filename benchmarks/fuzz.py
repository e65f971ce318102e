"""``python -m benchmarks.fuzz``: seeded random damage to what strangers send; each gives a value or the right error.

Four readers face strangers: frames of the wire (JSON and blobs), ``.npy``, ``.npz`` and notebooks. A case is a good
example with a few mutations. It must give plain data, or the reader's own error; anything else is a finding, which is
printed with the seed and the number that make it again.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import socket
import sys
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from nbseal.errors import StudentError, SubmissionError, WireError
from nbseal.hidden_tests.student import read_npz
from nbseal.notebook import read, rebuild
from nbseal.wire import Channel, Opaque, Reference
from nbseal.wire.channel import PREFIX, frame
from nbseal.wire.npy import pack_npy, parse_npy

SCALARS = (type(None), bool, int, float, str, bytes, Opaque, Reference, np.generic)
EXPECTED: dict[str, type[Exception]] = {
    "frame": WireError,
    "npy": WireError,
    "npz": StudentError,
    "notebook": SubmissionError,
}
TOKENS = [
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 30, b"null", b"true", b"[]", b"{}", b'""', b"[[[[", b'"\\ud800"'),
    *(b"|O", b"|V8", b"<f8", b">i4", b"<U0", b"<U9", b"<m8[s]", b"(1000000000,)", b"(0, 99999999999)", b"(2,)f8"),
    *(b'"a"', b'"p"', b'"d"', b'"o"', b'"t"', b'"i"', b'"n"', b'"r"', b'"x"', b'"s"', b"PK\x03\x04", b"PK\x01\x02"),
    *(b"cells", b"worksheets", b"nbformat", b"metadata", b"source", b"attachments", b"heading", b"\xff\xfe"),
    *(b"\x80\x04\x95", b"cos\nsystem\n(S'true'\ntR.", b"\x93NUMPY\x02\x00", b"\xff" * 8, b"\x7f" * 4, b"\0" * 4),
]
ODD = [
    *(None, True, -1, 0, 3, 1e308, 2**53, 2**64, 10**30, "", "a", "\ud800", "0x1f", "nan", "code", "x" * 100, [], [[]]),
    *({}, [0, [], False], {"t": [1, 2]}, {"t": "ab"}, {"d": [[1, 2], [1, 3]]}, {"d": [[[], 1]]}, {"s": [{"d": []}]}),
    *({"o": {"a": [1, 2.5]}}, {"o": {"": None, "é": 1}}, {"o": []}, {"o": {"o": {"o": {}}}}),
    *(
        {"a": 0},
        {"n": 0},
        {"b": 0},
        {"a": 99},
        {"f": "inf"},
        {"f": []},
        {"i": "0xff"},
        {"i": "zz"},
        {"x": 5},
        {"x": "y"},
    ),
    *({"r": [0, ["m"], True]}, {"r": [-1, "ab", 0]}, {"p": [["c"], [[1, 2]], 2]}, {"p": [[], [], 10**12]}, {"p": [1]}),
    *({"p": [["c", "c"], [[1], [{"p": [["q"], [[1]], 1]}]], 1]}, {"p": [[{"t": [1, 2]}], [["a"]], 1]}, {"q": 1}),
]
DESCRS = ["<f8", ">f8", "|b1", "|u1", "<i4", ">i2", "<U2", ">U1", "<U0", "|S3", "|O", "|V4", "<M8[ns]", "<c16", "<f2",
          "<f16", "<f3", "f8,f8", "(2,)f8", "=f8", "<a5", "O", "<U999999999", 8, None]  # fmt: skip
AXES = [0, 1, 2, 3, 7] * 7 + [-1, 2**31, 2**40, 2**63, 10**40, True, 1.5, "3"]


def main() -> None:
    """Run the cases and say how many there were, how fast, and what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many cases, over all readers")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    options = parser.parse_args()
    sys.addaudithook(refuse_pickles)
    started, outcomes, findings = time.monotonic(), Counter[str](), 0
    for number in range(options.cases):
        reader, data = case(options.seed, number)
        outcome, found = attempt(reader, data)
        outcomes[f"{reader} {outcome}"] += 1
        if found:
            findings += 1
            print(f"FOUND seed {options.seed} case {number} ({reader}): {found}\n  {data[:300]!r}", flush=True)
        if number % 1000 == 0 and time.monotonic() - started > options.seconds:
            break
    done, seconds = sum(outcomes.values()), time.monotonic() - started
    print(f"{done} cases in {seconds:.0f} s ({done / seconds:.0f} a second), seed {options.seed}: {findings} findings")
    for outcome, count in sorted(outcomes.items()):
        print(f"  {outcome}: {count}")
    sys.exit(1 if findings else 0)


def refuse_pickles(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: nothing that a stranger sent may name a class to be loaded."""
    if event == "pickle.find_class":
        raise AssertionError(f"a pickle was read: {arguments}")


def case(seed: int, number: int) -> tuple[str, bytes]:
    """A reader's name and the damaged example for it; the same for the same numbers."""
    rng = random.Random(seed * 1_000_003 + number)
    reader = rng.choice(tuple(EXPECTED))
    examples = seeds()[reader]
    data = rng.choice(examples)
    if rng.random() < 0.6:
        return reader, reshape(rng, reader, data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = mutate(rng, data, examples)
    return reader, data


def reshape(rng: random.Random, reader: str, data: bytes) -> bytes:
    """Damage what an example says, and leave the form in which it is said whole."""
    if reader == "npy":
        return forged_npy(rng)
    if reader == "npz":
        file = io.BytesIO()
        with (
            warnings.catch_warnings(action="ignore"),
            zipfile.ZipFile(file, "w", rng.choice((0, 0, 8, 8, 12, 14))) as archive,
        ):
            for name in rng.choices(["a.npy", "b.npy", "c", "../d.npy", ".npy", "é/x.npy"], k=rng.choice((0, 1, 2, 3))):
                archive.writestr(name, forged_npy(rng))
        return file.getvalue()
    if reader == "notebook":
        return json.dumps(shake(rng, json.loads(data))).encode()
    length, _ = PREFIX.unpack(data[: PREFIX.size])
    tree, blobs = json.loads(data[PREFIX.size : PREFIX.size + length]), data[PREFIX.size + length :]
    if blobs and rng.random() < 0.5:
        blobs = forged_npy(rng)
        tree["b"] = [len(blobs), *[0] * (len(tree["b"]) - 1)]
    header = json.dumps(shake(rng, tree) if rng.random() < 0.1 else {**tree, "v": shake(rng, tree["v"])}).encode()
    return PREFIX.pack(len(header), len(blobs)) + header + blobs


def shake(rng: random.Random, tree: Any) -> Any:
    """A copy of a JSON tree with one to three places replaced by something odd."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = _replaced(rng, tree)
    return tree


def _replaced(rng: random.Random, tree: Any) -> Any:
    if not isinstance(tree, (list, dict)) or not tree or rng.random() < 0.15:
        return rng.choice(ODD)
    if isinstance(tree, list):
        place = rng.randrange(len(tree))
        return [*tree[:place], _replaced(rng, tree[place]), *tree[place + rng.choice((0, 1, 1, 1)) :]]
    key = rng.choice(list(tree))
    return {**tree, rng.choice(["x", "é", "cells"]) if rng.random() < 0.1 else key: _replaced(rng, tree[key])}


def forged_npy(rng: random.Random) -> bytes:
    """A ``.npy`` whose header is well-formed and may lie; its body often has the bytes that the header claims."""
    descr = rng.choice(DESCRS[: 8 if rng.random() < 0.7 else None])
    shape = tuple(rng.choices(AXES, k=rng.choice((0, 1, 1, 1, 2, 2, 2, 3, 33))))
    header = repr(
        {"descr": descr, "fortran_order": rng.choice([True, False, True, False, False, 0]), "shape": shape}
    ).encode()
    header += rng.choice([b"", b"\n", b"  \n", b"\n", b"\n", b"#", b"'"])
    claimed = min(_size(descr) * math.prod(axis for axis in shape if type(axis) is int), 4096)
    body = rng.randbytes(max(0, claimed + rng.choice((0, 0, 0, 0, 0, 0, 1, -1))))
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def attempt(reader: str, data: bytes) -> tuple[str, str]:
    """What came of one case: "value" or "error", and a description if it was not what it should be."""
    try:
        value = READERS[reader](data)
    except EXPECTED[reader]:
        return "error", ""
    except Exception as error:
        return "error", f"{type(error).__name__}: {str(error)[:200]}"
    return "value", "" if is_plain(value) else f"not plain data: {type(value).__name__}"


@cache
def _size(descr: Any) -> int:
    with warnings.catch_warnings(action="ignore"):
        try:
            return np.dtype(descr).itemsize
        except (TypeError, ValueError, OverflowError):
            return 8


def mutate(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Damage an example: bits, bytes, cuts, repeats, numbers at their limits, words of the format, another's part."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 1, 2, 4, 8, 40)))
    match rng.randrange(9):
        case 0:
            return data[:start] + bytes([rng.randrange(256)]) + data[end:]
        case 1 if start < len(data):
            return data[:start] + bytes([data[start] ^ (1 << rng.randrange(8))]) + data[start + 1 :]
        case 2:
            return data[:start]
        case 3:
            return data[:start] + data[end:]
        case 4:
            return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]
        case 5:
            other = rng.choice(others)
            place = rng.randrange(len(other) + 1)
            return data[:start] + other[place : place + rng.choice((4, 30, 200))] + data[end:]
        case 6:
            return (
                data[:start] + rng.choice((0, 1, 127, 255, 2**31, 2**63)).to_bytes(8, "little")[:4] + data[start + 4 :]
            )
    word = rng.choice(TOKENS)
    return data[:start] + word + data[start + (len(word) if rng.random() < 0.5 else 0) :]


def is_plain(value: Any) -> bool:
    """Whether a value is of the plain types only, all the way down."""
    kind = type(value)
    if kind in (list, tuple, set):
        return all(map(is_plain, value))
    if kind is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if kind is np.ndarray:
        return value.dtype.kind in "biufcU" and value.flags.c_contiguous and value.dtype.isnative
    if kind is pd.DataFrame:
        return all(is_plain(item) for column in value.to_numpy().T for item in column.tolist())
    return isinstance(value, SCALARS)


@cache
def seeds() -> dict[str, list[bytes]]:
    """Good examples for each reader."""
    arrays = [
        np.arange(6.0).reshape(2, 3), np.array(7, dtype=">i2"), np.array(["a", "bcé"]), np.zeros((0, 3)),
        np.array([True, False]), np.array([1 + 2j]), np.asfortranarray(np.arange(6, dtype="u1").reshape(2, 3)),
    ]  # fmt: skip
    values = [
        None, [1, 2.5, "text", True, b"bytes"], {"a": (1, (2, {3})), 4: float("nan")}, 2**70, {2**60: -(2**60)},
        {"index": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": "hello\n"}]},
        {"x": arrays[0], "y": [arrays[2], np.float32(1.5)], "z": frozenset({"é"})}, Reference(3, ("fit", "run"), True),
        pd.DataFrame({"n": [1, 2], "t": ["a", None], ("m", 1): [0.5, float("inf")]}), object(), arrays[4],
    ]  # fmt: skip
    plain = [array for array in arrays if array.ndim]
    return {
        "frame": [frame(value) for value in values],
        "npy": [pack_npy(array) for array in arrays] + [_saved(np.save, array) for array in arrays],
        "npz": [_saved(np.savez, *plain[:2]), _saved(np.savez_compressed, *plain), _saved(np.savez, np.array([{}]))],
        "notebook": list(_notebooks()),
    }


def _saved(save: Callable[..., None], *arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


def _notebooks() -> Iterator[bytes]:
    mark = {"nbgrader": {"grade_id": "q", "grade": True, "points": 3, "locked": True, "schema_version": 3}}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# T\n", "x"]},
        {"cell_type": "code", "id": "b", "metadata": mark, "source": "x = 1\n", "outputs": [], "execution_count": 3},
        {"cell_type": "markdown", "id": "c", "metadata": {}, "source": "![p](attachment:p.png)",
         "attachments": {"p.png": {"image/png": "iVBORw0KGgo="}}},
        {"cell_type": "raw", "metadata": {"id": "colab"}, "source": "é \U0001f600"},
    ]  # fmt: skip
    new = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    old = [
        {"cell_type": "heading", "level": 2, "source": "h"},
        {"cell_type": "code", "input": ["y = 2"], "outputs": []},
    ]
    yield json.dumps(new, indent=1).encode()
    yield json.dumps(new, ensure_ascii=False).encode("utf-16")
    yield json.dumps({"worksheets": [{"cells": old}], "metadata": {}, "nbformat": 3}).encode()


def _read_frame(data: bytes) -> Any:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[:100_000])
        theirs.close()
        return Channel(ours, limit=1 << 20).receive(time.monotonic() + 5.0)


def _read_notebook(data: bytes) -> Any:
    reading = read(data)
    template = read(seeds()["notebook"][0]).nb
    made = rebuild(template, reading.nb)
    rebuilt, problems = made.nb, made.problems
    json.dumps(rebuilt, ensure_ascii=False).encode()
    return [reading.nb, list(reading.problems), rebuilt, problems]


READERS: dict[str, Callable[[bytes], Any]] = {
    "frame": _read_frame,
    "npy": parse_npy,
    "npz": lambda data: read_npz(data, "weights.npz"),
    "notebook": _read_notebook,
}

if __name__ == "__main__":
    main()
