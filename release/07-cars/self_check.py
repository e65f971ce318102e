"""Shows, row by row, what an answer gave and what was expected: the same file in every assignment."""

from collections.abc import Mapping, Sequence
from math import isclose
from numbers import Number

import numpy as np

MOST_SHOWN, SHOWN = 300, 400  # entries of a value, and characters


def self_check(question, rows, hint=""):
    """Print every row of a question's self-check, then "all right" or what is wrong.

    A row is (what, got, expected). ``got`` is a function without arguments, so that an error in it costs this row
    alone. ``expected`` is a value, an exception class that must be raised, or a rule such as ``between(0, 1)``.
    Raises an AssertionError with the hint if a row is wrong.
    """
    verdicts = [_show(*row) for row in rows]
    wrong = verdicts.count(False)
    if wrong:
        raise AssertionError(f"Question {question}: {wrong} of {len(verdicts)} rows are wrong. {hint}".rstrip())
    print(f"Question {question}: all right.")


class Rule:
    """An expectation that is no single value: a sentence for the reader, and the test for it."""

    def __init__(self, text, holds):
        self.text = text
        self.holds = holds


def between(low, high):
    """A number from ``low`` to ``high``, both included."""
    return Rule(f"{_short(low)} to {_short(high)}", lambda got: low <= got <= high)


def about(number, within):
    """A number, or an array of them, no further than ``within`` from ``number``."""
    return Rule(f"about {_short(_plain(number))}", lambda got: _same(_plain(got), _plain(number), within))


def shape(*sizes):
    """An array of this shape."""
    return Rule(f"an array of shape {sizes}", lambda got: np.shape(got) == sizes)


def _show(what, get, expected):
    """Print one row; True if it is right."""
    try:
        got = get()
    except Exception as error:
        right = isinstance(expected, type) and isinstance(error, expected)
        text = f"{type(error).__name__}: {error}".rstrip(": ")
    else:
        right, text = _holds(got, expected), _described(got, expected)
    wanted = _wanted(expected)
    start = f"{'ok   ' if right else 'WRONG'}  {what}:"
    if "\n" in text + wanted or len(start + text + wanted) > 90:
        print(f"{start}\n       got      {_indented(text)}\n       expected {_indented(wanted)}")
    else:
        print(f"{start} got {text}, expected {wanted}")
    return right


def _holds(got, expected):
    """Whether a value fulfils the expectation; a value that can't be compared doesn't."""
    if isinstance(expected, type) and issubclass(expected, Exception):
        return False  # it should have been raised
    try:
        if isinstance(expected, Rule):
            return bool(expected.holds(got))
        return _same(_plain(got), _plain(expected), 1e-6)
    except (TypeError, ValueError):
        return False


def _described(got, expected):
    if got is None and expected is not None:
        return "None (does your function end with return?)"
    if isinstance(expected, Rule) and isinstance(got, np.ndarray) and got.ndim > 1:
        return f"an array of shape {got.shape}"
    return _short(_plain(got))


def _wanted(expected):
    if isinstance(expected, Rule):
        return expected.text
    if isinstance(expected, type) and issubclass(expected, Exception):
        return f"an error: {expected.__name__}"
    return _short(_plain(expected))


def _plain(value):
    """Arrays and tables as lists and NumPy's numbers as Python's, which print more plainly."""
    if hasattr(value, "to_numpy") and not isinstance(value, type):  # a table or a column of pandas
        value = value.to_numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


def _same(got, expected, within):
    """Whether two plain values are alike; a list may be a tuple, and numbers may differ by ``within``."""
    if isinstance(expected, (list, tuple)):
        alike = isinstance(got, Sequence) and not isinstance(got, str) and len(got) == len(expected)
        return alike and all(_same(*pair, within) for pair in zip(got, expected, strict=True))
    if isinstance(expected, Mapping):
        alike = isinstance(got, Mapping) and got.keys() == expected.keys()
        return alike and all(_same(got[key], expected[key], within) for key in expected)
    if isinstance(expected, (int, float)) and isinstance(got, Number):
        return isclose(got, expected, rel_tol=0, abs_tol=within)
    return bool(got == expected)


def _short(value):
    """A value in Python's own notation: numbers with six digits, rows of a table on lines of their own."""
    if type(value) is float:
        return repr(float(f"{value:.6g}"))
    if type(value) in (list, tuple, str) and len(value) > MOST_SHOWN:
        return f"{_short(value[:MOST_SHOWN])[:SHOWN]}… ({len(value):,} in all)"
    if type(value) is list and value and all(type(row) in (dict, list) for row in value):
        text = "[" + ",\n ".join(map(_short, value)) + "]"
    elif type(value) in (list, tuple):
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        text = f"{', '.join(map(_short, value))}{comma}"
        text = f"({text})" if type(value) is tuple else f"[{text}]"
    else:
        text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _indented(text):
    return text.replace("\n", "\n                ")
