"""Hidden tests of 04-backprop: every function on random shapes, slopes against central differences, a trained network.

Gradients that student code computes are compared with central differences of a loss of our own. Answers that a
well-known slip would give are computed beside, so that it can be named.

The submitted network is run here (backprop_network.py) on the last tenth of the data set that the course's settings
name or, without a name, that this machine has. What the submission says of itself chooses nothing. Measured, with 64
sigmoid neurons, Adam, mini-batches of 100 and the solution's own functions (last tenth; the first two rows from two
beginnings for MNIST and three for the stand-in, the others from one):

==========================================  ===================  ===================
what was trained                            mnist_784            digits_28
==========================================  ===================  ===================
as asked (rate 0.003), 20 epochs            0.976, 0.976         0.933 to 0.950
12 / 5 / 1 epochs                           0.978, 0.972, 0.946  0.924, 0.881, 0.689
rate 0.001, 12 epochs                       0.973                0.883
rate 0.01, 12 epochs                        0.974                0.961
50 neurons, rate 0.003, 12 epochs           0.974                0.906
==========================================  ===================  ===================

The steps are 0.90 and 0.95 (MNIST), 0.75 and 0.88 (stand-in): the solution stays more than two standard errors above
the last one. Whoever trains on the held-back pictures gains little: honest training is over in a minute.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import StudentError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


handwriting = _beside("backprop_network")
NAMES = ("W0", "b0", "W1", "b1")


def depends_on(settings):
    """Choose the pictures that networks are judged by: those of the course's settings, or what this machine has."""
    return handwriting.mnist.choose(settings.get("data_set"))


def same(got, expected):
    """Whether two arrays are alike but for rounding, which may be that of float32."""
    scale = max(1e-3, float(np.abs(expected).max(initial=0)))
    return got.shape == expected.shape and bool(np.all(np.abs(got - expected) <= 1e-4 * scale))


def judge(value, expected, what, mistakes=(), hint=""):
    """Compare an answer with what is expected; say so if it is what one of the ``mistakes`` (sentence, array) gives."""
    expected = np.asarray(expected, dtype=float)
    assert value is not None, f"{what} gave None: does every path through the function end with return?"
    got = as_array(value, what)
    for sentence, other in mistakes:
        other = np.asarray(other, dtype=float)
        if not same(other, expected) and same(got, other):
            raise StudentError(f"{what}: {sentence}")
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, expected {expected.shape}. {hint}".rstrip()
    if not same(got, expected):
        place = np.unravel_index(np.abs(got - expected).argmax(), got.shape)
        raise StudentError(f"{what}: got {got[place]:.5g} where {expected[place]:.5g} is expected. {hint}".rstrip())


def judge_number(value, expected, what, mistakes=(), hint=""):
    """The same of a single number."""
    assert value is not None, f"{what} gave None: does every path through the function end with return?"
    judge(float(as_number(value, what)), expected, what, mistakes, hint)


def several(value, count, what, names):
    """Return the parts of an answer that consists of several things."""
    assert value is not None, f"{what} gave None: does every path through the function end with return?"
    row = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
    if not row or len(value) != count:
        raise StudentError(f"{what} should return {names}, but it returned {describe(value)}.")
    return value


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1 + np.tanh(np.asarray(z, dtype=float) / 2))


