"""A second opinion on answers to 08-deep, for `nbseal verify`: more inputs than in the hidden tests, without them."""

import math
from itertools import product

import numpy as np
import pytest


def near(got, expected):
    got = np.array(got, float)
    allowed = 2e-3 + 1e-6 * np.abs(expected).max(initial=0)
    return got.shape == np.shape(expected) and np.abs(got - expected).max(initial=0) < allowed


@pytest.mark.question("convolve")
def test_convolve(student):
    """The double sum at each place, for all proportions of picture and kernel."""
    rng, cases, wanted = student.rng, [], []
    for height, width in product((1, 2, 3, 5), repeat=2):
        for more, wider in ((0, 0), (1, 0), (0, 3), (4, 2)):
            picture = rng.integers(-20, 200, (height + more, width + wider))
            kernel = rng.integers(-30, 30, (height, width)) / 8
            whole = np.rint(kernel).astype(int)
            for pixels, weights in ((picture, kernel), (picture / 7, kernel), (picture, whole), (picture / 7, whole)):
                cases.append((pixels, weights))
                wanted.append(
                    [
                        [
                            math.fsum(pixels[r + i, c + j] * weights[i, j] for i in range(height) for j in range(width))
                            for c in range(wider + 1)
                        ]
                        for r in range(more + 1)
                    ]
                )
    for got, expected in zip(student.calls("convolve", cases), wanted, strict=True):
        assert near(got, expected)
    student.leaves_alone("convolve", *cases[5])
    student.leaves_alone("convolve", *cases[0])


@pytest.mark.question("pool")
def test_pool(student):
    """The largest number of each whole block, for all sizes and both signs."""
    rng, cases, wanted = student.rng, [], []
    for size in (1, 2, 3, 5):
        for rows, columns in product(range(size, 3 * size + 2, 1 + size // 2), repeat=2):
            values = rng.integers(-99, 100, (rows, columns)) / 4
            for given in (values, -np.abs(values) - 1, np.abs(values) + 1, (-np.abs(values) - 1) * 1e12):
                cases.append((given, size))
                blocks = product(range(rows // size), range(columns // size))
                found = [max(given[size * r : size * (r + 1), size * c : size * (c + 1)].ravel()) for r, c in blocks]
                wanted.append(np.reshape(found, (rows // size, columns // size)))
    for got, expected in zip(student.calls("max_pool", cases), wanted, strict=True):
        assert near(got, expected)
    student.leaves_alone("max_pool", *cases[7])


@pytest.mark.question("dropout")
def test_dropout(student):
    """Zero below the rate, divided by 1 − rate from there on, as it was when not training."""
    rng, cases, wanted = student.rng, [], []
    for shape in ((1,), (12,), (3, 5), (2, 3, 4)):
        for rate in (0, 0.1, 0.25, 0.5, 0.9):
            values, chances = rng.integers(-40, 40, shape) / 4, rng.integers(0, 20, shape) / 20
            pairs = zip(values.ravel().tolist(), chances.ravel().tolist(), strict=True)
            kept = [0 if chance < rate else value / (1 - rate) for value, chance in pairs]
            cases += [(values, rate, chances), (values, rate, chances, True), (values, rate, chances, False)]
            wanted += [np.reshape(kept, shape), np.reshape(kept, shape), values]
    for got, expected in zip(student.calls("dropout", cases), wanted, strict=True):
        assert near(got, expected)
    for case in cases[-3:]:
        student.leaves_alone("dropout", *case)


@pytest.mark.question("shift")
def test_shift(student):
    """Each pixel at its new place, black where nothing came from."""
    rng, cases, wanted = student.rng, [], []
    for n, rows, columns in ((1, 3, 3), (2, 4, 6), (3, 7, 2), (4, 3, 31)):
        for right, down in product((-columns + 1, -1, 0, 1, columns - 1), (-rows + 1, -2, 0, 1, rows - 1)):
            batch = rng.integers(1, 99, (n, rows, columns)) / 99
            expected = np.zeros(batch.shape)
            for r, c in product(range(rows), range(columns)):
                if 0 <= r + down < rows and 0 <= c + right < columns:
                    expected[:, r + down, c + right] = batch[:, r, c]
            cases.append((batch, right, down))
            wanted.append(expected)
    for got, expected in zip(student.calls("shift", cases), wanted, strict=True):
        assert near(got, expected)
    for case in (cases[0], cases[12], cases[-1]):
        student.leaves_alone("shift", *case)


@pytest.mark.question("best")
def test_best(student):
    """The lowest last loss of the runs that never diverged."""
    rng, cases, wanted = student.rng, [], []
    for runs in (1, 2, 3, 6):
        for _ in range(12):
            size = 10.0 ** rng.integers(-3, 9)
            lengths = rng.integers(1, 7, runs).tolist()
            curves = {f"run {rng.integers(10**6)}.{n}": (rng.random(k) * size).tolist() for n, k in enumerate(lengths)}
            fine = dict(curves)
            for name in list(curves)[1:]:
                if rng.random() < 0.5:
                    curves[name][rng.integers(len(curves[name]))] = rng.choice([math.nan, math.inf, -math.inf]).item()
                    del fine[name]
            shuffled = {name: curves[name] for name in rng.permutation(list(curves)).tolist()}
            cases.append((shuffled,))
            wanted.append(sorted(fine, key=lambda name: fine[name][-1])[0])
    assert [str(got) for got in student.calls("best_run", cases)] == wanted
    student.leaves_alone("best_run", *cases[-1])
    student.all_raise("best_run", [({"a": [math.nan]},), ({"a": [1.0, math.inf], "b": [-math.inf, 0.1]},)])
