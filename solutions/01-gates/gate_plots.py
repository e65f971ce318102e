"""Draws points in the plane and the line at which a neuron changes its mind."""

from base64 import b64encode
from html import escape
from math import isfinite

SIZE, MARGIN = 260, 38  # the picture and the border around its axes, in pixels
FIRES, SILENT, ERROR, INK = "#0072B2", "#E69F00", "#000000", "#333333"  # Okabe and Ito's colours
REGION = "#D6E9F5"


class Picture:
    """An SVG drawing with a description in words, for readers who cannot see it."""

    def __init__(self, svg, description):
        self.svg, self.description = svg, description

    def __repr__(self):
        return self.description

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        data = b64encode(self.svg.encode()).decode()
        alt = escape(self.description, quote=True)
        return f'<img alt="{alt}" width="{SIZE}" src="data:image/svg+xml;base64,{data}">'


def draw_line(points, targets, weights, threshold, title, names=("input 1", "input 2"), strict=False):
    """Draw the points, and shade the side on which a neuron with these weights fires.

    Two weights belong to the two axes; a third one is the weight of a bias input that is always 1.
    ``strict`` is for a neuron that stays silent when its sum only equals the threshold (dashed line).
    """
    w1, w2, limit = _line(weights, threshold, title)
    points = [(float(x), float(y)) for x, y in points]
    fires = [_fires(w1 * x + w2 * y, limit, strict) for x, y in points]
    right = [fired == bool(target) for fired, target in zip(fires, targets, strict=True)]
    view = _View(points)
    shapes = [view.half_plane(w1, w2, limit), view.frame(names)]
    shapes += [view.marker(p, target, ok) for p, target, ok in zip(points, targets, right, strict=True)]
    shapes.insert(1, view.boundary(w1, w2, limit, strict))
    description = _describe(title, points, fires, right, w1, w2, limit, strict)
    heading = f"{title}: {sum(right)} of {len(right)} points right"
    return Picture(_svg(heading, description, shapes), description)


def _line(weights, threshold, title):
    """Return (w1, w2, limit) of the line w1 x + w2 y = limit, or say what is missing."""
    try:
        numbers = [float(w) for w in weights]
        limit = float(threshold)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{title}: the weights should be a list of numbers and the threshold one number, "
            f"but they are {weights!r} and {threshold!r}."
        ) from None
    if len(numbers) not in (2, 3) or not all(map(isfinite, [*numbers, limit])):
        raise ValueError(f"{title}: can draw two weights, or three with a bias, but got {weights!r}.")
    return numbers[0], numbers[1], limit - sum(numbers[2:])


def _fires(total, limit, strict):
    return total > limit if strict else total >= limit