def softmax(scores):
    """Probabilities of rows of scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def labels_for(rng, n, k):
    """Right classes of n examples: each of the k classes is among them, or, where n is smaller, never the last one."""
    if n < k:
        return rng.integers(0, k - 1, n)
    return rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, n - k)]))


def central(function, z, h=1e-5):
    """The central difference of a function that works entry by entry."""
    return (function(z + h) - function(z - h)) / (2 * h)


def memory(inputs, w, v, start=0.0):
    """The outputs of a neuron with a context neuron."""
    outputs, h = [], start
    for x in inputs:
        h = w * x + v * h
        outputs.append(h)
    return outputs


@pytest.mark.question("context", weight=2, promise="with h = 0 before the first input")
def test_remember_keeps_the_past(student):
    """remember adds to each weighted input the weighted output of the step before."""
    for count in (5, 8):
        inputs = (student.rng.integers(1, 9, count) / 2).tolist()
        w, v = (float(number) for number in student.rng.permutation([0.5, 0.75, 1.25, 1.5])[:2])
        w = w if count == 5 else -w
        before = [0, *inputs[:-1]]
        mistakes = [
            ("this has no memory: v times the last output is missing.", memory(inputs, w, 0)),
            ("w and v are swapped.", memory(inputs, v, w)),
            (
                "v is multiplied with the last input; it belongs to the last output.",
                [w * x + v * last for x, last in zip(inputs, before, strict=True)],
            ),
            ("the last output is added without its weight v.", memory(inputs, w, 1)),
            ("these outputs begin with h = 1; it is 0 before the first input.", memory(inputs, w, v, 1)),
            ("only the last output came back, expected all of them.", memory(inputs, w, v)[-1]),
        ]
        got = student.call("remember", inputs, w, v)
        judge(got, memory(inputs, w, v), "remember(inputs, w, v)", mistakes)
        judge(student.call("remember", inputs, 2 * w, v), memory(inputs, 2 * w, v), "remember(inputs, 2 * w, v)")


@pytest.mark.question("context", requires="test_remember_keeps_the_past", promise="a list of one or more numbers")
def test_remember_any_length(student):
    """remember gives one output for each input, however many there are, and leaves the inputs alone."""
    for count in (1, 2, 30):
        fractions = (student.rng.integers(-800, 801, count) / 64).tolist()
        wholes = (2 * student.rng.integers(-400, 400, count) + 1).tolist()
        for inputs in (fractions, wholes):
            expected = memory(inputs, 1.5, -0.75)
            mistakes = [("these outputs have lost their fractions.", np.trunc(expected))]
            got = student.leaves_alone("remember", inputs, 1.5, -0.75)
            judge(got, expected, f"remember(...) of {count} input{'s' * (count > 1)}", mistakes)


def sums(rng):
    """A single number, at which no slope is lost in float32, and sums of random shapes, none of them close to 0."""
    yield float(rng.uniform(0.1, 2) * rng.choice([-1.0, 1.0]))
    for shape in ((7,), (7,), (3, 4), (2, 3, 2), (1,)):
        z = rng.uniform(0.1, 4, shape) * rng.choice([-1.0, 1.0], shape)
        z.ravel()[0] *= -np.sign(z.ravel()[0])  # np.vectorize takes the type of the first answer for all
        yield z


def judge_activation(student, name, right, mistakes=(), cases=None, hint=""):
    """Compare an activation or its slope with the right one on sums of several shapes."""
    for z in cases if cases is not None else sums(student.rng):
        found = [(sentence, other(np.asarray(z))) for sentence, other in mistakes]
        got = student.leaves_alone(name, z)
        judge(got, right(np.asarray(z)), f"{name}(z)", found, hint)


@pytest.mark.question("activations", weight=0.5, promise="computed entry by entry: sigmoid(z) and relu(z)")
def test_sigmoid(student):
    """sigmoid is 1 / (1 + exp(-z)), for one number and for arrays of any shape."""
    mistakes = [
        ("this is sigmoid(-z): look at the sign in the exponent.", lambda z: sigmoid(-z)),
        ("this is tanh.", np.tanh),
    ]
    judge_activation(student, "sigmoid", sigmoid, mistakes)


@pytest.mark.question(
    "activations", weight=0.25, requires="test_sigmoid", promise="must also give 0 and 1 for sums of −1000 and 1000"
)
def test_sigmoid_far_away(student):
    """sigmoid is 0 and 1 far away from 0, and stays a number."""
    z = np.array([-1000.0, 1000.0, -800.0, 0.0, 3.0])
    judge_activation(student, "sigmoid", sigmoid, cases=[z, 1000.0, -1000.0])


@pytest.mark.question("activations", weight=0.5, promise="max(0, z)")
def test_relu(student):
    """relu hands on what is positive, and 0 for all else; it leaves its argument alone."""
    mistakes = [
        ("this is the absolute value: what is negative becomes 0.", np.abs),
        ("this is min(0, z).", lambda z: np.minimum(z, 0)),
        ("the fractions are lost.", lambda z: np.trunc(np.maximum(z, 0))),
    ]
    judge_activation(student, "relu", lambda z: np.maximum(z, 0), mistakes)
    judge_activation(student, "relu", lambda z: np.maximum(z, 0), cases=[np.array([-1e-3, 0.0, 1e-3, 500.0])])


@pytest.mark.question("activations", weight=1, promise="All of them take the sum z, the input of the activation")
def test_sigmoid_slope(student):
    """sigmoid_slope(z) is the central difference of the sigmoid at z."""
    mistakes = [
        (
            "this is z (1 - z), which is the slope if z is the activation. Here z is the sum: take sigmoid(z).",
            lambda z: z * (1 - z),
        ),
        ("this is the sigmoid itself, not its slope.", sigmoid),
        (
            "this is the slope at sigmoid(z), not at z: the sigmoid was taken twice.",
            lambda z: central(sigmoid, sigmoid(z)),
        ),
        ("this is the slope of tanh.", lambda z: central(np.tanh, z)),
        ("the slope has the wrong sign.", lambda z: -central(sigmoid, z)),
    ]
    judge_activation(student, "sigmoid_slope", lambda z: central(sigmoid, z), mistakes)
    far = np.array([-1000.0, 0.0, 1000.0])
    judge_activation(student, "sigmoid_slope", lambda z: central(sigmoid, z), cases=[far])


@pytest.mark.question("activations", weight=0.5, promise="All of them take the sum z, the input of the activation")
def test_tanh_slope(student):
    """tanh_slope(z) is the central difference of tanh at z."""
    mistakes = [
        (
            "this is 1 - z², which is the slope if z is the activation. Here z is the sum: take tanh(z) first.",
            lambda z: 1 - z**2,
        ),
        ("the square is missing: 1 - tanh(z)².", lambda z: 1 - np.tanh(z)),
        ("this is the slope of the sigmoid.", lambda z: central(sigmoid, z)),
        ("this is tanh itself, not its slope.", np.tanh),
    ]
    judge_activation(student, "tanh_slope", lambda z: central(np.tanh, z), mistakes)
    judge_activation(student, "tanh_slope", lambda z: central(np.tanh, z), cases=[np.array([-1000.0, 0.0, 1000.0])])


@pytest.mark.question("activations", weight=0.5, promise="(at z = 0 it is 0)")
def test_relu_slope(student):
    """relu_slope(z) is 1 above 0, and 0 below and at 0."""
    mistakes = [("this is ReLU itself, not its slope.", lambda z: np.maximum(z, 0)), ("this is the sign.", np.sign)]
    slope = lambda z: (np.asarray(z) > 0) * 1.0  # noqa: E731
    asked = [*sums(student.rng), np.array([-0.5, 0.0, 0.5]), 0.0, np.array([1e-6, -1e-6])]
    for z in asked:
        got = student.leaves_alone("relu_slope", z)
        assert got is not None, "relu_slope(z) gave None: does it end with return?"
        found = [(sentence, other(np.asarray(z))) for sentence, other in mistakes]
        judge(got, slope(z), "relu_slope(z)", found, "At 0 itself it is 0." if np.any(np.asarray(z) == 0) else "")


@pytest.mark.question("softmax", promise="Each row is taken by itself")
def test_softmax_rows(student):
    """softmax makes probabilities of each row of scores."""
    for n, k in ((6, 3), (3, 8), (4, 4), (1, 2)):
        scores = student.rng.normal(size=(n, k)) * 2
        powers = np.exp(scores)
        mistakes = [
            ("the columns add up to 1, expected the rows (axis=1).", powers / powers.sum(axis=0)),
            ("all probabilities together add up to 1, expected each row by itself (axis=1).", powers / powers.sum()),
            (
                "this is each score divided by the sum of its row: e to the power of the scores is missing.",
                scores / scores.sum(axis=1, keepdims=True),
            ),
            ("these are the powers; divide each row by its sum.", powers),
            ("this is the sigmoid of each score.", sigmoid(scores)),
        ]
        judge(student.leaves_alone("softmax", scores), softmax(scores), "softmax(scores)", mistakes)


@pytest.mark.question(
    "softmax", requires="test_softmax_rows", promise="Scores may be as large as 1000 or as small as −1000"
)
def test_softmax_large_scores(student):
    """softmax also works where scores are large, in one row or in all, or small and large in the same row."""
    rng = student.rng
    mixed = np.array([[-1000.0, 999.0, 0.0, 1000.0], [999.0, 1000.0, 0.0, -1000.0]])
    columns = [np.array(sizes)[:, None] for sizes in ([1000.0] * 3, [-1000.0] * 3, rng.permutation([1000.0, 0, -1000]))]
    for sizes in (*columns, mixed):
        scores = rng.normal(size=(len(sizes), 4)) + sizes
        got = student.call("softmax", scores)
        bad = isinstance(got, np.ndarray) and got.dtype.kind == "f" and not np.isfinite(got).all()
        assert not bad, (
            "softmax(scores) gives nan or infinity for scores around 1000 or -1000: subtract each row's own largest "
            "score before you take powers."
        )
        judge(got, softmax(scores), "softmax(scores) of large scores", hint="Each row has a largest score of its own.")


@pytest.mark.question("losses", weight=0.75, promise="one number, the mean over all entries")
def test_squared_error(student):
    """squared_error is the mean of the squared differences, for arrays of any shape."""
    for shape in ((7,), (4, 3), (2, 5), (1,)):
        outputs, targets = student.rng.normal(size=(2, *shape))
        gaps = outputs - targets
        mistakes = [
            ("this is the sum, expected the mean over all entries.", np.sum(gaps**2)),
            ("this is half of it: there is no ½ in the formula.", np.mean(gaps**2) / 2),
            ("this is the mean distance: square the differences.", np.mean(np.abs(gaps))),
            ("this is the root of it.", np.sqrt(np.mean(gaps**2))),
            (
                "the squares are added up over each row; expected the mean over all entries.",
                np.sum(gaps**2) / len(gaps),
            ),
            ("this is the square of the mean; square first.", np.mean(gaps) ** 2),
        ]
        got = student.leaves_alone("squared_error", outputs, targets)
        judge_number(got, np.mean(gaps**2), "squared_error(outputs, targets)", mistakes)


@pytest.mark.question("losses", weight=1.25, promise="one number, the mean over the n examples")
def test_cross_entropy(student):
    """cross_entropy is the mean of -ln of the probability that each example's right class was given."""
    rng = student.rng
    for n, k in ((6, 3), (6, 3), (9, 5), (5, 5), (4, 6), (1, 2)):
        probabilities, labels = softmax(rng.normal(size=(n, k)) * 2), labels_for(rng, n, k)
        right = probabilities[np.arange(n), labels]
        entropy = -np.mean(np.log(right))
        mistakes = [
            ("the sign is wrong: a loss is positive here.", -entropy),
            ("this is the sum, expected the mean over the examples.", n * entropy),
            ("this is the mean over all entries of the table; expected that over the examples.", entropy / k),
            ("this is a logarithm to base 2; np.log is the natural one.", entropy / np.log(2)),
            ("this is a logarithm to base 10; np.log is the natural one.", entropy / np.log(10)),
            (
                "this takes each row's largest probability; expected that of the right class.",
                -np.mean(np.log(probabilities.max(axis=1))),
            ),
            ("the logarithm is taken of the mean; expected the mean of the logarithms.", -np.log(np.mean(right))),
            ("this is the mean error, without a logarithm.", 1 - np.mean(right)),
        ]
        got = student.leaves_alone("cross_entropy", probabilities, labels)
        judge_number(got, entropy, "cross_entropy(probabilities, labels)", mistakes)


