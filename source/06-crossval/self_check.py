"""Shows, line by line, what an answer gave and what was expected."""

from math import isclose

import numpy as np


def compare(rows, hint):
    """Print every (what, got, expected) row; raise AssertionError with the hint if one of them differs."""
    wrong = 0
    for what, got, expected in rows:
        got = _plain(got)
        same = _same(got, expected)
        wrong += not same
        print(f"{'ok   ' if same else 'WRONG'}  {what}: got {_short(got)}, expected {expected!r}")
    assert not wrong, f"{wrong} of {len(rows)} lines differ. {hint}"


def must_refuse(function, *arguments):
    """Print the ValueError that ``function`` should raise; AssertionError if it raises none."""
    call = f"{function.__name__}({', '.join(map(repr, arguments))})"
    try:
        got = function(*arguments)
    except ValueError as error:
        print(f"ok     {call}: ValueError: {error}")
    else:
        raise AssertionError(f"{call} should raise a ValueError, but it returned {_short(_plain(got))}.")


def _plain(value):
    """Arrays as lists and NumPy's numbers as Python's, which print more plainly."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return round(value, 4) if isinstance(value, float) else value


def _same(got, expected):
    if isinstance(expected, (list, tuple)):
        alike = isinstance(got, (list, tuple)) and len(got) == len(expected)
        return alike and all(map(_same, got, expected))
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return isclose(got, expected, abs_tol=1e-4)
    try:
        return bool(got == expected)
    except ValueError:  # comparing a table with one value
        return False


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
