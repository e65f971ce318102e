"""Hidden checks of 03-iris: gaps, a stratified split, scaling without a leak, a perceptron, honest figures, settings.

Perceptrons are deterministic where their seed is given, so what a student's function trains is trained here again.
"""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import Perceptron, SGDClassifier

from nbseal.checks import as_array, as_number, describe


def returned(value, what):
    """Refuse what a forgotten return or a generator gives, with a sentence of its own."""
    assert value is not None, f"{what} gave None: does every path through your function end with a return?"
    assert "generator" not in describe(value), f"{what} gave a generator: use return instead of yield."
    return value


def several(value, what, names):
    """Return the parts of a value that should be so many things."""
    returned(value, what)
    row = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    right = row and len(value) == len(names)
    assert right, f"{what} should return {len(names)} things, {', '.join(names)}; it returned {describe(value)}."
    return list(value)


def labels_of(value, what, n):
    """Return n whole numbers, which may also be stored as floats."""
    array = as_array(returned(value, what), f"what {what} returned")
    array = array[:, 0] if array.shape == (n, 1) else array
    assert array.shape == (n,), f"{what} should return {n} numbers, one for each row, but the shape is {array.shape}."
    return array


TABLES = (  # rows of the species, rows of the rest, kinds of columns; the shape of some tables comes again
    (5, 1, "tduo"),
    (6, 9, "uSotTsb"),
    (6, 9, "oSBdTtw"),
    (1, 5, "oudTb"),
    (7, 7, "oTsWb"),
    (4, 12, "u"),
    (3, 8, "dd"),
    (4, 12, "o"),
)


def tables(rng):
    """Tables with columns in which a gap lies below, above or nowhere: (X, y, species, below, above).

    ``below`` are the columns in which the species lies under the rest, ``above`` those in which it lies over it.
    """
    for inside, outside, some in TABLES:
        kinds = rng.permutation(list(some))
        columns = [_column(rng, kind, inside, outside) for kind in kinds]
        species, *others = rng.choice(np.arange(-3, 12), 3, replace=False).tolist()
        y = np.array([species] * inside + [others[i % 2] for i in range(outside)])
        order = rng.permutation(len(y))
        below, above = ([place for place, kind in enumerate(kinds) if kind in those] for those in ("uw", "dW"))
        yield np.column_stack(columns)[order], y[order], species, below, above


def _column(rng, kind, inside, outside):
    """One column, with the species' values first. Gaps are a quarter wide or wider.

    The species lies under the rest (u), or under a rest that is spread far, so that no mean or median lies in the gap,
    and far from 0 (w); it touches it from below (t); it reaches a little into it, without an equal value (s); capitals,
    and d for u, are the same upside down, and the gap of d lies around 0. Or it lies between the other species (b),
    around them (B), or overlaps them (o).
    """
    low, high = -1 - rng.integers(0, 9, inside) / 4, 1 + rng.integers(0, 9, outside) / 4
    shift = 0 if kind == "d" else int(rng.integers(-20, 20))
    if kind == "o":
        low, high = _mixed(-low, -high)
    elif kind == "b":
        low, high[::2] = low / 8, -high[::2]
    elif kind == "B":
        low[::2], high = -low[::2], high / 8
    elif kind in "wW":
        high[: outside // 2 + 1] += 200
        shift = int(rng.integers(2000, 4000))
    elif kind in "tT":
        low[rng.integers(inside)] = high.min()
    elif kind in "sS":
        low[0], high[0] = high[1:].min() + 0.125, 4
    return 0.125 * (shift + np.concatenate([low, high])) * (-1 if kind in "dWTS" else 1)


def _mixed(inside, outside):
    """Make two sets overlap: an extreme value of the larger one moves to either side of the other."""
    if len(outside) > 1:
        outside[0] = inside.max() + 1
        outside[1] = inside.min() - 1
    else:
        inside[0], inside[1] = outside[0] - 1, outside[0] + 1
    return inside, outside


@pytest.mark.question("separate", promise="all its values are smaller than all values of the rest, or all are larger")
def test_separate(student):
    """In every table, the columns with a gap are found, and no others."""
    for X, y, species, below, above in tables(student.rng):
        value = returned(student.leaves_alone("separating_columns", X, y, species), "separating_columns(...)")
        value = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        row = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)
        assert row, f"separating_columns(...) should return a list of column numbers; it returned {describe(value)}."
        got = sorted(as_array(value, "the list of columns", shape=(None,), dtype="int").tolist()) if len(value) else []
        right = sorted(below + above)
        assert len(set(got)) == len(got), "separating_columns(...) names a column twice."
        assert got == right, (
            f"In a table with {X.shape[1]} columns, separating_columns(...) found {len(got)}, expected {len(right)}"
            f"{', but others' if len(got) == len(right) else ''}. {amiss(set(got), set(below), set(above), X.shape[1])}"
        )