def random_network(rng, inputs, hidden, outputs):
    """A network with biases that matter."""
    shapes = ((inputs, hidden), (hidden,), (hidden, outputs), (outputs,))
    return [rng.normal(size=shape) for shape in shapes]


def forward(X, network):
    """The sums of the hidden layer, its outputs, and the probabilities."""
    W0, b0, W1, b1 = network
    Z = X @ W0 + b0
    return Z, sigmoid(Z), softmax(sigmoid(Z) @ W1 + b1)


SIZES = ((6, 3, 5, 4), (4, 4, 4, 4), (9, 7, 1, 3), (1, 2, 3, 2))  # examples, inputs, hidden, outputs


def judge_forward(student, part):
    """Compare one of the three arrays that forward returns."""
    rng = student.rng
    for n, *sizes in SIZES:
        X, network = rng.normal(size=(n, sizes[0])), random_network(rng, *sizes)
        W0, _, W1, b1 = network
        Z, H, P = forward(X, network)
        mistakes = [
            [("the biases b0 are missing.", X @ W0), ("these are the hidden outputs H; Z comes first.", H)],
            [
                ("the sigmoid is missing.", Z),
                ("this is tanh of the sums; the formula asks for the sigmoid.", np.tanh(Z)),
                ("this is ReLU of the sums; the formula asks for the sigmoid.", np.maximum(Z, 0)),
                ("the biases b0 are missing.", sigmoid(X @ W0)),
            ],
            [
                ("these are the scores: softmax is missing.", H @ W1 + b1),
                ("this is the sigmoid of the scores; the output layer has softmax.", sigmoid(H @ W1 + b1)),
                ("the biases b1 are missing.", softmax(H @ W1)),
                ("the second layer gets Z; it should get H.", softmax(Z @ W1 + b1)),
                ("the biases b0 are missing.", softmax(sigmoid(X @ W0) @ W1 + b1)),
            ],
        ]
        value = student.leaves_alone("forward", X, network)
        parts = several(value, 3, "forward(X, network)", "three arrays, Z, H and P")
        judge(parts[part], (Z, H, P)[part], f"{'ZHP'[part]} of forward(X, network)", mistakes[part])


