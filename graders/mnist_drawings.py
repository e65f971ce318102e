"""Draws digits on sheets for the handwriting question of 05-mnist, and judges what a submission makes of them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nbseal.checks import as_array
from nbseal.errors import StudentError, StudentFunctionError

STROKES = {  # skeletons of digits in a box from 0 to 1, y pointing down
    2: [[(0, 0.25), (0.2, 0.04), (0.55, 0), (0.9, 0.12), (0.95, 0.35), (0.6, 0.65), (0, 1), (1, 0.98)]],
    3: [[(0, 0.1), (0.5, 0), (0.95, 0.2), (0.4, 0.47), (1, 0.72), (0.5, 1), (0, 0.9)]],
    4: [[(0.6, 0), (0, 0.65), (1, 0.65)], [(0.72, 0.35), (0.7, 1)]],
    5: [[(0.95, 0), (0.1, 0), (0.05, 0.45), (0.6, 0.4), (1, 0.7), (0.55, 1), (0, 0.92)]],
    7: [[(0, 0.03), (1, 0), (0.4, 1)]],
}


def _coverage(strokes, shape, thickness):
    """How much of each pixel the pen covers, from 0 to 1; strokes are lists of (x, y) in pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    nearest = np.full(shape, np.inf)
    for stroke in strokes:
        for (ax, ay), (bx, by) in pairwise(stroke):
            dx, dy = bx - ax, by - ay
            along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
            nearest = np.minimum(nearest, np.hypot(x - ax - along * dx, y - ay - along * dy))
    return np.clip(thickness / 2 - nearest + 0.5, 0, 1)


class Drawing(NamedTuple):
    """How much the pen covers a sheet of the wanted shape, and the 28 × 28 picture expected of it."""

    cover: np.ndarray
    expected: np.ndarray

    def grey(self, paper, pen):
        """The drawing in shades of grey."""
        return np.rint(paper + (pen - paper) * self.cover).astype(np.uint8)

    def fading(self, paper, pen, least):
        """The drawing in shades of grey, by a pen that leaves less and less towards the right, at last ``least``."""
        columns = np.flatnonzero(self.cover.any(axis=0))
        fade = np.interp(np.arange(self.cover.shape[1]), columns[[0, -1]], (1, least))
        return np.rint(paper + (pen - paper) * self.cover * fade).astype(np.uint8)

    def colour(self, paper, pen):
        """The drawing in blue, green and red."""
        return np.stack([self.grey(p, q) for p, q in zip(paper, pen, strict=True)], axis=2)


def draw(rng, shape, height=None, place=None, slim=None):
    """Draw one of our digits on a sheet; ``height`` in pixels, ``place`` of its centre and ``slim`` are fractions."""
    height = height or min(shape) * rng.uniform(0.35, 0.5)
    width = height * (slim or rng.uniform(0.5, 0.65))
    thickness = height * rng.uniform(0.12, 0.16)
    place = place or rng.uniform(0.4, 0.6, size=2)
    skeleton = [np.array(stroke) - 0.5 for stroke in STROKES[int(rng.choice(list(STROKES)))]]
    strokes = [stroke * (width, height) for stroke in skeleton]
    scale = 20 / (max(height, width) + thickness)
    cover = _coverage([np.add(s, (place[1] * shape[1], place[0] * shape[0])) for s in strokes], shape, thickness)
    return Drawing(cover, _coverage([s * scale + 13.5 for s in strokes], (28, 28), thickness * scale))


def prepared(student, drawing):
    """The submission's picture of a drawing: 28 × 28 values from 0 to 1, or a StudentError."""
    picture = as_array(student.call("prepare", drawing), "prepare(drawing)", shape=(28, 28))
    if picture.max() > 1.0001:
        raise StudentError(f"Got values up to {picture.max():.6g}, expected 0 to 1: divide by 255.")
    if picture.min() < -0.0001:
        raise StudentError(f"Got values down to {picture.min():.3g}, expected 0 to 1.")
    return picture


def _size(picture):
    rows, columns = np.nonzero(picture > max(0.35, picture.max() * 0.4))
    return (np.ptp(rows) + 1, np.ptp(columns) + 1, rows.mean(), columns.mean()) if len(rows) else (0, 0, 0, 0)


def _filled(picture):
    """Mean brightness of the box around the bright pixels; ink fills less than half of its box."""
    rows, columns = np.nonzero(picture > max(0.35, picture.max() * 0.4))
    return picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].mean()


def _likeness(picture, expected):
    """The largest cosine over shifts of up to four pixels: what is expected has its box in the middle, not its mass."""
    shifts = [np.roll(expected, (dy, dx), (0, 1)) for dy in range(-4, 5) for dx in range(-4, 5)]
    lengths = np.linalg.norm(picture) * np.linalg.norm(expected)
    return max(float(np.sum(picture * other)) for other in shifts) / max(lengths, 1e-9)


