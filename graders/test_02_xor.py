"""Hidden checks of 02-xor: the figure, the search for one neuron, two layers by hand, trained networks, regions.

Of a figure, what is on the axes counts. The classifier that student code gets is ours (xor_spies.py) and notes what it
is asked. Networks are trained here, with settings that are checked and bounded before (xor_training.py).
"""

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import StudentError, StudentFunctionError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


spies, training = _beside("xor_spies"), _beside("xor_training")
RIGHT, SURE = 0.501, 0.9  # probability of the right class
PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = (0, 1, 1, 0)
GRID = np.array([0.5, -1.5, 1, 0, -0.5, 1.5, -1])  # neither first nor last is the best for all gates
GATES = {
    (0, 0, 0, 0): "a neuron that never fires",
    (0, 0, 0, 1): "AND",
    (0, 0, 1, 0): "'only the first input'",
    (0, 0, 1, 1): "a copy of the first input",
    (0, 1, 0, 0): "'only the second input'",
    (0, 1, 0, 1): "a copy of the second input",
    (0, 1, 1, 0): "XOR",
    (0, 1, 1, 1): "OR",
    (1, 0, 0, 0): "NOR",
    (1, 0, 0, 1): "XNOR (1 if the inputs are equal)",
    (1, 0, 1, 0): "NOT of the second input",
    (1, 0, 1, 1): "'first input, or not the second'",
    (1, 1, 0, 0): "NOT of the first input",
    (1, 1, 0, 1): "'second input, or not the first'",
    (1, 1, 1, 0): "NAND",
    (1, 1, 1, 1): "a neuron that always fires",
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


def returned(value, what):
    """Refuse what a forgotten return or a generator gives, with a sentence of its own."""
    assert value is not None, f"{what} gave None: does every path through your function end with a return?"
    assert "generator" not in describe(value), f"{what} gave a generator: use return instead of yield."
    return value


def point_sets(rng):
    """XOR, and points that lie nowhere near it: no two share a coordinate, and input 1 differs from input 2."""
    xs, ys = rng.permutation(np.arange(2, 12))[:6] / 4, -rng.permutation(np.arange(2, 12))[:6] / 4
    targets = np.insert(rng.permutation([0, 0, 0, 1, 1]), 1, 0)  # where XOR has a one, these have a zero
    return [("XOR", PAIRS.astype(float), np.array(XOR)), ("other points", np.column_stack([xs, ys]), targets)]


def drawn(student, points, targets):
    """Let the student's function draw on empty axes, and return what is there."""
    try:
        return student.drawing("plot_points", points, targets)
    except StudentFunctionError as error:
        if "must be the same size" in error.said or "must have same first dimension" in error.said:
            raise StudentError(
                "In plot_points(...), one call draws so many numbers for x, but another number of them for y. "
                "`points[targets == 1]` picks whole rows: take both columns from it."
            ) from None
        raise


def spots(values):
    """Places rounded so that they can be compared as a set."""
    return {(round(float(x), 6), round(float(y), 6)) for x, y in values}


@pytest.mark.question("plot", promise="It draws every point on `ax`")
def test_plot_places(student):
    """Every point is in the figure at its place, for XOR and for other points."""
    for what, points, targets in point_sets(student.rng):
        drawing = drawn(student, points, targets)
        got, wanted = spots(mark[:2] for mark in drawing.marks), spots(points)
        if not got:
            why = (
                'A line drawn by ax.plot(x, y) has none: give it a marker such as "o", and no line. '
                "A marker of no size or without any colour isn't seen."
                if drawing.others
                else "Draw on the `ax` that it is given: ax.scatter(...), not plt.scatter(...)."
            )
            raise AssertionError(f"For {what}, plot_points(...) put no markers on ax that can be seen. {why}")
        swapped = got != wanted and got == {(y, x) for x, y in wanted}
        assert not swapped, f"For {what}, right and up are swapped: input 1 goes to the right, input 2 upwards."
        stuck = what != "XOR" and got == spots(PAIRS)
        assert not stuck, "Given other points, plot_points(...) still draws those of XOR: use `points`."
        missing, extra = len(wanted - got), len(got - wanted)
        assert not missing, (
            f"For {what}, {missing} of {len(wanted)} points have no marker at their place. "
            "Draw those with target 1 and those with target 0, each at (input 1, input 2)."
        )
        assert not extra, f"For {what}, there are {extra} markers where there is no point."


@pytest.mark.question(
    "plot", requires="test_plot_places", promise="the ones with one marker shape and the zeros with another one"
)
def test_plot_tells_the_outputs_apart(student):
    """Ones have one shape of marker and zeros another one."""
    for what, points, targets in point_sets(student.rng):
        marks = drawn(student, points, targets).marks
        looks = {0: set(), 1: set()}
        for (x, y), target in zip(points, targets, strict=True):
            looks[int(target)] |= {look for a, b, look in marks if abs(a - x) + abs(b - y) < 1e-5}
        assert looks[0] != looks[1] or len(looks[0]) > 1, (
            f"For {what}, ones and zeros have the same marker. "
            "Give each its own shape: a colour alone is not seen by everybody."
        )
        assert not looks[0] & looks[1], (
            f"For {what}, some ones have the same marker as some zeros: the marker should follow `targets`."
        )
        for target in (0, 1):
            count = len(looks[target])
            assert count == 1, f"For {what}, points with target {target} have {count} different markers, expected one."


@pytest.mark.question("plot", requires="test_plot_places", promise="It names the axes `input 1` and `input 2`")
def test_plot_names_its_axes(student):
    """Both axes say what they show."""
    drawing = drawn(student, PAIRS.astype(float), np.array(XOR))
    names = (("x", drawing.xlabel, "to the right", "input 1"), ("y", drawing.ylabel, "upwards", "input 2"))
    for axis, said, way, wanted in names:
        assert said.strip(), f"The axis {way} has no name: use ax.set_{axis}label(...)."
        alike = said.lower().replace("_", " ").replace(" ", "").rstrip(".:") == wanted.replace(" ", "")
        assert alike, f"The name of the axis {way} is {said[:40]!r}, expected {wanted!r}."


def table_of(grid):
    """All neurons of a grid with their outputs: arrays (n³, 3) and (n³, 4)."""
    neurons = np.array(list(product(grid, repeat=3)), dtype=float)
    return neurons, (neurons[:, :2] @ PAIRS.T >= neurons[:, 2:]).astype(int)


def searched(student, targets, grid):
    """Call search(...) and return its four checked numbers: accuracy, w1, w2, threshold."""
    value = returned(student.call("search", list(targets), list(grid)), "search(...)")
    names = ("accuracy", "w1", "w2", "threshold")
    wanted = f"search(...) should return four numbers, {', '.join(names)}"
    row = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)
    assert row, f"{wanted}; it returned {describe(value)}."
    parts = []
    for part in value[:5]:
        nested = isinstance(part, (list, tuple)) or (isinstance(part, np.ndarray) and part.ndim == 1)
        parts += list(part[:5]) if nested else [part]  # (accuracy, (w1, w2), threshold) will do as well
    assert len(parts) == 4, f"{wanted}; it returned {describe(value)}."
    numbers = [
        as_number(part, f"the {name} that search(...) returned") for name, part in zip(names, parts, strict=True)
    ]
    assert max(map(abs, numbers)) < 1e100, "One of the numbers that search(...) returned is far too large."
    return [float(number) for number in numbers]


