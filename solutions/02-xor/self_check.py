"""Shows, line by line, what an answer gave and what was expected."""

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


def _plain(value):
    """Arrays as lists and NumPy's numbers as Python's, which print more plainly."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return round(value, 9) if isinstance(value, float) else value


def _same(got, expected):
    if isinstance(expected, list):
        return isinstance(got, (list, tuple)) and len(got) == len(expected) and all(map(_same, got, expected))
    try:
        return bool(got == expected)
    except ValueError:  # comparing a table with one value
        return False


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
