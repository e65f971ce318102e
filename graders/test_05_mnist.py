"""Hidden tests of 05-mnist.

The submitted network is run here (mnist_network.py), on the last tenth of the data set that the course's settings name
or, without a name, that this machine has: 7,000 MNIST pictures or 180 of the stand-in. What the submission says of
itself chooses nothing. Marks go by steps of accuracy, ``STEPS``. Measured, with MLP(50), ReLU, Adam and 50 epochs on
the first nine tenths unless said otherwise (scikit-learn 1.9, last tenth):

==============================================  =============  =============
what was trained                                mnist_784      digits_28
==============================================  =============  =============
as asked (seeds 1-3 on MNIST, 1-8 on stand-in)  0.977-0.978    0.922-0.933
20 / 10 epochs                                  0.979, 0.972   0.900, 0.878
5 / 1 epochs                                    0.967, 0.933   0.861, 0.450
learning rate 0.01 / 0.1                        0.976, 0.896   0.911, 0.678
plain SGD instead of Adam                       0.949          0.889
pictures not divided by 255                     0.170          0.450
first 10,000 (200) rows only                    0.950          0.794
first 1,000 rows only                           0.887
tanh / logistic neurons, run as ReLU            0.491, 0.854   0.839, 0.889
trained on the test pictures too                0.9996         0.967
==============================================  =============  =============

The data sets are public, so students may train on the held-back pictures, too. The last step therefore asks for these
pictures altered under the course's secret (`altered`: moved by up to a pixel, turned by up to 6 degrees, noisy), and
`ALTERED` of them must be read. Measured, lowest and highest of eight draws:

==============================================  =============  =============
what was trained                                mnist_784      digits_28
==============================================  =============  =============
as asked                                        0.953-0.958    0.875-0.889
20 / 10 epochs                                  0.951, 0.943   0.856
on the held-back pictures only (200 epochs)     0.923-0.934
on all pictures                                                0.903-0.913
==============================================  =============  =============

So on MNIST whoever has only learned the held-back pictures by heart does not reach the last step. On the stand-in,
whose pictures are few and alike, this can't be told: choose MNIST where marks matter.

A network for MNIST can't be judged by the stand-in: that is reported as not judged, never as a zero.
Call ``load()`` of source/05-mnist/digits.py once with MNIST at hand to fill the cache.
"""

import ast
import importlib.util
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import StudentError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


drawings, network = _beside("mnist_drawings"), _beside("mnist_network")


def depends_on(settings):
    """Choose the pictures that networks are judged by: those of the course's settings, or what this machine has."""
    return network.choose(settings.get("data_set"))


def _moderate(value, what):
    """One number of a size that can be compared and printed: whole numbers may have any number of digits."""
    number = as_number(value, what)
    assert abs(number) < 1e100, f"{what} is far too large."
    return float(number)


def _given(value, what):
    """The value, unless the function fell off its end."""
    assert value is not None, f"{what} gave None: does the function end with a return?"
    return value


def _normalised(student, pixels):
    value = _given(student.leaves_alone("normalise", pixels), "normalise(pixels)")
    return as_array(value, "normalise(pixels)", shape=pixels.shape)


@pytest.mark.question("load", weight=0.5, promise="bring the brightness to the range from 0 to 1")
def test_normalise_full_range(student):
    """normalise brings brightness 0 to 255 to the range 0 to 1."""
    rng = student.rng
    pixels = rng.integers(0, 256, size=(5, 784), dtype=np.uint8)
    pixels[:, :2] = 0, 255
    got = _normalised(student, pixels)
    assert set(np.unique(got)) != {0, 1}, (
        "Every value came out as 0 or 1: the division was done in whole numbers. Convert to np.float32 first."
    )
    assert got.min() >= 0, f"Got values down to {got.min():.3g}, expected 0 to 1. No mean needs to be subtracted."
    assert got.max() <= 1.001, f"Got values up to {got.max():.4g}, expected at most 1: divide by 255."
    assert np.abs(got - pixels / 255).max() < 0.0006, (
        "The values are between 0 and 1, but they aren't brightness / 255."
    )


@pytest.mark.question("load", weight=0.5, requires="test_normalise_full_range", promise=r"x = \text{brightness} / 255")
def test_normalise_pale_picture(student):
    """normalise treats a pale picture like any other."""
    rng = student.rng
    for shape in ((3, 28, 28), (3, 28, 28), (1, 784), (2000,)):
        pixels = rng.integers(20, 120, size=shape, dtype=np.uint8)
        got = _normalised(student, pixels)
        assert np.abs(got - pixels / 255).max() < 0.0006, (
            f"A picture whose brightest pixel is {pixels.max()} came out with a largest value of {got.max():.3g}. "
            "Divide by 255 always, not by the largest value that happens to be there: pale ink should stay pale."
        )


