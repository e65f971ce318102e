"""Draws a service's labels, the boxes around objects, and curves over the threshold, as small SVG pictures."""

from base64 import b64encode
from html import escape
from math import isfinite
from pathlib import Path

BLUE, ORANGE, GREEN, INK, PALE = "#0072B2", "#D55E00", "#009E73", "#333333", "#E6E6E6"  # Okabe and Ito's colours
SERVICES = {"google": BLUE, "azure": ORANGE, "amazon": GREEN}
BAR, NAMES, WIDTH = 15, 130, 420  # height of a bar, room for the labels, width of the picture, in pixels
PHOTOS = Path(__file__).with_name("photos")


class Picture:
    """An SVG drawing with a description in words, for readers who cannot see it."""

    def __init__(self, shapes, width, height, description):
        self.shapes, self.width, self.height, self.description = shapes, width, height, description
        self.svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="11" fill="{INK}">'
            f"<title>{escape(description)}</title>"
            '<defs><pattern id="missed" width="5" height="5" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/>'
            f'<rect width="2" height="5" fill="{INK}"/></pattern></defs>'
            f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(shapes)}</svg>'
        )

    def __repr__(self):
        return self.description

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        data = b64encode(self.svg.encode()).decode()
        alt = escape(self.description, quote=True)
        return f'<img alt="{alt}" width="{self.width}" src="data:image/svg+xml;base64,{data}">'


def show_labels(rows, title, right=None):
    """Draw one bar per label, as long as the service's confidence in it.

    With ``right``, one truth value per row, bars of labels that are not right are hatched.
    """
    if rows is None:
        raise ValueError("there are no rows to draw, the function gave None: does it end with return?")
    bars = [_bar(row) for row in rows]
    right = [True] * len(bars) if right is None else [bool(value) for value in right]
    order = sorted(range(len(bars)), key=lambda i: -bars[i][1])
    shapes = [_text(8, 18, title, ' font-size="13" font-weight="bold"')]
    span = WIDTH - NAMES - 50
    for place, i in enumerate(order):
        label, confidence, service = bars[i]
        y = 30 + place * (BAR + 3)
        long = span * min(max(confidence, 0), 1)
        fill = SERVICES.get(service, INK) if right[i] else "url(#missed)"
        shapes.append(_text(NAMES - 6, y + 12, _short(label), ' text-anchor="end"'))
        shapes.append(f'<rect x="{NAMES}" y="{y}" width="{span}" height="{BAR}" fill="{PALE}"/>')
        shapes.append(
            f'<rect x="{NAMES}" y="{y}" width="{long:.1f}" height="{BAR}" fill="{fill}" stroke="{INK}" '
            'stroke-width="0.5"/>'
        )
        shapes.append(_text(NAMES + span + 5, y + 12, f"{confidence:.3g}"))
    if not bars:
        shapes.append(_text(8, 44, "(no labels)"))
    said = "; ".join(f"{bars[i][0]} {bars[i][1]:.3g}{'' if right[i] else ' (hatched)'}" for i in order)
    return Picture(shapes, WIDTH, 36 + max(1, len(bars)) * (BAR + 3), f"{title}. Bars: {said or 'none'}.")


def _bar(row):
    """Return (label, confidence, service) of a row, or say what a row should be."""
    try:
        label, confidence, service = str(row["label"]), float(row["confidence"]), str(row["service"])
    except (TypeError, KeyError, ValueError, IndexError):
        raise ValueError(
            f"a row should be a dict with the keys photo, service, label and confidence, but one is {row!r}"
        ) from None
    if not isfinite(confidence):
        raise ValueError(f"the confidence of {label!r} is {confidence}")
    return label, confidence, service


def show_photo(name, about):
    """Draw one of the photos in photos/; ``about`` says in words what is in it."""
    picture = show_boxes([], f"The {name}", name)
    return Picture(picture.shapes, picture.width, picture.height, f"The {name}: {about}")


