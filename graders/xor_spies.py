"""A classifier that notes what it is asked, for student code to be given.

It lives on the trusted side, so what it noted can't be forged. It raises nothing but ValueError and RuntimeError.
"""

import numpy as np

from nbseal.checks import as_array
from nbseal.errors import StudentError


class Oracle:
    """A classifier whose answers look random but depend on the place only; it notes which places it was asked about."""

    def __init__(self, rng):
        self.salt = [int(number) | 1 for number in rng.integers(1 << 20, 1 << 24, 2)]
        self.asked = 0

    def __call__(self, points):
        """Answer an array of points as scikit-learn's predict does."""
        try:
            rows = as_array(points, "what it was given")
        except StudentError as error:
            raise ValueError(f"predict wants an array of shape (m, 2): {error}") from None
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise ValueError(f"predict wants an array of shape (m, 2), but it was given one of shape {rows.shape}")
        if np.abs(rows).max(initial=0) > 1e6:
            raise ValueError("predict was given a point that is far outside")
        self.asked += len(rows)
        if self.asked > 200_000:
            raise RuntimeError("predict was asked about far too many points")
        return np.array([label(self, x, y) for x, y in rows.tolist()], dtype=int)


def label(oracle, x, y):
    """Return the label, 0 to 6, of one point; small differences of rounding don't count."""
    a, b = round(x * 1024) * oracle.salt[0], round(y * 1024) * oracle.salt[1]
    return ((a ^ (b << 1)) >> 5) % 7