def same_share(got, best, what, hint):
    """Compare an accuracy with the best that there is; say so if it was written another way."""
    for factor, name in ((4, "a count"), (100, "a percentage")):
        assert not (best and abs(got - factor * best) < 1e-6), (
            f"For {what}, search(...) gave the accuracy {got:g}, which is {name}, expected a share from 0 to 1."
        )
    if what == "XOR" and abs(got - 0.25) < 1e-6:
        hint = (
            "that is the share of rows that the best neuron gets wrong: count the right ones, keep the largest share."
        )
    assert abs(got - best) < 1e-6, f"For {what}, search(...) gave the accuracy {got:g}, but {hint}"


@pytest.mark.question("search", weight=2, promise="the share of the four rows of the truth table that are right")
def test_search_on_every_gate(student):
    """The best accuracy is right for XOR and for all the other gates of two inputs."""
    outputs = table_of(GRID)[1]
    order = [XOR, (0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 0)]
    order += [gate for gate in GATES if gate not in order]
    for gate in order:
        best = float((outputs == gate).mean(axis=1).max())
        got = searched(student, gate, GRID.tolist())[0]
        hint = (
            "no neuron gets so many rows right: compare its output with the target of the same row."
            if got > best
            else "a neuron of the grid does better: try every combination, and keep the best one, not the last one."
        )
        same_share(got, best, GATES[gate], hint)