def show_boxes(boxes, title, photo):
    """Draw boxes, in shares of the photo's width and height, on one of the photos in photos/."""
    wide, high, left, top = 320, 240, 10, 28
    image = b64encode((PHOTOS / f"{photo}.png").read_bytes()).decode()
    place = f'x="{left}" y="{top}" width="{wide}" height="{high}"'
    shapes = [_text(left, 18, title, ' font-size="13" font-weight="bold"')]
    shapes.append(f'<image {place} href="data:image/png;base64,{image}"/>')
    if boxes is None:
        raise ValueError("there are no boxes to draw, the function gave None: does it end with return?")
    said, placed = [], []
    for number, box in enumerate(boxes):
        label, x0, y0, x1, y1 = _box(box)
        dash = ("", ' stroke-dasharray="7 3"', ' stroke-dasharray="2 3"')[number % 3]
        corner = f'x="{left + x0 * wide:.1f}" y="{top + y0 * high:.1f}"'
        size = f'width="{max(0, x1 - x0) * wide:.1f}" height="{max(0, y1 - y0) * high:.1f}"'
        for colour, thick in (("#fff", 4), (INK, 2)):  # a light rim: the box is seen on dark and on light ground
            lines = f'fill="none" stroke="{colour}" stroke-width="{thick}"{dash if colour == INK else ""}'
            shapes.append(f"<rect {corner} {size} {lines}/>")
        rim = ' font-weight="bold" stroke="#fff" stroke-width="3" paint-order="stroke"'
        length = 8 * len(label)
        at = max(left + 2, min(left + x0 * wide + 4, left + wide - length))  # a name at the right edge isn't cut off
        line = top + y0 * high + 13
        while any(abs(line - other) < 13 and abs(at - start) < max(length, long) for start, long, other in placed):
            line += 13  # one name below the other, where two boxes begin at about the same place
        placed.append((at, length, line))
        shapes.append(_text(at, line, label, rim))
        said.append(f"{label} from ({x0:.2g}, {y0:.2g}) to ({x1:.2g}, {y1:.2g})")
    return Picture(shapes, wide + 40, high + 38, f"{title}. {'; '.join(said) or 'No boxes'}.")


def _box(box):
    """Return (label, left, top, right, bottom) of a box, or say what a box should be."""
    try:
        return str(box["label"]), *(float(box[side]) for side in ("left", "top", "right", "bottom"))
    except (TypeError, KeyError, ValueError, IndexError):
        raise ValueError(
            f"a box should be a dict with label, left, top, right and bottom, but one is {box!r}"
        ) from None


def show_curves(curves, title, ticks=(0, 0.5, 1)):
    """Draw lines over the threshold. ``curves``: name -> list of (threshold, value); values lie from 0 to 1."""
    wide, high, left, top = 300, 190, 40, 28
    shapes = [_text(8, 18, title, ' font-size="13" font-weight="bold"')]
    shapes.append(f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="none" stroke="{INK}"/>')
    for tick in ticks:
        x, y = left + tick * wide, top + (1 - tick) * high
        shapes.append(_text(x, top + high + 14, f"{tick:g}", ' text-anchor="middle"'))
        shapes.append(_text(left - 6, y + 4, f"{tick:g}", ' text-anchor="end"'))
        shapes.append(f'<path d="M{left} {y:.1f}h{wide}" stroke="{PALE}"/>')
    shapes.append(_text(left + wide / 2, top + high + 28, "threshold", ' text-anchor="middle"'))
    said = []
    for number, (name, points) in enumerate(curves.items()):
        colour = SERVICES.get(name, (BLUE, ORANGE, GREEN)[number % 3])
        places = [(left + float(t) * wide, top + (1 - float(v)) * high) for t, v in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        shapes += [_marker(number, x, y, colour) for x, y in places]
        y = top + 14 + 20 * number
        shapes += [_marker(number, left + wide + 18, y, colour), _text(left + wide + 30, y + 4, name)]
        if points:
            said.append(f"{name} from {points[0][1]:.2g} to {points[-1][1]:.2g}")
    return Picture(shapes, left + wide + 100, top + high + 36, f"{title}, over the threshold: {'; '.join(said)}.")


def _marker(number, x, y, colour):
    """A disc, a square or a triangle: curves are told apart without their colour, too."""
    if number % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if number % 3 == 1:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{colour}"/>'


def _text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(str(words))}</text>'


def _short(label):
    return label if len(label) <= 20 else label[:19] + "…"
