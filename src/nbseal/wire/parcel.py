"""One message between machines: JSON with files beside it, as bytes. Nothing else is ever made of those bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbseal.errors import WireError
from nbseal.wire.channel import MAX_BLOBS, MAX_HEADER, PREFIX, frame
from nbseal.wire.codec import unpack


def parcel(about: Any, files: Mapping[str, bytes]) -> bytes:
    """Pack what JSON can say, and files by any names that a disk may have; TooLarge if it is over the limits."""
    names = json.dumps(list(files))  # in ASCII: half characters, which names may have, stay what they are
    return frame({"about": json.dumps(about).encode(), "names": names.encode(), "files": list(files.values())})


def open_parcel(data: Any) -> tuple[Any, dict[str, bytes]]:
    """What `parcel` has packed; WireError for anything else."""
    if type(data) is not bytes or len(data) < PREFIX.size:
        raise WireError("a message is no bytes, or too few")
    header, total = PREFIX.unpack_from(data)
    if header > MAX_HEADER or total > MAX_BLOBS or len(data) != PREFIX.size + header + total:
        raise WireError("a message hasn't the length that it announces")
    start = PREFIX.size + header
    message = unpack(data[PREFIX.size : start], data[start:])
    try:
        names, files = json.loads(message["names"]), message["files"]
        if len(set(names)) != len(files) or {*map(type, names)} - {str} or {*map(type, files)} - {bytes}:
            raise WireError("names and files don't fit together")
        return json.loads(message["about"]), dict(zip(names, files, strict=True))
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise WireError(f"malformed message: {type(error).__name__}") from error
