"""Hidden tests of 08-deep.

The submitted networks are read strictly and run with NumPy (deep_network.py, source/08-deep/networks.py), on the last
tenth of the data set that the course's settings name or, without a name, that this machine has: 7,000 MNIST pictures or
180 of the stand-in. Grading needs no PyTorch. Functions are asked about other numbers, sizes and signs than the
notebook's.

Measured on the held-back pictures as they are, and on 2,000 of them altered (moved by up to 2 pixels, turned by up to
12 degrees), lowest and highest of five (MNIST) or eight draws:

==============================================  =========  ===========  =========  ===========
what was trained                                mnist_784  altered      digits_28  altered
==============================================  =========  ===========  =========  ===========
MLP(256), dropout, Adam, 15 epochs (solution)   0.985      0.806-0.832
MLP(64), 60 epochs, three seeds                                         0.93-0.94  0.57-0.62
MLP(64), 10 / 5 / 1 epochs                                              0.88-0.71  0.44-0.61
MLP(64), pictures not divided by 255                                    0.756      0.41-0.44
CNN, altered copies (solution; stand-in 8/16)   0.994      0.987-0.993  0.956      0.918-0.926
CNN, without altered copies (stand-in 8/16)                             0.911      0.60-0.65
the stand-in's CNN, run on MNIST                0.669
==============================================  =========  ===========  =========  ===========

The last steps lie two standard errors or more below what a network as asked for reaches: these are 0.17 % at 98 % and
0.12 % at 99 % of 7,000 pictures, 1.9 % at 93 % and 1.5 % at 95.6 % of 180. The bar for altered pictures is five
standard errors of a draw below the solution, so no mark hangs on the draw.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nbseal.checks import as_array, describe
from nbseal.errors import StudentError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


network = _beside("deep_network")


def depends_on(settings):
    """Choose the pictures that networks are judged by: those of the course's settings, or what this machine has."""
    return network.choose(settings.get("data_set"))


def _given(value, what):
    """The value, unless the function fell off its end."""
    assert value is not None, f"{what} gave None: does the function end with a return?"
    return value


def _same(got, expected):
    return got.shape == np.shape(expected) and np.allclose(got, expected, rtol=1e-4, atol=1e-4)


def _answer(student, function, *arguments):
    """What the student's function makes of these arguments, which it must leave alone, as an array."""
    what = f"{function}(...)"
    return as_array(_given(student.leaves_alone(function, *arguments), what), what)


def _answers(student, function, cases):
    """Each case, and what the student's function makes of it as an array."""
    what = f"{function}(...)"
    for case, value in zip(cases, student.calls(function, cases), strict=True):
        yield case, as_array(_given(value, what), what)


