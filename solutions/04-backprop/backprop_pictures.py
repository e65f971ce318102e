"""Figures for the notebook, each with a text for readers who can't see it."""

import base64
import io
from html import escape

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse

BLUE, ORANGE, GREEN, PURPLE, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333"  # Okabe and Ito's colours
LINES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


def show_neurons():
    """Draw a nerve cell and, below it, the artificial neuron, with their parts one above the other."""
    figure = Figure(figsize=(7.6, 4.9))
    above, below = figure.add_axes((0, 0.51, 1, 0.49)), figure.add_axes((0, 0, 1, 0.5))
    _nerve_cell(above)
    _artificial(below)
    for axes in (above, below):
        axes.set(xlim=(0, 10), ylim=(0, 3.2))
        axes.set_axis_off()
    _show(
        figure,
        "Above a nerve cell: signals arrive over synapses at the dendrites, the cell body collects them, and a spike "
        "leaves through the axon to the next cells. Below the artificial neuron, part for part: inputs x times "
        "weights w, a sum with the bias b, an activation function, and the output a.",
    )


def _nerve_cell(axes):
    for y, bend in ((2.7, 0.2), (1.6, 0.0), (0.5, -0.2)):
        axes.plot([0.9, 2.0, 3.6], [y, y - bend, 1.6], color=INK, linewidth=3)
        axes.plot([1.1, 1.9], [y + 0.35, y - bend], color=INK, linewidth=2)
        axes.plot(1.0, y, "o", color=ORANGE, markersize=8)
    axes.add_patch(Ellipse((3.9, 1.6), 1.5, 1.4, facecolor="#D6E9F5", edgecolor=INK, linewidth=2))
    axes.add_patch(Circle((3.9, 1.6), 0.25, facecolor=BLUE, edgecolor=INK))
    axes.plot([4.65, 8.2], [1.6, 1.6], color=INK, linewidth=4)
    for y in (2.4, 1.6, 0.8):
        axes.plot([8.2, 9.2], [1.6, y], color=INK, linewidth=2)
        axes.plot(9.25, y, "o", color=ORANGE, markersize=8)
    words = [(0.35, 2.2, "synapses"), (2.4, 0.4, "dendrites"), (3.4, 2.55, "cell body"), (4.75, 1.85, "axon hillock")]
    for x, y, word in [*words, (6.9, 1.85, "axon"), (8.3, 0.2, "to the next cells")]:
        axes.text(x, y, word, fontsize=10, color=INK)


def _artificial(axes):
    for y, name in ((2.6, "1"), (1.6, "2"), (0.6, "3")):
        axes.annotate("", (3.4, 1.6), (1.1, y), arrowprops={"arrowstyle": "-|>", "color": INK})
        axes.text(0.55, y, f"$x_{name}$", ha="center", va="center", fontsize=13)
        axes.text(1.75, y + (1.6 - y) * 0.3 + 0.22, f"$w_{name}$", color=ORANGE, ha="center", fontsize=12)
    axes.annotate("", (3.9, 0.95), (3.9, 0.3), arrowprops={"arrowstyle": "-|>", "color": INK})
    axes.text(4.05, 0.3, "$b$ (bias)", fontsize=12)
    axes.add_patch(Circle((3.9, 1.6), 0.55, facecolor="#D6E9F5", edgecolor=INK, linewidth=1.5))
    axes.text(3.9, 1.6, r"$\Sigma$", ha="center", va="center", fontsize=17)
    axes.annotate("", (5.4, 1.6), (4.5, 1.6), arrowprops={"arrowstyle": "-|>", "color": INK})
    axes.text(4.9, 1.8, "$z$", ha="center", fontsize=13)
    axes.add_patch(Circle((5.95, 1.6), 0.55, facecolor="#FBE8C4", edgecolor=INK, linewidth=1.5))
    curve = np.linspace(-1, 1, 40)
    axes.plot(5.95 + 0.35 * curve, 1.6 + 0.3 * np.tanh(3 * curve), color=INK)
    axes.annotate("", (9.0, 1.6), (6.5, 1.6), arrowprops={"arrowstyle": "-|>", "color": INK})
    axes.text(9.2, 1.6, "$a$", va="center", fontsize=13)
    for x, y, word in ((0.15, 0.05, "inputs"), (1.6, 2.9, "weights"), (3.55, 2.35, "sum"), (5.25, 2.35, "activation")):
        axes.text(x, y, word, fontsize=10, color=INK)
    axes.text(7.3, 1.8, "output", fontsize=10, color=INK)


