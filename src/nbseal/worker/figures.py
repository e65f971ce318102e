"""Axes for functions that draw, and what is on them afterwards, as plain data: the figure counts, not the calls."""

from __future__ import annotations

import hashlib
from typing import Any

MAX_MARKS = 2000


def new_axes() -> Any:
    """Empty axes in a figure of their own."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def contents(axes: Any) -> dict[str, Any]:
    """Markers as (x, y, look), how many other lines and shapes there are, and the names of axes and figure.

    ``look`` is a text that differs if shapes differ, or if one marker is hollow and the other filled. Colours and sizes
    don't count. What can't be seen is left out. Read by matplotlib's own methods, whatever was set on these axes.
    """
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

    marks: list[tuple[float, float, str]] = []
    others = len(axes.patches)
    for artist in [*axes.collections, *axes.lines]:
        if not artist.get_visible():
            continue
        found = _dots(artist) if isinstance(artist, PathCollection) else _markers(artist)
        others += not found
        marks += found[: MAX_MARKS + 1 - len(marks)]
    names = {name: getattr(Axes, f"get_{name}")(axes) for name in ("xlabel", "ylabel", "title")}
    return {"marks": marks, "others": others, **{name: str(text) for name, text in names.items()}}


def _dots(dots: Any) -> list[tuple[float, float, str]]:
    """The markers of a scatter plot."""
    import numpy

    places: Any = numpy.ma.filled(numpy.ma.asarray(dots.get_offsets(), dtype=float), numpy.nan)[: MAX_MARKS + 1]
    count = len(places)
    shapes = _for_each([_shape(path) for path in dots.get_paths()] or [""], count)
    filled = _for_each([colour[3] > 0 for colour in dots.get_facecolor().tolist()] or [False], count)
    edged = _for_each([colour[3] > 0 for colour in dots.get_edgecolor().tolist()] or [False], count)
    sizeable = _for_each([size > 0 for size in dots.get_sizes().tolist()] or [True], count)
    seen = [size and (fill or edge) for size, fill, edge in zip(sizeable, filled, edged, strict=True)]
    looks = [(shape, not fill) for shape, fill in zip(shapes, filled, strict=True)]
    return _seen(numpy.where(numpy.reshape(seen, (count, 1)), places, numpy.nan), looks)


def _for_each(values: list[Any], count: int) -> list[Any]:
    """As matplotlib reads a list that is shorter than the dots: it starts again."""
    return [values[number % len(values)] for number in range(count)]


def _markers(line: Any) -> list[tuple[float, float, str]]:
    """The markers of a line; a bare one has none."""
    from matplotlib.colors import to_rgba
    from matplotlib.lines import Line2D
    from matplotlib.markers import MarkerStyle

    if not issubclass(type(line), Line2D) or str(line.get_marker()).strip().lower() in ("", "none"):
        return []
    if line.get_alpha() == 0 or not line.get_markersize() > 0:
        return []
    style = MarkerStyle(line.get_marker(), line.get_fillstyle())
    shape = _shape(style.get_path().transformed(style.get_transform()))
    hollow = style.is_filled() and to_rgba(line.get_markerfacecolor())[3] == 0
    hollow = hollow or line.get_fillstyle() == "none"
    places = line.get_xydata()[: MAX_MARKS + 1]
    return _seen(places, [(shape, hollow)] * len(places))


def _seen(places: Any, looks: list[tuple[str, bool]]) -> list[tuple[float, float, str]]:
    pairs = zip(places[: len(looks)].tolist(), looks, strict=True)
    return [(x, y, f"{shape} hollow" if hollow else shape) for (x, y), (shape, hollow) in pairs if x == x and y == y]


def _shape(path: Any) -> str:
    vertices = path.vertices.round(6) + 0.0  # no negative zeros
    codes = b"" if path.codes is None else path.codes.tobytes()
    return hashlib.sha256(vertices.tobytes() + codes).hexdigest()[:12]
