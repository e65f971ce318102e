"""Draws folds as a grid, and scores on a line; each picture has a description for readers who cannot see it."""

from base64 import b64encode
from html import escape

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

TRAIN, TEST, BOTH, INK = "#FBE3B5", "#0072B2", "#000000", "#333333"  # pale, dark, black: apart in grey, too
LEFT, TOP, ROW, WIDEST, BAND = 62, 50, 24, 24, 520  # pixels
LEGEND = (("train", TRAIN, ""), ("test", TEST, "T"), ("in both", BOTH, "!"), ("in neither", "#FFFFFF", "?"))


class Picture:
    """An SVG drawing with a description in words."""

    def __init__(self, svg, width, description):
        self.svg, self.width, self.description = svg, width, description

    def __repr__(self):
        return self.description

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        data = b64encode(self.svg.encode()).decode()
        alt = escape(self.description, quote=True)
        return f'<img alt="{alt}" width="{self.width}" src="data:image/svg+xml;base64,{data}">'


def draw_folds(folds, n, title, labels=None):
    """Draw one line for each (train, test) pair, one column for each of the ``n`` rows of the data.

    ``labels`` gives every row a short name of its class. The last line counts how often each row is tested.
    """
    folds = [_checked(fold, n) for fold in _pairs(folds)]
    counts = [sum(row in test for _, test in folds) for row in range(n)]
    step = min(WIDEST, BAND / n)
    shapes = [_heading(n, step, labels)]
    for number, (train, test) in enumerate(folds):
        y = TOP + ROW * number
        shapes.append(_text(LEFT - 6, y + 16, f"round {number + 1}", "end"))
        shapes += [_cell(LEFT + row * step, y, step, row in train, row in test) for row in range(n)]
    y = TOP + ROW * len(folds)
    shapes.append(_text(LEFT - 6, y + 18, "tested", "end"))
    if step >= 13:
        shapes += [_count(LEFT + (row + 0.5) * step, y + 18, count) for row, count in enumerate(counts)]
    else:
        verdict = "each row once" if set(counts) == {1} else f"{sum(c != 1 for c in counts)} rows not exactly once"
        shapes.append(_text(LEFT, y + 18, verdict, "start"))
    shapes.append(_legend(y + 32))
    width = max(LEFT + n * step + 10, 380)
    return Picture(*_svg(width, y + 56, title, shapes, _describe(title, folds, counts, n)))


def draw_scores(scores, title, mean=None, std=None):
    """Draw the score of each fold as a dot with its number; shade mean ± std, if given."""
    scores = _accuracies(scores)
    low = np.floor(10 * max(0, min([*scores, 1]) - 0.02)) / 10
    width, y, span = 420, 62, 340

    def x(score):
        return 40 + span * (score - low) / (1 - low)

    shapes, words = [], f"{title}: " + ", ".join(f"{score:.3f}" for score in scores)
    if mean is not None:
        left, right = x(max(mean - std, low)), x(min(mean + std, 1))
        shapes.append(f'<rect x="{left:.1f}" y="36" width="{max(0, right - left):.1f}" height="44" fill="{TRAIN}"/>')
        shapes.append(f'<path d="M{x(mean):.1f} 36v44" stroke="{INK}" stroke-width="2"/>')
        words += f"; mean {mean:.3f} ± {std:.3f}"
    shapes.append(f'<path d="M40 {y + 18}h{span}" stroke="{INK}"/>')
    step = 0.05 if low >= 0.6 else 0.1
    shapes += [_text(x(tick), y + 34, f"{tick:.2f}") for tick in np.arange(low, 1.01, step)]
    for number, score in enumerate(scores):
        shapes.append(f'<circle cx="{x(score):.1f}" cy="{y + 4 - 14 * (number % 2)}" r="7" fill="{TEST}"/>')
        shapes.append(_text(x(score), y + 8 - 14 * (number % 2), number + 1, fill="#FFFFFF"))
    return Picture(*_svg(width, 108, title, shapes, words + "."))


def folds_used(cross_validate, n, k):
    """Return the (train, test) pairs that models see when ``cross_validate`` is run on ``n`` rows."""
    notes = []
    cross_validate(lambda: _Witness(notes, []), *_numbered(n), k)
    return notes


def scaler_folds(scaled_scores, n, k):
    """Return for each test which rows the scaler had learned from, and which were tested."""
    notes, scalers = [], []

    class Model(_Witness):
        def predict(self, X):
            learned = [scaler.learned for scaler in scalers if scaler.learned][-1:] or [[]]
            notes.append((learned[0], np.ravel(X).tolist()))
            return np.zeros(len(X))

    scaled_scores(lambda: _Witness(notes, scalers), lambda: Model(notes, []), *_numbered(n), k)
    return notes


def trainings(run):
    """Return how often each model was trained that ``run(make_model)`` trains."""
    models = []
    run(lambda: _Witness([], models))
    return [model.fits for model in models if model.fits]


def tests_of(folds):
    """Return the test sets of pairs (train, test) as sorted lists; None where there are no pairs."""
    return None if folds is None else [sorted(int(row) for row in test) for _, test in folds]


