"""What is read off a figure that a student's function has drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbseal.errors import StudentError
from nbseal.hidden_tests.drawing import read_drawing
from nbseal.wire.codec import pack, unpack
from nbseal.worker import figures

X, Y = np.array([0.0, 1.0]), np.array([2.0, 3.0])


def read(draw: Callable[[Any], object]) -> Any:
    """Draw on new axes, and read what comes over the wire."""
    axes = figures.new_axes()
    draw(axes)
    header, blobs = pack(figures.contents(axes))
    return read_drawing(unpack(header, b"".join(blobs)), "draw")


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.scatter(X, Y),
        lambda ax: ax.plot(X, Y, "o"),
        lambda ax: [ax.plot(x, y, marker="o") for x, y in zip(X, Y, strict=True)],
        lambda ax: pd.DataFrame({"x": X, "y": Y}).plot.scatter("x", "y", ax=ax, s=3),
        lambda ax: ax.plot(X, Y, "ro-", linewidth=3, markersize=20),
        lambda ax: ax.scatter(X, Y, c=[0, 1], cmap="viridis", marker="o"),
    ],
)
def test_discs_are_the_same_in_whatever_way_they_were_drawn(draw: Callable[[Any], object]) -> None:
    """Places and look are those of the markers, not of the calls, colours or sizes."""
    marks = read(draw).marks
    assert {mark[:2] for mark in marks} == {(0, 2), (1, 3)}
    assert {mark.look for mark in marks} == {mark.look for mark in read(lambda ax: ax.scatter(X, Y)).marks}


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.scatter(X, Y, marker="s"),
        lambda ax: ax.scatter(X, Y, facecolors="none", edgecolors="k"),
        lambda ax: ax.plot(X, Y, "o", markerfacecolor="none"),
        lambda ax: ax.plot(X, Y, "o", fillstyle="none"),
        lambda ax: ax.plot(X, Y, "^"),
        lambda ax: ax.plot(X, Y, "x"),
    ],
)
def test_other_shapes_and_hollow_ones_look_otherwise(draw: Callable[[Any], object]) -> None:
    """Another shape, or a hollow one instead of a filled one, has another look."""
    discs, others = ({mark.look for mark in read(one).marks} for one in (lambda ax: ax.scatter(X, Y), draw))
    assert len(discs) == len(others) == 1
    assert discs != others


def test_bare_lines_hidden_markers_and_names_are_told() -> None:
    """A line without markers is counted, what can't be seen isn't there, and names are those of the axes at the end."""

    def draw(axes: Any) -> None:
        axes.plot(X, Y)
        axes.scatter(X, Y).set_visible(False)
        axes.scatter(np.ma.masked_array(X, [True, True]), Y)
        axes.set_xlabel("before")
        axes.set(xlabel="after", ylabel="up")
        axes.get_xlabel = lambda: "forged"

    drawing = read(draw)
    assert (drawing.marks, drawing.others >= 1) == ((), True)
    assert (drawing.xlabel, drawing.ylabel, drawing.title) == ("after", "up", "")


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # matplotlib's own, of a size below 0
@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.scatter(X, Y, s=0),
        lambda ax: ax.scatter(X, Y, s=-100),
        lambda ax: ax.scatter(X, Y, alpha=0),
        lambda ax: ax.scatter(X, Y, facecolors="none", edgecolors="none"),
        lambda ax: ax.plot(X, Y, "o", markersize=0),
        lambda ax: ax.plot(X, Y, "o", alpha=0),
    ],
)
def test_markers_without_size_or_colour_are_not_there(draw: Callable[[Any], object]) -> None:
    """A marker counts if it can be seen: one of no size, or transparent all over, does not."""
    assert read(draw).marks == ()


def test_each_dot_is_seen_or_not_by_itself() -> None:
    """Sizes and colours may be given for each dot."""
    assert [mark[:2] for mark in read(lambda ax: ax.scatter(X, Y, s=[20, 0])).marks] == [(0, 2)]
    assert [mark[:2] for mark in read(lambda ax: ax.scatter(X, Y, c=["#0072B200", "k"])).marks] == [(1, 3)]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"marks": []},
        {"marks": [(1.0, 2.0)], "others": 0, "xlabel": "", "ylabel": "", "title": ""},
        {"marks": [(1.0, float("inf"), "o")], "others": 0, "xlabel": "", "ylabel": "", "title": ""},
        {"marks": [(0.0, 0.0, "o")] * 1001, "others": 0, "xlabel": "", "ylabel": "", "title": ""},
        {"marks": [], "others": 0, "xlabel": 3, "ylabel": "", "title": ""},
    ],
)
def test_a_drawing_that_is_none_is_refused(data: Any) -> None:
    """What a stranger's process sends in a drawing's place raises a sentence for the student, and nothing else."""
    with pytest.raises(StudentError, match="`draw`"):
        read_drawing(data, "draw")


def test_a_million_markers_are_not_looked_at() -> None:
    """Of very many markers only as many are sent as show that there are too many."""
    with pytest.raises(StudentError, match="more than 1000"):
        read(lambda ax: ax.scatter(np.zeros(10**6), np.zeros(10**6)))
