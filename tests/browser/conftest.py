"""The browser that tests of pages use."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One headless browser with an empty profile."""
    # not above: where playwright is missing, a file of tests may be skipped at its import, and this one may not
    from tests.browsers import headless

    with headless() as chromium:
        yield chromium