class _View:
    """The part of the plane that is shown, and how it maps to pixels."""

    def __init__(self, points):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        reach = 0.8 * max(max(xs) - min(xs), max(ys) - min(ys), 1)
        middle = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
        self.left, self.right = middle[0] - reach, middle[0] + reach
        self.low, self.high = middle[1] - reach, middle[1] + reach
        self.scale = (SIZE - 2 * MARGIN) / (2 * reach)

    def pixel(self, point):
        x, y = point
        return MARGIN + (x - self.left) * self.scale, SIZE - MARGIN - (y - self.low) * self.scale

    def _cut(self, w1, w2, limit):
        """Corners of the shown part of the half plane w1 x + w2 y >= limit, and the ends of its edge."""
        corners = [
            (self.left, self.low), (self.right, self.low), (self.right, self.high), (self.left, self.high)
        ]  # fmt: skip
        heights = [w1 * x + w2 * y - limit for x, y in corners]
        inside, ends = [], []
        for i in range(4):
            (x0, y0), (x1, y1) = corners[i - 1], corners[i]
            h0, h1 = heights[i - 1], heights[i]
            if (h0 >= 0) != (h1 >= 0):
                part = h0 / (h0 - h1)
                ends.append((x0 + part * (x1 - x0), y0 + part * (y1 - y0)))
                inside.append(ends[-1])
            if h1 >= 0:
                inside.append((x1, y1))
        return inside, ends

    def half_plane(self, w1, w2, limit):
        inside, _ = self._cut(w1, w2, limit)
        corners = " ".join("{:.1f},{:.1f}".format(*self.pixel(point)) for point in inside)
        return f'<polygon points="{corners}" fill="{REGION}"/>'

    def boundary(self, w1, w2, limit, strict):
        _, ends = self._cut(w1, w2, limit)
        if len(ends) != 2:
            return ""
        (x0, y0), (x1, y1) = map(self.pixel, ends)
        dash = ' stroke-dasharray="6 4"' if strict else ""
        return (
            f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{FIRES}" stroke-width="2"{dash}/>'
        )

    def frame(self, names):
        """The border with its ticks at whole numbers, and the axes' names."""
        low, high = MARGIN, SIZE - MARGIN
        parts = [
            f'<rect x="{low}" y="{low}" width="{high - low}" height="{high - low}" fill="none" stroke="{INK}"/>',
            _text(SIZE / 2, SIZE - 8, names[0]),
            _text(11, SIZE / 2, names[1], f' transform="rotate(-90 11 {SIZE / 2})"'),
        ]
        for tick in _whole_numbers(self.left, self.right):
            parts.append(_text(self.pixel((tick, 0))[0], high + 14, tick))
        for tick in _whole_numbers(self.low, self.high):
            parts.append(_text(low - 9, self.pixel((0, tick))[1] + 4, tick))
        return "".join(parts)

    def marker(self, point, target, right):
        """A disc where the output should be 1, a hollow square where it should be 0, crossed out if wrong."""
        x, y = self.pixel(point)
        if target:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{FIRES}"/>'
        else:
            shape = (
                f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" '
                f'fill="#fff" stroke="{SILENT}" stroke-width="4"/>'
            )
        if right:
            return shape
        cross = f"M{x - 14:.1f} {y - 14:.1f}l28 28m0-28l-28 28"
        return f'<path d="{cross}" stroke="{ERROR}" stroke-width="3"/>{shape}'


def _whole_numbers(low, high):
    step = max(1, round((high - low) / 5))
    return [n for n in range(int(low) - 1, int(high) + 2) if low <= n <= high and n % step == 0]


def _text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(str(words))}</text>'


def _svg(heading, description, shapes):
    legend = (
        f'<circle cx="24" cy="{SIZE + 8}" r="5" fill="{FIRES}"/>'
        f'<text x="32" y="{SIZE + 12}" text-anchor="start">should be 1</text>'
        f'<rect x="106" y="{SIZE + 4}" width="8" height="8" fill="#fff" stroke="{SILENT}" stroke-width="3"/>'
        f'<text x="119" y="{SIZE + 12}" text-anchor="start">should be 0</text>'
        f'<rect x="190" y="{SIZE + 2}" width="12" height="12" fill="{REGION}" stroke="{FIRES}"/>'
        f'<text x="206" y="{SIZE + 12}" text-anchor="start">fires</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {SIZE} {SIZE + 20}" '
        f'width="{SIZE}" height="{SIZE + 20}" font-family="sans-serif" font-size="11" '
        f'text-anchor="middle" fill="{INK}"><title>{escape(description)}</title>'
        f'<rect width="{SIZE}" height="{SIZE + 20}" fill="#fff"/>'
        f'<text x="{SIZE / 2}" y="22" font-size="13" font-weight="bold">{escape(heading)}</text>'
        f"{''.join(shapes)}{legend}</svg>"
    )


def _describe(title, points, fires, right, w1, w2, limit, strict):
    """The picture in words."""
    on = [f"({x:g}, {y:g})" for (x, y), fired in zip(points, fires, strict=True) if fired]
    wrong = [f"({x:g}, {y:g})" for (x, y), ok in zip(points, right, strict=True) if not ok]
    edge = f"{w1:g} x + {w2:g} y = {limit:g}"
    side = "beyond" if strict else "on or beyond"
    line = f"The neuron fires {side} the line {edge}" if w1 or w2 else "Both weights are 0: there is no line"
    return (
        f"{title}. {line}; it fires at {', '.join(on) or 'no point'}. "
        f"Wrong: {', '.join(wrong) or 'none'}, so {sum(right)} of {len(right)} points are right."
    )
