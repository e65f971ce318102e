"""Hidden checks of 01-gates: one neuron, the logic gates, threshold and bias, the learning rule.

All drawn numbers are short binary fractions: every order of adding gives the same sum, and a tie is a tie. What is
expected comes in an order that is drawn, so that nobody gets marks for answering in turns.
"""

from numbers import Integral
from operator import mul

import numpy as np
import pytest

from nbseal.checks import as_array, as_number, describe

PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
GATES = {
    (0, 0, 0, 0): "0 for every input (the neuron never fires)",
    (0, 0, 0, 1): "AND",
    (0, 0, 1, 0): "'only the first input'",
    (0, 0, 1, 1): "a copy of the first input",
    (0, 1, 0, 0): "'only the second input'",
    (0, 1, 0, 1): "a copy of the second input",
    (0, 1, 1, 1): "OR",
    (1, 0, 0, 0): "NOR (1 only if both inputs are 0)",
    (1, 0, 1, 0): "NOT of the second input",
    (1, 0, 1, 1): "'first input, or not the second'",
    (1, 1, 0, 0): "NOT of the first input",
    (1, 1, 0, 1): "'second input, or not the first'",
    (1, 1, 1, 0): "NAND",
    (1, 1, 1, 1): "1 for every input (the neuron always fires)",
}


def fires(inputs, weights, threshold):
    """Return our own neuron's outputs for rows of inputs; a tie up to rounding reaches the threshold.

    How much rounding may do depends on the size of what is added up: weights may be tiny.
    """
    inputs, weights = np.asarray(inputs, dtype=float), np.asarray(weights, dtype=float)
    with np.errstate(all="ignore"):
        totals = inputs @ weights
        sizes = np.abs(inputs) @ np.abs(weights) + abs(threshold)
        reached = totals >= threshold - 1e-9 * sizes
    return tuple(int(output) for output in reached)


def with_ones(inputs):
    """Return the rows with the bias input 1 appended."""
    return np.column_stack([inputs, np.ones(len(inputs))])


def sizeable(rng, *shape):
    """Draw numbers of size 1 to 4, in steps of 1/2 and of either sign: none is too small to matter."""
    return (2 * rng.integers(0, 2, shape) - 1) * rng.integers(2, 9, shape) / 2


def fine(rng, *shape):
    """Draw numbers of size 1 to 4, in steps of 1/128 and of either sign: rounding would change them."""
    return (2 * rng.integers(0, 2, shape) - 1) * rng.integers(128, 513, shape) / 128


def bear_no_rounding(numbers):
    """Whether rounding to 0, 1, 2 or 3 digits would make some of the numbers larger and others smaller."""
    moves = [[round(number, digits) - number for number in numbers] for digits in range(4)]
    return all(min(moved) < 0 < max(moved) for moved in moves)


def bit(value, what):
    """Return an answer of 0 or 1 as an int; True and 1.0 are let through here."""
    assert value is not None, f"{what} gave None: does every path through your function end with a return?"
    number = as_number(int(value) if isinstance(value, (bool, np.bool_)) else value, what)
    assert number in (0, 1), f"{what} gave {describe(value)}, but a neuron's output is 0 or 1."
    return int(number)


def moderate(number, what):
    assert abs(number) < 1e100, f"{what} is far too large."
    return float(number)


def pair_of(value, what, names):
    """Return the two things that a function should return."""
    assert isinstance(value, (list, tuple)), f"{what} should return {names}; it returned {describe(value)}."
    assert len(value) == 2, f"{what} should return two things, {names}; it returned {describe(value)}."
    return value


def neurons(rng, lengths):
    """Draw (inputs, weights, sum) for each length; no sum is 0 or 1: whoever returns it is to be told so."""
    while True:
        drawn = [fine(rng, 2, length) for length in lengths]
        sums = [float(inputs @ weights) for inputs, weights in drawn]
        if bear_no_rounding(sums) and not {0.0, 1.0} & set(sums):
            return [(*both.tolist(), total) for both, total in zip(drawn, sums, strict=True)]


def shuffled(rng, cases):
    """The cases in an order that nobody knows."""
    return [cases[place] for place in rng.permutation(len(cases))]


