"""A second opinion on answers to 03-iris, for `nbseal verify`: written without the hidden tests.

Scaled rows and sums of neurons are computed by `fractions` or `math.fsum`, perceptrons are trained on other data.
"""

import math
import warnings
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from sklearn.linear_model import Perceptron, SGDClassifier


@pytest.mark.question("separate")
def test_separate(student):
    """A threshold with the species on one side and all others on the other, wherever it may lie."""
    rng = student.rng
    for _ in range(60):
        n, width, species = int(rng.integers(2, 12)), int(rng.integers(1, 6)), int(rng.integers(-5, 5))
        y = rng.permutation(np.array([species, species + 1, *rng.integers(species, species + 3, n - 2)]))
        X = rng.integers(-4, 5, (n, width)) / 2 + 5 * (y == species)[:, None] * rng.integers(-1, 2, width)
        got = student.leaves_alone("separating_columns", X, y, species)
        right = set()
        for column, values in enumerate(X.T.tolist()):
            order = sorted(zip(values, (y == species).tolist(), strict=True))
            sides = [side for _, side in order]
            places = [place for place in range(1, n) if sides[place] != sides[place - 1]]
            if len(places) == 1 and order[places[0]][0] > order[places[0] - 1][0]:
                right.add(column)
        assert isinstance(got, (list, tuple, set, np.ndarray))
        assert len(got) == len(right)
        assert {float(column) for column in got} == right


def rows_of(X):
    return [tuple(row) for row in np.asarray(X, dtype=float).tolist()]


@pytest.mark.question("split")
def test_split(student):
    """Sizes, shares, rows with their labels, and a fair draw that hangs on the seed alone."""
    rng = student.rng
    for sizes, share in (
        ((10, 20), 0.1),
        ((5, 5, 5, 5), 0.4),
        ((40, 8), 0.75),
        ((33, 33, 33), 1 / 3),
        ((100, 50), 0.5),
    ):
        n = sum(sizes)
        X, y = (
            rng.permutation(4 * n).reshape(n, 4) / 8,
            rng.permutation(np.repeat(np.arange(len(sizes)) * 3 - 1, sizes)),
        )
        label = dict(zip(rows_of(X), y.tolist(), strict=True))
        counts, seen = Counter(), set()
        for seed in range(25):
            parts = student.leaves_alone("split", X, y, share, seed)
            a, b, c, d = parts
            assert [np.ndim(part) for part in parts] == [2, 2, 1, 1]
            assert sorted(rows_of(a) + rows_of(b)) == sorted(rows_of(X))
            for rows, labels in ((a, c), (b, d)):
                assert [label[row] for row in rows_of(rows)] == np.asarray(labels).tolist()
            assert len(b) == round(share * n)
            for name, size in Counter(y.tolist()).items():
                assert Counter(np.asarray(d).tolist())[name] == round(share * size)
            again = student.call("split", X, y, share, seed)
            assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))
            counts.update(rows_of(b))
            seen.add(tuple(sorted(rows_of(b))))
        assert len(seen) > 20
        assert all(abs(counts[row] - 25 * share) < 6.5 * math.sqrt(25 * share * (1 - share)) for row in label)


@pytest.mark.question("scale")
def test_scale(student):
    """Every number, with mean and deviation by exact sums."""
    rng = student.rng
    for n, m, width in 2 * ((2, 1, 1), (9, 4, 3), (30, 1, 5), (5, 12, 2)):
        train, test = (rng.integers(-300, 300, (rows, width)) / 8 for rows in (n, m))
        train[0], train[1] = 40, -41
        parts = student.leaves_alone("scale", train, test)
        assert len(parts) == 2
        for got, rows in zip(parts, (train, test), strict=True):
            assert np.shape(got) == rows.shape
            for column in range(width):
                values = [Fraction(value) for value in train[:, column].tolist()]
                mean = sum(values) / n
                deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / n)
                for number, value in zip(np.asarray(got)[:, column].tolist(), rows[:, column].tolist(), strict=True):
                    assert abs(number - float(Fraction(value) - mean) / deviation) < 2e-5


def clouds(rng, classes, n, columns):
    y = rng.permutation(np.arange(n) % classes)
    return y[:, None] * rng.normal(size=columns) + rng.normal(size=(n, columns)), y * 5 - 2


