"""Reads ``.npz`` files that strangers made."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from numpy.typing import NDArray

from nbseal.errors import StudentError, WireError
from nbseal.wire.npy import parse_npy

MAX_MEMBERS = 200
MAX_BYTES = 128 << 20
KINDS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # what np.savez and np.savez_compressed write


def read_npz(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``; StudentError for pickles, bombs and broken archives."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise StudentError(f"`{name}` holds {len(members)} arrays; at most {MAX_MEMBERS} are read.")
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise StudentError(f"`{name}` unpacks to more than {MAX_BYTES >> 20} MiB.")
            if any(member.compress_type not in KINDS for member in members):
                raise zipfile.BadZipFile  # a dictionary of lzma's can ask for gigabytes
            return _read_members(archive, members, name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        LookupError,
        OverflowError,
        struct.error,
    ) as error:
        raise StudentError(f"`{name}` can't be read as a file written by np.savez ({type(error).__name__}).") from None


def _read_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for member in members:
        with archive.open(member) as file:
            raw = file.read(member.file_size)  # unpacks no more than the directory says, which is within the limit
        key = member.filename.removesuffix(".npy")
        try:
            arrays[key] = parse_npy(raw)
        except WireError as error:
            raise StudentError(
                f"`{name}` holds something under {key!r} that is not a plain array of numbers: {error}."
            ) from None
    return arrays