@pytest.mark.question("forward", promise="the sums Z (n, hidden), the hidden outputs H (n, hidden)")
def test_forward_hidden_layer(student):
    """forward gives the sums and the outputs of the hidden layer, for networks of any size."""
    judge_forward(student, 0)
    judge_forward(student, 1)


@pytest.mark.question("forward", promise="and the probabilities P (n, outputs)")
def test_forward_probabilities(student):
    """forward gives the probabilities that the output layer says, for networks of any size."""
    judge_forward(student, 2)


class Cubes:
    """A loss for which the central difference has a term with h², so that all ways to get it wrong differ."""

    def __init__(self, rng, shape):
        self.factors = rng.uniform(0.5, 2, shape)
        self.factors.ravel()[0] *= -1  # slopes of both signs
        self.asked = 0

    def __call__(self, array):
        """Return the loss at an array, or refuse what isn't one of the right shape."""
        self.asked += 1
        if self.asked > 2000:
            raise RuntimeError("loss was called far too often")
        try:
            found = as_array(array, "what loss was given", shape=self.factors.shape)
        except StudentError as error:
            raise ValueError(str(error)) from None
        if np.abs(found).max(initial=0) > 1e6:
            raise ValueError("loss was given a number that is far away from W")
        return self.at(found)

    def at(self, array):
        """The loss itself: cubes, and products of neighbours."""
        flat = np.ravel(array)
        return float(np.sum(self.factors * array**3) + np.sum(flat[1:] * flat[:-1]))

    def slopes(self, W, up, down, divisor):
        """(loss with one place moved by ``up`` - loss with it moved by ``down``) / divisor, for all places."""
        return self.moved(W, lambda place: place, up, down, divisor)

    def moved(self, W, which, up, down, divisor):
        """The same with all that ``which`` makes of a place moved: an index, or a mask."""
        found = np.zeros(W.shape)
        for place in np.ndindex(W.shape):
            higher, lower = W.copy(), W.copy()
            higher[which(place)] += up
            lower[which(place)] += down
            found[place] = (self.at(higher) - self.at(lower)) / divisor
        return found


