"""Which answers to 06-crossval are right: the second opinion of `nbseal verify`.

Our models answer by chance, but always the same after the same training: what one says of a row hangs on every row,
label and fit that it has seen, in whatever order the rows came. So the accuracies alone tell whether each came from a
model of its own, trained on the right rows, scaled by what was learned from them.
"""

import hashlib
import statistics
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

CASES = [(8, 2), (9, 3), (23, 4), (31, 5), (40, 7), (6, 6)]


def chance(*seen):
    """A whole number that hangs on all that was seen."""
    return int.from_bytes(hashlib.sha256(repr(seen).encode()).digest()[:6], "big")


def rows_in(X):
    return [tuple(row) for row in np.asarray(X, dtype=float).tolist()]


def seen_in(X, y):
    """One fit, as a model remembers it."""
    labels = np.asarray(y).ravel().tolist()
    return sorted(zip(rows_in(X), map(int, labels), strict=True))


def said(row, fits):
    return chance(row, fits) % 2


def accuracy(X, y, fits):
    """The share of right answers on these rows, after these fits."""
    labels = np.asarray(y).ravel().tolist()
    return float(np.mean([said(row, fits) == label for row, label in zip(rows_in(X), labels, strict=True)]))


class Model:
    """Forgets nothing, and guesses."""

    def __init__(self, student):
        self._student, self._fits = student, []

    def fit(self, X, y):
        """Learn from one more set of rows."""
        self._fits.append(seen_in(X, y))
        return self._student.remote(self)

    def predict(self, X):
        """One guess per row."""
        assert self._fits
        return np.array([said(row, self._fits) for row in rows_in(X)])

    def score(self, X, y):
        """The share of right guesses."""
        assert self._fits
        return accuracy(X, y, self._fits)

    def __sklearn_tags__(self):
        return {"estimator_type": "classifier"}

    def __sklearn_is_fitted__(self):
        return bool(self._fits)

    def __sklearn_clone__(self):
        return self._student.remote(Model(self._student))


def moved(X, learned):
    """Rows as a scaler transforms them that was fitted to these rows."""
    return np.asarray(X, dtype=float) + chance(learned) % 1000 + 1


class Scaler:
    """Moves rows by an amount that hangs on the rows that it was fitted to last: each fit starts anew."""

    def __init__(self, student):
        self._student, self._learned = student, None

    def fit(self, X, y=None):
        """Learn from these rows."""
        self._learned = sorted(rows_in(X))
        return self._student.remote(self)

    def transform(self, X):
        """The rows, moved."""
        assert self._learned
        return moved(X, self._learned)

    def fit_transform(self, X, y=None):
        """Both in one call."""
        self.fit(X)
        return self.transform(X)

    def __sklearn_tags__(self):
        return {"estimator_type": "transformer"}

    def __sklearn_is_fitted__(self):
        return bool(self._learned)

    def __sklearn_clone__(self):
        return self._student.remote(Scaler(self._student))


def data(rng, n):
    """Different rows, and labels of two kinds."""
    X = rng.integers(-400, 400, (n, 3)) / 8
    X[:, 0] = rng.permutation(n)
    return X, rng.integers(0, 2, n)