class _Witness(ClassifierMixin, BaseEstimator):
    """Takes the place of a model or a scaler, and remembers which rows it was given; ``all`` are it and its copies."""

    def __init__(self, notes, all):
        self.notes, self.learned, self.fits, self.all = notes, [], 0, all
        all.append(self)

    def __sklearn_clone__(self):
        return type(self)(self.notes, self.all)

    def __sklearn_is_fitted__(self):
        return self.fits > 0

    def fit(self, X, y=None):
        self.learned, self.fits = np.ravel(X).tolist(), self.fits + 1
        return self

    def predict(self, X):
        self.notes.append((self.learned, np.ravel(X).tolist()))
        return np.zeros(len(X))

    def score(self, X, y):
        return float(np.mean(self.predict(X) == y))

    def transform(self, X):
        return X

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


def _numbered(n):
    """Data whose only column is the number of the row, and labels that are all 0."""
    return np.arange(n).reshape(-1, 1), np.zeros(n)


def _accuracies(scores):
    """Return the scores as plain numbers; ValueError if they can't be accuracies."""
    try:
        numbers = [float(score) for score in scores]
    except (TypeError, ValueError):
        raise ValueError(f"There are no scores to draw: expected a list of accuracies, got {scores!r:.80}.") from None
    strange = [number for number in numbers if not 0 <= number <= 1]
    if strange:
        raise ValueError(f"An accuracy is a number from 0 to 1, but one of these is {strange[0]:g}.")
    return numbers


def _pairs(folds):
    if not isinstance(folds, (list, tuple, np.ndarray)) or not len(folds):
        raise ValueError(f"There are no folds to draw: expected a list of pairs (train, test), got {folds!r:.80}.")
    return folds


def _checked(fold, n):
    """Return the row numbers of one pair as two sets of whole numbers."""
    try:
        train, test = fold
        train, test = ({int(row) for row in rows} for rows in (train, test))
    except (TypeError, ValueError):
        raise ValueError(
            f"Each fold should be a pair (train, test) of lists of row numbers, got {fold!r:.80}."
        ) from None
    strange = sorted(row for row in train | test if not 0 <= row < n)
    if strange:
        raise ValueError(f"There is no row {strange[0]}: {n} rows are numbered from 0 to {n - 1}.")
    return train, test


def _heading(n, step, labels):
    if step < 13:
        return _text(LEFT, TOP - 8, f"rows 0 to {n - 1}", "start")
    names = [str(row) for row in range(n)] if labels is None else [str(label) for label in labels]
    side = _text(LEFT - 6, TOP - 8, "row" if labels is None else "class", "end")
    return side + "".join(_text(LEFT + (row + 0.5) * step, TOP - 8, name) for row, name in enumerate(names))


def _cell(x, y, step, train, test):
    _, colour, letter = LEGEND[{(True, False): 0, (False, True): 1, (True, True): 2, (False, False): 3}[train, test]]
    border = f' stroke="{INK}" stroke-width="0.5"' if step >= 6 or letter in ("!", "?") else ""
    box = f'<rect x="{x:.1f}" y="{y}" width="{step:.1f}" height="{ROW - 3}" fill="{colour}"{border}/>'
    return box + (_text(x + step / 2, y + 15, letter, fill=_on(colour)) if letter and step >= 13 else "")


def _on(colour):
    return "#FFFFFF" if colour in (TEST, BOTH) else INK


def _count(x, y, count):
    box = (
        ""
        if count == 1
        else f'<rect x="{x - 9:.1f}" y="{y - 13}" width="18" height="17" fill="none" stroke="{INK}" stroke-width="2"/>'
    )
    return box + _text(x, y, f"{count}×" if count == 1 else count)


def _legend(y):
    parts = []
    for place, (name, colour, letter) in enumerate(LEGEND):
        x = 20 + 88 * place
        parts.append(
            f'<rect x="{x}" y="{y}" width="16" height="16" fill="{colour}" stroke="{INK}" stroke-width="0.5"/>'
        )
        parts.append(_text(x + 8, y + 12, letter, fill=_on(colour)) + _text(x + 21, y + 12, name, "start"))
    return "".join(parts)


def _text(x, y, words, anchor="middle", fill=INK):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(str(words))}</text>'


def _svg(width, height, title, shapes, description):
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-family="sans-serif" font-size="11">'
        f'<title>{escape(description)}</title><rect width="{width:.0f}" height="{height}" fill="#FFFFFF"/>'
        f'<text x="10" y="20" font-size="13" font-weight="bold" fill="{INK}">{escape(title)}</text>'
        f"{''.join(shapes)}</svg>"
    )
    return svg, round(width), description


def _describe(title, folds, counts, n):
    """The grid in words."""
    lines = [f"{title}: {n} rows, {len(folds)} rounds"]
    for number, (train, test) in enumerate(folds, start=1):
        both = f", {len(train & test)} of them trained on as well" if train & test else ""
        lost = n - len(train | test)
        lines.append(
            f"round {number} tests rows {_some(sorted(test))}{both}{f'; in neither set: {lost}' if lost else ''}"
        )
    wrong = [row for row, count in enumerate(counts) if count != 1]
    lines.append(f"not tested exactly once: rows {_some(wrong)}" if wrong else "every row is tested exactly once")
    return ". ".join(lines) + "."


def _some(rows):
    shown = ", ".join(map(str, rows[:12]))
    return f"{shown or 'none'}{', …' if len(rows) > 12 else ''}"
