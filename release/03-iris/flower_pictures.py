"""Figures of the iris flowers and of what a perceptron makes of them, each with a text for readers who can't see it."""

import base64
import io
from html import escape
from itertools import combinations

import numpy as np
from IPython.display import display
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73")  # Okabe and Ito's blue, orange and green
SHADES = ListedColormap(["#CFE4F3", "#FBE8C4", "#CDEBE1"])
MARKERS, INK = ("o", "s", "^"), "#333333"
SPECIES = ("setosa", "versicolor", "virginica")
FEATURES = ("sepal length", "sepal width", "petal length", "petal width")


def show(figure, description):
    """Display a figure with a description in words."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)


def draw_flowers(axes, xs, ys, y):
    """Draw one marker for each flower; colour and shape tell the species."""
    for number, name in enumerate(SPECIES):
        chosen = np.asarray(y) == number
        look = {"marker": MARKERS[number], "color": COLOURS[number], "s": 14, "alpha": 0.8, "linewidths": 0}
        axes.scatter(np.asarray(xs)[chosen], np.asarray(ys)[chosen], label=name, **look)


def show_pairs(X, y):
    """Draw every pair of features against each other."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    for axes, (a, b) in zip(figure.subplots(2, 3).flat, combinations(range(4), 2), strict=True):
        draw_flowers(axes, X[:, a], X[:, b], y)
        axes.set(xlabel=f"{a}: {FEATURES[a]} (cm)", ylabel=f"{b}: {FEATURES[b]} (cm)")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    show(
        figure,
        "Six scatter plots, one for each pair of the four measurements. Wherever a petal is measured, setosa lies far "
        "from the two others, which touch and overlap a little. With the two sepal measurements alone, versicolor and "
        "virginica are thoroughly mixed.",
    )


def show_split(y, y_train, y_test):
    """Draw how many flowers of each species are in each set."""
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes, told = figure.subplots(), []
    for row, (name, labels) in enumerate((("all", y), ("training", y_train), ("test", y_test))):
        counts = [int(np.sum(np.asarray(labels) == number)) for number in range(3)]
        for number, (count, start) in enumerate(zip(counts, np.cumsum([0, *counts[:2]]), strict=True)):
            axes.barh(row, count, left=start, color=COLOURS[number], edgecolor="white", hatch=("", "//", "..")[number])
            axes.text(start + count / 2, row, count, ha="center", va="center", bbox={"fc": "white", "ec": "none"})
        told.append(f"{name}: {counts[0]} setosa, {counts[1]} versicolor, {counts[2]} virginica")
    axes.set(yticks=range(3), yticklabels=["all", "training", "test"], xlabel="flowers: setosa, versicolor, virginica")
    axes.invert_yaxis()
    show(figure, f"Flowers in each set. {'; '.join(told)}.")


def show_scaled(before, after):
    """Draw the spread of each feature before and after scaling; both are pairs (training rows, test rows)."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    told = []
    for axes, pair, title in zip(figure.subplots(1, 2), (before, after), ("before (cm)", "after"), strict=True):
        for rows, shift, look, name in zip(pair, (-0.15, 0.15), "os", ("training", "test"), strict=True):
            rows = np.asarray(rows, dtype=float)
            mean, spread = rows.mean(axis=0), rows.std(axis=0)
            colour = COLOURS[0] if name == "training" else COLOURS[1]
            places = np.arange(rows.shape[1]) + shift
            axes.errorbar(places, mean, spread, fmt=look, color=colour, capsize=3, label=name)
            means, spreads = np.round(mean, 2).tolist(), np.round(spread, 2).tolist()
            told.append(f"{title}, {name}: means {means}, deviations {spreads}")
        axes.axhline(0, color=INK, linewidth=0.5)
        axes.set(xticks=range(4), xticklabels=[name.replace(" ", "\n") for name in FEATURES], title=title)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    show(figure, f"Mean and standard deviation of each feature. {'; '.join(told)}.")


def show_confusion(true, predicted):
    """Draw how often each species was taken for which: a row for the truth, a column for the answer."""
    counts = np.zeros((3, 3), int)
    for a, b in zip(true, predicted, strict=True):
        counts[int(a), int(b)] += 1
    figure = Figure(figsize=(4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues", vmax=1.6 * counts.max())
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, count, ha="center", va="center", color=INK, fontsize=13)
    axes.set(xticks=range(3), yticks=range(3), xticklabels=SPECIES, yticklabels=SPECIES)
    axes.set(xlabel="predicted", ylabel="true")
    told = "; ".join(f"true {name}: {row}" for name, row in zip(SPECIES, counts.tolist(), strict=True))
    show(figure, f"Confusion matrix; in each row, how often setosa, versicolor and virginica were predicted. {told}.")


def show_lines(decide, weights, biases, X, y):
    """Draw the line of each of three neurons in the plane of two features, and the regions that ``decide`` makes."""
    X, reach = np.asarray(X, dtype=float), 0.4
    (left, low), (right, high) = X.min(axis=0) - reach, X.max(axis=0) + reach
    xs, ys = np.linspace(left, right, 160), np.linspace(low, high, 160)
    columns, rows = np.meshgrid(xs, ys)
    regions = decide(weights, biases, np.column_stack([columns.ravel(), rows.ravel()]))
    regions = np.asarray(regions, dtype=float).reshape(columns.shape)
    figure = Figure(figsize=(7.6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.pcolormesh(xs, ys, regions, cmap=SHADES, vmin=0, vmax=2)
    draw_flowers(axes, *X.T, y)
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        sums = weight[0] * columns + weight[1] * rows + bias
        style = ("-", "--", "-.")[number]
        if sums.min() < 0 < sums.max():
            axes.contour(xs, ys, sums, levels=[0], colors=COLOURS[number], linestyles=style, linewidths=2)
        axes.plot([], [], style, color=COLOURS[number], linewidth=2, label=f"line of the {SPECIES[number]} neuron")
    axes.set(xlabel="petal length (scaled)", ylabel="petal width (scaled)", xlim=(left, right), ylim=(low, high))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    shares = [f"{name} {np.mean(regions == number):.0%}" for number, name in enumerate(SPECIES)]
    show(figure, f"Three straight lines in the plane of the petals, and regions of three species: {', '.join(shares)}.")


def show_settings(candidates, training, validation):
    """Draw the accuracy of several settings on the rows that were learned from and on those that were not."""
    figure = Figure(figsize=(7.2, 0.35 * len(candidates) + 1), layout="constrained")
    axes, places = figure.subplots(), np.arange(len(candidates))
    axes.plot(training, places, "o", color=COLOURS[0], label="training rows")
    axes.plot(validation, places, "s", color=COLOURS[1], label="validation rows")
    names = [", ".join(f"{key}={value!r}" for key, value in one.items()) for one in candidates]
    axes.set(yticks=places, yticklabels=names, xlabel="accuracy", xlim=(0, 1.03))
    axes.invert_yaxis()
    axes.legend(loc="lower left", fontsize=8)
    told = zip(names, training, validation, strict=True)
    show(figure, "Accuracy. " + "; ".join(f"{name}: training {a:.2f}, validation {b:.2f}" for name, a, b in told) + ".")
