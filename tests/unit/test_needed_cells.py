"""The cells of a notebook that make what later ones use are told from the others."""

from __future__ import annotations

import pytest

from nbseal.notebook.needed_cells import needed_cells
from tests.mini import code

LAST = "print(f(numbers))"


def kept(*sources: str, wanted: frozenset[str] = frozenset()) -> list[str]:
    """The sources that are left before a last cell."""
    cells = [code(f"cell-{number}", source) for number, source in enumerate((*sources, LAST))]
    return [cell["source"] for cell in needed_cells(cells, [len(sources)], wanted)][:-1]


@pytest.mark.parametrize(
    "source",
    [
        "numbers = [1]",
        "import helpers as numbers",
        "from helpers import *",
        "def f(x):\n    return x",
        "for numbers in range(3):\n    pass",
        "numbers.append(1)",
        "numbers[0] = 1",
        "numbers.first = 1",
        "del numbers",
        "numbers += 1",
        "this is no Python",
    ],
)
def test_a_cell_that_makes_what_is_used_runs(source: str) -> None:
    """Assignments, imports, definitions and changes of a name that is used later are kept, and what can't be read."""
    assert kept(source) == [source]


@pytest.mark.parametrize("source", ["other = 1", "import pictures\npictures.show(numbers)", "print(numbers)", ""])
def test_a_cell_that_makes_nothing_of_use_is_left_out(source: str) -> None:
    """What only shows something, or makes a name that nobody uses, is left out."""
    assert kept(source) == []


def test_what_is_needed_is_followed_backwards() -> None:
    """A cell that makes what a needed cell uses is needed, too, unlike one that only comes after it."""
    cells = ("start = 1", "unused = start", "numbers = [start]", "later = numbers")
    assert kept(*cells) == ["start = 1", "numbers = [start]"]
    assert kept(*cells, wanted=frozenset({"later"})) == ["start = 1", "numbers = [start]", "later = numbers"]


def test_cells_that_are_always_kept_may_lie_among_others() -> None:
    """Between an answer and its check, a figure is left out, and what makes a name that the check uses is kept."""
    sources = ("def f(x):\n    return x", "draw(f)", "numbers = [f(1)]", LAST)
    cells = [code(f"cell-{number}", source) for number, source in enumerate(sources)]
    assert [cell["source"] for cell in needed_cells(cells, [0, 3], ())] == [sources[0], sources[2], LAST]


@pytest.mark.parametrize(
    "source",
    [
        "def g(numbers):\n    return numbers",
        "def g():\n    numbers = 2\n    return numbers",
        "g = [numbers for numbers in range(3)]",
        "g = lambda numbers: numbers",
        "for numbers in range(3):\n    g = numbers",
        "numbers = 2\ng = numbers",
    ],
)
def test_names_that_a_cell_sets_itself_are_not_taken_from_others(source: str) -> None:
    """Parameters, variables of functions, loops and comprehensions, and names that were set anew need no other cell."""
    cells = [code(f"cell-{number}", text) for number, text in enumerate(("numbers = [1]", source, "print(g)"))]
    assert [cell["source"] for cell in needed_cells(cells, [2], ())] == [source, "print(g)"]


@pytest.mark.parametrize(
    "source",
    [
        "def g(x=numbers):\n    return x",
        "def g():\n    global numbers\n    numbers = 2",
        "g = [x for x in numbers]",
        "g = numbers\nnumbers = 2",
        "numbers += [2]\ng = numbers",
        "if g:\n    numbers = 2\ng = numbers",
        "numbers[0] = 2\ng = numbers",
    ],
)
def test_names_that_a_cell_uses_before_it_sets_them_are_taken_from_others(source: str) -> None:
    """Defaults, globals, what is looped over, and what may not have been set anew need the cell that made them."""
    cells = [code(f"cell-{number}", text) for number, text in enumerate(("numbers = [1]", source, "print(g)"))]
    assert len(needed_cells(cells, [2], ())) == 3