def show_networks():
    """Draw a feed-forward network with its kinds of neurons beside a recurrent one with a context neuron."""
    figure = Figure(figsize=(7.6, 3.0))
    left, right = figure.add_axes((0, 0, 0.5, 0.9)), figure.add_axes((0.5, 0, 0.5, 0.9))
    hidden = [(2.1, 2.6), (2.1, 1.6)]
    _wires(left, [(0.6, 2.6), (0.6, 1.6), (0.6, 0.6)], hidden)
    _wires(left, [*hidden, (2.1, 0.6)], [(3.6, 2.1)])
    for place, word, colour in (
        ((0.6, 2.6), "in", "#FFFFFF"),
        ((0.6, 1.6), "in", "#FFFFFF"),
        ((0.6, 0.6), "1", "#FBE8C4"),
        ((2.1, 2.6), "hid", "#D6E9F5"),
        ((2.1, 1.6), "hid", "#D6E9F5"),
        ((2.1, 0.6), "1", "#FBE8C4"),
        ((3.6, 2.1), "out", "#BFE3D6"),
    ):
        _node(left, place, word, colour)
    left.text(1.35, 0.12, "1: bias neurons", ha="center", fontsize=9)
    _wires(right, [(0.6, 2.1), (0.6, 0.6)], [(2.1, 2.1)])
    _wires(right, [(2.1, 2.1)], [(3.6, 2.1)])
    _node(right, (0.6, 2.1), "in", "#FFFFFF")
    _node(right, (2.1, 2.1), "hid", "#D6E9F5")
    _node(right, (3.6, 2.1), "out", "#BFE3D6")
    _node(right, (0.6, 0.6), "con", "#F0D5E4")
    back = {"arrowstyle": "-|>", "color": PURPLE, "linestyle": "--", "connectionstyle": "arc3,rad=-0.35"}
    right.annotate("", (0.9, 0.6), (2.1, 1.8), arrowprops=back)
    right.text(2.15, 0.75, "copy, one step later", fontsize=9, color=INK)
    for axes, title in ((left, "feed-forward"), (right, "recurrent, with a context neuron")):
        axes.set(xlim=(0, 4.2), ylim=(0, 3.1))
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    _show(
        figure,
        "Left a feed-forward network: two input neurons and a bias neuron lead to two hidden neurons, these and "
        "another bias neuron to an output neuron; all arrows go to the right. Right a recurrent network: a context "
        "neuron keeps a copy of the hidden neuron's output and hands it back to it one step later.",
    )


def _node(axes, place, word, colour):
    axes.add_patch(Circle(place, 0.3, facecolor=colour, edgecolor=INK, linewidth=1.5, zorder=3))
    axes.text(*place, word, ha="center", va="center", fontsize=10, zorder=4)


def _wires(axes, starts, ends):
    for x, y in starts:
        for u, v in ends:
            length = np.hypot(u - x, v - y)
            end = (u - 0.3 * (u - x) / length, v - 0.3 * (v - y) / length)
            axes.annotate("", end, (x, y), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1})


def show_memory(inputs, outputs, title):
    """Draw a sequence of inputs and the outputs of a neuron that has a context neuron."""
    outputs = np.asarray(outputs, dtype=float)
    figure, axes = _axes(4.6, 2.5, title, "time step", "value")
    axes.plot(range(len(inputs)), inputs, "s", color=ORANGE, markerfacecolor="white", markersize=8, label="input")
    axes.plot(range(len(outputs)), outputs, "o-", color=BLUE, label="output")
    axes.legend(frameon=False)
    _show(figure, f"Inputs {_list(inputs)} and outputs {_list(outputs)}, one for each time step.")


