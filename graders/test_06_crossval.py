"""Hidden checks of 06-crossval: folds, fresh models, shuffled and stratified folds, leaks.

Models and scalers are ours (crossval_spies.py) and note what they are given. Rows are drawn as short binary fractions,
so that they stay the same in single precision.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import StudentError, StudentFunctionError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


spies = _beside("crossval_spies")
# what pandas says of rows that it can't find by their numbers
ABOUT_ROWS = re.compile(
    r"\\n|\b(None of|Index|u?int(?=\d)|dtype|length|are in the|columns|not (found )?in|index|axis)(?![a-z])"
)
BY_POSITION = "Square brackets and .loc go by name, .iloc goes by position: use it for the data and for the labels."


def sequence(value):
    """Whether ``value`` has a length and parts."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def rows_of(value, what, n):
    """Return one set of row numbers as a list; numbers that don't exist are refused."""
    value = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
    assert sequence(value), f"{what} should be a list or an array, but it is {describe(value)}. Try list(...)."
    assert len(value) <= 10 * n, f"{what} holds far more row numbers than there are rows."
    rows = as_array(value, what, shape=(None,), dtype="int").tolist()
    strange = [row for row in rows if not 0 <= row < n]
    assert not strange, f"{what} names row {strange[0]}, but {n} rows are numbered from 0 to {n - 1}."
    return rows


def folds_of(value, what, n, k):
    """Return k pairs (train, test) as lists of row numbers."""
    hint = "gave None: does the function end with a return?" if "(" in what else "is None: write a list of pairs."
    assert value is not None, f"{what} {hint}"
    assert "generator" not in describe(value), f"{what} gave a generator: collect the pairs in a list and return that."
    assert sequence(value), f"{what} should be a list of pairs (train, test), but it is {describe(value)}."
    number = "1 pair" if len(value) == 1 else f"{len(value)} pairs"
    assert len(value) == k, f"{what} holds {number}, expected {k}: one for each fold."
    for pair in value:
        right = sequence(pair) and len(pair) == 2
        assert right, f"{what} should hold pairs (train, test), but one of them is {describe(pair)}."
    names = ("a training set", "a test set")
    folds = [
        tuple(rows_of(rows, f"{what}: {name}", n) for rows, name in zip(pair, names, strict=True)) for pair in value
    ]
    trained, tested = (sum(len(fold[side]) for fold in folds) for side in (0, 1))
    turned = k > 2 and (trained, tested) == (n, (k - 1) * n)
    assert not turned, f"{what}: the pairs are the wrong way round. First the training rows, then the test rows."
    return folds


def check_splits(folds, n, what):
    """Every row is in exactly one of the two sets of each pair."""
    for train, test in folds:
        both, lost = set(train) & set(test), set(range(n)) - set(train) - set(test)
        assert not both, (
            f"{what}: in one pair, {len(both)} of {n} rows are in the training set and in the test set. "
            "Training rows are all rows that are not tested."
        )
        assert not lost, f"{what}: in one pair, {len(lost)} of {n} rows are in neither set. Use all of them."
        twice = len(train) + len(test) - n
        assert not twice, f"{what}: one pair names a row twice in the same set."
        assert train, f"{what}: one of the training sets is empty."
        assert test, f"{what}: one of the test sets is empty."


def check_tested_once(folds, n, what, hint="After all rounds, each row has had its turn."):
    """Every row is tested in exactly one of the pairs."""
    counts = np.bincount([row for _, test in folds for row in test], minlength=n)
    never, often = int((counts == 0).sum()), int((counts > 1).sum())
    assert not never, f"{what}: {never} of {n} rows {'is' if never == 1 else 'are'} never tested. {hint}"
    assert not often, (
        f"{what}: {often} of {n} rows {'is' if often == 1 else 'are'} tested more than once. Folds don't overlap."
    )


@pytest.mark.question("hand", promise="each test set has two of them")
def test_hand_rounds(student):
    """In each round, two rows are for testing and the six others for training."""
    folds = folds_of(student.value("hand_folds"), "hand_folds", 8, 4)
    check_splits(folds, 8, "hand_folds")
    sizes = [len(test) for _, test in folds]
    assert sizes == [2] * 4, f"The test sets have {sizes} rows, expected two in each."


