"""Networks as plain numbers: reads a .safetensors file, and runs the network in it with NumPy alone.

Such a file is the length of its header (eight bytes), the header in JSON, which says of every array its name, type,
shape and place, and then the numbers. Nothing in it can be carried out, unlike in a pickle (.pt, .pth). The format:
https://github.com/huggingface/safetensors
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

LARGEST_FILE = 1_000_000  # bytes
LONGEST_HEADER = 10_000  # bytes
TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
LARGEST_NUMBER = 1e6  # trained weights are below 10; larger ones would overflow on the way
AT_ONCE = 25  # pictures in one matrix product: it stays in the processor's cache

# Sizes of every network's arrays. A letter stands for a number that is free up to MOST and the same everywhere.
SHAPES = {
    "mlp": {
        "hidden.weight": ("h", 784),
        "hidden.bias": ("h",),
        "output.weight": (10, "h"),
        "output.bias": (10,),
    },
    "cnn": {
        "conv1.weight": ("a", 1, 3, 3),
        "conv1.bias": ("a",),
        "conv2.weight": ("b", "a", 3, 3),
        "conv2.bias": ("b",),
        "hidden.weight": ("h", "49 b"),
        "hidden.bias": ("h",),
        "output.weight": (10, "h"),
        "output.bias": (10,),
    },
}
MOST = {"a": 16, "b": 32, "h": 300}


class NotANetwork(ValueError):
    """The file can't be read, or it holds another network than was asked for; the text says why."""


class Network(NamedTuple):
    """Its kind ("mlp" or "cnn"), its arrays by name, and the name of the pictures that it was trained on."""

    kind: str
    arrays: dict[str, np.ndarray]
    data_set: str

    def answers(self, pictures):
        """The digit with the largest score for each picture; ``pictures`` has shape (n, 28, 28), values from 0 to 1."""
        pictures = np.asarray(pictures, np.float32)
        parts = [pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE)]
        return np.concatenate([self._scores(part).argmax(axis=1) for part in parts])

    def _scores(self, pictures):
        x = pictures[..., None]
        if self.kind == "cnn":
            for layer in ("conv1", "conv2"):
                x = _halved(np.maximum(_convolved(x, self.arrays[f"{layer}.weight"], self.arrays[f"{layer}.bias"]), 0))
        x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)  # one channel after the other, as PyTorch lays them out
        x = np.maximum(x @ self.arrays["hidden.weight"].T + self.arrays["hidden.bias"], 0)
        return x @ self.arrays["output.weight"].T + self.arrays["output.bias"]