@pytest.mark.question(
    "perceptron",
    promise="`1` if the weighted sum is equal to or greater than `threshold`, otherwise `0`",
)
def test_perceptron_decides(student):
    """The output is 1 above the threshold and 0 below it, for any number of inputs."""
    drawn = neurons(student.rng, (3, 1, 6, 2, 4, 3, 1, 2))
    cases = [(*neuron, side) for neuron in drawn for side in ("above", "below")]
    cases = shuffled(student.rng, cases)
    distances = {"above": -0.5, "below": 0.5}
    asked = [(inputs, weights, total + distances[side]) for inputs, weights, total, side in cases]
    for answer, (inputs, *_, side) in zip(student.calls("perceptron", asked), cases, strict=True):
        length, expected = len(inputs), int(side == "above")
        got = bit(answer, f"perceptron(...) with lists of {length}")
        assert got == expected, (
            f"With lists of {length} and a sum {side} the threshold, perceptron(...) gave {got}, "
            f"expected {expected}. Multiply each input by its own weight, add up, then compare."
        )


@pytest.mark.question("perceptron", requires="test_perceptron_decides", promise="reaching it is enough")
def test_perceptron_fires_at_equality(student):
    """A sum that reaches the threshold exactly is enough; one just short of it is not."""
    drawn = neurons(student.rng, (2, 5, 3, 1, 2, 4))
    cases = shuffled(student.rng, [(*neuron, short) for neuron in drawn for short in (0.0, 1 / 1024)])
    asked = [(inputs, weights, total + short) for inputs, weights, total, short in cases]
    for answer, (*_, short) in zip(student.calls("perceptron", asked), cases, strict=True):
        got = bit(answer, "perceptron(...)")
        assert short or got == 1, (
            "When the sum is equal to the threshold, perceptron(...) gave 0, expected 1: "
            "reaching the threshold is enough (>=), and the exact sum counts."
        )
        assert not short or got == 0, (
            "When the sum is a thousandth short of the threshold, perceptron(...) gave 1, expected 0: "
            "compare the exact sum."
        )


@pytest.mark.question("perceptron", requires="test_perceptron_decides", promise="are lists, tuples or NumPy arrays")
def test_perceptron_takes_any_numbers_and_returns_plain_bits(student):
    """Lists, tuples and arrays, of whole numbers or fractions, all give a plain 0 or 1."""
    pairs = [
        (np.array([2.5, -1.0, 0.5]), np.array([1.0, 2.0, 4.0]), 2.5),
        ((3, 1), (1, -2), 1),
        (np.array([1, 2, 3, 4]), [2, 0.5, -1, 0], 0),
        ([1, 0, 1], np.array([1, 1, 1]), 2),
    ]
    cases = [(inputs, weights, total + step) for inputs, weights, total in pairs for step in (-0.25, 0.25)]
    cases = shuffled(student.rng, [(*case, int(number % 2 == 0)) for number, case in enumerate(cases)])
    answers = student.calls("perceptron", [case[:3] for case in cases])
    for got, (inputs, weights, _, expected) in zip(answers, cases, strict=True):
        kind = f"{type(inputs).__name__} and {type(weights).__name__}"
        assert bit(got, f"perceptron(...) with {kind}") == expected, (
            f"With {kind} perceptron(...) gave {describe(got)}, expected {expected}: treat all kinds the same way."
        )
        plain = isinstance(got, Integral) and not isinstance(got, bool)
        hint = (
            ": return 1 or 0, not the comparison itself, which is True or False"
            if isinstance(got, (bool, np.bool_))
            else ""
        )
        assert plain, f"perceptron(...) gave {describe(got)}, expected the plain whole number {expected}{hint}."


@pytest.mark.question(
    "perceptron",
    requires="test_perceptron_decides",
    promise="If there are not as many inputs as weights, `raise ValueError",
)
def test_perceptron_refuses_unequal_lengths(student):
    """Inputs and weights of unequal length raise a ValueError."""
    cases = [([1, 2, 3], [1, 2], 0.5), ([1, 2], [1, 2, 3], 0.5), (np.ones(1), np.ones(4), 0.5)]
    student.all_raise("perceptron", cases, error="ValueError")


