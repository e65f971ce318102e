"""Which system this is, and what is only to be had on Linux."""

from __future__ import annotations

import sys

from nbseal.errors import SealUnavailable


def is_linux() -> bool:
    """Whether sealed processes can be had at all: their walls are Linux' own."""
    return sys.platform == "linux"


def require_linux(what: str) -> None:
    """SealUnavailable, with where ``what`` can be done, on any other system."""
    if not is_linux():
        raise SealUnavailable(
            f"{what} needs Linux, whose kernel seals student code: run it in WSL 2 on Windows, in a Linux container or "
            "machine, or on the course's JupyterHub."
        )
