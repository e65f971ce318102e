"""Models and scalers that take notes: student code gets stand-ins, the notes stay on this side.

A Lab knows every row of its data, so it can tell which rows a model was trained and tested on, whatever path they took.
The model answers with the label of the nearest training row. The spies raise nothing but ValueError and RuntimeError.
"""

from dataclasses import dataclass, field

import numpy as np

MAX_CALLS = 600  # of all spies of a lab together: a loop that never ends shall not fill our memory


@dataclass
class Round:
    """One use of a trained model: what it had been trained on, and what it was asked."""

    model: object
    train: list[int]
    train_labels: list[int]
    train_scaling: set
    test: list[int]
    test_scaling: set

    @property
    def honest(self):
        """Whether none of the rows asked for had been trained on."""
        return not set(self.train) & set(self.test)


@dataclass
class Scaling:
    """One fit of a scaler."""

    number: int
    rows: list[int]


@dataclass
class Lab:
    """Data under observation: ``X`` has different rows, ``y`` whole numbers."""

    student: object
    X: np.ndarray
    y: np.ndarray
    models: list = field(default_factory=list)
    scalings: list = field(default_factory=list)
    rounds: list = field(default_factory=list)
    calls: int = 0

    def __post_init__(self):
        self.known = {}
        self.register(self.X, range(len(self.X)), None)
        distances = ((self.X[:, None] - self.X[None]) ** 2).sum(axis=2)
        self.distances = distances + np.arange(len(self.X)) * 1e-7  # no ties, in whatever order rows are given
        np.fill_diagonal(self.distances, 0)

    def make_model(self):
        """The recipe for models that the student's function is given."""
        self.count()
        self.models.append(Model(self))
        return self.student.remote(self.models[-1])

    def make_scaler(self):
        """The recipe for scalers."""
        self.count()
        return self.student.remote(Scaler(self))

    def count(self):
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise RuntimeError("make_model, fit, predict and score were called far too often")

    def register(self, rows, numbers, scaling):
        for row, number in zip(rows, numbers, strict=True):
            self.known[row.tobytes()] = (number, scaling)

    def find(self, X, what):
        """Return the numbers of the rows, and the scalings that they went through."""
        width = self.X.shape[1]
        try:
            rows = np.asarray(X, dtype=float)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"{what} should be a table of numbers") from None
        if rows.ndim != 2 or rows.shape[1] != width:
            raise ValueError(f"{what} should be a table with {width} columns, but its shape is {rows.shape}")
        if not len(rows):
            raise ValueError(f"{what} has no rows")
        if np.isnan(rows).any():
            raise ValueError(f"{what} has missing values")
        if len(rows) > 2 * len(self.X):
            raise ValueError(f"{what} has more rows than there are")
        found = [self.known.get(row.tobytes()) for row in np.ascontiguousarray(rows)]
        if None in found:
            raise ValueError(f"{what} has rows that are not in the data")
        return [number for number, _ in found], {scaling for _, scaling in found}

    def honest_rounds(self):
        """Which rows were asked for, all calls together, by the rows that the model had been trained on."""
        asked = {}
        for one in self.rounds:
            if one.honest:
                asked.setdefault(frozenset(one.train), set()).update(one.test)
        return asked

    def scores(self, folds):
        """What our model scores on these folds."""
        means = []
        for train, test in folds:
            nearest = np.asarray(train)[self.distances[np.ix_(test, train)].argmin(axis=1)]
            means.append(float(np.mean(self.y[nearest] == self.y[test])))
        return means


class Model:
    """Answers with the label of the nearest row that it was trained on."""

    def __init__(self, lab):
        self._lab = lab
        self._rows, self._labels, self._scaling = [], [], set()
        self._fits = []

    def fit(self, X, y):
        """Train on these rows only, forgetting others."""
        self._lab.count()
        rows, scaling = self._lab.find(X, "the X given to fit")
        labels = _labels(y, len(rows))
        self._rows, self._labels, self._scaling = rows, labels, scaling
        self._fits.append(rows)
        return self._lab.student.remote(self)

    def predict(self, X):
        """One label per row."""
        self._lab.count()
        if not self._rows:
            raise ValueError("this model is not trained yet: call fit first")
        rows, scaling = self._lab.find(X, "the X given to predict or score")
        self._lab.rounds.append(Round(self, self._rows, self._labels, self._scaling, rows, scaling))
        places = self._lab.distances[np.ix_(rows, self._rows)].argmin(axis=1)
        return np.array(self._labels)[places]

    def score(self, X, y):
        """The share of right answers."""
        answers = self.predict(X)
        return float(np.mean(answers == np.array(_labels(y, len(answers)))))

    def __sklearn_tags__(self):
        return {"estimator_type": "classifier"}

    def __sklearn_is_fitted__(self):
        return bool(self._fits)

    def __sklearn_clone__(self):
        return self._lab.make_model()


class Scaler:
    """Shifts rows by an amount that tells which fit they went through."""

    def __init__(self, lab):
        self._lab = lab
        self._scaling = None

    def fit(self, X, y=None):
        """Learn from these rows."""
        self._lab.count()
        rows, _ = self._lab.find(X, "the X given to the scaler")
        self._scaling = Scaling(len(self._lab.scalings) + 1, rows)
        self._lab.scalings.append(self._scaling)
        return self._lab.student.remote(self)

    def transform(self, X):
        """Return the rows, scaled."""
        self._lab.count()
        if self._scaling is None:
            raise ValueError("this scaler has learned nothing yet: call fit first")
        numbers, before = self._lab.find(X, "the X given to the scaler")
        if before != {None}:
            raise ValueError("these rows were scaled before")
        rows = self._lab.X[numbers] + 1000.0 * self._scaling.number
        self._lab.register(rows, numbers, self._scaling.number)
        return rows

    def fit_transform(self, X, y=None):
        """Both in one call."""
        self.fit(X)
        return self.transform(X)

    def __sklearn_tags__(self):
        return {"estimator_type": "transformer"}

    def __sklearn_is_fitted__(self):
        return self._scaling is not None

    def __sklearn_clone__(self):
        return self._lab.make_scaler()


def _labels(y, n):
    try:
        labels = np.ravel(np.asarray(y, dtype=float))
    except (ValueError, TypeError, OverflowError):
        raise ValueError("y should hold the labels of the rows of X") from None
    if len(labels) != n:
        raise ValueError(f"X has {n} rows, but y has {len(labels)} labels")
    if not (np.abs(labels) < 1e6).all():
        raise ValueError("y holds something that is not a label")
    return labels.astype(int).tolist()
