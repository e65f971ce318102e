"""Small figures for the notebook, each with a text for readers who can't see it, and drawings to try things on."""

import base64
import io
from html import escape
from itertools import pairwise

import cv2
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # told apart by colour-blind readers too
STROKES = {  # in a box from 0 to 1, y pointing down; one list of points per stroke of the pen
    2: [[(0.1, 0.25), (0.3, 0.03), (0.7, 0.03), (0.9, 0.28), (0.65, 0.6), (0.1, 0.97), (0.95, 0.95)]],
    3: [
        [
            (0.1, 0.12),
            (0.45, 0.0),
            (0.85, 0.15),
            (0.8, 0.35),
            (0.45, 0.47),
            (0.85, 0.6),
            (0.95, 0.8),
            (0.5, 1.0),
            (0.05, 0.88),
        ]
    ],
    4: [[(0.6, 0.0), (0.05, 0.62), (0.95, 0.62)], [(0.7, 0.3), (0.66, 1.0)]],
}


def show_digits(pictures, captions, columns=10):
    """Draw pictures (n, 784) or (n, 28, 28) in rows, white ink on black as the network gets them, with captions."""
    pictures = np.asarray(pictures).reshape(-1, 28, 28)
    columns = min(columns, max(1, len(pictures)))
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * 36, columns * 28))
    figure = Figure(figsize=(max(columns, 3) * 1.05, rows * 1.35))
    axes = figure.add_axes((0, 0, 1, 1))
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        top, left = index // columns * 36, index % columns * 28
        sheet[top + 8 : top + 36, left : left + 28] = picture
        axes.text(left + 14, top + 4, str(caption), ha="center", va="center", color="white", fontsize=12)
    axes.imshow(sheet, cmap="gray")
    axes.set_axis_off()
    show(figure, f"{len(pictures)} pictures of digits, captioned {', '.join(map(str, captions))}.")


def show_numbers(picture):
    """Draw one picture (28, 28) of values from 0 to 1, and its middle row as a line."""
    low, high = np.min(picture), np.max(picture)
    figure = Figure(figsize=(7, 3))
    left, right = figure.add_axes((0, 0.05, 0.4, 0.8)), figure.add_axes((0.53, 0.24, 0.45, 0.61))
    left.imshow(picture, cmap="gray")
    left.axhline(14, color=ORANGE, linestyle="--", linewidth=1)
    left.set(title=f"values from {low:.3g} to {high:.3g}", xticks=[], yticks=[])
    right.step(range(28), picture[14], where="mid", color=ORANGE)
    right.set(xlabel="column", ylabel="brightness", title="the dashed row", ylim=(-0.05, 1.05 * max(1, high)))
    show(
        figure,
        f"One digit as the network sees it: 28 × 28 values from {low:.3g} to {high:.3g}; its middle row as a line.",
    )