def amiss(got, below, above, width):
    """What is wrong with a set of column numbers."""
    missing = (below | above) - got
    if got and got == {column + 1 for column in below | above}:
        return "Columns are counted from 0."
    if not got <= set(range(width)):
        return "A column was named that isn't there."
    if got - below - above:
        return "Some have no gap: all values of the species are compared with all of the rest; equal values are no gap."
    if missing == below and above:
        return "Those are missing in which the species lies below the rest."
    if missing == above and below:
        return "Those are missing in which the species lies above the rest."
    return "Some columns with a gap are missing."


def flowers(rng, sizes):
    """Rows that all differ, with labels that are any whole numbers, in random order."""
    n = sum(sizes)
    names = rng.choice(np.arange(-4, 20), len(sizes), replace=False)
    X = np.column_stack([rng.permutation(n) + 0.25, rng.integers(-400, 400, (n, 2)) / 8])
    return X, rng.permutation(np.repeat(names, sizes))


def splits(student, X, y, calls):
    """Yield the numbers of training and test rows, and the labels that came with them, for each (share, seed)."""
    numbers = {row.tobytes(): number for number, row in enumerate(X)}
    names = ("X_train", "X_test", "y_train", "y_test")
    what = "split(...)"
    for value in student.calls("split", [(X, y, share, seed) for share, seed in calls]):
        parts = several(value, what, names)
        arrays = [as_array(part, f"the {name} that {what} returned") for part, name in zip(parts, names, strict=True)]
        crossed = [array.ndim for array in arrays] == [2, 1, 2, 1]
        assert not crossed, (
            f"{what} returned the parts in another order: X_train, X_test, y_train, y_test is asked for."
        )
        for name, array, rows in zip(names, arrays, (arrays[0], arrays[1]) * 2, strict=True):
            wanted = (len(rows), 3) if name.startswith("X") else (len(rows),)
            assert array.shape == wanted, f"{name} should have the shape {wanted}, but its shape is {array.shape}."
        found = [[numbers.get(np.ascontiguousarray(row).tobytes()) for row in array] for array in arrays[:2]]
        strange = sum(number is None for rows in found for number in rows)
        assert not strange, f"{what} returned {strange} rows that are not in X: don't change any number."
        yield *found, arrays[2], arrays[3]


EXACT = (((40, 20, 10), 0.3), ((30, 60), 0.2), ((20, 20, 20), 0.25), ((12, 8, 24), 0.5))


@pytest.mark.question("split", promise="`test_share` of all rows are in the test set")
def test_split_sizes(student):
    """The share that is asked for is in the test set, and the rest in the training set."""
    for sizes, share in EXACT:
        X, y = flowers(student.rng, sizes)
        n, wanted = len(y), round(share * len(y))
        for train, test, *_ in splits(student, X, y, [(share, int(student.rng.integers(1000)))]):
            swapped = len(test) == n - wanted != wanted
            assert not swapped, (
                f"Of {n} rows and a test share of {share:g}, {len(test)} are in the test set and {len(train)} in the "
                "training set: the wrong way round. The share is for testing."
            )
            assert len(test) == wanted, (
                f"Of {n} rows and a test share of {share:g}, {len(test)} are in the test set, expected {wanted}."
            )
            assert len(train) == n - wanted, f"{len(train)} of {n} rows are for training, expected {n - wanted}."


@pytest.mark.question("split", promise="Every row of `X` is in exactly one of `X_train` and `X_test`")
def test_split_rows_and_labels(student):
    """Every row is in exactly one of the two sets, with its own label, and what was given stays as it was."""
    for sizes, share in (*EXACT, ((17, 5, 11), 0.3)):
        X, y = flowers(student.rng, sizes)
        seed = int(student.rng.integers(1000))
        for train, test, *labels in splits(student, X, y, [(share, seed)]):
            n, both, lost = len(y), len(set(train) & set(test)), len(y) - len(set(train) | set(test))
            assert train, f"Of {n} rows, none is for training."
            assert test, f"Of {n} rows, none is for testing."
            assert not both, f"{both} of {n} rows are in the training set and in the test set."
            assert not lost, f"{lost} of {n} rows are in neither of the two sets."
            assert len(train) + len(test) == n, "A row is twice in the same set."
            for name, rows, got in zip(("y_train", "y_test"), (train, test), labels, strict=True):
                wrong = int(np.sum(got != y[rows]))
                assert not wrong, (
                    f"{wrong} of {len(rows)} labels in {name} don't belong to the row at the same place: "
                    "shuffle rows and labels together."
                )
        student.leaves_alone("split", X, y, share, seed)