@pytest.mark.question("football", promise="to the story's values")
def test_football_numbers(student):
    """The weights and the bias are those of the story."""
    weights = student.array("football_weights", shape=(2,)).tolist()
    bias = moderate(student.number("football_bias"), "football_bias")
    assert weights != [3, 1], "The weights are swapped: first the sunshine, then the friends, who count more."
    assert bias != -2, "The bias has the wrong sign: here it is the resistance that the pull has to exceed."
    assert (weights, bias) == ([1, 3], 2), (
        f"Your weights are {weights} and your bias is {bias:g}; the story has other values. "
        "How much does sunshine count, how much do friends, and how strong is the resistance?"
    )


@pytest.mark.question("football", promise="It must work for other people's weights and bias too")
def test_football_decides(student):
    """plays(...) decides all four days, for the person of the story and for others."""
    rng = student.rng
    asked = [("the story", day, np.array([1.0, 3.0]), 2.0) for day in PAIRS]
    for day in PAIRS:
        weights = fine(rng, 2)
        asked += [("another person", day, weights, float(day @ weights) + step) for step in (1 / 1024, -1 / 1024)]
        asked += [("another person", other, weights, float(day @ weights) + 1 / 1024) for other in PAIRS]
    asked = [(who, day.astype(int).tolist(), weights, bias) for who, day, weights, bias in shuffled(rng, asked)]
    answers = student.calls("plays", [(day, weights.tolist(), bias) for _, day, weights, bias in asked])
    for answer, (who, day, weights, bias) in zip(answers, asked, strict=True):
        got, expected = bit(answer, "plays(...)"), int(np.dot(day, weights) > bias)
        assert got == expected, (
            f"With the numbers of {who}, plays(...) gave {got} for the day {day}, expected {expected}. "
            "Add up weight times answer, with the weights that it is given, and compare with the bias."
        )


@pytest.mark.question("football", requires="test_football_decides", promise="here a tie is *not* enough")
def test_football_needs_more_than_a_tie(student):
    """A pull that only equals the bias is not enough."""
    drawn = [(day, fine(student.rng, 2)) for day in [*PAIRS[1:]] * 4]
    cases = [(day.astype(int).tolist(), weights.tolist(), float(day @ weights)) for day, weights in drawn]
    for answer in student.calls("plays", cases):
        assert bit(answer, "plays(...)") == 0, (
            "When the pull only equals the bias, plays(...) gave 1, expected 0: "
            "here the pull must be greater than the bias (>)."
        )


def check_gate(gate, outputs, expected, hint):
    """Compare the four outputs of a neuron with the gate's; name the gate that it computes instead."""
    rows = zip(PAIRS, outputs, expected, strict=True)
    if all(output != right for output, right in zip(outputs, expected, strict=True)):
        hint = "Every output is the opposite of what it should be: what turns all of them round?"
    wrong = ", ".join(f"({a:g}, {b:g})" for (a, b), output, right in rows if output != right)
    assert outputs == expected, (
        f"These weights compute {GATES.get(outputs, 'something else')}, not {gate}: "
        f"the output is wrong for the inputs {wrong}. {hint}"
    )


@pytest.mark.question("or", promise="One neuron that computes OR")
def test_or_truth_table(student):
    """The neuron answers all four rows of OR."""
    weights = student.array("or_weights", shape=(2,))
    outputs = fires(PAIRS, weights, moderate(student.number("or_threshold"), "or_threshold"))
    hint = "Each input alone must reach the threshold; no input at all must not."
    check_gate("OR", outputs, (0, 1, 1, 1), hint)


@pytest.mark.question("and", promise="One neuron that computes AND")
def test_and_truth_table(student):
    """The neuron answers all four rows of AND."""
    weights = student.array("and_weights", shape=(2,))
    threshold = moderate(student.number("and_threshold"), "and_threshold")
    hint = "Only both inputs together may reach the threshold."
    if threshold < 0 and fires(PAIRS, weights, -threshold) == (0, 0, 0, 1):
        hint = "The threshold has the wrong sign: written as a bias it is negative, as a threshold it is not."
    check_gate("AND", fires(PAIRS, weights, threshold), (0, 0, 0, 1), hint)