def _convolution(picture, kernel):
    """The formula of question 1."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    return np.einsum("rcij,ij->rc", windows, kernel)


def _kernel_cases(rng, count):
    """Pictures and kernels of all proportions, of both signs: fractions in the picture, in the kernel, or in both."""
    for number in range(count):
        height, width = (int(size) for size in rng.integers(1, 5, 2))
        if number < 3:  # not as wide as tall, and as wide as tall
            height, width = ((2, 3), (4, 2), (3, 3))[number]
        rows, columns = height + int(rng.integers(1, 7)), width + int(rng.integers(1, 7))
        kernel = rng.integers(-16, 17, (height, width))
        picture = rng.integers(-9, 10, (rows, columns))
        yield (picture if number % 3 == 1 else picture / 4), (kernel if number % 3 == 2 else kernel / 8)


@pytest.mark.question("convolve", promise="each place at which the kernel lies wholly inside")
def test_convolve_size(student):
    """convolve gives one number for each place at which the kernel lies wholly inside the picture."""
    cases = list(_kernel_cases(student.rng, 6))
    for (picture, kernel), got in _answers(student, "convolve", cases):
        (rows, columns), (height, width) = picture.shape, kernel.shape
        wanted = (rows - height + 1, columns - width + 1)
        sizes = f"a picture of {rows} × {columns} under a kernel of {height} × {width}"
        assert got.shape != picture.shape or got.shape == wanted, (
            f"From {sizes} came a map as large as the picture, expected {wanted[0]} × {wanted[1]}: no margin is added."
        )
        assert got.shape == wanted, f"From {sizes} came an array of shape {got.shape}, expected {wanted}."


@pytest.mark.question(
    "convolve", weight=1.5, requires="test_convolve_size", promise="what all libraries for neural networks compute"
)
def test_convolve_values(student):
    """convolve adds up pixel times weight at each place."""
    cases = list(_kernel_cases(student.rng, 8))
    cases.append((cases[0][0], cases[0][1][::-1] / 2))
    for (picture, kernel), got in _answers(student, "convolve", cases):
        expected = _convolution(picture, kernel)
        if not _same(got, expected):
            _name_convolution(got, picture, kernel, expected)


def _name_convolution(got, picture, kernel, expected):
    """Fail with the name of the mistake, if it is a known one."""
    if _same(got, _convolution(picture, kernel[::-1, ::-1])):
        raise StudentError(
            "The kernel is turned by 180 degrees: the formula multiplies picture[r + i, c + j] by kernel[i, j]."
        )
    for name, turned in (("upside down", kernel[::-1]), ("mirrored", kernel[:, ::-1])):
        if _same(got, _convolution(picture, turned)):
            raise StudentError(f"The kernel is {name}: kernel[0, 0] belongs to the top left of the window.")
    for rounding in (np.trunc, np.floor, np.rint):
        if _same(got, rounding(expected)):
            raise StudentError(
                "The sums have lost their fractions: begin with np.zeros((rows, columns)), which holds them."
            )
    if _same(got, expected / kernel.size):
        raise StudentError(
            "These are means, expected sums: the weights are multiplied and added up, nothing is divided."
        )
    if _same(got, np.maximum(expected, 0)):
        raise StudentError("Negative sums came out as 0: convolve alone has no ReLU.")
    wrong = np.mean(~np.isclose(got, expected, rtol=1e-4, atol=1e-4))
    raise StudentError(
        f"{wrong:.0%} of the numbers in a map of {got.shape[0]} × {got.shape[1]} are wrong, for a kernel of "
        f"{kernel.shape[0]} × {kernel.shape[1]}. Work one place by hand: pixel times weight, added up."
    )


@pytest.mark.question(
    "convolve",
    weight=0.5,
    requires="test_convolve_values",
    promise="None of your functions may change what it is given",
)
def test_convolve_leaves_its_arguments_alone(student):
    """convolve changes neither the picture nor the kernel, and takes one that is as large as the picture."""
    rng = student.rng
    for picture, kernel in ((rng.random((7, 6)), rng.random((3, 2))), (rng.random((4, 5)), rng.random((4, 5)))):
        got, expected = _answer(student, "convolve", picture, kernel), _convolution(picture, kernel)
        assert got.shape == expected.shape, (
            f"A kernel of {kernel.shape[0]} × {kernel.shape[1]} over a picture of {picture.shape[0]} × "
            f"{picture.shape[1]} gave an array of shape {got.shape}, expected {expected.shape}."
        )
        assert _same(got, expected), (
            f"A kernel of {kernel.shape[0]} × {kernel.shape[1]} over a picture of {picture.shape[0]} × "
            f"{picture.shape[1]} gave other numbers than the formula."
        )


def _pooled(values, size):
    rows, columns = values.shape[0] // size, values.shape[1] // size
    return values[: rows * size, : columns * size].reshape(rows, size, columns, size).max(axis=(1, 3))


def _pool_cases(rng, count):
    for number in range(count):
        size = number % 4 + 1
        rows, columns = (int(rng.integers(1, 4)) * size + int(rng.integers(size)) for _ in range(2))
        yield rng.integers(-90, 90, (rows, columns)) / 2, size


@pytest.mark.question("pool", weight=0.5, promise="Rows and columns that are left over")
def test_pool_size(student):
    """max_pool gives one number for each whole block, and leaves the rest out."""
    cases = [*_pool_cases(student.rng, 8), (np.ones((5, 11)), 3), (np.ones((9, 4)), 4)]
    for (values, size), got in _answers(student, "max_pool", cases):
        wanted = (values.shape[0] // size, values.shape[1] // size)
        assert got.shape == wanted, (
            f"{values.shape[0]} × {values.shape[1]} numbers in blocks of {size} gave an array of shape {got.shape}, "
            f"expected {wanted}: only whole blocks, that don't overlap."
        )


@pytest.mark.question("pool", weight=0.5, requires="test_pool_size", promise="largest number of each block")
def test_pool_values(student):
    """max_pool gives the largest number of each block, below zero too."""
    rng = student.rng
    cases = [*_pool_cases(rng, 8), (-rng.random((7, 6)) - 1, 2), (-rng.random((6, 10)) - 1, 3), (rng.random((3, 3)), 1)]
    for values, size in [*cases, ((-rng.random((4, 9)) - 1) * 1e9, 2)]:
        got = _answer(student, "max_pool", values, size)
        expected = _pooled(values, size)
        if _same(got, expected):
            continue
        rows, columns = expected.shape
        means = values[: rows * size, : columns * size].reshape(rows, size, columns, size).mean(axis=(1, 3))
        assert not _same(got, means), "These are the blocks' means, expected their largest numbers."
        assert not _same(got, -_pooled(-values, size)), "These are the blocks' smallest numbers, expected the largest."
        assert not _same(got, np.maximum(expected, 0)), (
            "A block of negative numbers came out as 0, expected the largest of them: start with a number of the block."
        )
        assert not _same(got, values[: rows * size : size, : columns * size : size]), (
            "These are the first numbers of the blocks, expected the largest."
        )
        for number in got.ravel().tolist():
            assert np.isclose(number, values, rtol=1e-4, atol=1e-4).any(), (
                f"{number:g} came out, which is none of the numbers that max_pool was given."
            )
        raise StudentError(
            f"{values.shape[0]} × {values.shape[1]} numbers in blocks of {size} gave other numbers than the largest of "
            "each block. Which rows and columns belong to the block in row r and column c?"
        )


def _dropout_cases(rng):
    """Activations of both signs, a rate, and chances of which one is exactly the rate: the first one, or the last."""
    rates, cases = rng.permutation([0.2, 0.5, 0.6, 0.75]).tolist(), []
    for number, (rate, shape) in enumerate(zip(rates, ((30,), (5, 8), (2, 3, 6), (40,)), strict=True)):
        values = rng.integers(4, 40, shape) / 4 * rng.choice([-1, 1], shape)
        chances = rng.random(shape)
        at, below = (0, -1) if number % 2 else (-1, 0)
        chances.ravel()[at], chances.ravel()[below] = rate, rate / 2
        cases.append((values, rate, chances))
    return cases


@pytest.mark.question("dropout", promise=r"becomes 0 where its number in `chances` is **less than** `rate`")
def test_dropout_drops(student):
    """dropout sets a value to 0 where its chance is less than the rate, and no other."""
    for (values, rate, chances), got in _answers(student, "dropout", _dropout_cases(student.rng)):
        assert got.shape == values.shape, (
            f"Values of shape {values.shape} came back with shape {got.shape}, expected the same."
        )
        dropped = chances < rate
        assert got.any(), f"All values are 0 at a rate of {rate:g}: values with a chance of {rate:g} or more stay."
        assert not np.array_equal(got == 0, chances >= rate), (
            "The wrong ones are dropped: a value goes where its chance is less than the rate, and stays elsewhere."
        )
        assert (got == 0).any(), f"Nothing is dropped at a rate of {rate:g}."
        assert not np.array_equal(got == 0, chances <= rate) or np.array_equal(dropped, chances <= rate), (
            "A value whose chance is exactly the rate was dropped: only those below it are."
        )
        assert np.array_equal(got == 0, dropped), (
            f"At a rate of {rate:g}, {np.sum(got == 0)} of {got.size} values are 0, expected {dropped.sum()}: those "
            "whose own chance is less than the rate."
        )


@pytest.mark.question("dropout", weight=0.5, requires="test_dropout_drops", promise="**divided by 1 − rate**")
def test_dropout_scales(student):
    """dropout divides what stays by 1 − rate."""
    cases = [*_dropout_cases(student.rng), (1 + student.rng.random(1), 0.5, np.array([0.75]))]
    for (values, rate, chances), got in _answers(student, "dropout", cases):
        expected = np.where(chances < rate, 0, values / (1 - rate))
        if _same(got, expected):
            continue
        stay = chances >= rate
        assert not np.allclose(got[stay], values[stay]), (
            "What stays has its old size. So the layer gives less in training than later: divide by 1 − rate."
        )
        for factor, words in ((1 - rate, "multiplied by 1 − rate"), (1 / rate, "divided by the rate")):
            assert not np.allclose(got[stay], values[stay] * factor), (
                f"What stays is {words}, expected divided by 1 − rate."
            )
        assert not np.array_equal(got, np.trunc(expected)), "What stays has lost its fractions."
        raise StudentError(
            f"At a rate of {rate:g} what stays should be {1 / (1 - rate):.4g} times as large, but isn't."
        )


@pytest.mark.question(
    "dropout",
    weight=0.5,
    requires="test_dropout_drops",
    promise="If `training` is False, the values come back as they are",
)
def test_dropout_not_training(student):
    """dropout changes nothing when the network isn't training, nor at a rate of 0, nor ever its arguments."""
    for values, rate, chances in _dropout_cases(student.rng):
        what, got = "dropout(values, rate, chances, False)", _answer(student, "dropout", values, rate, chances, False)
        assert not _same(got, values * (1 - rate)), f"{what} gave values × (1 − rate), expected them as they are."
        assert _same(got, values), f"{what} should give the values as they are: a trained network uses all its neurons."
        got = _answer(student, "dropout", values, 0, chances)
        assert _same(got, values), "At a rate of 0 all values should stay as they are."
        got, expected = _answer(student, "dropout", values, rate, chances, True), np.where(chances < rate, 0, values)
        assert np.array_equal(got == 0, expected == 0), (
            "dropout(values, rate, chances, True) should drop as it does without True."
        )


