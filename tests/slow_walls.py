"""``python -m tests.slow_walls DESCRIPTOR``: the warm process, whose walls come late."""

from __future__ import annotations

import sys
import time
from typing import Any

from nbseal.worker import walls
from nbseal.worker.__main__ import main

SECONDS = 1.0
seal = walls.seal


def slowly(*given: Any) -> None:
    """Put up the walls, but later."""
    time.sleep(SECONDS)
    seal(*given)


if __name__ == "__main__":
    walls.seal = slowly
    main(int(sys.argv[1]))
