"""The self-check of every notebook: a row for each requirement, and no row takes the others with it."""

import importlib.util
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def helper() -> ModuleType:
    """The first of the equal copies; `nbseal lint` proves that they are."""
    path = sorted(ROOT.glob("source/*/self_check.py"))[0]
    spec = importlib.util.spec_from_file_location("self_check", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fails(*arguments):
    """What a function of a student's does that isn't written yet."""
    raise NotImplementedError("Your turn")


def refuses():
    """What a function does with lengths that differ."""
    raise ValueError("2 inputs, 3 weights")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1, 1),
        (0.1 + 0.2, 0.3),
        (np.float32(0.25), 0.25),
        (np.array([1, 2]), [1, 2]),
        ((1, 2), [1, 2]),
        ([1, 2], (1, 2)),
        (np.array([[0, 1], [1, 0]]), [[0, 1], [1, 0]]),
        (Fraction(1, 4), 0.25),
        ({"a": Decimal("0.5")}, {"a": 0.5}),
        (pd.Series([0.5, 1], index=[7, 9]), [0.5, 1]),
        (pd.DataFrame([[0, 1], [1, 0]], columns=["a", "b"]), [[0, 1], [1, 0]]),
        ([{"label": "Sea", "confidence": np.float64(0.5)}], [{"label": "Sea", "confidence": 0.5}]),
        ("1", "1"),
        (None, None),
        ([], []),
    ],
)
def test_equal_values_are_right(helper, got, expected, capsys):
    """Lists, tuples and arrays with the same numbers, and texts, are taken as the same."""
    helper.self_check(1, [("row", lambda: got, expected)])
    assert capsys.readouterr().out.startswith("ok     row:")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (2, 1),
        (float("nan"), 1),
        (float("nan"), float("nan")),
        ([float("nan"), 1.0], [1.0, 1.0]),
        ([1, 2, 3], [1, 2]),
        (np.ones((2, 2)), 1),
        (1, [1]),
        ("12", [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        (fails, 1),
        (None, 1),
        (None, [0, 1]),
        (1j, 1),
        (Fraction(1, 3), 0.25),
        (pd.Series([0.5, 2]), [0.5, 1]),
        (pd.Series, [0.5, 1]),
    ],
)
def test_other_values_are_wrong(helper, got, expected, capsys):
    """Whatever a function returns, a row with another value is wrong, and nothing but an AssertionError is raised."""
    with pytest.raises(AssertionError, match=r"^Question 1: 1 of 1 rows are wrong\.$"):
        helper.self_check(1, [("row", lambda: got, expected)])
    assert capsys.readouterr().out.startswith("WRONG  row:")


def test_an_error_costs_its_row_alone(helper, capsys):
    """A row that raises says so with the error's kind and text; those behind it are tried all the same."""
    rows = [("stops", fails, 1), ("is right", lambda: 2, 2)]
    with pytest.raises(AssertionError, match=r"^Question 4: 1 of 2 rows are wrong\. Mind the sign\.$"):
        helper.self_check(4, rows, hint="Mind the sign.")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "WRONG  stops: got NotImplementedError: Your turn, expected 1"
    assert second == "ok     is right: got 2, expected 2"


def test_a_forgotten_return_is_named(helper, capsys):
    """None is shown with the likeliest reason, whether a value, a rule or an error was expected."""
    rows = [("value", lambda: None, 1), ("rule", lambda: None, helper.between(0, 1)), ("error", lambda: None, KeyError)]
    with pytest.raises(AssertionError):
        helper.self_check(2, rows)
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("WRONG  ") for line in lines] == [True] * 3
    assert all("got None (does your function end with return?), expected " in line for line in lines)


def test_an_expected_error_must_be_raised(helper, capsys):
    """The error that was asked for is right, another one isn't, and neither is a value."""
    helper.self_check(1, [("refused", refuses, ValueError)])
    assert capsys.readouterr().out.startswith(
        "ok     refused: got ValueError: 2 inputs, 3 weights, expected an error: ValueError\n"
    )
    for got in (fails, lambda: 0, lambda: ValueError("returned")):
        with pytest.raises(AssertionError):
            helper.self_check(1, [("refused", got, ValueError)])


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        (("between", 0.5, 1), [0.5, 0.75, 1, np.float64(0.75)], [0.49, 1.01, float("nan"), None, "1", [0.6]]),
        (("about", 0.5), [0.5, 0.54, np.float32(0.46)], [0.56, float("nan"), None, [0.5], "0.5"]),
        (("about", [1, 2]), [[1.01, 2], (1, 1.99), np.array([1, 2])], [[1, 2, 3], [1, 2.2], 1, None]),
        (("shape", 2, 3), [np.zeros((2, 3)), [[1, 2, 3]] * 2], [np.zeros((3, 2)), [1, 2], None, 5]),
    ],
)
def test_rules(helper, rule, right, wrong, capsys):
    """between, about and shape take what fulfils them and nothing else, and say what they ask for."""
    name, *arguments = rule
    expected = getattr(helper, name)(*arguments, **({"within": 0.05} if name == "about" else {}))
    for got in right:
        helper.self_check(1, [("row", lambda got=got: got, expected)])
    for got in wrong:
        with pytest.raises(AssertionError):
            helper.self_check(1, [("row", lambda got=got: got, expected)])
    assert expected.text in capsys.readouterr().out


def test_all_right_is_the_last_line(helper, capsys):
    """The last line says so with the question's number, alike in all notebooks; a wrong row leaves it out."""
    helper.self_check(7, [("row", lambda: 1, 1)], hint="Not needed.")
    assert capsys.readouterr().out.splitlines()[-1] == "Question 7: all right."
    with pytest.raises(AssertionError):
        helper.self_check(7, [("row", lambda: 1, 2)])
    assert "all right" not in capsys.readouterr().out


def test_long_rows_are_shown_on_lines_of_their_own(helper, capsys):
    """What was got stands above what was expected where both don't fit on one line, and very long values are cut."""
    with pytest.raises(AssertionError):
        helper.self_check(1, [("row", lambda: [10**6] * 500, list(range(20)))])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "WRONG  row:"
    assert lines[1].startswith("       got      [1000000, ")
    assert lines[1].endswith("… (500 in all)")
    assert lines[2].startswith("       expected [0, 1, 2, ")


def test_what_is_endless_or_ragged_is_shown_in_a_moment(helper, capsys):
    """Only the beginning of a long value is put into words, and a value of no shape is no error of the check's."""
    with pytest.raises(AssertionError):
        helper.self_check(1, [("text", lambda: "seven" * 400_000, 7), ("rows", lambda: [[1]] * 10**6, 7)])
    assert "(2,000,000 in all)" in capsys.readouterr().out
    with pytest.raises(AssertionError):
        helper.self_check(1, [("folds", lambda: [[1, 2], [3]], helper.between(0, 1))])
    assert "[[1, 2]" in capsys.readouterr().out
    helper.self_check(1, [("dict", lambda: {"a": np.float64(0.5)}, {"a": 0.5})])
    assert "got {'a': 0.5}" in capsys.readouterr().out


def test_large_arrays_are_shown_by_their_shape(helper, capsys):
    """A picture that fulfils a rule isn't printed number by number."""
    helper.self_check(1, [("row", lambda: np.zeros((28, 28)), helper.shape(28, 28))])
    assert "got an array of shape (28, 28), expected an array of shape (28, 28)" in capsys.readouterr().out