def show_split(n, train, test):
    """Draw which of the n pictures are for training and which for testing, from the first to the last."""
    edges = np.linspace(0, n, 51)
    counts = [np.histogram(np.asarray(rows, dtype=int), edges)[0] * 50 / n for rows in (train, test)]
    figure = Figure(figsize=(5, 1.3))
    axes = figure.add_axes((0.05, 0.38, 0.9, 0.56))
    axes.stairs(counts[0], edges, fill=True, color=BLUE, label="training")
    axes.stairs(counts[0] + counts[1], edges, baseline=counts[0], fill=True, color=ORANGE, hatch="///", label="test")
    axes.axhline(1, color="black", linestyle=":", linewidth=1)
    axes.set(xlim=(0, n), ylim=(0, 1.9), xticks=[0, n // 2, n], yticks=[], xlabel="row in the data set")
    axes.legend(loc="upper center", ncols=2, frameon=False)
    show(figure, f"A bar over {n} rows: {len(train)} for training from the left, {len(test)} for testing after them.")


def show_network(*sizes):
    """Draw layers of neurons with the first and the last few of each, and lines from every one to every one."""
    figure = Figure(figsize=(7, 4))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.6, 2.6), ylim=(-0.85, 1.15))
    places = np.linspace(1, 0, 9)
    shown = [places if size > 10 else places[np.linspace(0, 8, 9).astype(int)] for size in sizes]
    for left, (before, after) in enumerate(pairwise(shown)):
        for a in np.delete(before, 4):
            for b in np.delete(after, 4):
                axes.plot([left, left + 1], [a, b], color="0.8", linewidth=0.6, zorder=1)
    names = ("inputs: one a pixel", "hidden neurons, ReLU", "outputs: one a digit")
    for column, (size, name, colour) in enumerate(zip(sizes, names, ("0.6", BLUE, ORANGE), strict=True)):
        axes.scatter([column] * 8, np.delete(shown[column], 4), s=130, color=colour, zorder=2)
        axes.text(column, shown[column][4], "⋮", ha="center", va="center", fontsize=16)
        axes.text(column, -0.2, f"{size} {name.partition(':')[0]}", ha="center", fontsize=12, weight="bold")
        axes.text(column, -0.36, name.partition(": ")[2], ha="center", fontsize=11)
    for column, (before, after) in enumerate(pairwise(sizes)):
        text = f"{before} × {after} weights\n+ {after} biases"
        axes.text(column + 0.5, -0.66, text, ha="center", va="center", fontsize=11)
    axes.set_axis_off()
    total = sum((before + 1) * after for before, after in pairwise(sizes))
    layers = ", ".join(f"{size} {name.partition(':')[0]}" for size, name in zip(sizes, names, strict=True))
    show(figure, f"A network in layers: {layers}. Every neuron sees all of the layer before: {total:,} numbers.")