@pytest.mark.question("split", weight=0.5, requires="test_split_sizes", promise="and of each class as well")
def test_split_keeps_the_shares(student):
    """Every class gives the same share of its rows to the test set."""
    for sizes, share in (*EXACT, *EXACT, ((17, 5, 11), 0.3), ((9, 31), 0.4)):
        X, y = flowers(student.rng, sizes)
        slack = 0.5 if (sizes, share) in EXACT else 1.5  # a share that is no whole number may be rounded either way
        for _, test, *_ in splits(student, X, y, [(share, int(student.rng.integers(1000)))]):
            for name in np.unique(y):
                all_of_it, got = int(np.sum(y == name)), int(np.sum(y[test] == name))
                assert abs(got - share * all_of_it) < slack, (
                    f"Of a class with {all_of_it} rows and a test share of {share:g}, {got} are in the test set, "
                    f"expected about {share * all_of_it:g}: split each class by itself (stratify)."
                )


@pytest.mark.question(
    "split",
    weight=0.5,
    requires="test_split_rows_and_labels",
    promise="the same seed gives the same four arrays again, another seed gives other test rows",
)
def test_split_seed(student):
    """The same seed gives the same arrays, other seeds give other rows, and every row gets its turn."""
    X, y = flowers(student.rng, (16, 24))
    seeds = student.rng.choice(10_000, 30, replace=False).tolist()
    drawn = [
        (train, test, a.tolist(), b.tolist())
        for train, test, a, b in splits(student, X, y, [(0.5, seed) for seed in (*seeds, *seeds[:5])])
    ]
    assert drawn[:5] == drawn[30:], (
        "Two calls with the same seed gave different arrays: give the seed to random_state, or make the generator from "
        "it inside the function."
    )
    tests = [sorted(test) for _, test, *_ in drawn[:30]]
    assert len({tuple(test) for test in tests}) == 30, (
        "Different seeds gave the same test rows: which rows are drawn should depend on the seed that is given."
    )
    counts = np.bincount(np.concatenate(tests), minlength=len(y))
    assert counts.min() > 0, "With 30 seeds, some rows were never tested: shuffle all rows of each class."
    assert counts.max() < 30, "With 30 seeds, some rows were tested every time: shuffle all rows of each class."


def measured(rng, n_train, n_test, columns, whole=False):
    """Training rows with columns of different places and sizes, and test rows that lie elsewhere, one of them far away.

    Unless all numbers are whole, the first column has small ones, in which whatever is added to a deviation shows.
    """
    size = rng.uniform(8, 30, columns) if whole else np.append(0.02, rng.uniform(2, 30, columns - 1))
    place = size * rng.uniform(1, 4, columns) * rng.choice([-1, 1], columns)
    train = place + size * rng.normal(size=(n_train, columns))
    test = place + size * (rng.uniform(2, 4, columns) + 1.5 * rng.normal(size=(n_test, columns)))
    train[0], train[1] = place - size, place + size  # no column is constant
    test[0] = place + 9 * size
    if n_train > 20:
        train[2] = place - 6 * size
    return (np.rint(train).astype(int), np.rint(test).astype(int)) if whole else (train, test)


def scaled(student, train, test, keep=False):
    """Return both sets as the student's function scales them."""
    value = (student.leaves_alone if keep else student.call)("scale", train, test)
    names = ("the training rows", "the test rows")
    parts = several(value, "scale(...)", names)
    return [
        as_array(part, f"{name} that scale(...) returned", shape=rows.shape)
        for part, name, rows in zip(parts, names, (train, test), strict=True)
    ]


def distance(got, wanted):
    """How far numbers are from those that are wanted: rounding to single precision isn't far, to four digits it is."""
    return np.max(np.abs(got - wanted) / (1 + np.abs(wanted)))


FAR = 1e-5


def standard(rows, source, ddof=0):
    """Standardise rows with the figures of other rows."""
    return (rows - source.mean(axis=0)) / source.std(axis=0, ddof=ddof)