@pytest.mark.question("search", requires="test_search_on_every_gate", promise="may be any value of the grid")
def test_search_keeps_to_its_grid(student):
    """With a poor grid the best accuracy is lower: only its values are tried."""
    for grid in ([1], [0.5, 1], [-1, 0], [2, 3], [-2.5]):
        outputs = table_of(grid)[1]
        for gate in ((0, 0, 0, 1), (1, 0, 0, 0), (0, 1, 1, 1), (1, 1, 1, 0)):
            best = float((outputs == gate).mean(axis=1).max())
            got = searched(student, gate, grid)[0]
            hint = (
                "with so few values no neuron gets so many rows right. Use the values of `grid` and no others, "
                "and remember that reaching the threshold is enough."
                if got > best
                else "there is a better neuron: w1, w2 and the threshold may each be any value of `grid`."
            )
            same_share(got, best, f"{GATES[gate]} and a poor grid", hint)


@pytest.mark.question("search", promise="of the best of them")
def test_search_returns_the_neuron(student):
    """The weights and the threshold are from the grid, and this neuron reaches the accuracy."""
    grid = 1.125 * GRID
    outputs = table_of(grid)[1]
    for gate in ((0, 1, 0, 0), (1, 1, 0, 1), XOR, (0, 0, 0, 1)):
        _, *neuron = searched(student, gate, grid.tolist())
        foreign = [number for number in neuron if np.abs(grid - number).min() > 1e-9]
        assert not foreign, (
            f"For {GATES[gate]}, search(...) returned a neuron with {foreign[0]:g} in it, which is not in the grid. "
            "Return values of the grid as they are, in the order accuracy, w1, w2, threshold."
        )
        best = int((outputs == gate).sum(axis=1).max())
        got = sum(a == b for a, b in zip(fires(PAIRS, neuron[:2], neuron[2]), gate, strict=True))
        assert got == best, (
            f"For {GATES[gate]}, the neuron that search(...) returned gets {got} of 4 rows right, but the best one "
            f"gets {best}. Keep the weights and the threshold together with the accuracy, in the order asked for."
        )


def network_of(student):
    """Return the weights of both layers as arrays (2, 3) and (3,)."""
    hidden, output = student.array("hidden_weights"), student.array("output_weights")
    assert hidden.shape != (3, 2), (
        "hidden_weights has three rows of two numbers: turn it round, one row (w1, w2, bias) for each hidden neuron."
    )
    assert hidden.shape != (2, 2), (
        "hidden_weights has two numbers in each row, so the biases are missing: each row is (w1, w2, bias)."
    )
    assert hidden.shape == (2, 3), f"hidden_weights should have the shape (2, 3), but its shape is {hidden.shape}."
    assert output.shape != (2,), "output_weights holds two numbers: the third one, the bias, is missing."
    output = output[0] if output.shape == (1, 3) else output
    assert output.shape == (3,), f"output_weights should hold three numbers, but its shape is {output.shape}."
    for name, weights in (("hidden_weights", hidden), ("output_weights", output)):
        assert np.abs(weights).max() < 1e100, f"A number in {name} is far too large."
    return hidden, output


def with_ones(rows):
    """Return the rows with the bias input 1 appended."""
    return np.column_stack([rows, np.ones(len(rows))])


def answers_of(hidden, output):
    """Return the outputs of the hidden neurons, as rows (4, 2), and of the whole network."""
    codes = np.column_stack([fires(with_ones(PAIRS), weights, 0) for weights in hidden])
    return codes, fires(with_ones(codes), output, 0)


def separable(codes):
    """Whether one neuron can tell the codes of the ones from those of the zeros."""
    ones = {tuple(code) for code, target in zip(codes.tolist(), XOR, strict=True) if target}
    zeros = {tuple(code) for code, target in zip(codes.tolist(), XOR, strict=True) if not target}
    diagonals = ({(0, 0), (1, 1)}, {(0, 1), (1, 0)})
    return not ones & zeros and not (ones in diagonals and zeros in diagonals)


