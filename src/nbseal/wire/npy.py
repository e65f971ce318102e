"""Arrays as ``.npy`` bytes, read strictly: no objects, no voids, no length believed before the bytes are there."""

from __future__ import annotations

import functools
import math
import re
import struct
import sys
from typing import Any

import numpy as np

from nbseal.errors import WireError
from nbseal.python_text import literal

MAX_NPY_HEADER = 4096  # bytes
MAX_AXIS = 1 << 40
NPY_KINDS = "biufcU"
UNLIKE_NUMPY = re.compile(rb"\\|[0-9][A-Za-z_]")  # Python would read it with a warning
DESCR = re.compile("[<>|][biufcmMOSUV][0-9]{0,9}")


def pack_npy(array: np.ndarray) -> bytes:
    """Serialise an array in ``.npy`` format 1.0, C order, little endian, without pickle."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    header = repr({"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + array.tobytes()


def parse_npy(data: bytes, kinds: str = NPY_KINDS) -> np.ndarray:
    """Read ``.npy`` bytes strictly: no objects, no voids, and exactly as many bytes as the header claims."""
    if data[:6] != b"\x93NUMPY" or len(data) < 10 or data[6] not in (1, 2):
        raise WireError("not a .npy file of version 1 or 2")
    if data[6] == 1:
        (length,), start = struct.unpack("<H", data[8:10]), 10
    else:
        if len(data) < 12:
            raise WireError("the .npy header is cut off")
        (length,), start = struct.unpack("<I", data[8:12]), 12
    if length > MAX_NPY_HEADER or start + length > len(data):
        raise WireError("the .npy header is cut off or too long")
    dtype, order, shape = _npy_header(data[start : start + length])
    if dtype.kind not in kinds or dtype.hasobject or dtype.names or dtype.subdtype:
        raise WireError(f"arrays of type {dtype} are not accepted")
    count = math.prod(shape)
    body = memoryview(data)[start + length :]
    if count * dtype.itemsize != len(body):
        raise WireError(f"the .npy header claims {count * dtype.itemsize} bytes, but {len(body)} are there")
    if count and not dtype.itemsize:
        raise WireError("the .npy header claims values that have no bytes")
    try:
        array = np.frombuffer(body, dtype=dtype).reshape(shape, order=order) if count else np.zeros(shape, dtype)
        return _proper(array.astype(dtype.newbyteorder("="), order="C", copy=True))
    except (ValueError, OverflowError, MemoryError) as error:
        raise WireError(f"the .npy file can't be read: {type(error).__name__}") from error


def _proper(array: np.ndarray) -> np.ndarray:
    """The array with values that numpy itself could have made: other bytes would count, print or compare wrongly."""
    if array.dtype.kind == "b":
        array = np.asarray(array.view(np.uint8) != 0)  # comparing a single value gives no array
    elif array.dtype.kind == "U" and array.size:
        points = array.reshape(-1).view(np.uint32)
        if points.max() > sys.maxunicode:
            raise WireError("the .npy file holds text that can't be read")
        points[(points >= 0xD800) & (points <= 0xDFFF)] = ord("?")
    return array


@functools.lru_cache(maxsize=256)  # most arrays of a question have the same few shapes
def _npy_header(text: bytes) -> tuple[np.dtype, Any, tuple[int, ...]]:
    try:
        if UNLIKE_NUMPY.search(text):
            raise WireError("the .npy header has the wrong form")
        header = literal(text.decode("latin1").strip())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        if set(header) != {"descr", "fortran_order", "shape"} or not isinstance(fortran, bool):
            raise WireError("the .npy header has the wrong form")
        if not isinstance(descr, str) or not DESCR.fullmatch(descr):
            raise WireError("the .npy header has a type that is not accepted")
        if type(shape) is not tuple or len(shape) > 32 or not all(type(n) is int and 0 <= n <= MAX_AXIS for n in shape):
            raise WireError("the .npy header has a bad shape")
        return np.dtype(descr), "F" if fortran else "C", shape
    except WireError:
        raise
    except (ValueError, SyntaxError, TypeError, LookupError, OverflowError, RecursionError, MemoryError) as error:
        raise WireError(f"the .npy header can't be read: {type(error).__name__}") from error