@pytest.mark.question("not", promise="One neuron that computes NOT")
def test_not_truth_table(student):
    """The neuron with a bias input turns 0 into 1 and 1 into 0."""
    weights = student.array("not_weights")
    threshold = moderate(student.number("not_threshold"), "not_threshold")
    assert weights.size != 1, "One weight leaves out the bias input: give one for the input and one for the bias."
    assert weights.shape == (2,), f"not_weights should hold two numbers, but its shape is {weights.shape}."
    rows = [[0, 1], [1, 1]]
    outputs = fires(rows, weights, threshold)
    swapped = outputs != (1, 0) and fires(rows, weights[::-1], threshold) == (1, 0)
    assert not swapped, "The two weights are swapped: first comes that of the input, then that of the bias input."
    names = {(0, 0): "never fires", (0, 1): "copies its input", (1, 1): "always fires"}
    assert outputs == (1, 0), (
        f"This neuron {names.get(outputs)}, so it isn't NOT. The bias input alone must reach the threshold, "
        "and the real input must pull the sum below it."
    )


def nand_answer(student):
    """Return the weights and the threshold of one neuron with two inputs and a bias input."""
    weights = student.array("nand_weights")
    assert weights.ndim == 1, (
        f"nand_weights should be one list of three numbers for one neuron, but its shape is {weights.shape}."
    )
    assert weights.size != 2, (
        "nand_weights holds two weights, so the neuron is unbiased: "
        "the bias input, which is always 1, needs a third weight."
    )
    assert weights.size == 3, (
        f"nand_weights should hold three numbers, for two inputs and the bias input, not {weights.size}."
    )
    return weights, moderate(student.number("nand_threshold"), "nand_threshold")


@pytest.mark.question("nand", weight=2, promise="neuron that computes NAND")
def test_nand_truth_table(student):
    """One neuron with a bias input answers all four rows of NAND."""
    weights, threshold = nand_answer(student)
    outputs = fires(with_ones(PAIRS), weights, threshold)
    hint = "Compare the four sums with the threshold: only the sum for (1, 1) may stay below it."
    if weights[2] == 0 and not outputs[0]:
        hint = "The bias weight is 0, so the neuron is unbiased: its sum for (0, 0) is 0, and must reach the threshold."
    check_gate("NAND", outputs, (1, 1, 1, 0), hint)


@pytest.mark.question(
    "nand", requires="test_nand_truth_table", promise="Each *real* input may be off by up to 0.05 in either direction"
)
def test_nand_bears_unclean_inputs(student):
    """NAND still holds when each real input is off by up to 0.05."""
    weights, threshold = nand_answer(student)
    for pair, expected in zip(PAIRS, (1, 1, 1, 0), strict=True):
        around = pair + 0.05 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
        assert fires(with_ones(around), weights, threshold) == (expected,) * 4, (
            f"Right for clean inputs, but not when the inputs ({pair[0]:g}, {pair[1]:g}) are off by 0.05: "
            "the line is too close to that point. Leave more room on both sides."
        )


SIZES = ((3, -1), (1, 1), (4, 1), (2, -1))  # number of inputs, and sign of the threshold


def neurons_and_inputs(rng):
    """Draw (weights, threshold, inputs) of each size, with inputs whose sums lie just below, at and just above it.

    The weights of the last one are there twice, with another threshold.
    """
    while True:
        thresholds = [float(sign * abs(number)) for (_, sign), number in zip(SIZES, fine(rng, len(SIZES)), strict=True)]
        if bear_no_rounding(thresholds):
            break
    neurons = []
    for (length, _), threshold in zip(SIZES, thresholds, strict=True):
        weights = fine(rng, length)
        weights[-1] = rng.choice([-2.0, -1.0, 1.0, 2.0])
        neurons.append((weights, threshold))
    neurons.append((weights, thresholds[0]))
    return [(weights, threshold, inputs_around(rng, weights, threshold)) for weights, threshold in neurons]


def inputs_around(rng, weights, threshold):
    """Draw inputs whose weighted sums lie just below, at and just above a threshold."""
    inputs = rng.integers(-8, 9, (30, len(weights))) / 2
    gaps = np.resize([-1 / 1024, 0.0, 1 / 1024], len(inputs))
    inputs[:, -1] = (threshold + gaps - inputs[:, :-1] @ weights[:-1]) / weights[-1]
    return inputs