def tried(student, shape, h):
    """Call numerical_gradient and compare it with the central differences."""
    rng = student.rng
    loss, W = Cubes(rng, shape), rng.uniform(0.5, 2, shape) * rng.choice([-1.0, 1.0], shape)
    while np.array_equal(W + h - 2 * h + h, W) or np.array_equal(W - h + 2 * h - h, W):
        W = W * 0.99  # so that there and back again doesn't leave W as it was
    order = np.arange(W.size).reshape(W.shape)
    mistakes = [
        ("these are the differences (L(w + h) - L(w)) / h; the central ones look down, too.", loss.slopes(W, h, 0, h)),
        ("these are the differences (L(w) - L(w - h)) / h; the central ones look up, too.", loss.slopes(W, 0, -h, h)),
        ("these are twice the slopes: divide by 2 h, not by h.", loss.slopes(W, h, -h, h)),
        ("the differences aren't divided by 2 h.", loss.slopes(W, h, -h, 1)),
        (
            "the differences are halved and multiplied by h: put it in brackets, (2 * h).",
            loss.slopes(W, h, -h, 2 / h),
        ),
        ("the sign is wrong: L(w + h) comes first.", loss.slopes(W, -h, h, 2 * h)),
        ("the sign is lost.", np.abs(loss.slopes(W, h, -h, 2 * h))),
        ("half of h is used on each side, expected h.", loss.slopes(W, h / 2, -h / 2, h)),
        ("all numbers are changed at once. Only one place may be changed.", loss.moved(W, lambda _: ..., h, -h, 2 * h)),
        (
            "whole rows are changed at once. Only one place may be changed.",
            loss.moved(W, lambda place: place[0], h, -h, 2 * h),
        ),
        (
            "a place stays changed when the next one has its turn: begin with new copies.",
            loss.moved(W, lambda place: order <= order[place], h, -h, 2 * h),
        ),
    ]
    got = student.leaves_alone("numerical_gradient", student.remote(loss), W, h, timeout=4.0)
    near = loss.slopes(W, 1e-5, -1e-5, 2e-5)
    plain = isinstance(got, np.ndarray) and got.dtype.kind == "f"
    hint = "Is h used as it is given?" if h > 1e-3 and plain and same(got, near) else ""
    judge(got, loss.slopes(W, h, -h, 2 * h), "numerical_gradient(loss, W, h)", mistakes, hint)


@pytest.mark.question("numerical", promise="in each place the central difference for the number at that place")
def test_numerical_of_a_row(student):
    """numerical_gradient gives the central differences of a row of numbers, with the h that it is given."""
    for shape, h in (((5,), 0.25), ((3,), 0.125), ((1,), 0.5)):
        tried(student, shape, h)


@pytest.mark.question("numerical", requires="test_numerical_of_a_row", promise="an array of floats of any shape")
def test_numerical_of_a_table(student):
    """numerical_gradient works for arrays of any shape, and changes none."""
    for shape, h in (((3, 2), 0.25), ((2, 4), 0.1), ((2, 2, 2), 0.2)):
        tried(student, shape, h)


def entropy(X, labels, network):
    """The loss of a network."""
    return -np.mean(np.log(forward(X, network)[2][np.arange(len(labels)), labels]))


def by_trying(X, labels, network, h=1e-5):
    """The gradient of the loss by central differences, for all four arrays."""
    gradient = [np.zeros(array.shape) for array in network]
    for number, array in enumerate(network):
        for place in np.ndindex(array.shape):
            losses = []
            for change in (h, -h):
                moved = [one.copy() for one in network]
                moved[number][place] += change
                losses.append(entropy(X, labels, moved))
            gradient[number][place] = (losses[0] - losses[1]) / (2 * h)
    return gradient


def slips(X, labels, network):
    """Gradients that are computed nearly right, by the sentence that names the slip."""
    _, _, W1, _ = network
    Z, H, P = forward(X, network)
    n, one_hot = len(labels), np.eye(W1.shape[1])[labels]

    def gradient(D, slope, seen=H, back=None):
        E = (D @ W1.T if back is None else back) * slope
        return [X.T @ E, E.sum(axis=0), seen.T @ D, D.sum(axis=0)]

    D, slope = (P - one_hot) / n, H * (1 - H)
    right = gradient(D, slope)
    return [
        (
            "this takes the slope of the sigmoid at H, the activation; it belongs at Z, the sum: sigmoid_slope(Z).",
            gradient(D, sigmoid(H) * (1 - sigmoid(H))),
        ),
        ("the slope of the hidden neurons' activation, sigmoid_slope(Z), is left out.", gradient(D, 1)),
        ("H itself is taken for the slope; expected sigmoid_slope(Z).", gradient(D, H)),
        ("the slope of tanh is taken; these are sigmoid neurons.", gradient(D, 1 - np.tanh(Z) ** 2)),
        ("the division by n is missing: the loss is a mean over the examples.", gradient(n * D, slope)),
        ("the sign is wrong: D is P - Y, not Y - P.", gradient(-D, slope)),
        ("Y is missing: D is P - Y.", gradient(P / n, slope)),
        ("the second layer's weights take Z for H.", gradient(D, slope, seen=Z)),
        (
            "D has the slope of a sigmoid in it; with softmax and cross-entropy it is P - Y.",
            gradient(D * P * (1 - P), slope),
        ),
        (
            "the slopes of the biases are means over the examples, expected sums.",
            [right[0], right[1] / n, right[2], right[3] / n],
        ),
    ]