def misread(hidden, output):
    """Name a misreading of the convention under which these weights would compute XOR, if there is one."""
    turned = np.roll(hidden, -1, axis=1), np.roll(output, -1)
    if answers_of(*turned)[1] == XOR:
        return "The biases come last in each row, not first."
    sign = np.array([1, 1, -1])
    if answers_of(hidden * sign, output * sign)[1] == XOR:
        return "The biases have the wrong sign: a threshold t becomes the bias -t."
    if answers_of(hidden * sign, output)[1] == XOR:
        return "The biases of the hidden neurons have the wrong sign: a threshold t becomes the bias -t."
    return None


@pytest.mark.question("compose", promise="two rows of three numbers")
def test_compose_hidden_layer(student):
    """The hidden layer moves the four points so that one more neuron can separate them."""
    hidden, output = network_of(student)
    codes, _ = answers_of(hidden, output)
    names = [GATES[tuple(column)] for column in codes.T.tolist()]
    hint = misread(hidden, output) or "Each of them should separate a corner from the rest, and not the same one."
    assert separable(codes), (
        f"Your first hidden neuron is {names[0]}, the second one is {names[1]}; "
        f"from these two no neuron can make XOR. {hint}"
    )


@pytest.mark.question("compose", requires="test_compose_hidden_layer", promise="any weights that compute XOR count")
def test_compose_truth_table(student):
    """The whole network answers all four rows of XOR."""
    hidden, output = network_of(student)
    _, got = answers_of(hidden, output)
    wrong = ", ".join(f"({a}, {b})" for (a, b), g, w in zip(PAIRS.tolist(), got, XOR, strict=True) if g != w)
    hint = misread(hidden, output)
    if not hint:
        alone = fires(with_ones(PAIRS), output, 0)
        hint = f"Taken by itself, the output neuron is {GATES[alone]}; which gate of h1 and h2 do you need there?"
    assert got == XOR, (
        f"The hidden layer will do, but the network acts like {GATES[got]}, not like XOR: "
        f"it is wrong for {wrong}. {hint}"
    )


def random_starts(student, level, what):
    """Settings, and how many seeds give all right classes a probability of at least ``level``, as a sentence, too."""
    settings = training.checked(student.value("mlp_settings"))
    good, runs = training.train(settings, level)
    needed = int(np.ceil(training.FULL * len(runs)))
    said = f"With these settings, {good} of {len(runs)} random starts {what}, expected at least {needed}."
    why = training.reason(settings, runs, level) if good < needed else ""
    return good / len(training.SEEDS), f"{said} {why}"


@pytest.mark.question("mlp", promise="three quarters of the seeds end with all four points on the right side of 0.5")
def test_mlp_is_right(student):
    """From at least three quarters of the seeds, the trained network gives all four points their right class."""
    right, said = random_starts(student, RIGHT, "end with all four points right")
    if right < training.FULL:
        student.credit(training.marks(random_starts(student, SURE, "")[0]))
    assert right >= training.FULL, said


@pytest.mark.question("mlp", weight=2, promise="you get all points if at least three quarters of them are good")
def test_mlp_is_sure(student):
    """From at least three quarters of the seeds, all four right classes have a probability of at least 0.9."""
    sure, said = random_starts(student, SURE, "are right and sure of it (probability at least 0.9)")
    student.credit(training.marks(sure))
    assert sure >= training.FULL, said


EXACT = ((-0.5, 1.5, 0.25), (-2, 1, 0.5), (3, 5, 1), (0.25, 0.375, 1 / 64))  # the last can't be written in two digits


def adding_up(lower, upper, step):
    """Count the ticks of a loop that adds the step until it is past the end."""
    count = 0
    while lower <= upper:
        lower, count = lower + step, count + 1
    return count


# ways to count ticks that go wrong by one where a step is no short binary fraction
RISKY = (
    lambda lower, upper, step: len(np.arange(lower, upper + step, step)),
    lambda lower, upper, step: int((upper - lower) / step) + 1,
    adding_up,
)