@pytest.mark.question("scale", promise="as `np.std` computes it")
def test_scale_training_rows(student):
    """The training rows get the mean 0 and the standard deviation 1 in each column."""
    for sizes in ((30, 12, 4), (7, 3, 2), (50, 20, 1)):
        train, test = measured(student.rng, *sizes)
        got, _ = scaled(student, train, test)
        misread = [
            ("The deviation was divided by n - 1; here it is divided by n, as np.std does.", standard(train, train, 1)),
            ("They were scaled with the test rows, too.", standard(train, np.concatenate([train, test]))),
            ("They were scaled with figures of the test rows.", standard(train, test)),
            ("They are as they were.", train),
            ("The mean was subtracted, but not divided by the deviation.", train - train.mean(axis=0)),
            ("One mean and deviation were taken for all columns: use axis=0.", (train - train.mean()) / train.std()),
            ("This is (x - min) / (max - min), not (x - mean) / deviation.", (train - train.min(0)) / np.ptp(train, 0)),
        ]
        several_columns = train.shape[1] > 1  # with a single one, some of them are the same
        hint = [text for text, other in misread if several_columns and distance(got, other) < FAR]
        hint = [*hint, "Each column should have the mean 0 and the deviation 1."][0]
        assert distance(got, standard(train, train)) < FAR, (
            f"The scaled training rows are off by up to {np.abs(got - standard(train, train)).max():.3g}. {hint}"
        )


@pytest.mark.question("scale", weight=2, promise="come from the **training rows only**")
def test_scale_test_rows(student):
    """The test rows are scaled with the figures of the training rows, also where they lie elsewhere."""
    for sizes in ((30, 12, 4), (9, 5, 3), (25, 2, 2)):
        train, test = measured(student.rng, *sizes)
        _, got = scaled(student, train, test)
        misread = [
            ("They were scaled with their own mean and deviation (fit_transform fits).", standard(test, test)),
            ("They had a say in the mean and the deviation: a leak.", standard(test, np.concatenate([train, test]))),
            ("They are as they were: each needs the mean and the deviation of the training rows as given.", test),
            ("The deviation was divided by n - 1; here it is divided by n, as np.std does.", standard(test, train, 1)),
            ("The mean was subtracted, but not divided by the deviation.", test - train.mean(axis=0)),
            ("One mean and deviation were taken for all columns: use axis=0.", (test - train.mean()) / train.std()),
        ]
        hint = [text for text, other in misread if distance(got, other) < FAR]
        hint = [*hint, "Use the mean and the deviation of the training rows for each column."][0]
        wanted = standard(test, train)
        assert distance(got, wanted) < FAR, (
            f"The scaled test rows are off by up to {np.abs(got - wanted).max():.3g}. {hint}"
        )


@pytest.mark.question("scale", promise="`X_test` may have a single row")
def test_scale_one_row(student):
    """A single test row is scaled like many, whole numbers like others, and what was given stays as it was."""
    for sizes, whole in (((8, 2, 3), False), ((12, 2, 1), False), ((20, 2, 2), True), ((2, 2, 4), False)):
        train, tests = measured(student.rng, *sizes, whole=whole)
        for test in (tests[:1], tests[1:]):  # whoever remembers the training rows alone is wrong about the second
            for got, rows in zip(scaled(student, train, test, keep=True), (train, test), strict=True):
                wanted = standard(rows, train)
                assert distance(got, wanted) < FAR, (
                    f"With {len(train)} training rows and a single test row, the numbers are off by up to "
                    f"{np.abs(got - wanted).max():.3g}. The mean and the deviation come from the training rows."
                )


def heaps(rng, classes, n, spread):
    """Rows around one place for each class, with labels that are any whole numbers."""
    names = rng.choice(np.arange(-4, 20), classes, replace=False)
    y = rng.permutation(np.repeat(names, n))
    places = 2 * np.eye(classes, classes + 1) - 0.5
    X = places[np.searchsorted(np.sort(names), y)] + spread * rng.normal(size=(len(y), classes + 1))
    return X, y


def slow(rng):
    """Three rows with one column, on which Perceptron(random_state=0) goes on for more than 600 epochs: (X, y)."""
    names = rng.choice(np.arange(-4, 20), 2, replace=False)
    while True:
        place, step = rng.uniform(0.04, 0.06), rng.uniform(0.008, 0.012)
        X, y = np.array([[place], [place + step], [place - step * rng.uniform(0.5, 2)]]), names[[0, 1, 0]]
        if Perceptron(random_state=0).fit(X, y).n_iter_ > 600:
            return X, y


