"""Stand-ins for what student code is given: axes that note what is drawn, a classifier that notes what it is asked.

They live on the trusted side, so what they noted can't be forged. They raise nothing but ValueError and RuntimeError.
"""

import re

import numpy as np
from matplotlib.axes import Axes

from nbseal.checks import as_array
from nbseal.errors import StudentError

MAX_CALLS = 2000  # a loop that never ends shall not fill our memory
MAX_MARKS = 1000
LINE = re.compile(r"--|-\.|-|:")
FORMAT = re.compile(r"(?:C\d+|[bgrcmykw])?(?P<marker>[.,ov^<>1234sp*hHDdPX+x|_])?(?:C\d+|[bgrcmykw])?")
HOLLOW = ("facecolors", "facecolor", "fc", "markerfacecolor", "mfc", "fillstyle")


class Part:
    """What drawing returns: takes every usual call, and does nothing."""

    def legend_elements(self, *args, **kwargs):
        """Return handles and labels for a legend."""
        return [None, None], ["0", "1"]

    def _nothing(self, *args, **kwargs):
        return None

    set = set_label = set_color = set_marker = set_zorder = set_alpha = set_size_inches = _nothing
    tight_layout = suptitle = legend = set_text = get_offsets = set_facecolor = set_edgecolor = _nothing


class Canvas:
    """Axes that are given to the student's function; ``calls`` holds what was done to them."""

    def __init__(self, student):
        self._student, self.calls = student, []

    def _note(self, name, args, kwargs):
        if len(self.calls) >= MAX_CALLS:
            raise RuntimeError(f"more than {MAX_CALLS} calls of methods of ax")
        self.calls.append((name, args, kwargs))
        if name == "plot":
            return [None] * max(1, sum(not isinstance(arg, str) for arg in args) // 2)
        if name.startswith("get_") and name.endswith("lim"):
            return 0.0, 1.0
        return self._student.remote(Part())


def _method(name):
    def method(self, *args, **kwargs):
        return self._note(name, args, kwargs)

    return method


for _name in dir(Axes):
    if not _name.startswith("_") and not hasattr(Canvas, _name) and callable(getattr(Axes, _name)):
        setattr(Canvas, _name, _method(_name))


def words(canvas, axis):
    """Return the name that was given last to the axis "x" or "y", or None."""
    said = None
    for name, args, kwargs in canvas.calls:
        if name == f"set_{axis}label":
            said = args[0] if args else kwargs.get(f"{axis}label")
        elif name == "set":
            said = kwargs.get(f"{axis}label", said)
    return said


def marks(canvas):
    """Return [(x, y, look)] of all markers in the order drawn; StudentError if they can't be read."""
    found = []
    for name, args, kwargs in canvas.calls:
        if name == "scatter":
            found += _scatter(args, kwargs)
        elif name == "plot":
            found += _plot(args, kwargs)
        if len(found) > MAX_MARKS:
            raise StudentError(f"plot_points(...) draws more than {MAX_MARKS} markers.")
    return found


def drew(canvas, *names):
    """Return whether one of these methods was called."""
    return any(name in names for name, _, _ in canvas.calls)


def _pairs(x, y, look, method):
    """Places of one call with the look that they all have."""
    xs, ys = (
        np.ravel(as_array(value, f"the {which} of ax.{method}(...)"))
        for value, which in ((x, "first argument"), (y, "second argument"))
    )
    if len(xs) != len(ys):
        raise StudentError(f"ax.{method}(...) got {len(xs)} numbers for x, but {len(ys)} for y.")
    return [(float(a), float(b), look) for a, b in zip(xs[: MAX_MARKS + 1], ys, strict=False)]


def _look(marker, kwargs):
    """A text that differs if shapes differ, or if one is hollow and the other filled; colours don't count."""
    hollow = any(isinstance(kwargs.get(name), str) and kwargs[name].lower() == "none" for name in HOLLOW)
    shape = "o" if marker is None else marker.strip("$") if isinstance(marker, str) else repr(marker)[:80]
    return f"{shape} hollow" if hollow else str(shape)


def _scatter(args, kwargs):
    named = dict(zip(("x", "y", "s", "c", "marker"), args, strict=False)) | kwargs
    if "x" not in named or "y" not in named:
        raise StudentError("ax.scatter(...) needs the x and the y of the points.")
    return _pairs(named["x"], named["y"], _look(named.get("marker"), kwargs), "scatter")


def _plot(args, kwargs):
    """Markers of ax.plot, whose arguments are x, y and perhaps a format such as "ro", several times over."""
    found, rest = [], list(args)
    while rest:
        x = rest.pop(0)
        y = rest.pop(0) if rest and not isinstance(rest[0], str) else None
        style = rest.pop(0) if rest and isinstance(rest[0], str) else ""
        parsed = FORMAT.fullmatch(LINE.sub("", style, count=1))
        marker = kwargs.get("marker", parsed["marker"] if parsed else None)
        if marker is None or (isinstance(marker, str) and marker.strip().lower() in ("", "none")):
            continue  # a bare line
        if y is None:
            x, y = np.arange(np.size(as_array(x, "the argument of ax.plot(...)"))), x
        found += _pairs(x, y, _look(marker, kwargs), "plot")
    return found


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