def _shifted(batch, right, down):
    found = np.zeros_like(batch)
    rows, columns = batch.shape[1:]
    found[:, max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = batch[
        :, max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)
    ]
    return found


def _batch(rng, number):
    rows, columns = int(rng.integers(5, 9)), int(rng.integers(9, 13))
    return rng.integers(1, 250, (3 - number % 3, rows, columns)) / 250


def _shift(student, batch, right, down, alone=True):
    function = student.leaves_alone if alone else student.call
    value = _given(function("shift", batch, right, down), "shift(...)")
    return as_array(value, f"shift(batch, {right}, {down})", shape=batch.shape)


@pytest.mark.question("shift", promise="Negative ones move to the left and upwards")
def test_shift_moves(student):
    """shift moves pictures to the right and down, or to the left and upwards."""
    rng = student.rng
    signs = ((1, 1), (-1, 1), (1, 0), (0, 1), (-1, 0), (0, -1))  # both at once tell mistakes apart
    for number, (x, y) in enumerate(signs):
        batch, (right, down) = _batch(rng, number), rng.permutation([1, 2, 3, 4] if number else [3, 4])[:2].tolist()
        right, down = x * right, y * down
        got, expected = _shift(student, batch, right, down, alone=False), _shifted(batch, right, down)
        seen = _shifted(np.ones_like(batch), right, down) > 0  # without what comes in
        if np.allclose(got[seen], expected[seen], atol=1e-6):
            continue
        _name_shift(got, batch, right, down)