@pytest.mark.question("hand", weight=0.5, promise="After k rounds every row has been tested exactly once")
def test_hand_tests_each_row_once(student):
    """In all rounds together, each row is tested exactly once."""
    check_tested_once(folds_of(student.value("hand_folds"), "hand_folds", 8, 4), 8, "hand_folds")


@pytest.mark.question(
    "hand", weight=0.5, promise="which share of all rows is in *one* test set, and which in *one* training set?"
)
def test_hand_shares(student):
    """The shares of test and training rows are right."""
    test, train = (float(min(max(student.number(name), -1e9), 1e9)) for name in ("test_share", "train_share"))
    hint = "Divide the rows of one set by the number of all rows."
    if (test, train) == (0.75, 0.25):
        hint = "They are swapped: the smaller part is for testing, most rows are for training."
    elif max(test, train) > 1:
        hint = "A share is a number between 0 and 1: neither a count nor per cent."
    right = abs(test - 0.25) < 1e-9 and abs(train - 0.75) < 1e-9
    assert right, f"You say {test:g} of the rows are tested in one round and {train:g} trained on. {hint}"


def sklearn_folds(n, k):
    """Return the folds of KFold(k) as lists."""
    return [(train.tolist(), test.tolist()) for train, test in KFold(k).split(np.zeros(n))]


def kfold_cases(rng):
    """Pairs of n and k: all small ones, and some large ones with and without a remainder."""
    small = [(n, k) for n in range(3, 9) for k in range(2, n)]
    k = int(rng.integers(3, 12))
    return [*small, (k * 13, k), (k * 13 + 2, k), (k * 13 - 1, k), (int(rng.integers(60, 120)), 2)]


def kfold_answers(student):
    """Yield (n, k, folds) as the student's kfold_indices gives them."""
    cases = kfold_cases(student.rng)
    for answer, (n, k) in zip(student.calls("kfold_indices", cases), cases, strict=True):
        yield n, k, folds_of(answer, "kfold_indices(n, k)", n, k)


@pytest.mark.question("kfold", promise="training is all the rest")
def test_kfold_splits(student):
    """In every pair, each row is either a training row or a test row."""
    for n, _, folds in kfold_answers(student):
        check_splits(folds, n, "kfold_indices(n, k)")


@pytest.mark.question("kfold", promise="for any number of rows n and of folds k")
def test_kfold_tests_each_row_once(student):
    """For every n and k, each row is tested exactly once."""
    for n, k, folds in kfold_answers(student):
        what = "kfold_indices(n, k)" if n % k == 0 else "kfold_indices(n, k) with a remainder"
        hint = "Does every fold start where the one before stops, and does the last one reach the end?"
        check_tested_once(folds, n, what, hint)


@pytest.mark.question("kfold", weight=0.5, promise="some folds have one row more than others")
def test_kfold_sizes(student):
    """Test sets differ by one row at most."""
    for n, k, folds in kfold_answers(student):
        sizes = [len(test) for _, test in folds]
        assert max(sizes) - min(sizes) <= 1, (
            f"When n = {n} rows make k = {k} folds, the largest test set has {max(sizes)} rows and the smallest "
            f"{min(sizes)}; expected a difference of one at most. Spread the remainder over several folds."
        )


@pytest.mark.question(
    "kfold",
    weight=0.5,
    requires=["test_kfold_splits", "test_kfold_tests_each_row_once"],
    promise="the test set of the first pair is fold 1, and so on",
)
def test_kfold_like_scikit_learn(student):
    """The folds are those of scikit-learn's KFold: neighbours together, larger folds first."""
    for n, k, folds in kfold_answers(student):
        got, expected = ([sorted(test) for _, test in some] for some in (folds, sklearn_folds(n, k)))
        hint = "Each fold should go on where the one before stopped, starting with row 0."
        if any(len(test) > 1 and test[-1] - test[0] >= len(test) for test in got):
            hint = "The test rows of a fold should be neighbours."
        elif got == expected[::-1]:
            hint = "The order is turned round: the first pair tests the first rows."
        elif [len(test) for test in got] != [len(test) for test in expected]:
            hint = "The sizes come in another order: the first n % k folds are the larger ones."
        assert got == expected, f"The folds are valid, but they aren't those that were asked for. {hint}"


@pytest.mark.question(
    "kfold", weight=0.5, requires="test_kfold_splits", promise="Raise a `ValueError` if k is less than 2"
)
def test_kfold_refuses_fewer_than_two_folds(student):
    """Fewer than two folds raise a ValueError."""
    student.all_raise("kfold_indices", [(10, 1), (10, 0), (10, -2)], error="ValueError")


