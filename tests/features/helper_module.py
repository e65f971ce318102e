"""Lies beside the notebooks."""

import warnings


def double(n):
    """Twice n."""
    return 2 * n


def fail(n):
    """Always fail."""
    wrong = n / 0
    return wrong


def warn():
    """Warn about this line."""
    warnings.warn("from the helper", UserWarning)