def judge_backward(student, parts, sizes, slopes=by_trying):
    """Compare some of the four arrays that backward returns with central differences, or with other ``slopes``."""
    rng = student.rng
    for n, inputs, hidden, outputs in sizes:
        X = rng.normal(size=(n, inputs)) * np.sqrt(2 / (1 + inputs))  # no hidden neuron is far from 0
        network, labels = random_network(rng, inputs, hidden, outputs), labels_for(rng, n, outputs)
        value = student.leaves_alone("backward", X, labels, network)
        got = several(value, 4, "backward(X, labels, network)", "a list of four arrays, the slopes for W0, b0, W1, b1")
        expected = slopes(X, labels, network)
        for part in parts:
            mistakes = [(sentence, wrong[part]) for sentence, wrong in slips(X, labels, network)]
            judge(got[part], expected[part], f"The slopes for {NAMES[part]} of backward(...)", mistakes)


@pytest.mark.question("backward", promise="its slope is a sum over the examples")
def test_backward_second_layer(student):
    """The slopes for W1 and b1 are the central differences of the loss."""
    judge_backward(student, (2, 3), [(4, 2, 4, 2), (5, 3, 2, 3)])


@pytest.mark.question("backward", weight=2, promise="times the slope of its activation at its sum")
def test_backward_first_layer(student):
    """The slopes for W0 and b0 are the central differences of the loss."""
    judge_backward(student, (0, 1), [(4, 2, 4, 2), (5, 3, 2, 3)])


@pytest.mark.question(
    "backward",
    requires=["test_backward_second_layer", "test_backward_first_layer"],
    promise="network, of any sizes",
)
def test_backward_other_sizes(student):
    """All slopes are right for networks of other sizes, for one example and for many, and soon there for large ones."""
    judge_backward(student, range(4), [(1, 5, 3, 4), (8, 1, 6, 2), (3, 4, 1, 5), (4, 2, 3, 3)])
    judge_backward(student, range(4), [(3, 784, 64, 10)], exact_gradient)  # far too many numbers to try them


def stepped(network, gradient, rate):
    """One step downhill."""
    return [array - rate * slope for array, slope in zip(network, gradient, strict=True)]


def exact_gradient(X, labels, network):
    """The gradient in closed form (compared with central differences in the oracle)."""
    W1 = network[2]
    _, H, P = forward(X, network)
    D = (P - np.eye(W1.shape[1])[labels]) / len(labels)
    E = (D @ W1.T) * H * (1 - H)
    return [X.T @ E, E.sum(axis=0), H.T @ D, D.sum(axis=0)]


def walked(X, labels, network, rate, steps):
    """Gradient descent."""
    for _ in range(steps):
        network = stepped(network, exact_gradient(X, labels, network), rate)
    return network


def judge_descend(student, steps, n):
    """Compare the network after some steps with ``n`` examples."""
    rng = student.rng
    sizes = rng.integers(2, 5, 3).tolist()
    X, network = rng.normal(size=(n, sizes[0])), random_network(rng, *sizes)
    labels = labels_for(rng, n, sizes[2]) if n >= sizes[2] else np.full(n, sizes[2] - 1)
    rate = float(rng.uniform(0.3, 0.9))
    gradient = exact_gradient(X, labels, network)
    expected = walked(X, labels, network, rate, steps)
    ways = [
        ("this climbs: the gradient points uphill, so subtract it.", walked(X, labels, network, -rate, steps)),
        ("the rate isn't used.", walked(X, labels, network, 1, steps)),
        ("this is what it was given.", network),
        ("this is one step only.", stepped(network, gradient, rate)),
        ("this is one step too few.", walked(X, labels, network, rate, steps - 1)),
        ("this is one step too many.", walked(X, labels, network, rate, steps + 1)),
        (
            "all steps take the gradient of the start; compute it again in each step.",
            stepped(network, gradient, rate * steps),
        ),
    ]
    value = student.leaves_alone("descend", network, X, labels, rate, steps)
    got = several(value, 4, "descend(...)", "a list of four arrays")
    for part in range(4):
        mistakes = [(sentence, way[part]) for sentence, way in ways]
        what = f"{NAMES[part]} of descend(...) after {steps} step{'s' * (steps != 1)}"
        judge(got[part], expected[part], what, mistakes)


@pytest.mark.question("descend", promise="compute the gradient of all four arrays first")
def test_descend_one_step(student):
    """One step changes all four arrays by the rate times their slopes, and no step changes nothing."""
    judge_descend(student, 1, 5)
    judge_descend(student, 0, 4)


@pytest.mark.question("descend", requires="test_descend_one_step", promise="returns the network after so many steps")
def test_descend_many_steps(student):
    """Several steps are as many times one step, each with a gradient of its own."""
    judge_descend(student, 2, 7)
    judge_descend(student, 7, 1)


@pytest.mark.question("descend", promise="It must fall below 0.01")
def test_xor_is_learned(student):
    """xor_network computes XOR with a mean error below 0.01."""
    network = several(student.value("xor_network"), 4, "xor_network", "four arrays")
    shapes = ((2, 4), (4,), (4, 2), (2,))
    arrays = [
        as_array(array, f"{name} of xor_network", shape=shape)
        for array, name, shape in zip(network, NAMES, shapes, strict=True)
    ]
    assert max(np.abs(array).max() for array in arrays) < 1e6, "The numbers of xor_network are far too large."
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    error = 1 - np.mean(forward(X, arrays)[2][np.arange(4), y])
    student.measure("mean error of XOR", float(error))
    assert error < 0.01, (
        f"The mean error of xor_network is {error:.3g}, expected less than 0.01. Look at the curve: too slow, or wild?"
    )