@pytest.mark.question("bias", promise="takes the same decision for every input")
def test_threshold_to_bias(student):
    """The bias form decides like the threshold form, also when its sum is exactly 0."""
    drawn = neurons_and_inputs(student.rng)
    asked = [(weights.tolist(), threshold) for weights, threshold, _ in drawn]
    answers = student.calls("threshold_to_bias", asked)
    for answer, (weights, threshold, inputs) in zip(answers, drawn, strict=True):
        length = len(weights)
        assert answer is not None, (
            "threshold_to_bias(...) gave None: does it end with a return? (append changes a list and gives None.)"
        )
        got = as_array(answer, "The result of threshold_to_bias(...)")
        assert got.shape == (length + 1,), (
            f"threshold_to_bias(...) should return n + 1 = {length + 1} numbers, the bias weight last; "
            f"the shape of what it returned is {got.shape}."
        )
        expected, rows = fires(inputs, weights, threshold), with_ones(inputs)
        if fires(rows, got, 0) == expected:
            continue
        hint = "Follow one neuron on paper: its sums for some inputs, in one form and in the other."
        if fires(rows, [*got[:-1], -got[-1]], 0) == expected:
            hint = "The sign is wrong: a threshold that changes sides becomes its negative."
        elif fires(rows, np.roll(got, -1), 0) == expected:
            hint = "The order is wrong: the bias weight comes last, not first."
        pytest.fail(f"The neuron with a bias decides differently from the one with the threshold. {hint}")
    student.leaves_alone("threshold_to_bias", *asked[0])


@pytest.mark.question("bias", promise="takes the same decision for every input")
def test_bias_to_threshold(student):
    """The threshold form decides like the bias form, also when its sum equals the threshold."""
    drawn = neurons_and_inputs(student.rng)
    asked = [[*weights.tolist(), -threshold] for weights, threshold, _ in drawn]
    answers = student.calls("bias_to_threshold", [(weights,) for weights in asked])
    for answer, (weights, threshold, inputs) in zip(answers, drawn, strict=True):
        length = len(weights)
        got, limit = pair_of(answer, "bias_to_threshold(...)", "the weights and the threshold")
        what = "that bias_to_threshold(...) returned"
        got, limit = as_array(got, f"the weights {what}"), as_number(limit, f"the threshold {what}")
        limit = moderate(limit, f"The threshold {what}")
        assert got.shape == (length,), (
            f"For n + 1 = {length + 1} weights, bias_to_threshold(...) should return n = {length} of them: "
            f"the bias weight leaves. The shape of the weights that it returned is {got.shape}."
        )
        expected = fires(inputs, weights, threshold)
        if fires(inputs, got, limit) == expected:
            continue
        hint = "Follow one neuron on paper: its sums for some inputs, in one form and in the other."
        if fires(inputs, got, -limit) == expected:
            hint = "The sign is wrong: a bias that changes sides becomes its negative."
        elif np.array_equal(got, [*weights[1:], -threshold]):
            hint = "The order is wrong: the bias weight is the last one, not the first."
        pytest.fail(f"The neuron with a threshold decides differently from the one with the bias. {hint}")
    student.leaves_alone("bias_to_threshold", asked[0])


def reference(inputs, targets, rate, max_epochs, strict=False, batch=False):
    """Return the weights and the epochs of the perceptron learning rule, or of one of its misreadings."""
    weights = [0.0] * (len(inputs[0]) + 1)
    rows = [[*row, 1.0] for row in inputs]
    for epoch in range(1, max_epochs + 1):
        before, mistakes = weights, 0
        for row, target in zip(rows, targets, strict=True):
            total = sum(map(mul, before if batch else weights, row))
            error = target - int(total > 0 if strict else total >= 0)
            if error:
                weights = [w + rate * error * x for w, x in zip(weights, row, strict=True)]
                mistakes += 1
        if not mistakes:
            return weights, epoch
    return weights, max_epochs


MISREAD = ({"strict": True}, {"batch": True})


CANDIDATES = 40  # drawn at once, which is quicker; about one in twenty will do


