"""A second opinion on answers to 01-gates, for `nbseal verify`: slower than the hidden tests, and written without them.

Here a neuron is added up by `fractions`, without rounding, on everything that the notebook allows.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest


def total(weights, inputs):
    return sum(Fraction(float(w)) * Fraction(float(x)) for w, x in zip(weights, inputs, strict=True))


def neuron(student, name, count):
    weights = student.array(f"{name}_weights", shape=(count,)).tolist()
    return weights, Fraction(float(student.number(f"{name}_threshold")))


def is_gate(student, name, rows, table):
    weights, threshold = neuron(student, name, len(rows[0]))
    return [fires(weights, row, threshold) for row in rows] == table


def fires(weights, row, threshold):
    """The neuron's output; a tie that rounding misses, as the notebook's own neuron adds up, isn't held against it."""
    size = abs(threshold) + total(map(abs, weights), map(abs, row))
    return int(total(weights, row) >= threshold - Fraction(1, 10**9) * size)


PAIRS = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.question("or")
def test_or(student):
    """OR."""
    assert is_gate(student, "or", PAIRS, [0, 1, 1, 1])


@pytest.mark.question("and")
def test_and(student):
    """AND."""
    assert is_gate(student, "and", PAIRS, [0, 0, 0, 1])


@pytest.mark.question("not")
def test_not(student):
    """NOT."""
    assert is_gate(student, "not", [[0, 1], [1, 1]], [1, 0])


@pytest.mark.question("nand")
def test_nand(student):
    """NAND, with inputs that are off by up to 0.05."""
    for off in product((-0.05, 0.0, 0.05), repeat=2):
        rows = [[a + off[0], b + off[1], 1] for a, b in PAIRS]
        assert is_gate(student, "nand", rows, [1, 1, 1, 0])


@pytest.mark.question("perceptron")
def test_perceptron(student):
    """The neuron, for any number of inputs from 1 on, and a ValueError for unequal lengths."""
    rng = student.rng
    for length in (1, 2, 3, 7, 50):
        for _ in range(20):
            inputs, weights = (rng.integers(-20, 21, length) / 4 for _ in range(2))
            exact = total(weights, inputs)
            for threshold in (exact, exact + Fraction(1, 64), exact - Fraction(1, 64), Fraction(0)):
                got = student.call("perceptron", inputs.tolist(), weights.tolist(), float(threshold))
                assert np.shape(got) == ()
                assert np.asarray(got).dtype.kind in "iu"
                assert got == int(exact >= threshold)
        for other in (length - 1, length + 1):
            if other:
                student.raises("perceptron", [1.0] * length, [1.0] * other, 0.5)


@pytest.mark.question("football")
def test_football(student):
    """The story's numbers, and a neuron for which a tie is not enough."""
    assert student.array("football_weights", shape=(2,)).tolist() == [1, 3]
    assert student.number("football_bias") == 2
    for _ in range(50):
        weights = (student.rng.integers(-12, 13, 2) / 4).tolist()
        for day in PAIRS:
            pull = total(weights, day)
            for bias in (pull, pull - Fraction(1, 64), pull + Fraction(1, 64)):
                assert student.call("plays", day, weights, float(bias)) == int(pull > bias)


@pytest.mark.question("bias")
def test_bias(student):
    """Both directions take the same decisions as the neuron that they were given."""
    rng = student.rng
    for length in (1, 2, 5):
        for _ in range(20):
            weights = (rng.integers(1, 1501, length) * rng.choice([-1, 1], length) / 512).tolist()
            threshold = float(rng.integers(-2500, 2501)) / 512
            for limit in (threshold, -threshold, threshold + 1):
                same(student.leaves_alone("threshold_to_bias", weights, limit), 0, weights, limit, [1], rng)
            got, limit = student.leaves_alone("bias_to_threshold", [*weights, -threshold])
            same(got, limit, weights, threshold, [], rng)


def same(got, limit, weights, threshold, more, rng):
    """Fail unless a neuron, with ``more`` inputs, decides like the other one: below, at and above its threshold."""
    assert len(got) == len(weights) + len(more)
    place = max(range(len(weights)), key=lambda one: abs(weights[one]))
    for gap in [Fraction(sign, 64) for sign in (-1, 0, 1)] * 10:
        inputs = (rng.integers(-12, 13, len(weights)) / 4).tolist()
        rest = total(weights, inputs) - Fraction(weights[place]) * Fraction(inputs[place])
        inputs[place] = float((Fraction(threshold) + gap - rest) / Fraction(weights[place]))
        reached = total(got, [*inputs, *more]) - Fraction(float(limit))
        assert (reached >= 0) == (gap > 0) if gap else abs(reached) < 1e-9


@pytest.mark.question("learn")
def test_learn(student):
    """The rule, step by step, from zero weights to the first pass without a mistake."""
    rng, cases = student.rng, []
    for length, count in ((1, 2), (2, 4), (2, 8), (3, 8), (4, 12), (2, 1)):
        for rate in (0.25, 0.5, 1.0, 2.0):
            rows = (rng.integers(-64, 65, (count, length)) / 32).tolist()
            targets = rng.integers(0, 2, count).tolist()
            cases += [(rows, targets, rate, most) for most in (1, 2, 9, 40)]
    for (weights, epochs), case in zip(student.calls("learn", cases), cases, strict=True):
        expected, needed = rule(*case)
        assert epochs == needed
        assert [float(w) for w in weights] == expected


def rule(rows, targets, rate, most):
    """The rule itself; all numbers are short binary fractions, so nothing is rounded."""
    weights = [0.0] * (len(rows[0]) + 1)
    epochs = 0
    while epochs < most:
        epochs, right = epochs + 1, True
        for row, target in zip(rows, targets, strict=True):
            error = target - int(sum(w * x for w, x in zip(weights, [*row, 1.0], strict=True)) >= 0)
            right = right and not error
            weights = [w + rate * error * x for w, x in zip(weights, [*row, 1.0], strict=True)]
        if right:
            break
    return weights, epochs