@pytest.mark.question("kfold", weight=0.5, requires="test_kfold_splits", promise="or greater than n")
def test_kfold_refuses_more_folds_than_rows(student):
    """More folds than rows raise a ValueError; as many folds as rows are fine."""
    student.all_raise("kfold_indices", [(4, 5), (10, 25)], error="ValueError")
    for n in (2, 5, 9):
        try:
            folds = folds_of(student.call("kfold_indices", n, n), "kfold_indices(n, n)", n, n)
        except StudentFunctionError as error:
            raise StudentError(
                f"With as many folds as rows, {error} Only k < 2 and k > n are to be refused: k = n leaves one row out "
                "in each round."
            ) from None
        check_splits(folds, n, "kfold_indices(n, n)")
        check_tested_once(folds, n, "kfold_indices(n, n)")


def new_lab(student, n, d=3, classes=3):
    """Draw data for spies: rows that all differ, and labels that the nearest row tells in part only."""
    rng = student.rng
    X = rng.integers(-500, 500, (n, d)) / 4
    X[:, 0] = rng.permutation(n) - n / 2
    y = (np.argsort(np.argsort(X[:, 0])) * classes // n + (rng.random(n) < 0.3)) % classes
    return spies.Lab(student, X, y.astype(int))


def run(student, function, *arguments, keep=False):
    """Call the student's function, and explain why a copy fails; with ``keep``, the arguments must stay the same."""
    try:
        return (student.leaves_alone if keep else student.call)(function, *arguments)
    except StudentFunctionError as error:
        if "cannot pickle" in error.said:
            raise StudentError(
                f"`{function}` tried to copy a model, and ours can't be copied. make_model is a recipe: "
                "every call of it makes a new model, so no copy is needed."
            ) from None
        raise


def scores_of(value, what, k):
    """Return k accuracies."""
    assert value is not None, f"{what} gave None: does the function end with a return?"
    assert sequence(value), (
        f"{what} gave {describe(value)}, expected a list of {k} accuracies, one for each fold. Summarise them later."
    )
    return as_array(value, f"the result of {what}", shape=(k,))


def check_scores(got, expected, tests, what):
    """Compare accuracies with those that our model really reached."""
    expected, sizes = np.array(expected), np.array([len(test) for test in tests])
    hint = "Append the score that each round's own model reaches on that round's test rows."
    if np.allclose(got, 100 * expected):
        hint = "These are per cent: an accuracy is between 0 and 1."
    elif np.allclose(got, expected * sizes):
        hint = "These are numbers of right answers: divide by the number of test rows."
    elif np.allclose(got, 1 - expected):
        hint = "These are shares of wrong answers."
    elif np.allclose(got, 1):
        hint = "Exactly 1 everywhere: is that the accuracy on rows that the model was trained on?"
    elif np.allclose(got, expected.mean()):
        hint = "They are all the mean: return the score of each fold."
    elif np.allclose(sorted(got), sorted(expected)):
        hint = "They come in another order than the folds."
    assert np.allclose(got, expected, atol=1e-6), f"{what}: the accuracies aren't those that the models reached. {hint}"


def check_rounds(lab, folds, what):
    """In each round, a model was trained on the training rows with their labels, and asked for the test rows."""
    assert lab.models, f"{what} never called make_model(): each call of it gives a new model."
    assert any(model._fits for model in lab.models), f"{what} made models, but never trained one: call fit."
    assert lab.rounds, f"{what} trained models, but never asked one: call score or predict."
    assert not any(len(set(one.train)) == len(lab.X) for one in lab.rounds), (
        f"{what}: a model was tested that had been trained on all rows, so it had seen the test rows. "
        "Inside the loop, train on the training rows of that round only."
    )
    honest = lab.honest_rounds()
    wanted = [(frozenset(train), frozenset(test)) for train, test in folds]
    done = sum(honest.get(train) == test for train, test in wanted)
    hint = "Take the training rows for fit and the test rows for score, both from the same pair."
    if all(honest.get(test) == train for train, test in wanted):
        hint = "Training and test rows are swapped: train on many rows, test on few."
    elif all(sorted(one.train) == sorted(one.test) for one in lab.rounds):
        hint = "The models were tested on their own training rows."
    elif done == len(honest) == 1 < len(wanted):
        hint = f"Only 1 of {len(wanted)} rounds was done: does the return stand inside the loop?"
    elif len(honest) not in (0, len(wanted)):
        hint = f"There should be {len(wanted)} rounds, but models were trained on {len(honest)} different sets."
    elif honest:
        hint = f"Got {len(honest)} rounds, of which {done} have the rows of a fold of KFold({len(wanted)})."
    assert done == len(wanted), (
        f"{what}: the rows that models were trained and tested on aren't those of the folds. {hint}"
    )
    for one in lab.rounds:
        assert one.train_labels == lab.y[one.train].tolist(), (
            f"{what}: a model was trained with labels that belong to other rows. Index X and y in the same way."
        )


def rounds_of(lab, folds):
    """The honest uses of models, fold by fold."""
    return [one for train, _ in folds for one in lab.rounds if one.honest and set(one.train) == set(train)]


def check_fresh(lab, folds, what):
    """Each fold had a model of its own, which was trained once."""
    models = {id(one.model): one.model for one in rounds_of(lab, folds)}
    assert len(models) == len(folds), (
        f"{what}: one model was trained again and again, and might remember rows of earlier rounds. "
        "Call make_model() inside the loop: a fresh model in each round."
    )
    assert all(len(model._fits) == 1 for model in models.values()), f"{what}: a model was trained more than once."


def validated(student, lab, k, keep=False):
    """Run cross_validate on the lab's data."""
    return run(student, "cross_validate", student.remote(lab.make_model), lab.X, lab.y, k, keep=keep)


@pytest.mark.question(
    "validate",
    promise="measured on the test rows of its fold by a model that was trained on the training rows of that fold only",
)
def test_validate_rounds(student):
    """In each round, a model is trained on the training rows and tested on the test rows."""
    for n, k in ((24, 4), (42, 7)):
        lab = new_lab(student, n)
        validated(student, lab, k)
        check_rounds(lab, sklearn_folds(n, k), "cross_validate(...)")


@pytest.mark.question(
    "validate", weight=0.75, requires="test_validate_rounds", promise="The folds are those of `KFold(k)`"
)
def test_validate_scores(student):
    """It returns the accuracy of each fold, also where the folds differ by a row."""
    for n, k in ((30, 3), (50, 6)):
        lab, folds = new_lab(student, n), sklearn_folds(n, k)
        got = scores_of(validated(student, lab, k), "cross_validate(...)", k)
        check_rounds(lab, folds, "cross_validate(...)")
        check_scores(got, lab.scores(folds), [test for _, test in folds], "cross_validate(...)")


@pytest.mark.question(
    "validate", weight=0.75, requires="test_validate_rounds", promise="each must come from a fresh model"
)
def test_validate_fresh_models(student):
    """Each round has a fresh model, and the data stay as they were."""
    lab = new_lab(student, 28)
    validated(student, lab, 4, keep=True)
    check_rounds(lab, sklearn_folds(28, 4), "cross_validate(...)")
    check_fresh(lab, sklearn_folds(28, 4), "cross_validate(...)")


def guess(lab, rng):
    """Give a lab random labels of two kinds, of which our model guesses about half.

    Two rows are often each other's nearest, right or wrong together: left alone, chance would reach the limits below
    once in 10,000 submissions.
    """
    while True:
        lab.y = rng.integers(0, 2, len(lab.X))
        if abs(np.mean(lab.scores(sklearn_folds(len(lab.X), 5))) - 0.5) < 0.05:
            return


@pytest.mark.question("validate", weight=0.5, promise="nothing can be learned, so an honest accuracy is near 0.5")
def test_validate_random_labels(student):
    """Random labels are only guessed: nothing leaks."""
    lab = new_lab(student, 240)
    guess(lab, student.rng)
    value = validated(student, lab, 5)
    assert sum(len(model._fits) for model in lab.models) >= 5, (
        "cross_validate(...) didn't train one of make_model's models for each fold."
    )
    got = as_array(value, "the result of cross_validate(...)")
    assert got.size, "cross_validate(...) returned no accuracies."
    mean = float(got.mean())
    assert mean <= 1, f"The accuracies have a mean of {mean:.4g}, but an accuracy is between 0 and 1."
    assert mean < 0.66, (
        f"With random labels, where nothing can be learned, the mean accuracy is {mean:.2f}, expected about 0.5: "
        "the models have seen rows that they are tested on."
    )
    assert mean > 0.34, f"With random labels of two kinds the mean accuracy is {mean:.2f}, expected about 0.5."


def summarised(student, scores, keep=False):
    """Return the two numbers of summarise(scores); with ``keep``, the scores must stay as they were."""
    value = (student.leaves_alone if keep else student.call)("summarise", scores)
    assert value is not None, "summarise(...) gave None: does the function end with a return?"
    right = sequence(value) and len(value) == 2
    assert right, (
        f"summarise(...) should return two numbers, the mean and the deviation, but it gave {describe(value)}."
    )
    mean = as_number(value[0], "the mean that summarise(...) returns")
    return float(min(max(mean, -1e9), 1e9)), float(
        min(max(as_number(value[1], "the standard deviation that summarise(...) returns"), -1e9), 1e9)
    )


def score_lists(rng):
    """Scores of several lengths, not symmetric, as lists and as an array."""
    draws = [rng.beta(8, 2, length) * 0.9 for length in (4, 5, 10)]
    return [draws[0].tolist(), draws[1], draws[2].tolist()]


@pytest.mark.question(
    "summary", weight=0.5, promise="returns two numbers, the mean and the standard deviation as defined above"
)
def test_summary_mean(student):
    """The first number is the mean of the scores."""
    for scores in score_lists(student.rng):
        got, _ = summarised(student, scores)
        expected = float(np.mean(scores))
        hint = "Add up all scores and divide by how many there are."
        if abs(got - np.median(scores)) < 1e-6:
            hint = "This is the median."
        elif abs(got - np.std(scores)) < 1e-6:
            hint = "The two numbers are swapped: the mean comes first."
        elif abs(got - 100 * expected) < 1e-4:
            hint = "This is per cent: leave the scores as they are."
        elif abs(got - expected) < 0.006:
            hint = "It was rounded: return all digits, and round only when you print."
        assert abs(got - expected) < 1e-6, f"The mean of {len(scores)} scores came out as {got:.4g}. {hint}"


@pytest.mark.question(
    "summary", weight=0.5, promise="returns two numbers, the mean and the standard deviation as defined above"
)
def test_summary_deviation(student):
    """The second number is their standard deviation, and the scores stay as they were."""
    for scores in score_lists(student.rng):
        _, got = summarised(student, scores, keep=True)
        expected, k = float(np.std(scores)), len(scores)
        misread = [
            ("This divides by k - 1; the formula above divides by k.", np.std(scores, ddof=1)),
            ("This is the variance: take the square root.", expected**2),
            ("This divides by the root of k once too often (the standard error).", expected / np.sqrt(k)),
            ("This is the standard error, made with k - 1.", np.std(scores, ddof=1) / np.sqrt(k)),
            ("This is the distance from the lowest to the highest score.", np.ptp(scores)),
            ("This is the mean distance; square the distances first.", np.mean(np.abs(scores - np.mean(scores)))),
            ("The two numbers are swapped: the mean comes first.", np.mean(scores)),
            ("This is per cent: leave the scores as they are.", 100 * expected),
        ]
        hints = [text for text, other in misread if abs(got - other) < 1e-6]
        if not hints and abs(got - expected) < 0.006:
            hints = ["It was rounded, or computed by another formula: return all digits."]
        hint = [*hints, "Follow the formula step by step for two scores."][0]
        assert abs(got - expected) < 1e-6, f"The deviation of {k} scores came out as {got:.4g}. {hint}"


def table_of(lab, rng):
    """Return the lab's data as a table whose column of labels stands anywhere, and the name of that column."""
    names = [f"{word}{int(rng.integers(10, 99))}" for word in ("length", "width", "weight", "kind")]
    frame = pd.DataFrame(lab.X, columns=names[:3])
    frame.insert(int(rng.integers(0, 3)), names[3], lab.y)
    return frame, names[3]


def tabled(student, lab, table, target, keep=False):
    """Run score_table, and explain what pandas complains about."""
    try:
        return run(student, "score_table", student.remote(lab.make_model), table, target, keep=keep)
    except StudentFunctionError as error:
        if error.error_type == "KeyError":
            why = f"looking rows up by name. {BY_POSITION}"
            if re.search("[A-Za-z]", ABOUT_ROWS.sub("", error.said)):
                why = "looking up a name that this table doesn't have. Names differ from table to table: use `target`."
            raise StudentError(f"`score_table` raised KeyError, {why}") from None
        if "columns" in str(error) or "not in the data" in str(error):
            raise StudentError(f"{error} The data are all columns but `target`, in their order.") from None
        raise


def check_table(lab, folds, value):
    """The rounds and the scores are those of KFold(4)."""
    check_rounds(lab, folds, "score_table(...)")
    got = scores_of(value, "score_table(...)", 4)
    check_scores(got, lab.scores(folds), [test for _, test in folds], "score_table(...)")


@pytest.mark.question("table", promise="go through the folds of `KFold(4)`")
def test_table_complete(student):
    """A table without gaps gets its four scores."""
    lab = new_lab(student, 38)
    table, target = table_of(lab, student.rng)
    check_table(lab, sklearn_folds(38, 4), tabled(student, lab, table, target))


@pytest.mark.question("table", weight=0.5, requires="test_table_complete", promise="leave out the incomplete rows")
def test_table_with_gaps(student):
    """In a table with gaps, the complete rows are found by position, and the table stays as it was."""
    lab = new_lab(student, 45)
    table, target = table_of(lab, student.rng)
    lost = student.rng.choice(np.arange(1, 44), 8, replace=False)
    for row in [0, *lost.tolist()]:
        column = int(student.rng.choice([i for i in range(4) if table.columns[i] != target]))
        table.iloc[row, column] = np.nan
    kept = np.flatnonzero(table.notna().all(axis=1))
    folds = [(kept[train].tolist(), kept[test].tolist()) for train, test in sklearn_folds(len(kept), 4)]
    check_table(lab, folds, tabled(student, lab, table, target, keep=True))


@pytest.mark.question("table", weight=0.5, requires="test_table_complete", promise="with a fresh model in each")
def test_table_fresh_models(student):
    """Each fold of the table has a fresh model."""
    lab = new_lab(student, 30)
    table, target = table_of(lab, student.rng)
    tabled(student, lab, table, target)
    check_rounds(lab, sklearn_folds(30, 4), "score_table(...)")
    check_fresh(lab, sklearn_folds(30, 4), "score_table(...)")


def shuffled(student, n, k, seed):
    """Return the folds of shuffled_folds."""
    return folds_of(student.call("shuffled_folds", n, k, seed), "shuffled_folds(n, k, seed)", n, k)


def check_shuffled(student, cases):
    """The folds are legal, and their sizes differ by one at most."""
    for n, k in cases:
        folds = shuffled(student, n, k, int(student.rng.integers(1000)))
        check_splits(folds, n, "shuffled_folds(n, k, seed)")
        check_tested_once(folds, n, "shuffled_folds(n, k, seed)", "Draw one order of all rows, then deal all of it.")
        sizes = [len(test) for _, test in folds]
        assert max(sizes) - min(sizes) <= 1, (
            f"The test sets of shuffled_folds(n, k, seed) have {min(sizes)} to {max(sizes)} rows, "
            "expected a difference of one at most: deal the rows like cards, don't roll dice for each."
        )


@pytest.mark.question("shuffle", weight=0.25, promise="made of rows from anywhere")
def test_shuffle_folds(student):
    """Each row is tested exactly once, in test sets of equal size."""
    check_shuffled(student, ((20, 4), (27, 9), (30, 2)))


@pytest.mark.question(
    "shuffle",
    weight=0.25,
    requires="test_shuffle_folds",
    promise="whose test sets are as large as those of `kfold_indices`",
)
def test_shuffle_remainder(student):
    """With a remainder, the sizes differ by one row at most."""
    check_shuffled(student, ((23, 5), (31, 2), (18, 4)))


@pytest.mark.question(
    "shuffle", weight=0.25, requires="test_shuffle_folds", promise="dealt in a random order that depends on the seed"
)
def test_shuffle_mixes_rows(student):
    """Which rows are tested together is left to chance."""
    for seed in student.rng.integers(0, 10_000, 3).tolist():
        folds = shuffled(student, 200, 5, seed)
        fold_of = np.empty(200, dtype=int)
        for number, (_, test) in enumerate(folds):
            fold_of[test] = number
        together = float(np.mean(fold_of[1:] == fold_of[:-1]))
        assert together < 0.5, (
            "Neighbouring rows are still tested together. It isn't enough to change the order inside a set: "
            "shuffle all rows first, then deal them to folds."
        )
        assert together > 0.05, "The rows are dealt by a fixed pattern: draw their order at random."


@pytest.mark.question(
    "shuffle", weight=0.25, requires="test_shuffle_folds", promise="the same seed gives the same order again"
)
def test_shuffle_seed(student):
    """The same seed gives the same folds, another seed other ones."""
    seeds = student.rng.choice(10_000, 3, replace=False).tolist()
    draws = [sorted(sorted(test) for _, test in shuffled(student, 40, 4, seed)) for seed in (*seeds, *seeds)]
    assert draws[:3] == draws[3:], (
        "Two calls with the same seed gave different folds: make the generator from the seed, inside the function."
    )
    different = all(draws[i] != draws[j] for i, j in ((0, 1), (0, 2), (1, 2)))
    assert different, "Two different seeds gave the same folds: the order should depend on the seed that is given."


def stratified(student, labels, k, keep=False):
    """Return the checked folds of stratified_folds; with ``keep``, the labels must stay as they were."""
    kind, n = "a list" if isinstance(labels, list) else "an array", len(labels)
    what = f"stratified_folds(labels, k) with {kind} of labels"
    value = (student.leaves_alone if keep else student.call)("stratified_folds", labels, k)
    folds = folds_of(value, what, n, k)
    check_splits(folds, n, what)
    check_tested_once(folds, n, what, "Every row of a class goes to some fold, those that are left over too.")
    return folds


def check_shares(folds, labels):
    """For each class, the numbers of its rows in the test sets differ by one at most."""
    labels = np.asarray(labels)
    for name in np.unique(labels):
        counts = [int(np.sum(labels[test] == name)) for _, test in folds]
        assert max(counts) - min(counts) <= 1, (
            f"Of {sum(counts)} rows of one class, one test set has {max(counts)} and another {min(counts)}; "
            "they may differ by one. Deal the rows of each class separately."
        )


@pytest.mark.question("stratify", weight=0.5, promise="every row is still tested exactly once")
def test_stratify_folds(student):
    """Each row is tested exactly once."""
    for sizes, k in (((10, 10), 5), ((13, 9, 8), 4), ((7, 6), 2)):
        stratified(student, np.repeat(np.arange(len(sizes)), sizes), k)


@pytest.mark.question(
    "stratify",
    requires="test_stratify_folds",
    promise="the numbers of its rows in any two test sets differ by at most one",
)
def test_stratify_shares(student):
    """Every class is spread evenly, in whatever order and however rare it is."""
    for sizes, k in (((40, 20, 10), 5), ((31, 14, 6), 4), ((50, 5, 23), 3), ((9, 9), 6), ((17, 2, 8), 4)):
        for order in (np.arange(sum(sizes)), student.rng.permutation(sum(sizes))):
            labels = np.repeat(np.arange(len(sizes)), sizes)[order]
            check_shares(stratified(student, labels, k), labels)


@pytest.mark.question(
    "stratify",
    weight=0.5,
    requires="test_stratify_folds",
    promise="a list or an array with the class of each row, in any order; classes may be numbers or texts",
)
def test_stratify_names(student):
    """Classes may be texts or any numbers, in a list or in an array, which stays as it was."""
    for names in (["owl", "cat", "hen"], [7, -1, 40]):
        labels = student.rng.permutation(np.repeat(names, [18, 9, 7]))
        for kind in (labels.tolist(), labels):
            check_shares(stratified(student, kind, 4, keep=True), labels)


def scaled(student, n, k, keep=False):
    """Run scaled_scores; return the lab, the folds, and what came back."""
    lab = new_lab(student, n)
    arguments = (student.remote(lab.make_scaler), student.remote(lab.make_model), lab.X, lab.y, k)
    try:
        value = run(student, "scaled_scores", *arguments, keep=keep)
    except StudentFunctionError as error:
        if "not in the data" in str(error):
            raise StudentError(
                f"{error} Scale the rows with what make_scaler() gives, and with nothing else."
            ) from None
        raise
    return lab, sklearn_folds(n, k), value


def check_scalings(lab, folds):
    """Every scaler was fitted to the training rows of a fold."""
    n, what = len(lab.X), "scaled_scores(...)"
    assert lab.scalings, f"{what} never fitted a scaler: call make_scaler(), then fit."
    for scaling in lab.scalings:
        rows = set(scaling.rows)
        assert len(rows) < n, (
            f"{what}: a scaler was fitted to all rows, so the test rows had a say: a leak. "
            "Fit it inside the loop, to the training rows."
        )
        assert not any(rows == set(test) for _, test in folds), (
            f"{what}: a scaler was fitted to test rows. They are only transformed, with what was learned from the "
            "training rows (fit_transform fits, too)."
        )
        assert any(rows == set(train) for train, _ in folds), (
            f"{what}: a scaler was fitted to {len(rows)} of {n} rows, which aren't the training rows of a fold."
        )


@pytest.mark.question("scaled", promise="`fit` it to the training rows only")
def test_scaled_fits_on_training_rows(student):
    """Scalers learn from training rows only."""
    for n, k in ((24, 4), (36, 6)):
        lab, folds, _ = scaled(student, n, k)
        check_scalings(lab, folds)
        fitted = {frozenset(scaling.rows) for scaling in lab.scalings}
        assert len(fitted) == k, f"scaled_scores(...) fitted its scaler for {len(fitted)} of {k} folds only."


@pytest.mark.question("scaled", weight=0.5, promise="then `transform` training *and* test rows with it")
def test_scaled_transforms_both(student):
    """Training and test rows go through the same scaler, and models are fresh."""
    what = "scaled_scores(...)"
    lab, folds, _ = scaled(student, 30, 5)
    check_rounds(lab, folds, what)
    for one in rounds_of(lab, folds):
        assert one.train_scaling != {None}, f"{what}: a model was trained on rows that were not scaled."
        assert one.test_scaling != {None}, (
            f"{what}: a model was trained on scaled rows, but tested on rows as they came. Transform these, too."
        )
        assert one.train_scaling == one.test_scaling, (
            f"{what}: training and test rows were scaled by different fits. Fit once in a round, transform twice."
        )
    check_fresh(lab, folds, what)


@pytest.mark.question(
    "scaled",
    weight=0.5,
    requires="test_scaled_fits_on_training_rows",
    promise="returns a list of k accuracies on the folds of `KFold(k)`",
)
def test_scaled_scores(student):
    """It returns the accuracy of each fold, also where the folds differ by a row, and the data stay as they were."""
    lab, folds, value = scaled(student, 34, 4, keep=True)
    got = scores_of(value, "scaled_scores(...)", 4)
    check_rounds(lab, folds, "scaled_scores(...)")
    check_scores(got, lab.scores(folds), [test for _, test in folds], "scaled_scores(...)")


def finished(student, keep=False):
    """Run final_model; return the lab and what came back."""
    lab = new_lab(student, 25)
    return lab, run(student, "final_model", student.remote(lab.make_model), lab.X, lab.y, keep=keep)


@pytest.mark.question("final", weight=0.5, promise="trained once on all rows")
def test_final_trains_on_all_rows(student):
    """One fresh model is trained on all rows."""
    lab, _ = finished(student)
    fitted = [model for model in lab.models if model._fits]
    assert fitted, "final_model(...) trained no model that came from make_model(): make one, then call fit."
    check_trained(fitted[-1], lab, "The model")


def check_trained(model, lab, what):
    """A model was trained once, on every row with its label."""
    assert len(model._fits) == 1, f"{what} was trained more than once: take a fresh one, and fit it once."
    rows = len(set(model._rows))
    assert rows == 25, f"{what} was trained on {rows} of 25 rows, expected all: now nothing is held back."
    assert len(model._rows) == 25, f"{what} was trained on {len(model._rows)} rows, expected each of 25 once."
    assert model._labels == lab.y[model._rows].tolist(), f"{what} was trained with labels that belong to other rows."


@pytest.mark.question("final", weight=0.5, requires="test_final_trains_on_all_rows", promise="returns one fresh model")
def test_final_returns_the_model(student):
    """The trained model is returned, and the data stay as they were."""
    lab, value = finished(student, keep=True)
    hint = " Does the function end with a return?" if value is None else ""
    what = "`make_model` itself" if value == lab.make_model else describe(value)
    ours = isinstance(value, spies.Model)
    assert ours, f"final_model(...) should return the trained model, but it gave {what}.{hint}"
    assert value._fits, "final_model(...) returned a model that was never trained: return the one that was."
    check_trained(value, lab, "The model that final_model(...) returned")