def reference(X, y, rows, **settings):
    """What a perceptron of ours predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Perceptron(**settings, random_state=0).fit(X, y).predict(rows)


@pytest.mark.question("learn", promise="the labels that it predicts for the test rows")
def test_learn_heaps(student):
    """Of classes that lie far apart, nearly all new rows are recognised; what was given stays as it was."""
    for classes in (3, 2, 4, 3):
        X, y = heaps(student.rng, classes, 30, 0.25)
        rows, wanted = X[: len(y) // 2], y[: len(y) // 2]
        known = len(y) // 2
        value = student.leaves_alone("learn", X[known:], y[known:], rows)
        got = labels_of(value, "learn(...)", len(rows))
        share = float(np.mean(got == wanted))
        strange = sorted(set(got.tolist()) - set(y.tolist()))
        hint = "Return labels as they are in y_train, not other numbers." if strange else "Which rows go to fit?"
        assert share > 0.8, f"{share:.0%} of {classes} classes' new rows were recognised, expected nearly all. {hint}"


@pytest.mark.question(
    "learn", requires="test_learn_heaps", promise="trains a new `Perceptron(random_state=0)` on the training rows"
)
def test_learn_like_a_perceptron(student):
    """Where classes overlap, or training takes long, the predictions are those of Perceptron(random_state=0)."""
    sets = []
    for classes in (3, 2, 5):
        X, y = heaps(student.rng, classes, 40, 1.2)
        known = len(y) // 2
        sets.append((X[known:], y[known:], X[:known]))
    X, y = slow(student.rng)
    sets.append((X, y, X[0] + np.linspace(-0.03, 0.03, 60)[:, None]))
    for X, y, rows in sets:
        got = labels_of(student.call("learn", X, y, rows), "learn(...)", len(rows))
        alike = int(np.sum(got == reference(X, y, rows)))
        assert alike == len(rows), (
            f"{alike} of {len(rows)} predictions are those of Perceptron(random_state=0), expected all. The rows are "
            "scaled already, and each call trains a new model."
        )


def outcomes(rng, count, place, overlooked):
    """Labels of training and test rows and predictions in which all misreadings differ, as arrays; always as many.

    The class at this place has the smallest recall; with ``overlooked``, it is never predicted.
    """
    while True:
        names = rng.choice(np.arange(-4, 20), count, replace=False)
        train = rng.permutation(np.repeat(names, [23, 14, 9, 5][:count]))
        test = rng.permutation(np.repeat(names, [7, 16, 6, 9][:count]))
        wrong = rng.random(len(test)) < 0.35
        predicted = np.where(wrong, rng.choice(names, len(test)), test)
        if overlooked:
            least, other, *_ = np.roll(np.sort(names), -place)
            predicted[predicted == least] = other
        figures = truths(train, test, predicted)
        others = [figure for *_, figure in misjudged(train, test, predicted) if figure > 0]
        apart = np.abs(np.subtract.outer([*figures, *others], [*figures, *others])) + np.eye(len(others) + 3)
        least = np.argmin(recalls_of(test, predicted)) == place
        if least and (figures[2] > 0 or overlooked) and apart.min() > 1e-3:
            return train, test, predicted


def recalls_of(test, predicted):
    """The recall of each class, in their order."""
    return [float(np.mean(predicted[test == name] == name)) for name in np.unique(test)]


def truths(train, test, predicted):
    """Accuracy, baseline, and smallest recall."""
    names, counts = np.unique(train, return_counts=True)
    baseline = float(np.mean(test == names[counts.argmax()]))
    return float(np.mean(predicted == test)), baseline, min(recalls_of(test, predicted))


def misjudged(train, test, predicted):
    """Other figures that one may take for the right ones: (the places where one may, a sentence, the figure)."""
    names, counts = np.unique(train, return_counts=True)
    recalls = recalls_of(test, predicted)
    hits = [float(np.mean((test == name) & (predicted == name))) for name in names]
    precisions = [float(np.mean(test[predicted == name] == name)) for name in names if name in predicted]
    return [
        ((0,), "That is the share of wrong predictions.", float(np.mean(predicted != test))),
        ((1,), "That is the share of the most frequent class of y_test, which nobody knows beforehand.", _most(test)),
        ((1,), "That is how frequent the class is in y_train; count it in y_test.", float(counts.max() / len(train))),
        ((1,), "That is the share of the most frequent prediction.", _most(predicted)),
        (
            (2,),
            "That is the smallest precision: divide by how many rows *are* of the class.",
            min(precisions),
        ),
        ((0, 2), "That is the mean of the recalls.", float(np.mean(recalls))),
        ((2,), "That is the largest recall: the smallest one is asked for.", max(recalls)),
        ((2,), "That is divided by all rows: a recall is divided by the rows of its class.", min(hits)),
        ((2,), "That is the smallest recall of the classes that were predicted.", _smallest(recalls, names, predicted)),
    ]


def _smallest(recalls, names, predicted):
    """The smallest recall of the classes that were predicted; 3, which is none, if all were."""
    found = [recall for recall, name in zip(recalls, names, strict=True) if name in predicted]
    return 3.0 if len(found) == len(names) else min(found)


def _most(labels):
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def check_figure(student, place):
    """Compare one of the three numbers with ours, on lists and on arrays."""
    names = ("accuracy", "baseline", "worst")
    for number, (kind, count, least) in enumerate(((list, 3, 0), (np.array, 4, 3), (list, 3, 1), (np.array, 4, 2))):
        train, test, predicted = outcomes(student.rng, count, least, overlooked=number > 1)
        arguments = [labels.tolist() if kind is list else labels for labels in (train, test, predicted)]
        value = several(student.leaves_alone("judge", *arguments), "judge(...)", names)
        numbers = [as_number(part, f"the {name} of judge(...)") for part, name in zip(value, names, strict=True)]
        got, wanted = float(numbers[place]), truths(train, test, predicted)
        others = misjudged(train, test, predicted)
        hints = [text for places, text, other in others if place in places and abs(got - other) < 1e-6]
        hints += [
            f"That is the {names[i]}: the order is {', '.join(names)}." for i in range(3) if abs(got - wanted[i]) < 1e-6
        ]
        if got > 1:
            hints.insert(0, "A share lies between 0 and 1: it is neither a count nor per cent.")
        hint = [*hints, "Work out a small example by hand."][0]
        assert abs(got - wanted[place]) < 1e-6, f"The {names[place]} is {got:.4g}, expected {wanted[place]:.4g}. {hint}"


@pytest.mark.question("judge", promise="The accuracy is that of the predictions on the test rows")
def test_judge_accuracy(student):
    """The first number is the share of right predictions."""
    check_figure(student, 0)


@pytest.mark.question("judge", promise="if every one of them gets the most frequent class of `y_train`")
def test_judge_baseline(student):
    """The second number is what a constant answer, chosen by the training labels, gets on the test rows."""
    check_figure(student, 1)


@pytest.mark.question("judge", promise="is the smallest recall of all classes")
def test_judge_worst(student):
    """The third number is the smallest share of a class that was found."""
    check_figure(student, 2)


def neurons(rng, count, columns, n, shift):
    """Weights, biases and rows; with a shift, all sums are positive, or negative. The largest sum isn't a near thing.

    No neuron wins all rows, and of three neurons each wins some.
    """
    while True:
        weights, biases = rng.normal(size=(count, columns)), 2 * rng.normal(size=count) + shift
        X = 2 * rng.normal(size=(n, columns))
        sums = np.sort(X @ weights.T + biases, axis=1)
        winners = np.bincount((X @ weights.T + biases).argmax(axis=1), minlength=count)
        mixed = n == 1 or (winners.max() < 0.8 * n and (count != 3 or winners.min() > 0.05 * n))
        sided = not shift or (np.sign(sums) == np.sign(shift)).all()
        if mixed and sided and (sums[:, -1] - sums[:, -2]).min() > NEAR * max(1, abs(shift) / 1000):
            return weights, biases, X


NEAR = 0.003


def decided(student, *arguments):
    """Return the student's answers, one for each row."""
    return labels_of(student.leaves_alone("decide", *arguments), "decide(...)", len(arguments[2]))


