"""Shows, line by line, what an answer gave and what was expected."""


def compare(rows, hint):
    """Print every (what, got, expected) row; raise AssertionError with the hint if one of them differs."""
    wrong = 0
    for what, got, expected in rows:
        same = _same(got, expected)
        wrong += not same
        print(f"{'ok   ' if same else 'WRONG'}  {what}: got {got!r}, expected {expected!r}")
    assert not wrong, f"{wrong} of {len(rows)} lines differ. {hint}"


def _same(got, expected):
    try:
        return bool(got == expected)
    except ValueError:  # comparing a whole array with one value
        return False
