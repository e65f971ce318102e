"""Small figures for the notebook, each with a text for readers who can't see it."""

import base64
import io
import math
from html import escape

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")  # colour-blind readers tell them apart
MARKERS = "os^Dv*"


def show_digits(pictures, captions, columns=10):
    """Draw pictures (n, 28, 28) in rows, white ink on black as the network gets them, with captions."""
    pictures = np.asarray(pictures).reshape(-1, 28, 28)
    columns = min(columns, max(1, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    sheet = np.zeros((rows * 38, columns * 28))
    figure = Figure(figsize=(max(columns, 3) * 1.05, rows * 1.425))
    axes = figure.add_axes((0, 0, 1, 1))
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        top, left = index // columns * 38, index % columns * 28
        sheet[top + 10 : top + 38, left : left + 28] = picture
        axes.text(left + 14, top + 5, str(caption), ha="center", va="center", color="white", fontsize=12)
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    _show(figure, f"{len(pictures)} pictures of digits, captioned {', '.join(map(str, captions))}.")


def show_maps(picture, maps, captions, columns=4):
    """Draw a picture, and beside it maps of any size: violet is above zero, orange below, white is zero."""
    rows = -(-len(maps) // columns)
    width = 1 / (columns + 1.3)
    figure = Figure(figsize=(1.45 * (columns + 1.3), 1.65 * rows))
    height = 1 / rows
    axes = figure.add_axes((0, 1 - height, width, 0.82 * height))
    axes.imshow(picture, cmap="gray")
    axes.set_title("picture", fontsize=9)
    axes.set_axis_off()
    for index, (values, caption) in enumerate(zip(maps, captions, strict=True)):
        row, column = divmod(index, columns)
        axes = figure.add_axes(((1.3 + column) * width, 1 - (row + 1) * height, 0.95 * width, 0.82 * height))
        largest = float(np.max(np.abs(values), initial=0)) or 1.0
        axes.imshow(values, cmap="PuOr", vmin=-largest, vmax=largest)
        axes.set_title(str(caption), fontsize=9)
        axes.set_axis_off()
    sizes = ", ".join(
        f"{caption} ({len(values)} × {len(values[0])})" for values, caption in zip(maps, captions, strict=True)
    )
    _show(figure, f"A picture, and what kernels make of it: {sizes}.")


def show_dropped(before, after):
    """Draw a row of activations above the same row with some of them dropped."""
    figure = Figure(figsize=(6.5, 2.2))
    top = max(np.max(before), np.max(after), 1e-9) * 1.1
    for place, values, name in ((0.56, before, "before"), (0.1, after, "after")):
        axes = figure.add_axes((0.08, place, 0.9, 0.34))
        axes.bar(range(len(values)), values, color=COLOURS[0] if name == "before" else COLOURS[1])
        axes.set(ylim=(0, top), xticks=[], ylabel=name)
        axes.axhline(np.mean(values), color="black", linestyle=":", linewidth=1)
    gone = int(np.sum((np.asarray(after) == 0) & (np.asarray(before) != 0)))
    _show(
        figure,
        f"{len(before)} activations, of which {gone} are dropped below; the dotted mean goes from "
        f"{np.mean(before):.2f} to {np.mean(after):.2f}.",
    )


def show_curves(curves, title):
    """Draw loss against epoch, one line and marker for each run; a run that diverges ends where it does."""
    figure = Figure(figsize=(6.8, 3.2))
    axes = figure.add_axes((0.1, 0.16, 0.5, 0.74))
    for (name, curve), marker, colour in zip(curves.items(), MARKERS, COLOURS, strict=False):
        axes.plot(range(1, len(curve) + 1), curve, marker=marker, color=colour, label=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    finite = [loss for curve in curves.values() for loss in curve if math.isfinite(loss)]
    low, high = min(finite), min(max(finite), 100)
    ticks = [tick for tick in (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20, 50) if low / 1.5 < tick <= high * 1.5]
    axes.set(xlabel="epoch", ylabel="loss (log scale)", title=title, yscale="log", ylim=(low / 1.3, high * 1.5))
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    ends = "; ".join(f"{name}: from {curve[0]:.3g} to {curve[-1]:.3g}" for name, curve in curves.items())
    _show(figure, f"{title}, by epoch. {ends}.")


def _show(figure, description):
    """Display a figure with its description, which JupyterLab and nbconvert take over from HTML only."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)