@pytest.mark.question("load", promise="the first 28 are the top row")
def test_as_picture(student):
    """as_picture lays 784 values out in 28 rows of 28."""
    rng = student.rng
    for _ in range(2):
        row = rng.permutation(784) / 784
        got = _given(student.leaves_alone("as_picture", row), "as_picture(row)")
        got = as_array(got, "as_picture(row)", shape=(28, 28))
        assert not np.allclose(got, row.reshape(28, 28).T), (
            "The picture is transposed: the first 28 values should be the top row."
        )
        assert np.allclose(got, row.reshape(28, 28), atol=1e-4), (
            "The values should be the same as in the row, in order."
        )


def _split(student, n):
    value = _given(student.call("split", n), "split(n)")
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise StudentError(f"split(n) should return two arrays of row numbers, but it gave {describe(value)}.")
    train, test = (
        as_array(part, f"The array of {name} rows that split(n) returns", shape=(None,), dtype="int")
        for part, name in zip(value, ("training", "test"), strict=True)
    )
    if max(len(train), len(test)) > 2 * n:
        raise StudentError("split(n) returns more row numbers than there are pictures: compute the cut from n.")
    for part in (train, test):
        if len(part) and (part.min() < 0 or part.max() >= n):
            raise StudentError("split(n) returns row numbers that don't exist: they run from 0 to n - 1.")
    return train, test


def _numbers_of_rows(rng):
    """The example's number, and a larger one that nobody has seen, of which nine tenths are whole as well."""
    return 70_000, 10 * int(rng.integers(7001, 9000))


def _rows(rows):
    return f"{len(rows)} row{' is' if len(rows) == 1 else 's are'}"


@pytest.mark.question("split", promise="is in exactly one of them")
def test_split_loses_nothing(student):
    """split puts every row into one of the two sets."""
    for n in _numbers_of_rows(student.rng):
        train, test = _split(student, n)
        missing = np.flatnonzero(np.bincount(np.concatenate([train, test]), minlength=n) == 0)
        hint = "Every row belongs into one of the two."
        if np.all(np.diff(missing) == 1):
            hint = "A range stops before its end: the second one starts where the first one ends."
        first = missing[0] if len(missing) else ""
        assert not len(missing), f"Of {n:,} rows, {_rows(missing)} in neither set; the first is row {first}. {hint}"


@pytest.mark.question("split", weight=0.5, promise="is in exactly one of them")
def test_split_is_disjoint(student):
    """split puts no row into both sets, and none twice."""
    for n in (70_000, 10 * int(student.rng.integers(200, 5000))):  # in fewer rows, no fixed numbers are right
        train, test = _split(student, n)
        uses = np.array([np.bincount(rows, minlength=n) for rows in (train, test)])
        shared = np.flatnonzero(uses.all(axis=0))
        seen = "the network would be tested on pictures that it has seen."
        assert not len(shared), f"{_rows(shared)} in both sets: {seen}"
        assert uses[0].max() <= 1, "A row is in the training set twice."
        assert uses[1].max() <= 1, "A row is in the test set twice."


@pytest.mark.question("split", weight=0.5, promise="makes 63,000 for training and 7,000 for testing")
def test_split_sizes(student):
    """split makes 63,000 + 7,000 of 70,000 rows and the like of others, the last ones for testing."""
    for n in _numbers_of_rows(student.rng):
        train, test = _split(student, n)
        cut = n * 9 // 10
        assert len(train) > len(test), (
            f"Got {len(train)} rows for training and {len(test)} for testing: the wrong way round."
        )
        assert (len(train), len(test)) == (cut, n - cut), (
            f"Of {n} rows, got {len(train)} + {len(test)}, expected {cut} + {n - cut}: nine tenths for training, one "
            "tenth for testing."
        )
        others = int(np.sum(test < cut))
        assert not others or set(train) & set(test), (
            f"The sizes are right, but {others} of the {n - cut} test rows are among the first {cut}: the first nine "
            "tenths are for training, the last tenth is for testing."
        )


@pytest.mark.question("split", promise="if 90 % of n isn't whole, round down")
def test_split_other_numbers(student):
    """split works for any number of rows."""
    rng = student.rng
    remainders = np.array([0, rng.integers(1, 5), rng.integers(5, 10)])
    for n in (10, 11, *(10 * rng.integers(200, 2000, 3) + remainders).tolist()):
        train, test = _split(student, n)
        assert abs(len(train) - n * 9 // 10) <= 1, (
            "For another number of rows, the training set isn't nine tenths of them. Compute the cut from n."
        )
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(n)), (
            "For another number of rows, a row is lost or used twice. If 90 % isn't whole, round once "
            "and use that cut twice."
        )
        assert len(train) == n * 9 // 10, (
            f"Of {n} rows {len(train)} are for training, expected {n * 9 // 10}: if 90 % isn't whole, round down."
        )


@pytest.mark.question("train", weight=0.5, promise="what counts is the file mnist_mlp.npz")
def test_network_file(student):
    """mnist_mlp.npz holds a network from 784 inputs to the ten digits."""
    network.read_network(student)


@pytest.mark.question("train", weight=0.5, requires="test_network_file", promise="one hidden layer of 50 neurons")
def test_network_has_fifty_hidden_neurons(student):
    """The hidden layer has the fifty neurons asked for."""
    hidden = network.read_network(student).weights[0].shape[1]
    assert hidden == 50, f"The hidden layer has {hidden} neurons, expected 50."


