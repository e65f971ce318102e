"""Reads ``.npz`` files that strangers made."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from numpy.typing import NDArray

from nbseal.errors import StudentError, WireError
from nbseal.wire import parse_npy

MAX_MEMBERS = 200
MAX_BYTES = 128 << 20


def read_npz(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``; StudentError for pickles, bombs and broken archives."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise StudentError(f"`{name}` holds {len(members)} arrays; at most {MAX_MEMBERS} are read.")
            return _read_members(archive, members, name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise StudentError(f"`{name}` can't be read as a file written by np.savez ({type(error).__name__}).") from None


def _read_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    left = MAX_BYTES
    for member in members:
        with archive.open(member) as file:
            raw = file.read(left + 1)
        left -= len(raw)
        if left < 0:
            raise StudentError(f"`{name}` unpacks to more than {MAX_BYTES >> 20} MiB.")
        key = member.filename.removesuffix(".npy")
        try:
            arrays[key] = parse_npy(raw)
        except WireError as error:
            raise StudentError(
                f"`{name}` holds something under {key!r} that is not a plain array of numbers: {error}."
            ) from None
    return arrays
