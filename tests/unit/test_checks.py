"""Checks of single values."""

import numpy as np
import pandas as pd
import pytest

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import StudentError
from nbseal.wire import Opaque, Reference


@pytest.mark.parametrize("value", [1, 1.5, np.float32(2), np.array(3), np.int8(-1)])
def test_numbers_of_any_kind_are_numbers(value):
    """Python's and numpy's numbers are accepted."""
    assert as_number(value, "x") == value


@pytest.mark.parametrize("value", [None, True, np.True_, "1", [1], float("nan"), np.inf, 1j, Opaque("Tensor")])
def test_what_is_not_one_finite_number_is_named(value):
    """Anything else is refused with a sentence that names the variable."""
    with pytest.raises(StudentError, match=r"^`x` should be"):
        as_number(value, "`x`")


@pytest.mark.parametrize("value", [[1, 2, 3], (1, 2, 3), np.array([1, 2, 3], dtype=np.uint8), [1.0, np.int64(2), 3]])
def test_lists_tuples_and_arrays_are_arrays(value):
    """Any sequence of numbers becomes an array of floats."""
    array = as_array(value, "x", shape=(3,))
    assert array.dtype == np.float64
    assert array.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "it is None"),
        ([[1], [2, 3]], "rectangular"),
        (["a", "b", "c"], "it holds texts"),
        ([1, 2, float("nan")], "not a finite number"),
        ([1, 2], "its shape is (2,)"),
        (7, "its shape is ()"),
        ([1j, 2, 3], "complex"),
        ([None, 1, 2], "something else"),
        ({"a": 1}, "a dict with 1 entry"),
        ([10**400, 1, 2], "something else"),
        (Opaque("generator"), "type generator"),
    ],
)
def test_what_is_not_an_array_of_numbers_is_explained(value, words):
    """Each wrong value gets a sentence of what it is."""
    with pytest.raises(StudentError) as caught:
        as_array(value, "`x`", shape=(3,))
    assert words in str(caught.value)


def test_whole_numbers_may_be_written_as_floats():
    """An index array of floats without fractions counts as whole numbers, others don't."""
    assert as_array([1.0, 2.0], "x", dtype="int").dtype == np.int64
    with pytest.raises(StudentError, match="whole numbers"):
        as_array([1.5], "x", dtype="int")


def test_a_table_of_numbers_is_an_array():
    """A DataFrame counts as the array of its columns, and one with texts is refused in words."""
    table = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    assert as_array(table, "x", shape=(3, 2)).tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]]
    with pytest.raises(StudentError, match="should hold numbers"):
        as_array(table.assign(b="text"), "x")


def test_shapes_may_leave_lengths_open():
    """None in a shape stands for any length."""
    assert as_array(np.zeros((4, 2)), "x", shape=(None, 2)).shape == (4, 2)


@pytest.mark.parametrize("value", [None, 1, "a" * 500, [1], (), {}, np.zeros(3), object(), b"", {1}])
def test_any_value_can_be_described_in_a_few_words(value):
    """Descriptions are short and never fail."""
    assert 0 < len(describe(value)) < 120


def test_a_text_of_numpy_is_described_as_a_text():
    """What an array of texts holds is shown without the name of NumPy's type."""
    assert describe(np.array(["acc"])[0]) == "the text 'acc'"


def test_a_stand_in_is_described_as_one():
    """What the check itself gave to a function has a name when it comes back."""
    assert "stand-in" in describe(Reference(0, (), False))


@pytest.mark.parametrize("value", ["a" * 21, 10**21, -(10**40), Opaque("a" * 21), Opaque("canary"), {"a" * 21: 1}])
def test_long_values_are_described_not_shown(value):
    """What may be a hidden input that came back is told by its kind and size."""
    assert "aaa" not in describe(value)
    assert "000" not in describe(value)
    assert "canary" not in describe(value)