@pytest.mark.question(
    "train",
    weight=1.5,
    requires="test_network_file",
    promise="the marks come from running your numbers through the formula above",
)
def test_network_first_step(student):
    """The network has learned to read: first step of accuracy on held-back pictures."""
    network.must_reach(student, 0)


@pytest.mark.question(
    "train",
    weight=1.5,
    requires="test_network_first_step",
    promise="the marks come from running your numbers through the formula above",
)
def test_network_second_step(student):
    """The network reads well: second step of accuracy on held-back pictures."""
    network.must_reach(student, 1)


@pytest.mark.question(
    "train",
    weight=2,
    requires="test_network_second_step",
    promise="moved by up to a pixel, turned by a few degrees and a little noisy",
)
def test_network_third_step(student):
    """The network reads as well as fifty neurons can: third step of accuracy on held-back pictures."""
    network.must_reach(student, 2)


def _scores(pictures, weights, biases, activation=network.relu):
    return activation(pictures @ weights[0] + biases[0]) @ weights[1] + biases[1]


def _lookalikes(pictures, weights, biases):
    """Answers of networks that are computed nearly right, by the sentence that names the mistake."""
    none = [np.zeros_like(bias) for bias in biases]
    scores = _scores(pictures, weights, biases)
    ways = {
        "This is the network without ReLU: negative sums of the hidden layer must become 0.": (biases, lambda x: x),
        "This is the network without its biases: add them before ReLU, and to the scores.": (none, network.relu),
        "This is the network without its first biases.": ([none[0], biases[1]], network.relu),
        "This is the network without its last biases.": ([biases[0], none[1]], network.relu),
        "This is the network with tanh: the formula asks for max(0, x).": (biases, np.tanh),
        "This is the network with a logistic function: the formula asks for max(0, x).": (biases, network.logistic),
    }
    found = {sentence: _scores(pictures, weights, *way).argmax(axis=1) for sentence, way in ways.items()}
    last = "This is the network with ReLU after the scores, too: the largest one is chosen of the scores as they are."
    return found | {last: network.relu(scores).argmax(axis=1)}


def _telling_network(rng, n, inputs, hidden, outputs):
    """Draw pictures and a network for which the right answers and those of all usual mistakes differ."""
    while True:
        weights = [rng.normal(size=(inputs, hidden)), rng.normal(size=(hidden, outputs))]
        biases = [rng.normal(size=hidden) - weights[0].sum(axis=0) / 2, rng.normal(size=outputs) * 2]
        pictures = rng.random((n, inputs))
        scores = _scores(pictures, weights, biases)
        biases[1] -= np.quantile(scores.max(axis=1), 0.3)  # so that all scores of some pictures are negative
        ways = [scores.argmax(axis=1), *_lookalikes(pictures, weights, biases).values()]
        if all(np.mean(one != other) > 0.05 for one, other in itertools.combinations(ways, 2)):
            return pictures, weights, biases


def _predicted(student, *arguments):
    value = student.leaves_alone("predict", *arguments)
    return as_array(value, "predict(...)", shape=(len(arguments[0]),), dtype="int")


@pytest.mark.question("predict", weight=0.5, promise="returns one class per picture, an array of shape (n,)")
def test_predict_one_answer_per_picture(student):
    """predict gives one answer per picture, for one picture and for many."""
    pictures, weights, biases = _telling_network(student.rng, 40, 12, 7, 4)
    for n in (1, 40):
        got = student.call("predict", pictures[:n], weights, biases, np.arange(4))
        if isinstance(got, np.ndarray) and got.shape == (n, 4):
            raise StudentError("predict returns all scores; the answer is the class with the largest: argmax(axis=1).")
        what = f"predict(...) of {n} picture{'s' * (n > 1)}"
        array = as_array(_given(got, what), what)
        assert array.shape == (n,), (
            f"{what} has shape {array.shape}, expected ({n},): one answer for each picture, "
            "from its own row of scores (axis=1)."
        )
        as_array(got, what, dtype="int")


@pytest.mark.question(
    "predict", weight=1.5, requires="test_predict_one_answer_per_picture", promise="nothing but the formula of part 3"
)
def test_predict_forward_pass(student):
    """predict carries out the forward pass: weights, biases, ReLU, largest score."""
    pictures, weights, biases = _telling_network(student.rng, 200, 12, 9, 5)
    got = _predicted(student, pictures, weights, biases, np.arange(5))
    for sentence, answers in _lookalikes(pictures, weights, biases).items():
        if np.array_equal(got, answers):
            raise StudentError(sentence)
    scores = _scores(pictures, weights, biases)
    assert not np.array_equal(got, scores.argmin(axis=1)), "predict chooses the smallest score, expected the largest."
    wrong = np.mean(got != scores.argmax(axis=1))
    assert wrong <= 0.005, f"{wrong:.0%} of the answers differ from the formula's, for a network with random weights."


