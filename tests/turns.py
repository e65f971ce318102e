"""Which of many alike tests `make test` runs; the others are left to `make test-slow`."""

from __future__ import annotations

import pytest


def every(step: int, *numbers: int) -> list[pytest.MarkDecorator]:
    """Marks of a test, which waits for the slow run unless the sum of its places in lists is a multiple of ``step``."""
    return [] if sum(numbers) % step == 0 else [pytest.mark.slow]
