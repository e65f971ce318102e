"""Shows, line by line, what an answer gave and what was expected."""

from math import isclose


def compare(rows, hint):
    """Print every (what, got, expected) row; raise AssertionError with the hint if one of them differs."""
    wrong = 0
    for what, got, expected in rows:
        same = _same(got, expected)
        wrong += not same
        given, wanted = _short(got), _short(expected)
        line = f"{'ok   ' if same else 'WRONG'}  {what}:"
        if len(line + given + wanted) > 90:
            print(f"{line}\n       got      {given}\n       expected {wanted}")
        else:
            print(f"{line} got {given}, expected {wanted}")
    assert not wrong, f"{wrong} of {len(rows)} lines differ. {hint}"


def refuses(parse, answer, hint):
    """Print the ValueError that ``parse`` raises for an error of a service; AssertionError with the hint if none."""
    try:
        got = parse(answer, "any photo")
    except ValueError as error:
        print("ok     an error of the service: ValueError:", error)
    else:
        raise AssertionError(f"An error of the service gave {got!r}, expected a ValueError. {hint}")


def _short(value):
    """A value in Python's own notation, numbers with six digits and rows each on a line of its own."""
    if type(value) is float:
        return f"{value:.6g}"
    if type(value) is tuple:
        return f"({', '.join(map(_short, value))})"
    if type(value) is list and value and all(type(row) is dict for row in value):
        lines = ",\n                 ".join(map(repr, value))
        return f"[{lines}]"
    return repr(value)


def _same(got, expected):
    """Whether two answers are alike; numbers may differ by a rounding error."""
    if isinstance(expected, (list, tuple)):
        alike = isinstance(got, (list, tuple)) and len(got) == len(expected)
        return alike and all(map(_same, got, expected))
    if isinstance(expected, dict):
        return isinstance(got, dict) and set(got) == set(expected) and all(_same(got[k], expected[k]) for k in got)
    if isinstance(expected, float):
        try:
            return isclose(got, expected, abs_tol=1e-9)
        except TypeError:
            return False
    try:
        return bool(got == expected)
    except ValueError:  # comparing a whole array with one value
        return False