@pytest.mark.question(
    "predict", requires="test_predict_forward_pass", promise="classes[i] is the answer that output i stands for"
)
def test_predict_classes(student):
    """predict answers with classes, whatever they are and however many neurons there are."""
    rng = student.rng
    hidden, outputs = (int(number) for number in rng.integers(6, 30, size=2))
    pictures, weights, biases = _telling_network(rng, 300, 20, hidden, outputs)
    places = _scores(pictures, weights, biases).argmax(axis=1)
    for _ in range(2):
        classes = rng.permutation(90)[:outputs] + 100
        got = _predicted(student, pictures, weights, biases, classes)
        assert not np.array_equal(got, places), (
            "predict returns the number of the output; expected the class that it stands for, classes[number]."
        )
        wrong = np.mean(got != classes[places])
        assert wrong <= 0.005, f"{wrong:.0%} of the answers are wrong for a network of another size with other classes."


def _made_up_digits(rng):
    """150 made-up pictures of ten classes, each with a patch of its own bright, in the shape of real ones."""
    digits = rng.permutation(150) % 10
    patches = np.kron(np.eye(10), np.ones(78))[digits]
    pictures = rng.random((150, 784)) * 0.5
    pictures[:, :780] += patches * 0.5
    return pictures, digits


def _loss_curve(student, rate, data, epochs=8):
    value = student.leaves_alone("loss_curve", rate, *data, epochs, timeout=6.0)  # two threads take their time
    what = f"loss_curve(rate, X, y, {epochs})"
    curve = as_array(_given(value, what), what)
    assert curve.shape == (epochs,), (
        f"{what} gave an array of shape {curve.shape}, expected one loss for each of the {epochs} epochs, shape "
        f"({epochs},): MLPClassifier keeps them in loss_curve_."
    )
    return curve


def _own_loss_curve(rate, data, epochs):
    """The curve of the network that the question describes."""
    mlp = MLPClassifier(hidden_layer_sizes=(50,), learning_rate_init=rate, max_iter=epochs, random_state=1)
    with warnings.catch_warnings(action="ignore"):  # it isn't meant to converge
        return np.array(mlp.fit(*data).loss_curve_)


@pytest.mark.question("rate", weight=0.5, promise="returns its loss after every epoch")
def test_loss_curve_per_epoch(student):
    """loss_curve gives one loss per epoch, and training lowers it."""
    rng = student.rng
    curve = _loss_curve(student, 0.01, _made_up_digits(rng))
    assert curve[-1] < curve[0], (
        f"With rate 0.01, the loss of a new network should fall, but this curve goes from {curve[0]:.3g} "
        f"to {curve[-1]:.3g}. Is it the loss (loss_curve_)?"
    )


@pytest.mark.question(
    "rate", weight=0.5, requires="test_loss_curve_per_epoch", promise="this rate (learning_rate_init)"
)
def test_loss_curve_uses_its_rate(student):
    """loss_curve trains with the rate that it is given."""
    rng = student.rng
    data = _made_up_digits(rng)
    crawling, walking = _loss_curve(student, 1e-6, data), _loss_curve(student, 0.01, data)
    assert not np.allclose(crawling, walking, rtol=1e-6), (
        "Two very different rates gave the same curve: hand the rate to MLPClassifier as learning_rate_init."
    )
    assert crawling[0] - crawling[-1] < 0.2 * (walking[0] - walking[-1]), (
        "With a rate of almost zero, the loss should hardly fall, but it did."
    )


@pytest.mark.question(
    "rate",
    weight=0.5,
    requires="test_loss_curve_per_epoch",
    promise="trains a new MLPClassifier with 50 hidden neurons",
)
def test_loss_curve_starts_afresh(student):
    """loss_curve trains a new network at every call, of the size, the seed and the data asked for."""
    rng = student.rng
    data = _made_up_digits(rng)
    first, second = _loss_curve(student, 0.001, data), _loss_curve(student, 0.001, data)
    assert second[0] > (first[0] + first[-1]) / 2, (
        "The second call went on where the first one stopped: make a new MLPClassifier inside the function."
    )
    assert np.allclose(first, second, rtol=1e-3), (
        "Two calls with the same rate and the same data gave two curves: with random_state=1 they are the same."
    )
    pictures, digits = data
    others = {"X": (rng.permuted(pictures, axis=1), digits), "y": (pictures, rng.permutation(digits))}
    many = rng.permutation(2000) % 10
    others["X and y"] = rng.random((2000, 40)) + np.kron(np.eye(10), np.ones(4))[many], many
    for epochs, (name, other) in enumerate(others.items(), 6):
        got, expected = _loss_curve(student, 0.001, other, epochs), _own_loss_curve(0.001, other, epochs)
        assert not np.allclose(first[:epochs], got, rtol=1e-6), (
            f"With other data as {name} the curve stays the same: train on the X and y that loss_curve is given."
        )
        assert np.allclose(got, expected, rtol=SAME_CURVE if len(other[1]) <= 200 else LIKE_CURVE), (
            f"With rate 0.001 the curve ends at {got[-1]:.3g}, expected {expected[-1]:.3g}: that of "
            "hidden_layer_sizes=(50,), max_iter=epochs and random_state=1, with all else as MLPClassifier has it."
        )