@pytest.mark.question("learn")
def test_learn(student):
    """What scikit-learn's perceptron says, on classes that overlap more or less, and on more rows than iris has."""
    for classes, n, columns in 2 * ((2, 30, 1), (2, 60, 5), (3, 50, 2), (4, 80, 3), (6, 90, 6), (3, 400, 4)):
        X, y = clouds(student.rng, classes, n, columns)
        got = student.leaves_alone("learn", X[: n // 2], y[: n // 2], X[n // 2 :])
        wanted = Perceptron(random_state=0).fit(X[: n // 2], y[: n // 2]).predict(X[n // 2 :])
        assert np.array_equal(np.ravel(got), wanted)


@pytest.mark.question("judge")
def test_judge(student):
    """The three shares, counted."""
    rng = student.rng
    for _ in range(40):
        names = rng.permutation(20)[: int(rng.integers(2, 6))].tolist()
        train = [names[0]] * 12 + [name for name in names[1:] for _ in range(int(rng.integers(1, 11)))]
        test = [name for name in names for _ in range(int(rng.integers(1, 9)))]
        said = [true if rng.random() < 0.6 else names[int(rng.integers(len(names)))] for true in test]
        pairs = Counter(zip(test, said, strict=True))
        wanted = [
            sum(pairs[name, name] for name in names) / len(test),
            test.count(names[0]) / len(test),
            min(pairs[name, name] / test.count(name) for name in names),
        ]
        train = rng.permutation(train)
        for kind in (list, np.array):
            got = student.leaves_alone("judge", kind(train), kind(test), kind(said))
            assert np.allclose(np.asarray(got, dtype=float), wanted, rtol=0, atol=1e-7)


@pytest.mark.question("ovr")
def test_ovr(student):
    """The largest exact sum."""
    rng = student.rng
    for _ in range(25):
        count, columns, n = (int(rng.integers(low, 8)) for low in (2, 1, 1))
        weights, X = rng.integers(-20, 21, (count, columns)) / 4, rng.integers(-20, 21, (n, columns)) / 4
        biases = rng.permutation(count) * 0.01 + rng.integers(-30, 31, count)  # no two sums are equal
        got = np.ravel(student.leaves_alone("decide", weights, biases, X))
        assert len(got) == n
        for answer, x in zip(got.tolist(), X.tolist(), strict=True):
            rows = zip(weights.tolist(), biases.tolist(), strict=True)
            sums = [math.fsum([*(w * v for w, v in zip(row, x, strict=True)), b]) for row, b in rows]
            assert sums[int(answer)] == max(sums)
            assert answer == int(answer)


@pytest.mark.question("same")
def test_same(student):
    """What both classes do, setting by setting: only a penalty of strength 0 is as good as none."""
    settings = student.value("sgd_settings")
    usual = SGDClassifier().get_params()
    merged = {**usual, **settings}
    assert set(merged) == set(usual)
    assert "random_state" not in settings
    assert (merged["loss"], merged["learning_rate"], merged["eta0"]) == ("perceptron", "constant", 1)
    assert merged["penalty"] is None or merged["alpha"] == 0
    for name in ("max_iter", "tol", "shuffle", "fit_intercept"):
        assert merged[name] == Perceptron().get_params()[name]
    X, y = clouds(student.rng, 3, 90, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (model.fit(X, y) for model in (Perceptron(), SGDClassifier(**settings, random_state=0)))
    assert np.allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-9)
    assert np.allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-9)


@pytest.mark.question("tune")
def test_tune(student):
    """The first of the best, among few and many."""
    rng = student.rng
    for count in (1, 3, 6, 8, 11, 12, 12, 12):
        X, y = clouds(rng, 3, 75, 3)
        known, valid = (X[:45], y[:45]), (X[45:], y[45:])
        candidates = [
            {"max_iter": int(rng.integers(1, 9)), "tol": None, "eta0": float(rng.choice([0.125, 1, 5]))}
            for _ in range(count)
        ]
        got = student.leaves_alone("best_settings", candidates, *known, *valid)
        scores = [Perceptron(**one, random_state=0).fit(*known).score(*valid) for one in candidates]
        assert got == candidates[scores.index(max(scores))]
        assert student.call("best_settings", candidates, *known, valid[0], np.full(30, 99)) == candidates[0]
