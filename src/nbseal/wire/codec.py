"""Values to JSON trees with blobs, and strictly back: nothing is ever unpickled."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nbseal.errors import WireError

MAX_DEPTH = 40
MAX_ITEMS = 1_000_000
SAFE_INT = 2**53
MAX_MARKS = 4 * MAX_ITEMS  # brackets and commas
MAX_ROWS = 1 << 28
MAX_COMPARED = 4 * MAX_ITEMS  # parts of keys, while it is found out which keys with equal hashes are the same
MAX_COLUMNS = 20_000  # of all tables of a message, a table without any counting as one
BIG_INT = re.compile("-?0x[0-9a-f]{1,1024}")
# Also what is never closed is a string, up to the end: else each of its quotes would be looked at to the end anew.
JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
NUMBERS, TEXTS = {int, float, bool}, {str}
MAX_NAMES = 1000
UNHASHABLE = frozenset("odsap")  # tags: dicts, sets, arrays and tables


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that is not plain data, of which only the type's name crosses."""

    type_name: str


@dataclass(frozen=True)
class Reference:
    """Stands for an object that lives on the trusted side and may be called from the sealed side."""

    number: int
    methods: tuple[str, ...]
    callable: bool


class Encoder:
    """Turns values into JSON-able trees and collects their blobs."""

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.items = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON tree of ``value``; what isn't plain data becomes an Opaque."""
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            return {"x": f"{type(value).__name__} (too deep or too large)"}
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return value if value.isascii() else _clean(value)
        if kind is int:
            return value if -SAFE_INT < value < SAFE_INT else _big_int(value)
        if kind is float:
            return value if math.isfinite(value) else {"f": repr(value)}
        if kind is list:
            return self._encode_items(value, depth)
        if kind is tuple:
            return {"t": self._encode_items(value, depth)}
        if kind is dict:
            if _are_names(value):
                return {"o": {name: self.encode(item, depth + 1) for name, item in value.items()}}
            return {"d": [[self._encode_key(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()]}
        if kind is set or kind is frozenset:
            return {"s": [self._encode_key(item, depth + 1) for item in value]}
        return self._encode_object(value, kind, depth)

    def _encode_key(self, key: Any, depth: int) -> Any:
        """What can be looked up here may arrive as what can't, such as a frozenset: of that, only the type's name."""
        tree = self.encode(key, depth)
        return tree if _is_hashable(tree) else {"x": _clean(type(key).__name__)}

    def _encode_items(self, items: list[Any] | tuple[Any, ...], depth: int) -> Any:
        if depth < MAX_DEPTH and self.items + len(items) <= MAX_ITEMS and _are_plain_numbers(items):
            self.items += len(items)
            return items
        return [self.encode(item, depth + 1) for item in items]

    def _encode_object(self, value: Any, kind: type, depth: int) -> Any:
        if kind is bytes or kind is bytearray:
            return {"b": self._blob(bytes(value))}
        if isinstance(value, Opaque):
            return {"x": value.type_name}
        if isinstance(value, Reference):
            return {"r": [value.number, list(value.methods), value.callable]}
        np = sys.modules.get("numpy")  # while nobody has loaded it, nothing of its kind is here
        if np and isinstance(value, (np.generic, np.ndarray)):
            array = np.asarray(value)
            if array.dtype.kind in _npy().NPY_KINDS:
                return {"n" if isinstance(value, np.generic) else "a": self._blob(_npy().pack_npy(array))}
            if array.dtype.kind == "O" and isinstance(value, np.ndarray):
                return self.encode(array.tolist(), depth + 1)
        if kind.__module__.split(".")[0] == "pandas":
            return self._encode_pandas(value, kind, depth)
        if isinstance(value, str):
            return _clean(str.__str__(value))
        return self.encode_other(value, kind, depth)

    def encode_other(self, value: Any, kind: type, depth: int) -> Any:
        """What crosses of an object that is not plain data."""
        return {"x": _clean(kind.__name__)}

    def _encode_pandas(self, value: Any, kind: type, depth: int) -> Any:
        if kind.__name__ in ("Series", "Index", "RangeIndex"):
            return self.encode(column(value), depth + 1)
        if kind.__name__ == "DataFrame":
            return self.encode_frame(value, depth)
        return self.encode_other(value, kind, depth)

    def encode_frame(self, value: Any, depth: int) -> Any:
        columns = [self.encode(column(value.iloc[:, i]), depth + 1) for i in range(value.shape[1])]
        return {"p": [self.encode(list(value.columns), depth + 1), columns, int(value.shape[0])]}

    def _blob(self, data: bytes) -> int:
        self.blobs.append(data)
        return len(self.blobs) - 1


def _npy() -> Any:
    """What arrays need. It is loaded with the first of them: the grading process itself sees none."""
    from nbseal.wire import npy

    return npy


def _are_plain_numbers(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether JSON gives back all of ``items`` as they are: long lists of numbers needn't be looked at one by one."""
    if not items or not NUMBERS.issuperset(map(type, items)):
        return False
    # min and max may pass over a "not a number", but the sum doesn't
    return min(items) > -SAFE_INT and max(items) < SAFE_INT and math.isfinite(sum(items))


def _is_hashable(tree: Any) -> bool:
    """Whether the value that a tree stands for can be a key."""
    if type(tree) is not dict:
        return type(tree) is not list
    ((tag, body),) = tree.items()
    return all(map(_is_hashable, body)) if tag == "t" else tag not in UNHASHABLE


def _are_names(keys: Collection[Any]) -> bool:
    """Whether ``keys`` may be the names of a JSON object: few, and all of them plain text."""
    return len(keys) <= MAX_NAMES and TEXTS.issuperset(map(type, keys)) and "".join(keys).isascii()


_TO_JSON = json.JSONEncoder(check_circular=False, separators=(",", ":"))  # a tree that we made has no circles


def pack(message: Any, encoder_type: type[Encoder] = Encoder) -> tuple[bytes, list[bytes]]:
    """Encode one message as a JSON header and its blobs."""
    encoder = encoder_type()
    tree = encoder.encode(message)
    return _TO_JSON.encode({"v": tree, "b": [len(blob) for blob in encoder.blobs]}).encode(), encoder.blobs


def unpack(header: bytes, blobs: bytes) -> Any:
    """Decode one frame's parts strictly; WireError for anything that ``pack`` would not have made."""
    try:
        _refuse_crowds(header)
        tree = parse_json(header)
        lengths = tree["b"]
        if set(tree) != {"v", "b"} or type(lengths) is not list or not all(type(n) is int and n >= 0 for n in lengths):
            raise WireError("frame header has the wrong form")
        if sum(lengths) != len(blobs):
            raise WireError("blob lengths do not add up")
        return _decode(tree["v"], _Frame(lengths, blobs), 0)
    except WireError:
        raise
    except (LookupError, TypeError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise WireError(f"malformed message: {type(error).__name__}") from error


class _Frame:
    """A frame's blobs, and what may still be made of it.

    Each blob is given out once, so that a short header can't ask for many copies of a long blob.
    """

    def __init__(self, lengths: list[int], data: bytes) -> None:
        self._data = data
        self._places = {}
        self._compared = self._columns = 0
        start = 0
        for number, length in enumerate(lengths):
            self._places[number] = (start, start + length)
            start += length

    def take(self, number: Any) -> bytes:
        """The bytes of one blob; WireError if there is none of this number any more."""
        if type(number) is not int or number not in self._places:
            raise WireError("a blob number is wrong")
        start, end = self._places.pop(number)
        return self._data[start:end]

    def pay_for_columns(self, count: int) -> None:
        """Take note that a table is made, which costs many times its bytes; WireError when there are too many."""
        self._columns += max(1, count)
        if self._columns > MAX_COLUMNS:
            raise WireError("the message holds more tables than can be read")

    def check_keys(self, keys: list[Any]) -> list[Any]:
        """Refuse what can't be looked up, and crowds of keys that a stranger has chosen to have one hash."""
        try:
            hashes = list(map(hash, keys))
        except TypeError:
            raise WireError("a key is not hashable") from None
        if len(set(hashes)) < len(hashes):
            self._compare(keys, hashes)
        return keys

    def _compare(self, keys: list[Any], hashes: list[int]) -> None:
        """Find the keys that differ although their hashes don't, as a dict would, and count what that costs."""
        met: dict[int, list[Any]] = {}
        for key, number in zip(keys, hashes, strict=True):
            others = met.setdefault(number, [])
            for other in others:
                self._compared += _parts(key)
                if self._compared > MAX_COMPARED:
                    raise WireError("too many keys have equal hashes")
                if other == key:
                    break
            else:
                others.append(key)


def _parts(key: Any) -> int:
    """How much there is to compare in a key."""
    if type(key) is tuple:
        return 1 + sum(map(_parts, key))
    return 1 + len(key.methods) if type(key) is Reference else 1


def _refuse_crowds(header: bytes) -> None:
    """Lists and dicts cost many times their two bytes once parsed: count them before."""
    if _marks(header) > MAX_MARKS and _marks(JSON_STRING.sub(b"", header)) > MAX_MARKS:
        raise WireError("the message holds more values than can be read")


def _marks(header: bytes) -> int:
    return header.count(b"[") + header.count(b"{") + header.count(b",")


def parse_json(data: bytes) -> Any:
    """Parse JSON that has no NaN, no infinities and no duplicate keys; WireError otherwise."""
    try:
        return _FROM_JSON.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"not strict JSON: {error}") from error


def _decode(tree: Any, frame: _Frame, depth: int) -> Any:
    if depth > MAX_DEPTH + 2:
        raise WireError("value is nested too deep")
    kind = type(tree)
    if kind is str:
        return tree if tree.isascii() else _clean(tree)
    if kind is list:
        return _decode_items(tree, frame, depth)
    if kind is not dict:
        if (kind is int and not -SAFE_INT < tree < SAFE_INT) or (kind is float and not math.isfinite(tree)):
            raise WireError("a number is out of range")
        return tree
    ((tag, body),) = tree.items()
    match tag:
        case "o":
            if type(body) is not dict or not _are_names(body):
                raise WireError("names are wrong")
            return {name: _decode(item, frame, depth + 1) for name, item in body.items()}
        case "t":
            return tuple(_decode_items(_list(body), frame, depth))
        case "d":
            pairs = [(_decode(k, frame, depth + 1), _decode(v, frame, depth + 1)) for k, v in map(_list, _list(body))]
            frame.check_keys([key for key, _ in pairs])
            return dict(pairs)
        case "s":
            return set(frame.check_keys([_decode(item, frame, depth + 1) for item in _list(body)]))
        case "f":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[body]
        case "i":
            return _parse_big_int(body)
        case "b":
            return frame.take(body)
        case "a":
            return _npy().parse_npy(frame.take(body))
        case "n":
            array = _npy().parse_npy(frame.take(body))
            if array.ndim:
                raise WireError("a scalar has dimensions")
            return array[()]
        case "x":
            return Opaque(_text(body))
        case "r":
            number, methods, is_callable = body
            return Reference(_index(number), tuple(map(_text, _list(methods))), bool(is_callable))
        case "p":
            return _decode_frame(body, frame, depth)
    raise WireError("unknown tag")


def _decode_items(items: list[Any], frame: _Frame, depth: int) -> list[Any]:
    if depth < MAX_DEPTH and _are_plain_numbers(items):
        return items
    return [_decode(item, frame, depth + 1) for item in items]


def _list(body: Any) -> list[Any]:
    if type(body) is not list:
        raise WireError("a list is missing")
    return body


def _text(body: Any) -> str:
    if type(body) is not str:
        raise WireError("a text is missing")
    return _clean(body)


def _decode_frame(body: Any, frame: _Frame, depth: int) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise WireError(
            "a table came, and pandas isn't installed here: pip install pandas (nbseal[course] has it)"
        ) from error
    names, columns, rows = _list(body)
    frame.pay_for_columns(len(_list(columns)))
    decoded = [_decode(column, frame, depth + 1) for column in columns]
    labels = _decode(_list(names), frame, depth + 1)
    if type(rows) is not int or not 0 <= rows <= MAX_ROWS or len(labels) != len(decoded):
        raise WireError("a table's columns do not fit together")
    if not all(_is_column(column) and len(column) == rows for column in decoded):
        raise WireError("a table's columns do not fit together")
    frame.check_keys(labels)
    try:
        table = pd.DataFrame(dict(enumerate(decoded)), index=range(rows))
        table.columns = pd.Index(labels)
    except Exception as error:  # pandas guesses types, and its exceptions for odd values are of any kind
        raise WireError(f"a table can't be made: {type(error).__name__}") from error
    return table


def _is_column(value: Any) -> bool:
    return type(value) is list or getattr(value, "ndim", 0) == 1


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise WireError("a number is wrong")
    return value


def _parse_big_int(text: Any) -> int:
    if type(text) is not str or not BIG_INT.fullmatch(text):
        raise WireError("an integer is wrong")
    return int(text, 16)


def _big_int(value: int) -> Any:
    return {"i": hex(value)} if value.bit_length() <= 4096 else {"x": "int (over 4096 bits)"}


def column(values: Any) -> Any:
    """What a table's column or index holds, as an array, or as a list with None for what is missing."""
    array = values.to_numpy()
    if array.dtype.kind in _npy().NPY_KINDS:
        return array
    return [None if gone else item for item, gone in zip(array.tolist(), values.isna().tolist(), strict=True)]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


_FROM_JSON = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)