SAME_CURVE = 1e-4  # single precision changes a loss by 1e-6 of it, 49 or 51 neurons and other seeds by a tenth
LIKE_CURVE = 0.08  # where pictures come in several batches, partial_fit shuffles them in another way: up to 0.04


@pytest.mark.question("rate", weight=0.5, promise="the one of the three rates whose curve ends lowest")
def test_best_rate(student):
    """best_rate is the rate whose curve ends lowest."""
    curves = student.array("curves")
    assert curves.ndim == 2, (
        f"`curves` should hold a curve for each rate, each with one loss per epoch, but its shape is {curves.shape}: "
        "look at what loss_curve returns."
    )
    rates = student.array("rates", shape=(len(curves),))
    typed = _moderate(student.number("best_rate"), "best_rate")
    if not curves.size:
        raise StudentError("There are no curves to choose from: run the experiment above.")
    ends = curves[:, -1]
    best = np.flatnonzero(np.isclose(rates, typed, rtol=1e-6))
    assert len(best), f"best_rate is {typed:g}, expected one of the rates (the rate itself, not its place in the list)."
    assert best[0] != ends.argmax(), "The curve of this rate ends highest; the lowest loss is the best."
    assert ends[best[0]] == ends.min(), "Another rate's curve ends lower than the curve of best_rate."


def _judge_accuracy(student, function):
    rng = student.rng
    for n in (int(rng.integers(50, 400)), 8000):
        true = rng.integers(0, 4, size=n)
        for _ in range(2):
            _judge_share(student, function, true, rng.integers(0, 4, size=n))


def _judge_share(student, function, true, predicted):
    n, right = len(true), int(np.sum(true == predicted))
    got = _moderate(student.leaves_alone(function, true, predicted), f"{function}(true, predicted)")
    assert not np.isclose(got, right), "Got the number of right answers; divide it by the number of all answers."
    assert not np.isclose(got, 100 * right / n), "Got per cent, expected a share between 0 and 1."
    assert not np.isclose(got, 1 - right / n), "Got the share of wrong answers, expected the share of right ones."
    assert np.isclose(got, right / n, atol=1e-6), (
        f"Got {got:.4g} for answers of which the share {right / n:.4g} is right."
    )


@pytest.mark.question("accuracy", weight=0.5, promise="the share of right answers")
def test_accuracy_loop(student):
    """accuracy_loop gives the share of right answers."""
    _judge_accuracy(student, "accuracy_loop")


@pytest.mark.question("accuracy", weight=0.5, promise="the same number in two ways")
def test_accuracy_vectorised(student):
    """accuracy_vectorised gives the share of right answers."""
    _judge_accuracy(student, "accuracy_vectorised")


@pytest.mark.question(
    "accuracy",
    weight=0.25,
    requires=["test_accuracy_loop", "test_accuracy_vectorised"],
    promise="two lists or arrays of the same length",
)
def test_accuracy_of_lists(student):
    """Both functions take lists as well as arrays."""
    true = student.rng.integers(0, 10, 5)
    predicted = (true + student.rng.permutation([0, 0, 0, 1, 5])) % 10
    for function in ("accuracy_loop", "accuracy_vectorised"):
        got = _moderate(student.call(function, true.tolist(), predicted.tolist()), f"{function} of two lists")
        assert np.isclose(got, 0.6), f"{function} gave {got:.4g} for two lists with 3 of 5 right: np.asarray first."
        got = _moderate(student.call(function, [7], [7]), f"{function} of two lists of one answer")
        assert np.isclose(got, 1), f"{function} gave {got:.4g} for two lists of one answer, which is right."


@pytest.mark.question(
    "accuracy",
    weight=0.25,
    requires=["test_accuracy_loop", "test_accuracy_vectorised"],
    promise="both raise a ValueError when the lengths differ",
)
def test_accuracy_of_unequal_lengths(student):
    """Both functions refuse answers that don't belong to the questions."""
    for function in ("accuracy_loop", "accuracy_vectorised"):
        student.raises(function, np.array([1, 2, 3, 4]), np.array([1, 2, 3]), error="ValueError")
        student.raises(function, np.array([1, 2]), np.array([1, 2, 3]), error="ValueError")


@pytest.mark.question(
    "accuracy",
    weight=0.5,
    requires=["test_accuracy_loop", "test_accuracy_vectorised"],
    promise="compares whole arrays at once, without a loop",
)
def test_accuracy_by_two_ways(student):
    """One function loops, the other doesn't."""
    if _steps_an_answer(student, "accuracy_loop") < 1 and not _names(student, "accuracy") & ONE_BY_ONE:
        raise StudentError("accuracy_loop has no loop: go through the answers one by one.")
    if _steps_an_answer(student, "accuracy_vectorised") >= 1:
        raise StudentError(
            "accuracy_vectorised has a loop, or calls something that has one: it takes more steps for more answers. "
            "Compare whole arrays with == and average."
        )
    if hidden := _calls_one_by_one(student, "accuracy_vectorised"):
        raise StudentError(
            f"accuracy_vectorised goes through the answers one by one, with {hidden}. Compare whole arrays with == and "
            "average."
        )