def _firing(sums):
    """The neuron with the largest sum where one fires, and else number 0."""
    return np.where((sums > 0).any(axis=1), sums.argmax(axis=1), 0)


@pytest.mark.question("ovr", promise="the number of the neuron with the largest sum, counted from 0")
def test_ovr_three_neurons(student):
    """Of three neurons, the one with the largest sum wins, whether several fire or none."""
    for shift in (0, 20, -20, -20_000):
        weights, biases, X = neurons(student.rng, 3, 2, 60, shift)
        got, sums = decided(student, weights, biases, X), X @ weights.T + biases
        misread = [
            ("The biases are missing in the sums.", (X @ weights.T).argmax(axis=1)),
            ("The smallest sum was taken, not the largest.", sums.argmin(axis=1)),
            ("Where no neuron fires, number 0 was taken; the largest sum decides, also a negative one.", _firing(sums)),
            ("The first neuron that fires was taken; the largest sum is asked for.", (sums >= 0).argmax(axis=1)),
            ("The largest sum without its sign was taken; a negative sum is a small one.", np.abs(sums).argmax(axis=1)),
            ("Neurons are counted from 0.", sums.argmax(axis=1) + 1),
        ]
        wanted = sums.argmax(axis=1)
        hint = [text for text, other in misread if np.array_equal(got, other) and not np.array_equal(other, wanted)]
        hint = [*hint, "Write down all three sums of one row: which is the largest?"][0]
        right = int(np.sum(got == wanted))
        assert right == len(X), f"Of {len(X)} decisions, {right} are for the largest sum, expected all. {hint}"