def _name_shift(got, batch, right, down):
    """Fail with the name of the mistake, if it is a known one."""
    what = f"shift(batch, {right}, {down})"
    assert not _same(got, batch), f"{what} gave the pictures as they were."
    for sentence, other in {
        f"{what} moved the pictures the other way: positive numbers go to the right and down.": (-right, -down),
        f"{what} exchanged the directions: rows are the second axis, columns are the last.": (down, right),
        f"{what} moved them the wrong way up or down: rows are counted from the top.": (right, -down),
        f"{what} moved them the wrong way sideways.": (-right, down),
        f"{what} did not move them up or down.": (right, 0),
        f"{what} did not move them sideways.": (0, down),
    }.items():
        moved = _shifted(np.ones_like(batch), *other) > 0
        if np.allclose(got[moved], _shifted(batch, *other)[moved], atol=1e-6):
            raise StudentError(sentence)
    raise StudentError(
        f"{what} of {len(batch)} picture{'s' * (len(batch) > 1)} of {batch.shape[1]} × {batch.shape[2]} gave other "
        "pixels than the moved picture's."
    )


@pytest.mark.question(
    "shift", requires="test_shift_moves", promise="**Black (0) comes in** where the picture has moved away"
)
def test_shift_lets_black_in(student):
    """What a shift leaves empty is black, and nothing comes back on the other side; no shift changes nothing."""
    rng = student.rng
    moves = ((2, 0), (0, 3), (-3, 0), (0, -2), (3, -4), (-1, 2), (1, 1), (-2, -1), (0, 0))
    for number, (right, down) in enumerate(moves):
        batch = _batch(rng, number)
        got, expected = _shift(student, batch, right, down), _shifted(batch, right, down)
        assert not (_same(got, np.roll(batch, (down, right), (1, 2))) and (right or down)), (
            "What leaves on one side came in on the other: black should come in. np.roll does that."
        )
        assert _same(got, expected), (
            f"shift(batch, {right}, {down}): where the picture has moved away there should be 0 and nothing else."
            if right or down
            else "shift(batch, 0, 0) should give the pictures as they are."
        )
    for right, down, rows, columns in ((7, 0, 5, 9), (-8, 4, 5, 9), (0, -4, 5, 9), (-39, 20, 31, 40)):
        batch = rng.integers(1, 250, (2, rows, columns))  # moved by nearly the whole picture
        assert _same(_shift(student, batch, right, down), _shifted(batch, right, down)), (
            f"shift(batch, {right}, {down}) of whole numbers, {rows} × {columns} pixels, gave other pixels than "
            "expected."
        )


