"""Hidden tests of the assignment ``temperature``."""

import numpy as np
import pytest

from nbseal.checks import as_array, as_number


@pytest.mark.question("convert", weight=2)
def test_converts_one_temperature(student):
    """to_celsius converts one temperature."""
    fahrenheit = float(student.rng.uniform(-100, 300))
    got = as_number(student.call("to_celsius", fahrenheit), "to_celsius(...)")
    without_brackets = fahrenheit - 32 * 5 / 9
    assert abs(got - without_brackets) > 1e-6, "Only 32 is multiplied by 5/9: put the subtraction in brackets."
    assert abs(got - (fahrenheit - 32) * 5 / 9) < 1e-6, "Work an example on paper: 212 °F is 100 °C, and 32 °F is 0 °C."


@pytest.mark.question("convert", requires="test_converts_one_temperature")
def test_converts_an_array(student):
    """to_celsius converts a whole array at once."""
    fahrenheit = student.rng.uniform(-100, 300, 5)
    got = as_array(student.call("to_celsius", fahrenheit), "to_celsius(array)", shape=(5,))
    assert np.allclose(got, (fahrenheit - 32) * 5 / 9), "Each number of the array should be converted by itself."


@pytest.mark.question("convert", requires="test_converts_one_temperature")
def test_refuses_what_cannot_be(student):
    """to_celsius refuses temperatures below absolute zero."""
    student.raises("to_celsius", -500.0, error="ValueError")


@pytest.mark.question("same")
def test_same_on_both_scales(student):
    """same_on_both is the temperature that has one number on both scales."""
    degrees = student.number("same_on_both")
    assert abs(degrees + 40) < 1e-6, f"{degrees:g} °F is {(degrees - 32) * 5 / 9:.1f} °C: not the same number."