def squares(rng):
    """Squares of short binary fractions, and for each risky way of counting two squares on which it is wrong."""
    found = [*EXACT]
    for count in RISKY:
        for _ in range(2):
            right = True
            while right:
                step, n = int(rng.integers(1, 12)) / int(rng.choice([10, 20, 50])), int(rng.integers(3, 16))
                lower = int(rng.integers(-15, 15)) / 10
                upper = round(lower + step * (n - 1), 6)
                right = count(lower, upper, step) == n
            found.append((lower, upper, step))
    return found


def grid_of(student, oracle, lower, upper, step):
    """Call decision_grid(...) and return its checked ticks and answers."""
    arguments = student.remote(oracle), lower, upper, step
    try:
        value = returned(student.call("decision_grid", *arguments), "decision_grid(...)")
    except StudentFunctionError as error:
        if "has no attribute 'predict'" in error.said:
            raise AssertionError(
                "`predict` is a function: call it as predict(points), not predict.predict(...)."
            ) from None
        raise
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    assert pair, f"decision_grid(...) should return two things, ticks and answers; it returned {describe(value)}."
    ticks = as_array(value[0], "the ticks that decision_grid(...) returned")
    answers = as_array(value[1], "the answers that decision_grid(...) returned")
    assert ticks.ndim == 1, f"The ticks should be one row of numbers, but their shape is {ticks.shape}."
    n = len(ticks)
    assert answers.shape == (n, n), (
        f"With {n} ticks, the answers should have the shape ({n}, {n}), but their shape is {answers.shape}."
    )
    return ticks, answers


@pytest.mark.question("boundary", promise="both ends included")
def test_boundary_extent(student):
    """The ticks go from the lower to the upper end, both included, in the given steps."""
    for lower, upper, step in squares(student.rng):
        ticks, _ = grid_of(student, spies.Oracle(student.rng), lower, upper, step)
        n = round((upper - lower) / step) + 1
        where = f"From {lower:g} to {upper:g} in steps of {step:g}"
        assert len(ticks) != n - 1 or abs(ticks[0] - lower) > 1e-6, (
            f"{where} there are {n} ticks, but yours are {n - 1}: the upper end is missing. (Steps such as 0.1 are "
            "rounded, so that a sum or a quotient of them may just miss it: round before you compare.)"
        )
        assert len(ticks) != n + 1, (
            f"{where} there are {n} ticks, but yours are {n + 1}: they go past the upper end. "
            "(np.arange may do that by itself where steps such as 0.1 are rounded: np.linspace counts exactly.)"
        )
        assert len(ticks) == n, f"{where} there are {n} ticks, but yours are {len(ticks)}: use lower, upper and step."
        right = np.allclose(ticks, np.linspace(lower, upper, n), atol=1e-6)
        ends = f"from {ticks[0]:g} to {ticks[-1]:g}"
        assert right, f"{where} the ticks should run from {lower:g} to {upper:g}, evenly; yours run {ends}."


@pytest.mark.question("boundary", weight=2, promise="is the answer for the point with input 1")
def test_boundary_agrees(student):
    """Each answer is what predict says about its point, rows for input 2 and columns for input 1."""
    for lower, upper, step in EXACT[:2]:
        oracle = spies.Oracle(student.rng)
        ticks, answers = grid_of(student, oracle, lower, upper, step)
        assert oracle.asked, "`predict` was never called: ask the function that is given, not a model of the notebook."
        assert len(ticks) >= 3, f"Only {len(ticks)} ticks came back, too few for a picture: use lower, upper and step."
        assert len(ticks) <= 100, f"{len(ticks)} ticks came back, far too many: use lower, upper and step."
        assert np.abs(ticks).max() < 1e6, "The ticks are far outside of the square."
        expected = np.array([[spies.label(oracle, x, y) for x in ticks.tolist()] for y in ticks.tolist()])
        hints = [
            (expected.T, "Rows and columns are swapped: the row belongs to input 2, the column to input 1."),
            (expected[::-1], "The rows are upside down: the first row belongs to the lowest tick."),
            (expected > 0, "Return the answers as predict gives them, not only whether there is one."),
        ]
        share = (answers == expected).mean()
        found = [text for other, text in hints if np.array_equal(answers, other)]
        hint = found[0] if found else "answers[row, column] is for the point (ticks[column], ticks[row])."
        assert share == 1, f"{100 * share:.0f} % of the answers agree with `predict`, expected all of them. {hint}"