def read(path, kind):
    """Return the network in a file; NotANetwork says what is wrong with it, or that there is none."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        raise NotANetwork(f"There is no {path} here: run the training cells above, which write it.") from None
    return network_of(data, kind)


def network_of(data, kind):
    """Return the network of this kind that the bytes of a file hold."""
    arrays, said = read_arrays(data)
    wanted = SHAPES[kind]
    if missing := [name for name in wanted if name not in arrays]:
        raise NotANetwork(f"The file has no array {', '.join(missing)}: name the network's parts as the table does.")
    if strange := [name for name in arrays if name not in wanted]:
        raise NotANetwork(
            f"The file has {len(strange)} arrays that this network doesn't have, such as {strange[0][:40]!r}: "
            "build the layers of the table, no others."
        )
    sizes = {}
    for name, shape in wanted.items():
        _fits(name, arrays[name].shape, shape, sizes)
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise NotANetwork("The network holds numbers that are infinite or not a number: has its training diverged?")
    if max(np.abs(array).max() for array in arrays.values()) > LARGEST_NUMBER:
        raise NotANetwork("The network holds numbers above a million: no training gives such weights.")
    return Network(kind, {name: arrays[name].astype(np.float32) for name in wanted}, said.get("data_set", ""))


def _fits(name, got, wanted, sizes):
    """Compare a shape with the one that is asked for; what a letter stands for is kept in ``sizes``."""
    for place, size in enumerate(wanted):
        number = got[place] if place < len(got) else 0
        if isinstance(size, str) and size in MOST and 1 <= number <= MOST[size]:
            size = sizes.setdefault(size, number)
        elif size == "49 b":
            size = 49 * sizes["b"]
        if number != size or len(got) != len(wanted):
            raise NotANetwork(f"{name} has shape {got}, expected {_in_words(wanted, sizes)}.")


def _in_words(wanted, sizes):
    def word(size):
        if size == "49 b":
            return str(49 * sizes["b"]) if "b" in sizes else "49 times conv2's channels"
        return str(sizes.get(size, f"1 to {MOST[size]}" if size in MOST else size))

    return f"({', '.join(map(word, wanted))}{',' * (len(wanted) == 1)})"


def read_arrays(data):
    """Return the arrays of a .safetensors file by name, and the texts that it says of itself.

    Strict: whatever isn't exactly as the format has it is a NotANetwork, and no length is believed before it is
    compared with what is there.
    """
    if len(data) > LARGEST_FILE:
        raise NotANetwork(f"The file has {len(data):,} bytes, at most {LARGEST_FILE:,} are allowed.")
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or not 2 <= length <= min(LONGEST_HEADER, len(data) - 8):
        raise NotANetwork("This is no .safetensors file: write it with the cell that saves the network.")
    header = _header(data[8 : 8 + length])
    said = header.pop("__metadata__", {})
    if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
        raise NotANetwork("The header of the file says something of itself that isn't text.")
    numbers, arrays, end = data[8 + length :], {}, 0
    entries = [(name, *_entry(name, entry)) for name, entry in header.items()]
    for name, kind, shape, start, stop in sorted(entries, key=lambda entry: entry[3:]):
        if start != end or stop > len(numbers) or stop - start != np.dtype(kind).itemsize * _product(shape):
            raise NotANetwork(f"The place or the shape of {name[:40]!r} can't be true.")
        arrays[name] = np.frombuffer(numbers[start:stop], kind).reshape(shape)
        end = stop
    if end != len(numbers):
        raise NotANetwork("The file has more numbers than its header names.")
    return arrays, said


def _header(text):
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise NotANetwork("The header of the file isn't proper JSON.") from None
    if not isinstance(header, dict):
        raise NotANetwork("The header of the file isn't a JSON object.")
    return header


def _unique(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _entry(name, entry):
    """Type, shape, start and end of an array, as the header names them."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise NotANetwork(f"The header's entry for {name[:40]!r} is not as the format has it.")
    kind, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise NotANetwork(f"{name[:40]!r} is no array of ordinary numbers (float16, float32 or float64).")
    for numbers in (shape, place):
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n <= LARGEST_FILE for n in numbers):
            raise NotANetwork(f"The header's entry for {name[:40]!r} is not as the format has it.")
    if len(place) != 2 or len(shape) > 4 or place[0] > place[1]:
        raise NotANetwork(f"The header's entry for {name[:40]!r} is not as the format has it.")
    return TYPES[kind], tuple(shape), *place


def _product(shape):
    total = 1
    for size in shape:
        total *= size
    return total


def _convolved(x, weight, bias):
    """All kernels (b, a, 3, 3) over pictures (n, rows, columns, a), with a margin of one black pixel around."""
    n, rows, columns, channels = x.shape
    framed = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = np.empty((n, rows, columns, 9 * channels), np.float32)
    for place in range(9):
        down, right = divmod(place, 3)
        patches[..., place * channels : (place + 1) * channels] = framed[:, down : down + rows, right : right + columns]
    kernels = weight.transpose(2, 3, 1, 0).reshape(9 * channels, -1)
    return (patches.reshape(-1, 9 * channels) @ kernels + bias).reshape(n, rows, columns, -1)


def _halved(x):
    """The largest of every 2 × 2 block."""
    across = np.maximum(x[:, :, ::2], x[:, :, 1::2])
    return np.maximum(across[:, ::2], across[:, 1::2])