def _curves(rng):
    """Runs in random order, the best end in the middle of them."""
    ends = rng.permutation(np.arange(2, 9)) / 10 + rng.random(7) / 20
    curves = {}
    for number, end in enumerate(ends.tolist()):
        others = end + rng.random(int(rng.integers(2, 7))) * 2
        curves[f"run {rng.integers(1000)} of {number}"] = [*others.tolist(), end]
    return curves


def _best(student, curves):
    got = _given(student.leaves_alone("best_run", curves), "best_run(curves)")
    if isinstance(got, str) and got in curves:
        return got
    raise StudentError(f"best_run should return the name of a run, but it gave {describe(got)}.")


@pytest.mark.question("best", weight=0.5, promise="the **name** of the run whose **last** loss is the lowest")
def test_best_run_ends_lowest(student):
    """best_run gives the name of the run whose last loss is the lowest."""
    rng = student.rng
    for scale in (1, 1, 40, 1e7):  # a large loss is a loss, too
        curves = {name: [scale * loss for loss in losses] for name, losses in _curves(rng).items()}
        names = sorted(curves, key=lambda name: curves[name][-1])
        dipped = names[int(rng.integers(2, 6))]  # was the lowest for a moment, and for long
        curves[dipped][0] = 0.01 * scale
        others = names[1]
        curves[others] = [0.15 * scale] * (len(curves[others]) - 1) + [curves[names[0]][-1] * 1.001]
        curves[names[0]] = curves.pop(names[0])  # the run that ends nearly as low comes before it
        got = _best(student, curves)
        assert got != dipped, "This run had the lowest loss once, but not at its end: what counts is the last loss."
        assert got != names[-1], "This run ends with the highest loss, expected the lowest."
        assert got == names[0], "Another run ends with a lower loss than the one that best_run chose."


@pytest.mark.question(
    "best",
    weight=0.5,
    requires="test_best_run_ends_lowest",
    promise="A run with a loss that isn't a finite number, wherever it stands, is out",
)
def test_best_run_leaves_diverged_runs_out(student):
    """best_run leaves out runs that diverged at any time, and raises a ValueError if none is left."""
    rng = student.rng
    for bad in (float("nan"), float("inf"), float("-inf")):
        for place in ("last", "first", "middle"):
            curves = _curves(rng)
            names = sorted(curves, key=lambda name: curves[name][-1])
            for name in {names[0], names[int(rng.integers(2, 7))]}:
                losses = curves[name]
                at = {"last": len(losses) - 1, "first": 0, "middle": len(losses) // 2}[place]
                losses[at] = bad
            mixed = dict(sorted(curves.items(), key=lambda item: item[0] != names[0])) if rng.random() < 0.5 else curves
            got = _best(student, mixed)
            assert np.isfinite(curves[got]).all(), f"best_run chose a run with a loss of {bad} ({place} in its list)."
            assert got == names[1], "Of the runs that didn't diverge, another one ends with a lower loss."
    lost = {"one": [1.0, float("nan")], "two": [float("inf"), 0.2], "three": [float("nan")]}
    student.raises("best_run", lost, error="ValueError")


@pytest.mark.question("mlp", weight=0.5, promise="a file with the right names and sizes")
def test_mlp_file(student):
    """mlp.safetensors holds a network with one hidden layer, from 784 pixels to ten digits."""
    network.read_network(student, "mlp")


@pytest.mark.question("mlp", weight=1.5, requires="test_mlp_file", promise="for 95 % (a third) and for 98 % (the rest)")
def test_mlp_reads(student):
    """The multilayer perceptron reads the test pictures."""
    network.must_reach(student, "mlp")


@pytest.mark.question("cnn", weight=0.5, promise="a file with the right names and sizes")
def test_cnn_file(student):
    """cnn.safetensors holds a network of two convolutions and two linear layers."""
    network.read_network(student, "cnn")


@pytest.mark.question(
    "cnn", weight=2.5, requires="test_cnn_file", promise="for 97 % (two fifths) and for 99.0 % (the rest)"
)
def test_cnn_reads(student):
    """The convolutional network reads the test pictures."""
    network.must_reach(student, "cnn")


@pytest.mark.question(
    "cnn", requires="test_cnn_file", promise="moved by up to two pixels and turned by up to 12 degrees"
)
def test_cnn_reads_altered_pictures(student):
    """The convolutional network reads pictures that were moved and turned."""
    network.must_read_altered(student, "cnn")