def show_curves(curves, title, x_name, y_name, log=False):
    """Draw curves {name: (xs, ys)} with a line style for each."""
    figure, axes = _axes(5.6, 2.8, title, x_name, y_name, width=0.56)
    told = []
    for (name, (xs, ys)), (colour, style, _) in zip(curves.items(), LINES * 2, strict=False):
        ys = np.asarray(ys, dtype=float)
        axes.plot(xs, ys, style, color=colour, linewidth=2, label=name)
        told.append(f"{name} from {ys[0]:.3g} to {ys[-1]:.3g}, lowest {ys.min():.3g}, highest {ys.max():.3g}")
    if log:
        axes.set_yscale("log")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    _show(figure, f"{title}; {y_name} against {x_name}. {'; '.join(told)}.")


def show_slopes(functions, span=4.0):
    """Draw activations {name: (function, slope)}: each curve, and below it the curve of its slope."""
    z = np.linspace(-span, span, 201)
    figure = Figure(figsize=(2.3 * len(functions), 3.4))
    told = []
    for column, (name, (function, slope)) in enumerate(functions.items()):
        wide = 1 / len(functions)
        for row, (one, colour) in enumerate(((function, BLUE), (slope, ORANGE))):
            axes = figure.add_axes((wide * (column + 0.16), 0.58 - 0.48 * row, wide * 0.78, 0.32))
            axes.plot(z, one(z), color=colour, linestyle="--" if row else "-", linewidth=2)
            if np.ptp(one(z)) == 0:
                axes.set_ylim(-1, 1)
            axes.axvline(0, color=INK, linewidth=0.5)
            axes.set_title(f"slope of {name}" if row else name, fontsize=9)
            axes.tick_params(labelsize=7)
        told.append(f"{name} from {function(z)[0]:.2f} to {function(z)[-1]:.2f}, slope at most {np.max(slope(z)):.2f}")
    _show(
        figure,
        f"Activation functions above, their slopes below, for sums from {-span:g} to {span:g}: {'; '.join(told)}.",
    )


def show_bars(groups, names, title):
    """Draw groups of bars {label: numbers}, one bar for each name."""
    figure, axes = _axes(5.8, 2.5, title, "", "probability", width=0.57)
    count = len(groups)
    for place, ((label, numbers), (colour, _, _)) in enumerate(zip(groups.items(), LINES, strict=False)):
        spots = np.arange(len(names)) + (place - (count - 1) / 2) * 0.8 / count
        axes.bar(spots, numbers, 0.75 / count, color=colour, hatch=("", "//", "..", "xx")[place], label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 1.05)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    _show(figure, f"{title}. " + "; ".join(f"{label}: {_list(numbers)}" for label, numbers in groups.items()) + ".")


def show_agreement(own, tried):
    """Draw your gradients against those found by trying: on the diagonal where both agree."""
    figure, axes = _axes(4.4, 3.1, "Every dot is one weight or bias", "by trying", "by backward", width=0.5)
    names = ("first weights", "first biases", "second weights", "second biases")
    worst, places = [], []
    for name, mine, theirs, (colour, _, marker) in zip(names, own, tried, LINES, strict=True):
        mine, theirs = np.ravel(mine), np.ravel(theirs)
        axes.plot(theirs, mine, marker, color=colour, label=name)
        worst.append(np.abs(mine - theirs).max())
        places += [*mine, *theirs]
    ends = [min(places), max(places)]
    axes.plot(ends, ends, color=INK, linewidth=0.8)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    told = "; ".join(f"{name} {number:.1e}" for name, number in zip(names, worst, strict=True))
    print(f"largest difference: {told}")
    _show(figure, f"Gradients by backward against those by trying. Largest difference: {told}.")


