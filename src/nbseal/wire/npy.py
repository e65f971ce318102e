"""Arrays as ``.npy`` bytes, read strictly: no objects, no voids, no length believed before the bytes are there."""

from __future__ import annotations

import ast
import math
import struct
from typing import Any

import numpy as np

from nbseal.errors import WireError

MAX_NPY_HEADER = 4096  # bytes
NPY_KINDS = "biufcU"


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
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype)
    array = np.frombuffer(body, dtype=dtype).reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="), order="C", copy=True)


def _npy_header(text: bytes) -> tuple[np.dtype, Any, tuple[int, ...]]:
    try:
        header = ast.literal_eval(text.decode("latin1"))
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        if (
            not isinstance(descr, str)
            or len(descr) > 16
            or not isinstance(fortran, bool)
            or set(header)
            != {
                "descr",
                "fortran_order",
                "shape",
            }
        ):
            raise WireError("the .npy header has the wrong form")
        if type(shape) is not tuple or len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
            raise WireError("the .npy header has a bad shape")
        return np.dtype(descr), "F" if fortran else "C", shape
    except WireError:
        raise
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise WireError(f"the .npy header can't be read: {type(error).__name__}") from error