def neighbours(n, k):
    """The test sets of KFold(k)."""
    cuts = [sum((n + k - 1 - i) // k for i in range(fold)) for fold in range(k + 1)]
    return [list(range(*cut)) for cut in pairwise(cuts)]


def split(n, test):
    return [row for row in range(n) if row not in test], test


def recipe(student, kind):
    return student.remote(lambda: student.remote(kind(student)))


def check_accuracies(got, X, y, k, scales=False):
    """The accuracies are those of fresh models, fold by fold."""
    expected = []
    for train, test in (split(len(X), test) for test in neighbours(len(X), k)):
        known, asked = X[train], X[test]
        if scales:
            learned = sorted(rows_in(known))
            known, asked = moved(known, learned), moved(asked, learned)
        expected.append(accuracy(asked, y[test], [seen_in(known, y[train])]))
    assert np.shape(got) == (k,)
    assert np.allclose(np.asarray(got, dtype=float), expected, rtol=0, atol=1e-9)


def check_folds(folds, n, k):
    """Every row is tested once, and trained on in all other rounds, as often as it is there; the test sets."""
    assert not any(isinstance(rows, dict) for pair in folds for rows in pair)
    folds = [(sorted(train), sorted(test)) for train, test in folds]
    assert all(int(row) == row for pair in folds for rows in pair for row in rows)
    tests = [test for _, test in folds]
    assert len(folds) == k
    assert sorted(row for test in tests for row in test) == list(range(n))
    assert all(train == split(n, test)[0] for train, test in folds)
    return tests


def check_sizes(counts):
    assert max(counts) - min(counts) <= 1


@pytest.mark.question("hand")
def test_hand(student):
    """Any four pairs of two rows and the six others."""
    tests = check_folds(student.value("hand_folds"), 8, 4)
    assert [len(test) for test in tests] == [2] * 4
    assert student.number("test_share") == 0.25
    assert student.number("train_share") == 0.75


@pytest.mark.question("kfold")
def test_kfold(student):
    """All small numbers of rows and folds, some large ones, and what is to be refused."""
    cases = [(n, k) for n in range(2, 13) for k in range(2, n + 1)] + [(97, 10), (200, 3), (64, 63)]
    for folds, (n, k) in zip(student.calls("kfold_indices", cases), cases, strict=True):
        assert check_folds(folds, n, k) == neighbours(n, k)
    student.all_raise("kfold_indices", [(n, k) for n in (1, 2, 7) for k in (-3, -1, 0, 1, n + 1, n + 2, 3 * n)])


@pytest.mark.question("validate")
def test_validate(student):
    """Folds of equal and of unequal size."""
    for n, k in CASES:
        X, y = data(student.rng, n)
        got = student.leaves_alone("cross_validate", recipe(student, Model), X, y, k)
        check_accuracies(got, X, y, k)


@pytest.mark.question("summary")
def test_summary(student):
    """Few and many scores, equal ones, in lists and arrays."""
    rng = student.rng
    for scores in ([0.5, 0.5], [0.0, 1.0, 1.0], *(rng.beta(5, 2, length).tolist() for length in (2, 3, 7, 30))):
        for kind in (scores, np.array(scores)):
            mean, deviation = student.leaves_alone("summarise", kind)
            assert abs(float(mean) - statistics.fmean(scores)) < 1e-9
            assert abs(float(deviation) - statistics.pstdev(scores)) < 1e-7


@pytest.mark.question("table")
def test_table(student):
    """Tables with and without gaps, the labels in any column."""
    rng = student.rng
    for n, gaps in ((17, 0), (30, 5), (41, 12), (22, 1)):
        X, y = data(rng, n)
        lost = rng.choice(n, gaps, replace=False)
        holed = X.copy()
        holed[lost, rng.integers(0, 3, gaps)] = np.nan
        table = pd.DataFrame(holed, columns=["size", "age", "time"])
        table.insert(int(rng.integers(0, 4)), f"what {n}", y)
        got = student.leaves_alone("score_table", recipe(student, Model), table, f"what {n}")
        kept = np.setdiff1d(np.arange(n), lost)
        check_accuracies(got, X[kept], y[kept], 4)


@pytest.mark.question("shuffle")
def test_shuffle(student):
    """Legal folds, the same for the same seed, and rows that meet by chance."""
    for n, k in ((12, 4), (13, 4), (30, 7), (5, 5), (9, 2)):
        for seed in (0, 1, 2**20):
            folds = student.call("shuffled_folds", n, k, seed)
            check_sizes([len(test) for test in check_folds(folds, n, k)])
    drawn = [check_folds(student.call("shuffled_folds", 60, 3, seed), 60, 3) for seed in range(40)]
    again = [check_folds(student.call("shuffled_folds", 60, 3, seed), 60, 3) for seed in range(40)]
    assert drawn == again
    assert len({repr(tests) for tests in drawn}) == 40
    fold_of = np.array([[next(i for i in range(3) if row in tests[i]) for row in range(60)] for tests in drawn])
    for step in (1, 2, 3, 20):  # two rows are tested together in 19 of 59 draws, whatever lies between them
        assert abs(np.mean(fold_of[:, step:] == fold_of[:, :-step]) - 19 / 59) < 0.05
    assert abs(np.mean(fold_of[1:] == fold_of[:-1]) - 1 / 3) < 0.05


@pytest.mark.question("stratify")
def test_stratify(student):
    """Frequent and rare classes of numbers and texts, in any order."""
    rng = student.rng
    for names in ([0, 1], [5, -2, 3], ["b", "a", "cc"], [0]):
        for n, k in ((12, 2), (25, 4), (37, 5), (9, 6)):
            labels = rng.choice(names, n, p=rng.dirichlet([2] * len(names)))
            for kind in (labels, labels.tolist(), np.sort(labels)):
                tests = check_folds(student.leaves_alone("stratified_folds", kind, k), n, k)
                for name in set(np.asarray(kind).tolist()):
                    check_sizes([sum(np.asarray(kind)[test] == name) for test in tests])


@pytest.mark.question("scaled")
def test_scaled(student):
    """Folds of equal and of unequal size, a scaler fitted and a model made for each."""
    for n, k in CASES:
        X, y = data(student.rng, n)
        got = student.leaves_alone("scaled_scores", recipe(student, Scaler), recipe(student, Model), X, y, k)
        check_accuracies(got, X, y, k, scales=True)


@pytest.mark.question("final")
def test_final(student):
    """The model that comes back has seen all rows, once."""
    for n in (2, 9, 30):
        X, y = data(student.rng, n)
        model = student.leaves_alone("final_model", recipe(student, Model), X, y)
        assert isinstance(model, Model)
        assert model._fits == [seen_in(X, y)]
