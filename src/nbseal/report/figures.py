"""The report's pictures: SVG drawn with Matplotlib, each with a text that says the same."""

from __future__ import annotations

import base64
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nbseal.report.summary import QuestionStatistics

BLUE, ORANGE = "#0072b2", "#d55e00"  # told apart by colour-blind readers, too
BINS = 20
STYLE: Any = {
    "svg.hashsalt": "nbseal",
    "font.size": 11,
    "text.parse_math": False,  # names are names, whatever signs are in them
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Picture:
    """A drawing as an address of its own, and what it shows in words."""

    address: str
    alt: str


def histogram(values: Sequence[float], label: str, low: float | None = None, high: float | None = None) -> Picture:
    """How often which values occur; ``label`` stands below the axis, ``low`` and ``high`` are its ends."""
    low = min(values) if low is None else low
    high = max(values) if high is None else high
    if high <= low:  # all alike: a little room on both sides, so that a share of 0.93 has no axis up to 1.4
        room = abs(low) / 20 or 0.5
        low, high = low - room, high + room
    counts, edges = np.histogram(np.clip(values, low, high), bins=_bins(len(values)), range=(low, high))
    with rc_context(STYLE):
        figure = Figure(figsize=(5.2, 2.4))
        axes = figure.add_subplot()
        axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=BLUE, edgecolor="white")
        middle = statistics.median(values)
        axes.axvline(middle, color=ORANGE, linewidth=2)
        axes.annotate("median", (middle, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9)
        axes.set(xlabel=label, ylabel="submissions", xlim=(low, high))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        bars = [f"{n} from {a:.3g} to {b:.3g}" for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True) if n]
        alt = f"Histogram of {label}: {', '.join(bars)}. The median is {middle:.3g}."
        return Picture(_as_address(figure), alt)


def shares(questions: Sequence[QuestionStatistics]) -> Picture:
    """A bar for each question: the mean share of its points."""
    known = [question for question in questions if question.share is not None]
    with rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.7 + 0.3 * max(1, len(known))))
        axes = figure.add_subplot()
        values = [100 * (question.share or 0.0) for question in known]
        bars = axes.barh([question.grade_id for question in known], values, color=BLUE)
        said = [f"{value:.0f} % (n = {question.marked})" for question, value in zip(known, values, strict=True)]
        axes.bar_label(bars, said, padding=3, fontsize=9)
        axes.set(xlim=(0, 130), xlabel="mean share of the points, in percent")
        axes.set_xticks(range(0, 101, 20))
        axes.invert_yaxis()
        each = [f"{question.grade_id} {words}" for question, words in zip(known, said, strict=True)]
        return Picture(_as_address(figure), f"Mean share of the points by question: {', '.join(each) or 'none yet'}.")


def _bins(count: int) -> int:
    """A few bars for a few submissions, twenty for many."""
    return max(5, min(BINS, count))


def _as_address(figure: Figure) -> str:
    text = io.BytesIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(text.getvalue()).decode()