def show_batches(parts, n):
    """Draw in which mini-batch each of the n rows is, and name rows that are in none or in several."""
    counts = np.zeros((len(parts), n), dtype=int)
    for number, rows in enumerate(parts):
        np.add.at(counts[number], np.asarray(rows, dtype=int), 1)
    figure = Figure(figsize=(5.6, 0.5 + 0.32 * len(parts)))
    axes = figure.add_axes((0.16, 0.32, 0.8, 0.64))
    axes.imshow(counts, cmap="Blues", vmin=0, vmax=2, aspect="auto")
    axes.set_xticks(np.arange(n + 1) - 0.5, labels=[], minor=True)
    axes.set_yticks(np.arange(len(parts) + 1) - 0.5, labels=[], minor=True)
    axes.grid(which="minor", color="0.8")
    axes.set(xlabel="row of the data", xticks=range(0, n, 1 + n // 16))
    axes.set_yticks(range(len(parts)), [f"batch {number}" for number in range(len(parts))])
    wrong = np.flatnonzero(counts.sum(axis=0) != 1)
    verdict = "each row once" if not len(wrong) else f"not once: rows {wrong.tolist()}"
    _show(figure, f"{len(parts)} mini-batches of {n} rows with sizes {[len(rows) for rows in parts]}; {verdict}.")


def show_paths(loss, paths):
    """Draw the ways {name: places (n, 2)} of several optimisers through a valley of the loss."""
    figure, axes = _axes(6.4, 3.0, "Three ways down the same valley", "weight 1", "weight 2", width=0.62)
    xs, ys = np.meshgrid(np.linspace(-2.4, 1.2, 80), np.linspace(-1.3, 1.3, 60))
    axes.contour(xs, ys, loss(xs, ys), levels=[0.02, 0.1, 0.3, 0.7, 1.3, 2.2, 4, 7], colors="0.75", linewidths=1)
    axes.plot(0, 0, "*", color=INK, markersize=12)
    told = []
    for (name, path), (colour, style, marker) in zip(paths.items(), LINES, strict=False):
        path = np.asarray(path, dtype=float)
        axes.plot(*path.T, style, marker=marker, color=colour, markersize=4, linewidth=1.2, label=name)
        told.append(f"{name} ends at ({path[-1][0]:.2f}, {path[-1][1]:.2f}), loss {loss(*path[-1]):.3f}")
    axes.set(xlim=(-2.4, 1.2), ylim=(-1.3, 1.3))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    _show(figure, f"Ways from (-2, 1) through a long narrow valley with its bottom at (0, 0): {'; '.join(told)}.")


def show_digits(pictures, captions, columns=10):
    """Draw pictures (n, 784) in rows, white ink on black, with captions."""
    pictures = np.asarray(pictures).reshape(-1, 28, 28)
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * 36, columns * 28))
    figure = Figure(figsize=(columns * 1.05, rows * 1.35))
    axes = figure.add_axes((0, 0, 1, 1))
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        top, left = index // columns * 36, index % columns * 28
        sheet[top + 8 : top + 36, left : left + 28] = picture
        axes.text(left + 14, top + 4, str(caption), ha="center", va="center", color="white", fontsize=12)
    axes.imshow(sheet, cmap="gray")
    axes.set_axis_off()
    _show(figure, f"{len(pictures)} pictures of digits, captioned {', '.join(map(str, captions))}.")


def _axes(wide, tall, title, x_name, y_name, width=0.82):
    figure = Figure(figsize=(wide, tall))
    axes = figure.add_axes((0.13 if wide > 4.5 else 0.17, 0.2, width, 0.67))
    axes.set(xlabel=x_name, ylabel=y_name)
    axes.set_title(title, fontsize=10)
    return figure, axes


def _list(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers))


def _show(figure, description):
    """Display a figure with its description, which JupyterLab and nbconvert take over from HTML only."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)
