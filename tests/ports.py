"""Ports for servers that tests start and that insist on being told a number."""

from __future__ import annotations

import atexit
import random
import socket
from contextlib import ExitStack, suppress

# below what the kernel gives to programs that ask for any port, so that none of those gets in between
FIRST, LAST = 20_000, 30_000
BLOCK = 4  # ports that are taken together


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, at most four; no other test gets them while this process lives."""
    assert count <= BLOCK
    for port in random.sample(range(FIRST, LAST, BLOCK), (LAST - FIRST) // BLOCK):
        with suppress(OSError):
            _hold(port, count)
            return port
    raise OSError(f"no {count} free ports in a row between {FIRST} and {LAST}")


def _hold(port: int, count: int) -> None:
    """Keep others who ask here away from a block; OSError when it is held, or a server listens there."""
    with ExitStack() as stack:
        # a name that is nowhere in the file system: the kernel lets go of it when this process ends
        hold = stack.enter_context(socket.socket(socket.AF_UNIX))
        hold.bind(f"\0nbseal-tests-port-{port}")
        for number in range(port, port + count):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", number))
        stack.pop_all()
    atexit.register(hold.close)