ONE_BY_ONE = {"map", "filter", "reduce", "starmap"}  # loops that take no steps of Python's own
LOOPS = ("map", "filter", "functools.reduce", "itertools.starmap", "np.vectorize", "np.frompyfunc")


def _steps_an_answer(student, function):
    """How many steps of Python's interpreter each further answer costs."""
    few, many = 20, 520
    steps = []
    for n in (few, many):
        true, predicted = student.rng.integers(0, 4, size=(2, n))
        steps.append(student.traced(function, true, predicted).steps)
    return (steps[1] - steps[0]) / (many - few)


def _tree(student, question):
    """The syntax tree of an answer; an empty one where it can't be read."""
    try:
        return ast.parse(student.source(f"{question}-answer"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _names(student, question):
    """The names in an answer."""
    return {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(_tree(student, question))}


def _calls_one_by_one(student, function):
    """The loop without steps of Python's own in a function, or in what its name is set to; "" if there is none."""
    for node in ast.walk(_tree(student, "accuracy")):
        targets = [getattr(target, "id", "") for target in getattr(node, "targets", [])]
        if getattr(node, "name", "") == function or function in targets:
            called = [ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)]
            found = [name for name in called if name in (*LOOPS, *(loop.rpartition(".")[2] for loop in LOOPS))]
            if found:
                return found[0]
    return ""


def _counted(true, predicted, classes):
    place = {int(label): index for index, label in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    for t, p in zip(true, predicted, strict=True):
        matrix[place[int(t)], place[int(p)]] += 1
    return matrix


def _confusion(student, true, predicted, classes):
    what, k = "confusion(true, predicted, classes)", len(classes)
    counts = as_array(_given(student.leaves_alone("confusion", true, predicted, classes), what), what)
    assert counts.shape == (k, k), (
        f"{what} has shape {counts.shape} for {k} classes, expected {(k, k)}: a row and a column for each entry of "
        "classes, whether it occurs or not."
    )
    assert (counts == np.round(counts)).all(), f"{what} holds fractions, expected counts: don't divide them."
    return as_array(counts, what, dtype="int")


def _compare(got, expected):
    if np.array_equal(got, expected):
        return
    assert not np.array_equal(got, expected.T), (
        "The matrix is transposed: rows are the true classes, columns the predicted ones."
    )
    raise StudentError(
        f"{int(np.sum(got != expected))} of {got.size} counts are wrong: row i, column j should count the pictures of "
        "class classes[i] that were predicted as classes[j]."
    )


@pytest.mark.question("confusion", weight=0.5, promise="right answers are on the diagonal")
def test_confusion_counts_everything(student):
    """Every picture is counted once, right answers on the diagonal."""
    rng = student.rng
    true, predicted = rng.integers(0, 5, size=(2, 300))
    got = _confusion(student, true, predicted, np.arange(5))
    assert got.trace() or not np.sum(true == predicted), "The diagonal is empty: right answers are counted, too."
    assert got.sum() == 300, (
        f"The counts add up to {got.sum()}, expected 300, the number of pictures: each adds 1 to one place."
    )
    assert np.trace(got) == np.sum(true == predicted), "The diagonal doesn't add up to the number of right answers."


@pytest.mark.question("confusion", promise="rows are true and columns are predicted")
def test_confusion_rows_are_true(student):
    """Rows are true classes, columns are predicted classes."""
    rng = student.rng
    true, classes = rng.integers(0, 10, size=500), np.arange(10)
    for predicted in rng.integers(0, 10, size=(2, 500)):
        _compare(_confusion(student, true, predicted, classes), _counted(true, predicted, classes))


@pytest.mark.question(
    "confusion", weight=0.5, promise="a class that doesn't occur keeps its row and column, full of zeros"
)
def test_confusion_absent_class(student):
    """A class that doesn't occur keeps its row and column."""
    rng = student.rng
    true, predicted = rng.choice([0, 1, 3, 4, 5], size=(2, 200))
    classes = np.arange(7)
    for n in (200, 1):
        got = _confusion(student, true[:n], predicted[:n], classes)
        _compare(got, _counted(true[:n], predicted[:n], classes))


@pytest.mark.question("confusion", weight=0.5, promise="the labels need not be 0, 1, 2")
def test_confusion_other_labels(student):
    """Classes need not be 0, 1, 2, … and keep the order in which they are given."""
    rng = student.rng
    classes = np.roll(np.sort(rng.permutation(np.arange(20, 60))[:6]), 2)  # never in order, neither up nor down
    true, predicted = rng.choice(classes, size=(2, 200))
    _compare(_confusion(student, true, predicted, classes), _counted(true, predicted, classes))


@pytest.mark.question("confusion", weight=0.5, requires="test_confusion_rows_are_true", promise="counts by hand")
def test_confusion_by_hand(student):
    """The counting is your own, not scikit-learn's."""
    true, predicted = student.rng.integers(0, 4, size=(2, 60))
    calls = student.traced("confusion", true, predicted, np.arange(4)).calls
    counted = [
        name for name in calls if name.startswith("sklearn.metrics.") or name.endswith((".crosstab", ".pivot_table"))
    ]
    assert not counted, (
        "A library's function does the counting. Count by hand here; the check compares with scikit-learn."
    )


def _most_confused(student, matrix, classes):
    got = student.call("most_confused", matrix, classes)
    return tuple(as_array(got, "most_confused(matrix, classes)", shape=(2,), dtype="int"))


def _confused_matrix(rng, k):
    """A matrix whose largest mistake lies below the diagonal, with hardly any in return.

    Another pair has more mistakes in both directions together, and in another row the share of mistakes is larger.
    """
    matrix = rng.integers(0, 20, size=(k, k)) + np.diag(rng.integers(200, 900, size=k))
    places = rng.permutation(k)
    column, row = sorted(places[:2])
    matrix[row, column], matrix[column, row] = 60, 5
    matrix[places[2], places[3]], matrix[places[3], places[2]] = 40, 41
    matrix[places[2], places[2]] = 30
    return matrix, row, column


@pytest.mark.question("confused", weight=0.5, promise="the two classes of the largest number off the diagonal")
def test_most_confused_pair(student):
    """most_confused finds the largest number off the diagonal."""
    rng = student.rng
    good = np.diag(rng.integers(200, 900, size=6))
    good[4, 2] = 1
    cases = [_confused_matrix(rng, int(rng.integers(5, 9))) for _ in range(2)]
    matrix, row, column = cases[0]
    cases += [(matrix.T.copy(), column, row), (good, 4, 2)]
    for matrix, row, column in cases:
        got = _most_confused(student, matrix, np.arange(len(matrix)))
        assert got[0] != got[1], "Got the same class twice: the diagonal holds right answers, leave it out."
        assert got != (column, row), "Got the right pair the wrong way round: the true class comes first."
        assert got == (row, column), (
            "Another pair has a larger number off the diagonal. Look at both halves of the matrix."
        )


@pytest.mark.question("confused", weight=0.25, promise="the two classes of the largest number off the diagonal")
def test_most_confused_labels(student):
    """most_confused answers with classes, not with positions."""
    rng = student.rng
    matrix, row, column = _confused_matrix(rng, 5)
    for _ in range(2):
        classes = rng.permutation(np.arange(10, 40))[:5]
        got = _most_confused(student, matrix, classes)
        assert got != (row, column), "Got positions in the matrix, expected the classes at these positions."
        pair = (classes[row], classes[column])
        assert got != pair[::-1], "Got the right pair the wrong way round: the true class comes first."
        assert got == pair, (
            "With classes other than 0, 1, 2, … this is another pair than that of the largest number off the "
            "diagonal: find its row and column, then look both up in classes."
        )


@pytest.mark.question(
    "confused", weight=0.25, requires="test_most_confused_pair", promise="don't change the matrix that you are given"
)
def test_most_confused_keeps_the_matrix(student):
    """most_confused leaves your confusion matrix as it was."""
    try:
        matrix, *arguments = (student.array(name, dtype="int") for name in ("matrix", "y_test", "predicted", "classes"))
        made_anew = as_array(student.call("confusion", *arguments), "confusion(...)", shape=matrix.shape, dtype="int")
    except StudentError:
        matrix = made_anew = np.zeros(0)  # no network or no confusion matrix: that has cost its marks elsewhere
    assert np.array_equal(matrix, made_anew), (
        "Your matrix is no longer what confusion counted: most_confused has changed it. Work on a copy."
    )
    student.leaves_alone("most_confused", _confused_matrix(student.rng, 6)[0], np.arange(6))


@pytest.mark.question("handwriting", promise="returns the picture for the network, shape (28, 28), values from 0 to 1")
def test_prepare_shape_and_range(student):
    """prepare gives 28 × 28 values from 0 to 1."""
    rng = student.rng
    drawing = drawings.draw(rng, (200, 300)).colour((245, 245, 245), (30, 30, 30))
    picture = drawings.prepared(student, drawing)
    assert np.ptp(picture) > 0.3, "The picture has no contrast: ink and ground have nearly the same value."


@pytest.mark.question("handwriting", promise="dark on light? then invert it")
def test_prepare_dark_on_light(student):
    """A dark pen on white paper becomes bright ink on black."""
    rng = student.rng
    drawing = drawings.draw(rng, (160, 160))
    drawings.judge_drawing(student, drawing.grey(255, 10), drawing.expected)
    drawings.judge_ink(student, drawing.grey(245, 30), drawing.cover, "Is a dark pen on light paper inverted?")
    drawing = drawings.draw(rng, (140, 170))
    grain = rng.integers(-8, 9, (140, 170))
    hint = "Paper has a grain: only what is brighter than 127 once the range is stretched counts as ink."
    sheet = (drawing.grey(235, 25) + grain).astype(np.uint8)
    drawings.judge_drawing(student, sheet, drawing.expected, hint)
    student.leaves_alone("prepare", sheet)


@pytest.mark.question("handwriting", promise="bright ink on black")
def test_prepare_light_on_dark(student):
    """Chalk on a blackboard stays bright on black."""
    rng = student.rng
    drawing = drawings.draw(rng, (160, 160))
    drawings.judge_drawing(student, drawing.grey(15, 240), drawing.expected)
    drawings.judge_ink(student, drawing.grey(20, 190), drawing.cover, "Chalk on a blackboard is bright already.")


@pytest.mark.question("handwriting", promise="colour: make it grey")
def test_prepare_colour(student):
    """Pens of any colour on cream paper are read alike."""
    rng = student.rng
    hint = "All three channels count, as in cv2.cvtColor: a pen may leave no trace in one of them."
    for pen in ((245, 40, 20), (30, 20, 248)):  # blue and red; green, which is bright, counts as pale
        drawing = drawings.draw(rng, (180, 150))
        drawings.judge_drawing(student, drawing.colour((245, 240, 248), pen), drawing.expected, hint)


@pytest.mark.question("handwriting", promise="four channels: lay the drawing on white paper")
def test_prepare_transparent(student):
    """A drawing with a transparent ground is laid on white paper, one with an opaque ground is used as it is."""
    rng = student.rng
    drawing = drawings.draw(rng, (150, 150))
    opacity = np.rint(drawing.cover * 255).astype(np.uint8)[:, :, None]
    hint = "Where the opacity is 0 there is white paper, whatever colour is stored there."
    for colours, pen in ((1, 0), (256, 0), (256, 30)):
        stored = np.where(opacity > 0, pen, rng.integers(0, colours, (150, 150, 3))).astype(np.uint8)
        drawings.judge_drawing(student, np.concatenate([stored, opacity], axis=2), drawing.expected, hint)
    drawing = drawings.draw(rng, (150, 150))
    faint = np.rint(drawing.cover * np.linspace(255, 90, 150)).astype(np.uint8)
    sheet = np.concatenate([np.full((150, 150, 3), 40, np.uint8), faint[:, :, None]], axis=2)
    hint = "Ink that is half transparent lets white paper through: colour · a + 255 · (1 - a)."
    drawings.judge_ink(student, sheet, faint / faint.max(), hint)
    drawing = drawings.draw(rng, (150, 150))
    solid = drawing.colour((255, 255, 255), (40, 20, 20))
    drawings.judge_drawing(
        student, np.concatenate([solid, np.full((150, 150, 1), 255, np.uint8)], axis=2), drawing.expected
    )


@pytest.mark.question("handwriting", promise="keeping its proportions")
def test_prepare_any_sheet(student):
    """Sheets that aren't square don't stretch the digit."""
    rng = student.rng
    for shape, slim in (((200, 300), 0.5), ((300, 120), 0.6), ((200, 300), 1.6)):
        drawing = drawings.draw(rng, shape, height=60, slim=slim)
        drawings.judge_drawing(student, drawing.grey(250, 20), drawing.expected)
    drawings.judge_rough_paper(student, rng)


@pytest.mark.question("handwriting", promise="with its centre of mass at row 14 and column 14")
def test_prepare_off_centre(student):
    """A small digit in a corner ends with its centre of mass in the middle, 20 pixels tall."""
    rng = student.rng
    corner = tuple(float(place) for place in rng.choice([0.22, 0.78], size=2))
    drawing = drawings.draw(rng, (240, 240), height=60, place=corner)
    drawings.judge_drawing(student, drawing.grey(250, 20), drawing.expected)
    drawings.judge_mass(student, rng)
    drawings.judge_to_the_pixel(student, rng)
    drawings.judge_extremes(student, rng)


@pytest.mark.question("handwriting", weight=0.5, promise="a grey sheet turns black and a pale pencil bright")
def test_prepare_pale_pencil(student):
    """A pale pencil on grey paper becomes bright ink, and so does a bright green pen."""
    rng = student.rng
    drawing = drawings.draw(rng, (160, 160))
    hint = "Pale ink needs its range stretched to 0 and 255 before it is looked for."
    drawings.judge_drawing(student, drawing.grey(225, 150), drawing.expected, hint)
    drawings.judge_ink(student, drawing.grey(225, 150), drawing.cover, hint, stretched=True)
    drawing = drawings.draw(rng, (160, 160))
    hint = "Ink of which a part is pale is ink: everything brighter than 127 counts."
    drawings.judge_drawing(student, drawing.fading(240, 20, 0.62), drawing.expected, hint)
    drawing = drawings.draw(rng, (160, 160))
    hint = f"All three channels count, as in cv2.cvtColor. {hint}"
    drawings.judge_drawing(student, drawing.colour((245, 240, 248), (20, 240, 30)), drawing.expected, hint)


@pytest.mark.question(
    "handwriting", weight=0.5, requires="test_prepare_shape_and_range", promise="a sheet without ink is a ValueError"
)
def test_prepare_empty_sheet(student):
    """A sheet without ink is refused with a ValueError."""
    clear = np.full((60, 80, 4), (10, 200, 30, 0), np.uint8)
    for sheet in (np.full((90, 120), 255, np.uint8), np.zeros((90, 120), np.uint8), clear):
        student.raises("prepare", sheet, error="ValueError")