@pytest.mark.question(
    "ovr", requires="test_ovr_three_neurons", promise="The numbers of neurons and of columns may be any"
)
def test_ovr_any_number(student):
    """The same for any number of neurons, of columns and of rows."""
    for count, columns, n in ((2, 5, 40), (7, 1, 60), (4, 4, 1), (10, 3, 10), (5, 8, 5)):
        weights, biases, X = neurons(student.rng, count, columns, n, 0)
        got, wanted = decided(student, weights, biases, X), (X @ weights.T + biases).argmax(axis=1)
        right = int(np.sum(got == wanted))
        assert right == n, (
            f"With {count} neurons and {columns} {'column' if columns == 1 else 'columns'}, {right} of {n} decisions "
            "are for the largest sum, expected all."
        )


CHOICES = {
    "loss": ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"),
    "penalty": (None, "l1", "l2", "elasticnet"),
    "learning_rate": ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"),
    "shuffle": (True, False),
    "fit_intercept": (True, False),
}
NUMBERS = {"eta0": (1e-12, 1e6), "alpha": (0, 1e6), "tol": (0, 1e6), "max_iter": (1, 2000)}


def sgd_settings(student):
    """Return the student's settings, checked."""
    settings = student.value("sgd_settings")
    assert isinstance(settings, dict), f"`sgd_settings` should be a dict of settings, but it is {describe(settings)}."
    settings = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
    for name, value in settings.items():
        assert isinstance(name, str), f"The names in `sgd_settings` should be texts, but one is {describe(name)}."
        assert name != "random_state", "Leave out random_state in `sgd_settings`: the seeds are set from outside."
        assert name in {*CHOICES, *NUMBERS}, f"{name[:30]!r} is not in the table of settings."
        if name in CHOICES:
            known = any(type(value) is type(one) and value == one for one in CHOICES[name])
            assert known, f"{name} is {describe(value)}; scikit-learn doesn't know that."
        elif not (name == "tol" and value is None):
            number, (low, high) = as_number(value, f"{name} in `sgd_settings`"), NUMBERS[name]
            whole = name != "max_iter" or isinstance(number, int)
            assert whole, "max_iter should be a whole number, without a decimal point."
            assert low <= number <= high, f"{name} can't have this value: look at the table."
    return settings


def trained(model, X, y):
    """Weights and biases of a model, in one row."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y)
        except ValueError:
            raise AssertionError("scikit-learn refuses to train with these settings together.") from None
    return np.append(model.coef_, model.intercept_)


# with this seed training goes on for all of the 1000 epochs, so that one more or less changes the weights
ENDLESS = np.array([[0.0999], [0.1048], [0.0929]]), np.array([4, 9, 4]), 47


def hesitant(rng):
    """Small rows on which a perceptron would go on if it stopped at half of its own `tol`: (X, y, its seed)."""
    while True:
        X, y = heaps(rng, 2, 20, 1.2)
        X, seed = 0.03 * X, int(rng.integers(10_000))
        usual, longer = (trained(Perceptron(random_state=seed, tol=tol), X, y) for tol in (1e-3, 5e-4))
        if not np.allclose(usual, longer):
            return X, y, seed


@pytest.mark.question("same", promise="so that for any data and any seed")
def test_same_weights(student):
    """SGDClassifier with these settings learns the weights and biases of Perceptron, on other data and seeds."""
    settings = sgd_settings(student)
    rng = student.rng
    kinds = ((3, 1.2), (2, 0.3), (4, 2.0), (2, 3.0))
    data = [(*heaps(rng, classes, 40, spread), int(rng.integers(10_000))) for classes, spread in kinds]
    for X, y, seed in (*data, ENDLESS, hesitant(rng)):
        wanted = trained(Perceptron(random_state=seed), X, y)
        got = trained(SGDClassifier(**settings, random_state=seed), X, y)
        alike = int(np.sum(np.abs(got - wanted) <= 1e-9 * (1 + np.abs(wanted))))
        assert alike == len(wanted), (
            f"On data with {len(np.unique(y))} classes, {alike} of {len(wanted)} weights and biases are those of "
            "Perceptron, expected all. Go through the table line by line: in which lines do the two columns differ?"
        )


POOL = (
    {"max_iter": 1, "tol": None},
    {"max_iter": 3, "tol": None},
    {"max_iter": 20, "tol": None},
    {"max_iter": 40, "tol": None, "shuffle": False},
    {"penalty": "l2", "alpha": 0.01},
    {"penalty": "l1", "alpha": 0.01},
    {"penalty": "elasticnet", "alpha": 0.003},
    {"eta0": 0.1},
    {"fit_intercept": False},
    {},
)


VALID = 60


def contest(rng, count, winners, low=False):
    """Candidates and rows for them, and how many rows each gets right in validation and in training.

    The winners, one or two candidates that are equally good, get one validation row more than the next one; other
    candidates are better in training: any other, or the second winner. With ``low``, all get few rows right.
    """
    while True:
        X, y = heaps(rng, 3, VALID, 1.1)
        X_valid, X_train, y_train = X[:VALID], X[VALID : VALID + 50], y[VALID : VALID + 50]
        candidates = [POOL[place] for place in rng.choice(len(POOL), count, replace=False)]
        both = np.concatenate([X_valid, X_train])
        said = np.array([reference(X_train, y_train, both, **settings) for settings in candidates])
        y_valid = close_run(rng, said[:, :VALID], np.unique(y), winners, 1.0 if low else 0.3)
        scores, training = (said[:, :VALID] == y_valid).sum(axis=1), (said[:, VALID:] == y_train).sum(axis=1)
        close = (scores[winners] == np.delete(scores, winners).max() + 1).all()
        if close and (training[winners[1:]] if winners[1:] else training).max() > training[winners[0]]:
            return candidates, (X_train, y_train, X_valid, y_valid), scores, training


def close_run(rng, said, names, winners, spoiled):
    """Labels under which the winners get as many rows right as each other and, if it can be, one more than the next.

    This share of the rows that all candidates predict alike gets a label that none predicts.
    """
    one, other = said[winners[0]], said[winners[-1]]
    disputed = rng.permutation(np.flatnonzero(one != other))
    labels = one.copy()
    labels[disputed[::2]] = other[disputed[::2]]
    labels[disputed[len(disputed) // 2 * 2 :]] = names.min() - 1  # an odd one is nobody's
    alike = (said == one).all(axis=0)
    for row in rng.permutation(np.flatnonzero(one == other)):
        if alike[row] and rng.random() > spoiled:
            continue
        before = labels[row]
        labels[row] = rng.choice(names[names != before])
        scores = (said == labels).sum(axis=1)
        if scores[winners[0]] <= np.delete(scores, winners).max():
            labels[row] = before
    return labels


def chosen(student, candidates, rows):
    """Return the place of the candidate that the student's function chose."""
    value = returned(student.leaves_alone("best_settings", candidates, *rows), "best_settings(...)")
    assert isinstance(value, dict), (
        f"best_settings(...) should return one of the dicts, but it returned {describe(value)}."
    )
    found = [place for place, one in enumerate(candidates) if plainly(one, value)]
    assert found, "best_settings(...) returned a dict that is not one of the candidates: return one of them unchanged."
    return found[0]