def separable(rng, length):
    """Draw eight examples that a line separates, for which the rule needs 4 to 30 passes; return these too."""
    while True:
        inputs = rng.integers(-128, 129, (CANDIDATES, 8, length)) / 64
        weights = sizeable(rng, CANDIDATES, length + 1, 1)
        totals = (inputs @ weights[:, :-1] + weights[:, -1:])[..., 0]
        balanced = np.abs((totals > 0).sum(axis=1) - 4) <= 1
        for number in np.flatnonzero(balanced & (np.abs(totals).min(axis=1) >= 0.25)):
            products = (inputs[number] @ inputs[number].T + 1).tolist()
            targets = (totals[number] > 0).astype(int).tolist()
            epochs = follow(products, targets, 31)[1]
            if 4 <= epochs <= 30 and are_telling(products, targets, epochs):
                return inputs[number].tolist(), targets, epochs


def sixteen(rng):
    """Draw sixteen examples of which the second half changes what is learnt from the first in one pass."""
    while True:
        (few, targets), (more, others) = (separable(rng, 2)[:2] for _ in range(2))
        whole, half = reference(few + more, targets + others, 0.5, 1)[0], reference(few, targets, 0.5, 1)[0]
        if whole != half:
            return few + more, targets + others


def are_telling(products, targets, epochs):
    """Tell whether misreadings of the rule get the same mark on these examples as on any others that we draw."""
    batch = follow(products, targets, 100, batch=True)[1]
    if batch in (epochs, 100):
        return False
    strict = follow(products, targets, 100, strict=True)[0]
    return [int(total >= 0) for total in strict] == targets and follow(products, targets, 1)[2] != 0


def follow(products, targets, max_epochs, strict=False, batch=False):
    """Follow the rule as `reference` does, by what examples get: quicker, because a mistake changes all at once.

    ``products`` are those of each example with each, bias inputs included. Return the last totals, the epochs, and the
    sum of all errors, which is the weight of the bias but for the learning rate.
    """
    totals, errors = [0.0] * len(targets), 0
    for epoch in range(1, max_epochs + 1):
        before, mistakes = totals, 0
        for place, target in enumerate(targets):
            total = before[place] if batch else totals[place]
            error = target - (total > 0 if strict else total >= 0)
            if error:
                totals = [old + error * product for old, product in zip(totals, products[place], strict=True)]
                mistakes += 1
                errors += error
        if not mistakes:
            return totals, epoch, errors
    return totals, max_epochs, errors


def learned(student, cases):
    """Call the student's learn(...) for each (inputs, targets, rate, max_epochs); yield checked weights and epochs."""
    for answer, (inputs, *_) in zip(student.calls("learn", cases), cases, strict=True):
        weights, epochs = pair_of(answer, "learn(...)", "the weights and the epochs")
        weights, length = as_array(weights, "the weights that learn(...) returned"), len(inputs[0])
        assert weights.shape != (length,), (
            "learn(...) returned as many weights as there are inputs: the last one, of the bias, is missing."
        )
        assert weights.shape == (length + 1,), (
            f"learn(...) should return n + 1 = {length + 1} weights, but their shape is {weights.shape}."
        )
        yield weights, as_number(epochs, "the number of epochs that learn(...) returned")


@pytest.mark.question("learn", promise="starts with all weights at 0")
def test_learn_first_pass(student):
    """After one pass the weights are those of the rule, for any learning rate."""
    rng = student.rng
    cases = [([sizeable(rng, 3).tolist()], [0], 0.5, 1)]
    cases += [(*separable(rng, length)[:2], rate, 1) for length, rate in ((2, 0.5), (3, 0.25), (2, 2))]
    inputs, targets, *_ = cases[-1]
    cases += [(inputs, [1 - target for target in targets], 1, 1), (*sixteen(rng), 0.5, 1)]
    for (weights, _), (*data, rate, _) in zip(learned(student, cases), cases, strict=True):
        expected = reference(*data, rate, 1)[0]
        if np.allclose(weights, expected):
            continue
        misread = [
            ("The learning rate is left out.", reference(*data, 1, 1)),
            ("A sum of exactly 0 should fire (>=).", reference(*data, rate, 1, strict=True)),
            ("Change the weights right after each mistake.", reference(*data, rate, 1, batch=True)),
            ("They move the wrong way: the error is target minus output.", reference(*data, -rate, 1)),
            ("Here max_epochs is 1, but more passes were made.", reference(*data, rate, 500)),
        ]
        hints = [text for text, (other, _) in misread if np.allclose(weights, other)]
        if weights[-1] == 0 != expected[-1]:
            hints.append("The last weight, of the bias, is still 0: learn it like the others, with the input 1.")
        if np.allclose(np.roll(weights, -1), expected):
            hints.append("The order is wrong: the bias weight comes last, not first.")
        hint = [*hints, "Follow the first examples on paper, and compare after each of them."][0]
        pytest.fail(f"After one pass the weights differ from those of the rule. {hint}")


