"""Small figures for the notebook, each with a text for readers who can't see it."""

import base64
import io
from html import escape

import numpy as np
from IPython.display import display
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, INK = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#333333"  # Okabe and Ito's colours
SHADES = ListedColormap(["#FBE8C4", "#CFE4F3"])


def new_axes(title=""):
    """Return an empty pair of axes that shows a little more than the square from 0 to 1."""
    axes = Figure(figsize=(3.2, 3.2)).add_axes((0.17, 0.15, 0.78, 0.74))
    axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1], title=title)
    return axes


def show(axes, description):
    """Display the figure that ``axes`` belong to, with a description in words."""
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)


def places(axes):
    """Return the places of all markers in the axes that can be seen, sorted, each of them once."""
    seen = [dots for dots in axes.collections if dots.get_visible() and dots.get_alpha() != 0 and any(dots.get_sizes())]
    found = [tuple(place) for dots in seen for place in np.asarray(dots.get_offsets(), dtype=float)]
    for line in axes.lines:
        if line.get_marker() not in ("None", None, "", " "):
            found += [(float(x), float(y)) for x, y in line.get_xydata()]
    return sorted({(_short(x), _short(y)) for x, y in found})


def _short(number):
    number = round(float(number), 6)
    return int(number) if number.is_integer() else number


def shapes(axes):
    """Return how many different shapes of markers there are; a hollow one differs from a filled one."""
    drawn = [dots for dots in axes.collections if len(dots.get_offsets())]
    lines = [line for line in axes.lines if len(line.get_xydata()) and line.get_marker() not in ("None", None, "", " ")]
    found = {(dots.get_paths()[0].vertices.tobytes(), len(dots.get_facecolor()) > 0) for dots in drawn}
    return len(found | {(line.get_marker(), str(line.get_markerfacecolor())) for line in lines})


def draw_gate(axes, points, targets):
    """Draw a disc where the output should be 1, a hollow square where it should be 0."""
    points, targets = np.asarray(points), np.asarray(targets)
    ones, zeros = points[targets == 1], points[targets == 0]
    axes.plot(*ones.T, "o", color=BLUE, markersize=10, label="1")
    axes.plot(*zeros.T, "s", color=ORANGE, markerfacecolor="white", markeredgewidth=3, markersize=9, label="0")
    axes.set(xlabel="input 1", ylabel="input 2")


def show_lines(points, targets, neurons):
    """Draw the points and the line of every neuron {name: (w1, w2, threshold)}, with how many points it gets right."""
    axes = Figure(figsize=(5, 3.2)).add_axes((0.11, 0.15, 0.5, 0.74))
    axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1], title="Lines that fail")
    draw_gate(axes, points, targets)
    told = []
    looks = zip(("-", "--", "-."), (GREEN, PURPLE, INK), strict=True)
    for (name, (w1, w2, limit)), (style, colour) in zip(neurons.items(), looks, strict=False):
        right = sum((w1 * x + w2 * y >= limit) == bool(t) for (x, y), t in zip(points, targets, strict=True))
        label = f"{name}: {right} of {len(targets)} right"
        ends = _ends(w1, w2, limit)
        axes.plot(*ends, style, color=colour, linewidth=2, label=label)
        told.append(f"{label}, line {w1:g} x + {w2:g} y = {limit:g}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    show(axes, f"The four points of XOR and straight lines: {'; '.join(told)}.")


def _ends(w1, w2, limit):
    """Return two places far apart on the line w1 x + w2 y = limit; none if there is no line."""
    size = w1 * w1 + w2 * w2
    if not size:
        return [], []
    x, y = w1 * limit / size, w2 * limit / size
    reach = 4 / size**0.5
    return [x - reach * w2, x + reach * w2], [y + reach * w1, y - reach * w1]


def show_seeds(points, targets, models):
    """Draw what each trained network says about each point: the probability of a 1."""
    axes = Figure(figsize=(4.2, 2.4)).add_axes((0.15, 0.2, 0.82, 0.68))
    axes.axhspan(0.9, 1.03, color=SHADES.colors[1])
    axes.axhspan(-0.03, 0.1, color=SHADES.colors[0])
    told = []
    for seed, model in enumerate(models):
        said = model.predict_proba(points)[:, 1]
        for shift, probability, target in zip((-0.15, -0.05, 0.05, 0.15), said, targets, strict=True):
            look = {"marker": "o", "color": BLUE} if target else {"marker": "s", "color": ORANGE, "mfc": "white"}
            axes.plot(seed + shift, probability, **look)
        told.append(f"seed {seed}: {', '.join(f'{probability:.2f}' for probability in said)}")
    axes.set(xlabel="seed", ylabel="probability of 1", ylim=(-0.03, 1.03), xticks=range(len(told)))
    axes.set_title("discs belong on top, squares at the bottom", fontsize=9)
    show(axes, f"Probability of 1 for the four points in turn. {'; '.join(told)}.")


def show_regions(ticks, answers, points, targets):
    """Colour the plane by the answers on a grid, and draw the points on top."""
    ticks, answers = np.asarray(ticks, dtype=float), np.asarray(answers, dtype=float)
    if ticks.ndim != 1 or len(ticks) < 2 or answers.shape != (len(ticks), len(ticks)):
        raise ValueError(f"{ticks.size} ticks need a square table of answers, but its shape is {answers.shape}.")
    axes = new_axes("Decision regions")
    half = (ticks[1] - ticks[0]) / 2
    extent = (ticks[0] - half, ticks[-1] + half) * 2
    axes.imshow(answers, origin="lower", extent=extent, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    axes.contour(ticks, ticks, answers, levels=[0.5], colors=INK, linewidths=1)
    draw_gate(axes, points, targets)
    axes.set(xlim=extent[:2], ylim=extent[:2])
    share = 100 * (answers > 0.5).mean()
    show(axes, f"The plane from {ticks[0]:g} to {ticks[-1]:g}: the answer is 1 in the blue {share:.0f} % of it.")