def show_neurons(weights, columns=5):
    """Draw what hidden neurons look for: their weights (784, n) as pictures, each scaled to its largest weight."""
    tiles = weights.T.reshape(-1, 28, 28)
    tiles = tiles / np.maximum(np.abs(tiles).max(axis=(1, 2), keepdims=True), 1e-9)
    rows = -(-len(tiles) // columns)
    figure = Figure(figsize=(1.6 * columns, 1.6 * rows))
    for place, tile in enumerate(tiles):
        left, top = place % columns / columns, 1 - (place // columns + 1) / rows
        axes = figure.add_axes((left + 0.005, top + 0.01, 1 / columns - 0.01, 1 / rows - 0.02))
        axes.imshow(tile, cmap="PuOr", vmin=-1, vmax=1)
        axes.set(xticks=[], yticks=[])
    show(
        figure,
        f"The weights of {len(tiles)} hidden neurons as pictures: violet speaks for firing, orange against it.",
    )


def show_curves(curves, names, title):
    """Draw loss against epoch, one line and marker per curve."""
    figure = Figure(figsize=(7, 3.6))
    axes = figure.add_axes((0.11, 0.15, 0.68, 0.75))
    for curve, name, marker, colour in zip(curves, names, "os^", (BLUE, ORANGE, GREEN), strict=False):
        every = max(1, len(curve) // 10)
        axes.plot(range(1, len(curve) + 1), curve, marker=marker, markevery=every, color=colour, label=str(name))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    low, high = np.min([np.min(curve) for curve in curves]), np.max([np.max(curve) for curve in curves])
    ticks = [tick for tick in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10) if low / 2 < tick < high * 2]
    axes.set(xlabel="epoch", ylabel="loss (log scale)", title=title, yscale="log")
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    ends = "; ".join(
        f"{name}: from {curve[0]:.3g} to {curve[-1]:.3g}" for name, curve in zip(names, curves, strict=True)
    )
    show(figure, f"{title}, loss by epoch. {ends}.")


def show_confusion(matrix, classes):
    """Draw a confusion matrix, true classes in rows; the colour shows mistakes only, the diagonal stays grey."""
    matrix, k = np.asarray(matrix), len(classes)
    axes = square()
    mistakes = np.where(np.eye(k, dtype=bool), np.nan, matrix.astype(float))
    axes.set_facecolor("0.85")
    axes.imshow(mistakes, cmap="Oranges", vmin=0)
    limit = np.nanmax(mistakes) * 0.6
    for row, column in zip(*np.nonzero(matrix), strict=True):
        colour = "white" if mistakes[row, column] > limit else "black"
        axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=9, color=colour)
    axes.set(xticks=range(k), yticks=range(k), xticklabels=classes, yticklabels=classes)
    axes.set(xlabel="predicted", ylabel="true")
    show(axes.figure, f"Confusion matrix, {np.trace(matrix)} of {matrix.sum()} on the diagonal; rows are true digits.")


def square():
    """Return an empty pair of square axes, large enough for ten rows and columns of numbers."""
    return Figure(figsize=(5.4, 5.4)).add_axes((0.11, 0.11, 0.87, 0.87))


def show_drawings(drawings, pictures, captions):
    """Draw each drawing as it was made, and below it the 28 × 28 picture made of it."""
    wide = 1 / len(drawings)
    figure = Figure(figsize=(2 * len(drawings), 4.2), facecolor="#d9e8f2")
    for column, (drawing, picture) in enumerate(zip(drawings, pictures, strict=True)):
        above = figure.add_axes((column * wide, 0.5, wide * 0.95, 0.42), title=str(captions[column]))
        order = cv2.COLOR_BGRA2RGBA if drawing.ndim == 3 and drawing.shape[2] == 4 else cv2.COLOR_BGR2RGB
        above.imshow(drawing if drawing.ndim == 2 else cv2.cvtColor(drawing, order), cmap="gray", vmin=0, vmax=255)
        below = figure.add_axes((column * wide, 0.03, wide * 0.95, 0.42))
        below.imshow(picture, cmap="gray", vmin=0, vmax=1)
        above.set_axis_off()
        below.set_axis_off()
    show(figure, f"Drawings ({', '.join(map(str, captions))}), and below each what the network gets to see.")


def altered(pictures):
    """Return pictures (n, 784) each moved by up to a pixel, turned by up to six degrees and a little noisy."""
    rng = np.random.default_rng(0)
    found = np.empty((len(pictures), 28, 28), np.float32)
    for place, picture in enumerate(pictures.reshape(-1, 28, 28)):
        way = cv2.getRotationMatrix2D((13.5, 13.5), rng.uniform(-6, 6), 1)
        way[:, 2] += rng.uniform(-1, 1, 2)
        found[place] = cv2.warpAffine(picture.astype(np.float32), way, (28, 28))
    noise = rng.normal(0, 0.05, found.shape).astype(np.float32)
    return np.clip(found + noise, 0, 1).reshape(-1, 784)


def as_drawings(pictures):
    """Return pictures (n, 784) of the data set as dark drawings on light paper, enlarged and not in the middle."""
    rng = np.random.default_rng(0)
    sheets = []
    for picture in pictures:
        large = cv2.resize(picture.reshape(28, 28), (112, 112), interpolation=cv2.INTER_CUBIC)
        sheet = np.full((150, 180), 255, np.uint8)
        top, left = rng.integers(0, 38), rng.integers(0, 68)
        sheet[top : top + 112, left : left + 112] = 255 - large
        sheets.append(sheet)
    return sheets


def box_in_the_middle(picture):
    """Return a picture (28, 28) with the box around its ink, instead of its centre of mass, in the middle."""
    rows, columns = np.nonzero(picture > 0)
    digit = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = digit.shape
    found = np.zeros((28, 28))
    top, left = (28 - height) // 2, (28 - width) // 2
    found[top : top + height, left : left + width] = digit
    return found


def size(picture):
    """Return how many rows and how many columns of a picture have ink, from the first to the last."""
    return [int(np.ptp(places)) + 1 for places in np.nonzero(picture > 0.25)]


# Sheets of the self-check, and how many rows and columns the ink should have in the 28 × 28 picture
SHEETS = {
    "pen on cream paper": [20, 13],
    "chalk in a corner": [20, 12],
    "sticker on a clear ground": [20, 14],
    "pale pencil": [20, 7],
    "thin line": [20, 1],
    "lying club": [7, 20],
    "fading pen": [7, 20],
    "green pen": [20, 7],
    "grainy paper": [20, 12],
}


def sheet(kind):
    """Return one of the self-check's drawings as ``cv2.imread(..., cv2.IMREAD_UNCHANGED)`` would."""
    if kind == "pen on cream paper":
        return sample_drawing("pen")
    if kind == "chalk in a corner":
        return sample_drawing("chalk")
    if kind == "sticker on a clear ground":
        return sample_drawing("sticker")
    club = np.zeros((160, 150), np.uint8)
    cv2.circle(club, (60, 60), 15, 1, -1)
    cv2.line(club, (60, 60), (60, 130), 1, 8)
    if kind == "pale pencil":
        return np.where(club, 160, 228).astype(np.uint8)
    if kind == "lying club":
        return np.where(np.rot90(club), 240, 15).astype(np.uint8)
    if kind == "fading pen":
        pen = np.linspace(135, 20, 160)  # a lying club whose stick is pale at its end
        return np.where(np.rot90(club, 3), pen, 240).astype(np.uint8)
    if kind == "green pen":
        return np.where(club[:, :, None], (20, 240, 30), (245, 240, 248)).astype(np.uint8)
    if kind == "grainy paper":
        grain = np.random.default_rng(0).integers(-8, 9, (160, 260))
        return np.clip(sample_drawing("chalk") + 10 + grain, 0, 255).astype(np.uint8)
    line = np.full((130, 90), 250, np.uint8)
    line[10:110, 40:42] = 20
    return line


def thin_zero():
    """Return the outline of a box of 20 × 14 pixels, one pixel wide, on a light sheet."""
    drawing = np.full((90, 110), 250, np.uint8)
    cv2.rectangle(drawing, (40, 30), (53, 49), 20)
    return drawing


def rough_paper():
    """Return a thick dark line of which the rough paper, large on the sheet, has taken up one half."""
    drawing = np.full((460, 300), 245, np.uint8)
    drawing[30:430, 50:250] = np.random.default_rng(0).choice([20, 245], (400, 200))
    return drawing


def glass():
    """Return a tiny drawing on a clear ground: black ink of opacity 255, 128 and 0, from left to right."""
    drawing = np.zeros((3, 7, 4), np.uint8)
    drawing[1, 1:3, 3] = 255, 128
    return drawing


def sample_drawing(kind):
    """Return a drawing as ``cv2.imread(..., cv2.IMREAD_UNCHANGED)`` would: "pen", "chalk" or "sticker".

    "pen" is a blue 2 on cream paper, 300 rows × 200 columns × 3; "chalk" a 3 on a blackboard, 160 × 260, not in
    the middle; "sticker" a black 4 with a transparent background, 120 × 120 × 4.
    """
    if kind == "pen":
        return _draw(2, np.full((300, 200, 3), (225, 245, 250), np.uint8), (60, 90, 80, 120), (120, 40, 20))
    if kind == "chalk":
        return _draw(3, np.full((160, 260), 25, np.uint8), (150, 25, 60, 95), 235)
    return _draw(4, np.zeros((120, 120, 4), np.uint8), (30, 20, 55, 75), (0, 0, 0, 255))


def _draw(digit, paper, box, ink):
    """Draw the strokes of a digit into ``box`` (left, top, width, height, in pixels) of ``paper``."""
    left, top, width, height = box
    for stroke in STROKES[digit]:
        points = np.array([(left + x * width, top + y * height) for x, y in stroke])
        cv2.polylines(paper, [np.rint(points).astype(np.int32)], False, ink, max(2, height // 9), cv2.LINE_AA)
    return paper


def show(figure, description):
    """Display a figure with its description, which JupyterLab and nbconvert take over from HTML only."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)
