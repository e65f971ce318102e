"""Figures of the cars and of what networks make of them, each with a text for readers who can't see it."""

import base64
import io
from html import escape

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK = "#0072B2", "#E69F00", "#009E73", "#333333"  # Okabe and Ito's colours


def show(figure, description):
    """Display a figure with a description in words."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    png = base64.b64encode(buffer.getvalue()).decode()
    html = f'<img alt="{escape(description)}" src="data:image/png;base64,{png}">'
    display({"text/plain": description, "text/html": html, "image/png": png}, raw=True)


def show_classes(labels, classes):
    """Draw how many cars are of each class."""
    counts = [list(labels).count(name) for name in classes]
    figure = Figure(figsize=(5, 2), layout="constrained")
    axes = figure.subplots()
    axes.barh(classes, counts, color=BLUE)
    for row, count in enumerate(counts):
        axes.text(count + 15, row, f"{count}, {count / len(labels):.0%}", va="center")
    axes.set(xlabel="cars", xlim=(0, 1.3 * max(counts)))
    axes.invert_yaxis()
    told = ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True))
    show(figure, f"Cars of each class: {told}.")


def show_encoding(encoded, levels, cars):
    """Draw rows of ones and zeros, a column for each level of each attribute."""
    encoded = np.asarray(encoded, dtype=float)
    figure = Figure(figsize=(9, 0.28 * len(encoded) + 1.7), layout="constrained")
    axes = figure.subplots()
    axes.imshow(encoded, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    names = [f"{name} {level}" for name, some in levels.items() for level in some]
    for edge in np.cumsum([len(some) for some in levels.values()])[:-1]:
        axes.axvline(edge - 0.5, color=INK, linewidth=1.5)
    for (row, column), value in np.ndenumerate(encoded):
        axes.text(column, row, f"{value:g}", ha="center", va="center", fontsize=8, color="white" if value else INK)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(cars)), [" ".join(car) for car in cars], fontsize=8)
    ones = [[names[column] for column in np.flatnonzero(row)] for row in encoded]
    told = "; ".join(f"row {number}: {', '.join(row)}" for number, row in enumerate(ones))
    show(figure, f"Ones and zeros for some cars. {told}.")


def show_recalls(recalls, classes, counts):
    """Draw the recall of each class for several classifiers, {name: {class: recall}}."""
    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    axes, told = figure.subplots(), []
    looks = zip((BLUE, ORANGE, GREEN), ("", "//", ".."), strict=True)
    width = 0.8 / len(recalls)
    for number, ((name, shares), (colour, hatch)) in enumerate(zip(recalls.items(), looks, strict=False)):
        heights = [shares.get(one, 0) for one in classes]
        places = np.arange(len(classes)) + (number + 0.5) * width - 0.4
        axes.bar(places, heights, width, color=colour, hatch=hatch, edgecolor="white", label=name)
        told.append(f"{name}: " + ", ".join(f"{one} {share:.2f}" for one, share in zip(classes, heights, strict=True)))
    ticks = [f"{name}\n{count} cars" for name, count in zip(classes, counts, strict=True)]
    axes.set_xticks(range(len(classes)), ticks)
    axes.set(ylabel="recall", ylim=(0, 1.02))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    show(figure, f"Share of each class that was found. {'; '.join(told)}.")


def show_tuning(values, training, validation, name):
    """Draw the accuracy on training and on validation rows over the values of a setting, on a logarithmic axis."""
    figure = Figure(figsize=(5.6, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(values, training, "o-", color=BLUE, label="training rows")
    axes.semilogx(values, validation, "s--", color=ORANGE, label="validation rows")
    axes.set(xlabel=name, ylabel="accuracy")
    axes.legend(frameon=False)
    rows = zip(values, training, validation, strict=True)
    told = "; ".join(f"{value:g}: training {a:.3f}, validation {b:.3f}" for value, a, b in rows)
    show(figure, f"Accuracy by {name}. {told}.")