@pytest.mark.question("learn", promise="the rule is sure to reach a pass without a mistake")
def test_learn_converges(student):
    """The rule finds a line for examples that it has not seen before."""
    start = float(student.rng.integers(65, 128)) / 64
    needs_bias = [[start], [start + 1], [start + 2.5], [start + 4]], [0, 0, 1, 1]
    examples = [needs_bias, separable(student.rng, 2)[:2], separable(student.rng, 3)[:2]]
    answers = learned(student, [(*example, 0.5, 500) for example in examples])
    for (weights, epochs), (inputs, targets) in zip(answers, examples, strict=True):
        outputs = fires(with_ones(inputs), weights, 0)
        wrong = sum(output != target for output, target in zip(outputs, targets, strict=True))
        assert not wrong, (
            f"A line separates these {len(targets)} examples, but your weights get {wrong} wrong, "
            f"after {epochs:g} of at most 500 passes. {why_wrong(weights, epochs, inputs, targets)}"
        )


def why_wrong(weights, epochs, inputs, targets):
    """Name the reason why weights don't separate the examples, where it shows."""
    if fires(with_ones(inputs), np.roll(weights, -1), 0) == tuple(targets):
        return "With the first weight put last they get all right: the bias weight comes last, not first."
    if 1 <= epochs < 500 and np.allclose(weights, reference(inputs, targets, 0.5, int(epochs))[0]):
        return "They are those of the rule so far: go on until a whole pass has no mistake."
    return "Follow a pass on paper, and compare with what the rule asks for after each mistake."


@pytest.mark.question(
    "learn",
    requires="test_learn_converges",
    promise="Stop after the first pass without a mistake and count that pass too",
)
def test_learn_reports_epochs(student):
    """The number of epochs counts every pass, the last one without a mistake too."""
    cases = [separable(student.rng, 2), separable(student.rng, 3), ([[1, 2], [3, 1], [2, 2]], [1, 1, 1], 1)]
    got = [epochs for _, epochs in learned(student, [(*case[:2], 0.5, 500) for case in cases])]
    expected = [needed for _, _, needed in cases]
    hint = "Count whole passes through the examples, not single examples or mistakes."
    if got == [needed - 1 for needed in expected]:
        hint = "The pass without a mistake counts too, and the first pass is number 1."
    elif got in ([needed + 1 for needed in expected], [500] * len(cases)):
        hint = "Stop after the first pass without a mistake."
    elif any(got == [reference(*case[:2], 0.5, 500, **other)[1] for case in cases] for other in MISREAD):
        hint = "The passes are counted right, but the weights don't change by the rule: fix the first pass first."
    for reported, needed in zip(got, expected, strict=True):
        assert reported == needed, f"learn(...) reported {reported} epochs, expected {needed}. {hint}"


@pytest.mark.question("learn", requires="test_learn_converges", promise="passes are over, stop in any case")
def test_learn_stops_at_its_limit(student):
    """It ends after max_epochs passes when there is no line, as for XOR."""
    cube = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    cases = [(PAIRS.tolist(), [0, 1, 1, 0], 0.5, 12), (cube, [sum(corner) % 2 for corner in cube], 0.5, 5)]
    answers = zip(learned(student, cases), cases, ("On XOR", "On an XOR of three inputs"), strict=True)
    for (_, epochs), (*_, limit), what in answers:
        assert epochs == limit, (
            f"{what}, with max_epochs = {limit}, learn(...) reported {epochs} epochs, expected {limit}: "
            "make as many passes as are allowed, and stop."
        )