def plainly(one, other):
    """Whether two dicts of plain values are equal, without comparing arrays."""
    return one.keys() == other.keys() and all(
        type(value) is type(other[name]) and value == other[name] for name, value in one.items()
    )


@pytest.mark.question("tune", promise="the dict whose perceptron has the highest accuracy on the validation rows")
def test_tune_best(student):
    """The best candidate on the validation rows is chosen, and what was given stays as it was."""
    for count, best, low in ((5, 3, False), (7, 5, False), (4, 1, True), (6, 4, False), (3, 2, False)):
        candidates, rows, scores, training = contest(student.rng, count, [best], low)
        place = chosen(student, candidates, rows)
        hint = "Compare the accuracies on the validation rows, of models that were trained on the training rows."
        if training[place] == training.max():
            hint = "None is better on the training rows, but the validation rows decide."
        elif scores[place] == scores.min():
            hint = "None is worse."
        assert place == best, (
            f"The chosen settings get {scores[place]} of {len(rows[3])} validation rows right, and the best ones "
            f"{scores.max()}. {hint}"
        )
    chosen(student, candidates[-1:], rows)  # a single one is the best


@pytest.mark.question(
    "tune", weight=0.5, requires="test_tune_best", promise="If several are equally good, return the first of them"
)
def test_tune_tie(student):
    """Of several candidates that are equally good, the first is chosen, even if they get nothing right."""
    for count, first, second in ((5, 1, 3), (4, 0, 2), (6, 2, 5)):
        candidates, rows, scores, _ = contest(student.rng, count, [first, second])
        place = chosen(student, candidates, rows)
        best = scores[place] == scores.max()
        assert best, f"The chosen settings get {scores[place]} validation rows right, and the best ones {scores.max()}."
        assert place == first, "Two candidates are equally good, and the later one was chosen: keep the first."
    candidates, rows, *_ = contest(student.rng, 4, [2])
    assert chosen(student, candidates, rows) == 2, "The candidate that was chosen isn't the best one."
    X_train, y_train, X_valid, y_valid = rows
    strange = np.full(len(y_valid), y_train.max() + 1)
    value = student.leaves_alone("best_settings", candidates, X_train, y_train, X_valid, strange)
    first = isinstance(value, dict) and plainly(value, candidates[0])
    assert first, (
        "Where no candidate gets a validation row right, all are equally good, and the first is asked for; "
        f"best_settings(...) returned {'another one' if isinstance(value, dict) else describe(value)}."
    )