def judge_drawing(student, drawing, expected, hint=""):
    """Demand a bright, upright, undistorted digit of the right size near the middle of a black picture.

    ``hint`` is for a submission that finds no ink here, or stumbles.
    """
    try:
        picture = prepared(student, drawing)
    except StudentFunctionError as error:
        raise StudentError(f"{error} {hint}".strip()) from None
    margin = np.concatenate(
        [picture[:2].ravel(), picture[-2:].ravel(), picture[:, :2].ravel(), picture[:, -2:].ravel()]
    )
    assert margin.mean() < 0.4, "The ground of the picture is bright: the network knows bright ink on black. Invert it."
    tall, wide, row, column = _size(picture)
    assert min(picture.max() - 0.5, tall) > 0, f"There is no bright ink in the picture: it is black, or nearly. {hint}"
    assert 17 <= max(tall, wide) <= 23, (
        f"The ink is {tall} × {wide} pixels in your picture; its longer side should be about 20. Cut out the ink first."
    )
    assert _filled(picture) < 0.62, (
        "The digit is dark on a bright ground: the network knows bright ink on black. Invert it."
    )
    want_tall, want_wide, *_ = _size(expected)
    longest, want_longest = max(tall, wide), max(want_tall, want_wide)
    distortion = max(abs(tall / longest - want_tall / want_longest), abs(wide / longest - want_wide / want_longest))
    turned = max(abs(tall / longest - want_wide / want_longest), abs(wide / longest - want_tall / want_longest))
    assert distortion < 0.17 or turned > 0.1, (
        f"The digit is {tall} × {wide} pixels (rows × columns), expected about {want_tall} × {want_wide}: height and "
        "width are mixed up. cv2.resize wants the width first."
    )
    assert distortion < 0.17, (
        f"The digit is stretched: {tall} × {wide} pixels (rows × columns), expected about {want_tall} × {want_wide}. "
        "Scale both sides by the same factor."
    )
    assert max(abs(row - 13.5), abs(column - 13.5)) < 4.5, (
        "The digit isn't in the middle of the 28 × 28 pixels: its centre of mass should be at row 14, column 14."
    )
    assert _likeness(picture, expected) > 0.8, (
        "The picture doesn't look like the drawing: mirrored, turned or filled in?"
    )