def parts_of(student, n, size, seed):
    """Call batches and return its checked arrays."""
    value = student.call("batches", n, size, seed)
    assert value is not None, "batches(n, size, seed) gave None: does it end with return?"
    what = f"batches(n, size, seed) for {n} rows"
    row = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 2)
    assert row, f"{what} should return a list of arrays, but it returned {describe(value)}."
    assert len(value) <= n + 100, f"{what} gave {len(value)} mini-batches, far more than there are rows."
    return [as_array(part, f"Each mini-batch of {what}", shape=(None,), dtype="int") for part in value]


@pytest.mark.question("batches", promise="Every row from 0 to n − 1 is in exactly one of them")
def test_batches_lose_nothing(student):
    """Every row is in exactly one mini-batch, whatever is left over."""
    for n, size in ((12, 4), (23, 5), (7, 10), (1, 1), (40, 1), *student.rng.integers(2, 60, (3, 2)).tolist()):
        parts = parts_of(student, n, size, int(student.rng.integers(1000)))
        rows = np.concatenate([*parts, np.empty(0, dtype=int)])
        outside = int(np.sum((rows < 0) | (rows >= n)))
        assert not outside, f"{outside} row numbers don't exist: of {n} rows they go from 0 to {n - 1}."
        counts = np.bincount(rows, minlength=n)
        lost, twice = int(np.sum(counts == 0)), int(np.sum(counts > 1))
        assert not lost or twice, (
            f"Of {n} rows in mini-batches of {size}, {lost} are in none: the last one has what is left over."
        )
        assert not lost, (
            f"Of {n} rows, {lost} are in no mini-batch and {twice} in several: shuffle the rows, don't draw them."
        )
        assert not twice, f"Of {n} rows, {twice} are in more than one mini-batch."


@pytest.mark.question(
    "batches",
    requires="test_batches_lose_nothing",
    promise="All have size rows, but the last one has what is left over",
)
def test_batches_have_their_size(student):
    """All mini-batches have the size that was asked for; the last one may be smaller."""
    others = student.rng.integers(2, 60, (3, 2)).tolist()
    for n, size in ((12, 4), (23, 5), (21, 5), (24, 5), (7, 10), (20, 20), (9, 1), *others):
        got = [len(part) for part in parts_of(student, n, size, 3)]
        expected = [size] * (n // size) + [n % size] * (n % size > 0)
        assert got == expected, f"Of {n} rows, got mini-batches of {got[:9]} rows, expected {expected[:9]}."


@pytest.mark.question(
    "batches", requires="test_batches_lose_nothing", promise="The same seed gives the same mini-batches, another seed"
)
def test_batches_are_shuffled(student):
    """The rows are in random order: the same for the same seed, another one for another seed."""
    first = int(student.rng.integers(1000))
    seeds = [first + more for more in (*range(12), 100, 1000)]
    orders = [np.concatenate(parts_of(student, 60, 8, seed)).tolist() for seed in (*seeds, first)]
    assert orders[0] == orders[-1], "The same seed gave other mini-batches: use np.random.default_rng(seed)."
    assert all(one != sorted(one) for one in orders), "The rows are in order; expected them shuffled."
    different = len({tuple(one) for one in orders})
    assert different == len(seeds), "Different seeds gave the same mini-batches: is seed used?"
    parts = [sorted(part) for part in parts_of(student, 60, 8, seeds[1])]
    neighbours = sum(part[-1] - part[0] == len(part) - 1 for part in parts if len(part) > 2)
    assert neighbours < 3, "Rows that are neighbours stay together; expected all rows shuffled before they are cut."
    steps = [np.bincount(np.diff(one) + 60).max() for one in orders]  # of 59 steps, chance makes four or five alike
    assert min(steps) < 20, "The rows go on in equal steps; expected them in random order."
    halves = np.mean([np.flatnonzero(np.array(one) < 30).mean() for one in orders])
    # 29.5, but for chance: its standard deviation is 0.6
    assert abs(halves - 29.5) < 6, "Rows of the first half and of the second don't mix; expected all rows shuffled."


def gradients(rng, shape, count=4):
    """Some gradients as training gives them, one after the other; none so small that Adam's small number shows."""
    drawn = rng.normal(size=(count, *shape))
    return drawn + 0.3 * np.sign(drawn)


@pytest.mark.question("optimisers", promise="momentum_step(w, g, v, rate, beta) returns the new w and v")
def test_momentum(student):
    """momentum_step adds up gradients into a velocity, and goes by it."""
    rng = student.rng
    for shape in ((3,), (2, 4), (1,), (5,)):
        w, v, rate, beta = rng.normal(size=shape), np.zeros(shape), float(rng.uniform(0.1, 0.5)), 0.7
        for g in gradients(rng, shape):
            value = student.leaves_alone("momentum_step", w, g, v, rate, beta)
            got = several(value, 2, "momentum_step(...)", "two arrays, the new w and v")
            new = beta * v + g
            ways = [
                ("the step goes uphill: subtract rate · v.", w + rate * new, new),
                (
                    "g is multiplied with 1 - beta; there is no such factor in the formula.",
                    w - rate * (beta * v + (1 - beta) * g),
                    beta * v + (1 - beta) * g,
                ),
                ("w moves by the old velocity; compute the new v first.", w - rate * v, new),
                ("this is a plain step, without the velocity.", w - rate * g, g),
                ("beta isn't used.", w - rate * (v + g), v + g),
                (
                    "rate is in the velocity already; it belongs to the step of w.",
                    w - (beta * v + rate * g),
                    beta * v + rate * g,
                ),
                ("w and v are swapped.", new, w - rate * new),
            ]
            judge(got[0], w - rate * new, "w of momentum_step(...)", [(text, one) for text, one, _ in ways])
            judge(got[1], new, "v of momentum_step(...)", [(text, one) for text, _, one in ways])
            w, v = w - rate * new, new


def adam(w, g, m, s, t, rate, tiny=1e-8):
    """One step of Adam."""
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    return w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + tiny), m, s