def judge_to_the_pixel(student, rng):
    """Demand a drawing that needs no scaling unchanged in the middle: thin zeros, upright and lying.

    Their centre of mass lies between two pixels, which may be rounded to either side. One touches the upper edge of the
    sheet, the other one the left.
    """
    for lying in (False, True):
        width = 2 * int(rng.integers(6, 9))
        sides = (width, 20) if lying else (20, width)
        sheet = np.full((90, 110), 250, np.uint8)
        expected = np.zeros((28, 28))
        place = int(rng.integers(10, 60))
        top, left = (0, place) if lying else (place, 0)
        _outline(sheet, (top, left), sides, 20)
        places = tuple((28 - side) // 2 for side in sides)
        _outline(expected, places, sides, 1)
        picture = prepared(student, sheet)
        rounded = [np.roll(expected, (down, right), (0, 1)) for down in (0, 1) for right in (0, 1)]
        if min(np.abs(picture - other).max() for other in rounded) > 0.1:
            raise StudentError(_what_is_off(picture, sides, places))


def _outline(sheet, corner, sides, value):
    """Draw the outline of a box, one pixel wide."""
    (top, left), (height, width) = corner, sides
    sheet[[top, top + height - 1], left : left + width] = value
    sheet[top : top + height, [left, left + width - 1]] = value


def _what_is_off(picture, sides, places):
    """Say which side of a thin zero is lost, or where it should be."""
    rows, columns = np.nonzero(picture > 0.4)
    if not len(rows):
        return "There is no bright ink in the picture of a thin pen."
    box = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    ends = {
        "top row": box[:2].max(axis=0),
        "bottom row": box[-2:].max(axis=0),
        "left column": box[:, :2].max(axis=1),
        "right column": box[:, -2:].max(axis=1),
    }
    lost = [name for name, side in ends.items() if np.mean(side) < 0.4]
    if lost:
        return (
            f"Of a zero drawn with a thin pen the {' and the '.join(lost)} of ink is lost. A range stops before its "
            "end: where do the rows and columns of ink stop?"
        )
    got, expected = ((rows.min(), rows.max()), (columns.min(), columns.max())), zip(places, sides, strict=True)
    (top, bottom), (left, right) = ((first, first + side - 1) for first, side in expected)
    return (
        f"A zero of {sides[0]} × {sides[1]} pixels, drawn with a thin pen, needs no scaling: expected it unchanged in "
        f"rows {top} to {bottom} and columns {left} to {right} or one further, got it in rows {got[0][0]} to "
        f"{got[0][1]} and columns {got[1][0]} to {got[1][1]}, or blurred. Cut out the ink and no more, and move it by "
        "whole pixels."
    )


def judge_mass(student, rng):
    """Demand the centre of mass in the middle, of clubs that have most of their ink at one end.

    The middle of their box is three pixels away from it. Half a pixel to either side is rounding, and another half is
    left to those who count from the middle between pixels 13 and 14.
    """
    places = np.arange(28)
    for turns in rng.permutation(4):
        top, left = rng.integers(35, 60), rng.integers(45, 105)
        end = _coverage([[(left, top), (left, top + 1)]], (150, 150), 30)
        stick = _coverage([[(left, top), (left, top + 70)]], (150, 150), 8)
        picture = prepared(student, np.rint(245 - 225 * np.rot90(np.maximum(end, stick), turns)).astype(np.uint8))
        assert picture.sum() > 1, "There is no bright ink in the picture of a club."
        row, column = (float(picture.sum(axis=axis) @ places / picture.sum()) for axis in (1, 0))
        assert max(abs(row - 14), abs(column - 14)) <= 1.1, (
            "A club, most of whose ink is at one end, comes out with its centre of mass at "
            f"row {row:.1f}, column {column:.1f}, expected about row 14, column 14. (The middle of the box around the "
            "ink isn't its centre of mass.)"
        )


def judge_extremes(student, rng):
    """Demand that lines which are far slimmer than a pixel once they are 20 long are still there, and a dot."""
    thickness = int(rng.integers(1, 3))
    for height, width in ((100, thickness), (thickness, 100), (1, 1)):
        sheet = np.full((160, 170), 240, np.uint8)
        sheet[30 : 30 + height, 40 : 40 + width] = 15
        what = f"a straight line of {height} × {width} pixels" if height != width else "a dot of one pixel"
        try:
            picture = prepared(student, sheet)
        except StudentFunctionError as error:
            raise StudentError(f"{error} This was {what}.") from None
        sides = [max(1, round(side * 20 / max(height, width))) for side in (height, width)]
        assert 0.7 < picture.sum() / (sides[0] * sides[1]) < 1.35, (
            f"Of {what} the picture holds as much ink as {picture.sum():.3g} full pixels, expected {sides[0]} × "
            f"{sides[1]}: the longer side is 20, and each side at least 1."
        )
        middle = [np.abs(picture.sum(axis=axis) @ (np.arange(28) - 14)) / picture.sum() for axis in (1, 0)]
        assert max(middle) < 1.5, f"The picture of {what} doesn't have it in the middle."


def judge_rough_paper(student, rng):
    """Demand that every pixel of a large drawing counts, by a thick line of which the paper has taken up one half."""
    sheet = np.full((460, 300), 245, np.uint8)
    sheet[30:430, 50:250] = rng.choice([20, 245], (400, 200))
    judge_ink(student, sheet, sheet == 20, "This is a large sheet: all its pixels count.")
    picture = prepared(student, sheet)
    tall, wide = (int(np.sum(picture.max(axis=axis) > 0.2)) for axis in (1, 0))
    assert max(abs(tall - 20), abs(wide - 10)) <= 1, (
        f"A line that is 400 pixels long and 200 wide comes out as {tall} × {wide} pixels (rows × columns), expected "
        "20 × 10."
    )
    inside = picture[9:19, 12:16]
    assert inside.std() < 0.1, (
        "A thick line on rough paper, large on the sheet, comes out with spots, expected an even grey: scale it down "
        "so that every pixel counts (interpolation=cv2.INTER_AREA)."
    )


def judge_ink(student, drawing, expected, hint, stretched=False):
    """Demand of ``ink`` the drawing in grey, bright on black, and leave it alone; ``expected`` goes from 0 to 1.

    If it must be ``stretched``, the darkest pixel must have become 0 and the brightest 255.
    """
    got = as_array(student.leaves_alone("ink", drawing), "ink(drawing)", shape=expected.shape)
    low, high = got.min(), got.max()
    assert not stretched or max(abs(low), abs(high - 255)) < 3, (
        f"ink(drawing) gave values from {low:.4g} to {high:.4g}, expected 0 to 255. {hint}"
    )
    off = np.abs((got - low) / max(high - low, 1e-9) - expected)
    assert off.mean() < 0.3, f"ink(drawing) should be bright ink on a dark ground. {hint}"
    assert off.max() < 0.1, (
        f"ink(drawing) isn't the drawing in grey: {np.mean(off > 0.1):.0%} of its pixels are off. {hint}"
    )