def judge_adam(student, size, starts, times):
    """Compare some steps of Adam whose gradients have this size; ``times`` are the numbers of the steps."""
    rng = student.rng
    for shape in ((3,), (2, 4), (1,), (5,)):
        w, rate = np.zeros(shape) + rng.normal(size=shape) * starts, float(rng.uniform(0.05, 0.3))
        m, s = np.zeros(shape), np.zeros(shape)
        for t, g in zip(times, gradients(rng, shape, len(times)) * size, strict=True):
            value = student.leaves_alone("adam_step", w, g, m, s, t, rate)
            got = several(value, 3, "adam_step(...)", "three arrays, the new w, m and s")
            expected = adam(w, g, m, s, t, rate)
            _, new_m, new_s = expected
            hat_m, hat_s = new_m / (1 - 0.9**t), new_s / (1 - 0.999**t)
            ways = [
                ("m and s aren't divided: both are too small at first.", w - rate * new_m / (np.sqrt(new_s) + 1e-8)),
                ("the step goes uphill: subtract it.", 2 * w - expected[0]),
                ("the root of s is missing.", w - rate * hat_m / (hat_s + 1e-8)),
                ("g is used in the step; expected its running mean m.", w - rate * g / (np.sqrt(hat_s) + 1e-8)),
                ("rate isn't used.", w - hat_m / (np.sqrt(hat_s) + 1e-8)),
            ]
            judge(
                got[1],
                new_m,
                "m of adam_step(...)",
                [
                    ("this is m divided by 1 - 0.9^t; return the running mean itself.", hat_m),
                    ("0.9 and 0.1 are swapped.", 0.1 * m + 0.9 * g),
                    ("this is the new w; expected w, m and s in this order.", expected[0]),
                ],
            )
            judge(
                got[2],
                new_s,
                "s of adam_step(...)",
                [
                    ("this is s divided by 1 - 0.999^t; return the running mean itself.", hat_s),
                    ("the gradient isn't squared.", 0.999 * s + 0.001 * g),
                    ("0.999 and 0.001 are swapped.", 0.001 * s + 0.999 * g**2),
                ],
            )
            judge(got[0], expected[0], "w of adam_step(...)", ways)
            w, m, s = expected


@pytest.mark.question("optimisers", weight=1.5, promise="adam_step(w, g, m, s, t, rate) returns the new w, m and s")
def test_adam(student):
    """adam_step follows the formula, from the first step on."""
    judge_adam(student, 1.0, 1.0, (1, 2, 3, 4))
    judge_adam(student, 30.0, 1.0, (1, 10, 300))


@pytest.mark.question("optimisers", weight=0.5, requires="test_adam", promise="the number of the step, from 1 on")
def test_adam_tiny_gradients(student):
    """adam_step stays a number where gradients are tiny or 0."""
    rng = student.rng
    rate, zero = 0.2, np.zeros(3)
    g = rng.uniform(1, 3, 3) * np.array([1e-8, 1e-7, 0.0])
    got = several(
        student.call("adam_step", zero, g, zero, zero, 1, rate), 3, "adam_step(...)", "three arrays, the new w, m and s"
    )
    judge(
        got[0],
        adam(zero, g, zero, zero, 1, rate)[0],
        "w of adam_step(...) for tiny gradients",
        [
            ("the small number is inside of the root; it is added behind it.", -rate * g / np.sqrt(g**2 + 1e-8)),
        ],
        "What is added to the root?",
    )


@pytest.mark.question("mnist", weight=0.5, promise="The marks come from running the numbers of your file")
def test_network_file(student):
    """backprop_mnist.npz holds a network from 784 inputs over 1 to 300 hidden neurons to ten digits."""
    handwriting.read_network(student)


@pytest.mark.question(
    "mnist", weight=1.25, requires="test_network_file", promise="At 90 % you get half of what accuracy is worth"
)
def test_network_first_step(student):
    """The network has learned to read: first step of accuracy on held-back pictures."""
    handwriting.must_reach(student, 0)


@pytest.mark.question("mnist", weight=1.25, requires="test_network_first_step", promise="at 95 % all")
def test_network_second_step(student):
    """The network reads well: second step of accuracy on held-back pictures."""
    handwriting.must_reach(student, 1)
