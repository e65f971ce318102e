"""A second opinion on answers to 04-backprop, for `nbseal verify`: more inputs than in the hidden tests, without them.

Activations and losses are added up by `math`, number by number; gradients are computed in closed form, example by
example, where the hidden tests take central differences.
"""

import math

import numpy as np
import pytest


def close(got, expected, within=3e-5):
    """Whether an answer has the right shape and the right numbers, but for rounding."""
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    scale = max(1e-2, float(np.abs(expected).max(initial=0)))
    return got.shape == expected.shape and bool((np.abs(got - expected) <= within * scale).all())


def logistic(z):
    """The sigmoid of one number."""
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def each(function, z):
    """A function of one number, entry by entry."""
    z = np.asarray(z, dtype=float)
    return np.array([function(one) for one in z.ravel().tolist()]).reshape(z.shape)


@pytest.mark.question("context")
def test_context(student):
    """Each output, by the sum over all that came before."""
    rng, cases, wanted = student.rng, [], []
    for count in (1, 2, 3, 7, 20):
        for _ in range(4):
            wholes, (w, v) = rng.integers(-20, 21, count), (rng.integers(-12, 13, 2) / 8).tolist()
            for inputs in (wholes.tolist(), (wholes / 8).tolist()):
                for weight, back in ((w, v), (v, w)):
                    cases.append((inputs, weight, back))
                    steps = range(count)
                    wanted.append([sum(weight * inputs[i] * back ** (t - i) for i in range(t + 1)) for t in steps])
    for got, expected in zip(student.calls("remember", cases), wanted, strict=True):
        assert close(got, expected)
    student.leaves_alone("remember", *cases[-1])


@pytest.mark.question("activations")
def test_activations(student):
    """Curves and slopes, number by number, far away and close to 0, too."""
    rights = {
        "sigmoid": logistic,
        "relu": lambda z: max(0.0, z),
        "sigmoid_slope": lambda z: logistic(z) * logistic(-z),
        "tanh_slope": lambda z: 1 - math.tanh(z) ** 2,
        "relu_slope": lambda z: float(z > 0),
    }
    rng = student.rng
    cases = [rng.normal(size=shape) * size for shape in ((), (1,), (9,), (4, 3), (2, 2, 3)) for size in (0.1, 1, 6, 50)]
    cases = [float(z) if z.ndim == 0 else z for z in map(np.asarray, cases)]
    cases += [0.0, np.zeros((2, 2)), np.array([-1000.0, 1000.0, 0.0]), 1000.0, -1000.0]
    for name, right in rights.items():
        for got, z in zip(student.calls(name, [(z,) for z in cases]), cases, strict=True):
            assert close(got, each(right, z))
        student.leaves_alone(name, cases[8])


@pytest.mark.question("softmax")
def test_softmax(student):
    """Row by row, by fractions of powers of differences."""
    rng, cases, wanted = student.rng, [], []
    for n, k in ((1, 1), (1, 2), (3, 3), (7, 4), (2, 12)):
        for size, shift in ((1, 0), (4, 0), (3, 1000), (3, -1000), (1, 500), (300, 0)):
            for shifted in ((n, 1), (n, k)):  # whole rows, or each score by itself
                scores = rng.normal(size=(n, k)) * size + shift * rng.choice([-1, 0, 1], shifted)
                rows = scores.tolist()
                cases.append((scores,))
                wanted.append([[1 / sum(math.exp(min(b - a, 700)) for b in row) for a in row] for row in rows])
    for got, expected in zip(student.calls("softmax", cases), wanted, strict=True):
        assert close(got, expected)
    student.leaves_alone("softmax", *cases[-1])


@pytest.mark.question("losses")
def test_losses(student):
    """Both means, added up one by one."""
    rng, cases, wanted = student.rng, [], []
    for shape in ((1,), (2,), (9,), (3, 3), (2, 7), (2, 3, 2)):
        outputs, targets = rng.normal(size=(2, *shape)) * 3
        cases.append((outputs, targets))
        pairs = list(zip(outputs.ravel().tolist(), targets.ravel().tolist(), strict=True))
        wanted.append(math.fsum((a - y) ** 2 for a, y in pairs) / len(pairs))
    for got, expected in zip(student.calls("squared_error", cases), wanted, strict=True):
        assert close(got, expected)
    student.leaves_alone("squared_error", *cases[-1])
    cases, wanted = [], []
    for n, k in ((1, 2), (2, 2), (5, 3), (4, 9), (30, 4)):
        for _ in range(3):
            probabilities, labels = rng.dirichlet(np.ones(k), n) * 0.999 + 0.001 / k, rng.integers(0, k, n)
            cases.append((probabilities, labels))
            wanted.append(-math.fsum(math.log(probabilities[i, labels[i]]) for i in range(n)) / n)
    for got, expected in zip(student.calls("cross_entropy", cases), wanted, strict=True):
        assert close(got, expected)
    student.leaves_alone("cross_entropy", *cases[-1])


def network(rng, inputs, hidden, outputs):
    """A network with random weights and biases."""
    return [rng.normal(size=size) for size in ((inputs, hidden), (hidden,), (hidden, outputs), (outputs,))]


def example(x, net):
    """The sums, hidden outputs and probabilities of one example."""
    W0, b0, W1, b1 = net
    z = [math.fsum(a * w for a, w in zip(x, column, strict=True)) + b for column, b in zip(W0.T, b0, strict=True)]
    h = [logistic(one) for one in z]
    s = [math.fsum(a * w for a, w in zip(h, column, strict=True)) + b for column, b in zip(W1.T, b1, strict=True)]
    return z, h, [1 / math.fsum(math.exp(b - a) for b in s) for a in s]


SIZES = ((1, 1, 1, 2), (1, 2, 4, 2), (4, 2, 4, 2), (3, 3, 3, 3), (5, 4, 2, 6), (8, 1, 5, 3))


@pytest.mark.question("forward")
def test_forward(student):
    """Example by example, neuron by neuron."""
    rng = student.rng
    cases = [(rng.normal(size=(n, sizes[0])), network(rng, *sizes)) for n, *sizes in SIZES * 2]
    for got, (X, net) in zip(student.calls("forward", cases), cases, strict=True):
        assert len(got) == 3
        rows = [example(x, net) for x in X]
        assert all(close(got[part], [row[part] for row in rows]) for part in range(3))
    student.leaves_alone("forward", *cases[2])


class Bowl:
    """A loss of which each place has its own power, so that central differences are known."""

    def __init__(self, rng, shape):
        self.powers, self.factors = rng.integers(1, 4, shape), rng.normal(size=shape) + 2

    def __call__(self, array):
        array = np.asarray(array, dtype=float)
        assert array.shape == self.powers.shape
        return float(np.sum(self.factors * array**self.powers))

    def central(self, W, h):
        """The exact central differences: of w, w² and w³ they are 1, 2 w and 3 w² + h²."""
        slopes = np.stack([np.ones(W.shape), 2 * W, 3 * W**2 + h**2])
        return self.factors * np.take_along_axis(slopes, self.powers[None] - 1, axis=0)[0]


@pytest.mark.question("numerical")
def test_numerical(student):
    """Central differences of powers, with any h."""
    rng = student.rng
    for shape in ((1,), (4,), (2, 3), (1, 5), (2, 1, 2)):
        for h in (1e-5, 0.01, 0.3, 1.0):
            loss, W = Bowl(rng, shape), rng.normal(size=shape)
            got = student.leaves_alone("numerical_gradient", student.remote(loss), W, h, timeout=4.0)
            assert close(got, loss.central(W, h))


def gradient(X, labels, net):
    """The slopes of the loss, one example after the other."""
    found = [np.zeros(array.shape) for array in net]
    for x, label in zip(X, labels, strict=True):
        _, h, p = example(x, net)
        d = (np.array(p) - (np.arange(len(p)) == label)) / len(X)
        e = net[2] @ d * [one * (1 - one) for one in h]
        for array, part in zip(found, (np.outer(x, e), e, np.outer(h, d), d), strict=True):
            array += part
    return found


@pytest.mark.question("backward")
def test_backward(student):
    """All slopes, for networks of many sizes."""
    rng = student.rng
    cases = [
        (rng.normal(size=(n, sizes[0])), rng.integers(0, sizes[2], n), network(rng, *sizes)) for n, *sizes in SIZES * 2
    ]
    for got, case in zip(student.calls("backward", cases), cases, strict=True):
        assert len(got) == 4
        assert all(close(mine, right) for mine, right in zip(got, gradient(*case), strict=True))
    student.leaves_alone("backward", *cases[2])


@pytest.mark.question("descend")
def test_descend(student):
    """The network after some steps, and XOR learned."""
    rng = student.rng
    for n, *sizes in SIZES[1:]:
        for steps in (0, 1, 3, 10):
            X, labels, net = rng.normal(size=(n, sizes[0])), rng.integers(0, sizes[2], n), network(rng, *sizes)
            rate = float(rng.integers(1, 9)) / 8
            got = student.leaves_alone("descend", net, X, labels, rate, steps)
            for _ in range(steps):
                net = [array - rate * slope for array, slope in zip(net, gradient(X, labels, net), strict=True)]
            assert len(got) == 4
            assert all(close(mine, right) for mine, right in zip(got, net, strict=True))
    learned = [np.asarray(array, dtype=float) for array in student.value("xor_network")]
    assert [array.shape for array in learned] == [(2, 4), (4,), (4, 2), (2,)]
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    assert math.fsum(1 - example((a, b), learned)[2][y] for a, b, y in rows) / 4 < 0.01


@pytest.mark.question("batches")
def test_batches(student):
    """Each row once, sizes as asked for, and an order that hangs on the seed and on nothing else."""
    cases = [(n, size, seed) for n in (1, 2, 5, 12, 31, 64) for size in (1, 2, 5, 12, 40, 64) for seed in (0, 7)]
    parts = [[np.asarray(one).tolist() for one in got] for got in student.calls("batches", cases * 2)]
    for (n, size, _), got, again in zip(cases * 2, parts, parts[len(cases) :] + parts[: len(cases)], strict=True):
        assert sorted(row for rows in got for row in rows) == list(range(n))
        assert [len(one) for one in got] == [min(size, n - start) for start in range(0, n, size)]
        assert got == again
    for size in (1, 5, 64):
        found = student.calls("batches", [(64, size, seed) for seed in range(30)])
        places = np.array([np.concatenate(got) for got in found])
        assert len({tuple(order) for order in places.tolist()}) == 30
        assert np.abs(places.mean(axis=0) - 31.5).max() < 20  # each place sees low and high rows
        assert np.abs(np.diff(places, axis=1)).mean() > 15  # neighbours don't stay together


@pytest.mark.question("optimisers")
def test_optimisers(student):
    """Both formulas, from any state on."""
    rng = student.rng
    for shape in ((1,), (4,), (2, 3)):
        cases, wanted = [], []
        for _ in range(10):
            w, g, v = rng.normal(size=(3, *shape))
            rate, beta = rng.uniform(0.01, 1, 2).tolist()
            cases.append((w, g, v, rate, beta))
            wanted.append((w - rate * (beta * v + g), beta * v + g))
        for got, expected in zip(student.calls("momentum_step", cases), wanted, strict=True):
            assert len(got) == 2
            assert all(map(close, got, expected))
        student.leaves_alone("momentum_step", *cases[0])
        cases, wanted = [], []
        for size in (1e-8, 1e-7, 1e-3, 1, 100):
            for t in (1, 2, 9, 200, 5000):
                w, g, m = rng.normal(size=(3, *shape)) * size
                s, rate = rng.uniform(0, 1, shape) * size**2, float(rng.uniform(0.01, 1))
                cases.append((w, g, m, s, t, rate))
                m, s = m - (m - g) / 10, s - (s - g * g) / 1000
                step = m / (1 - 0.9**t) / ((s / (1 - 0.999**t)) ** 0.5 + 1e-8)
                wanted.append((w - rate * step, m, s))
        for got, expected in zip(student.calls("adam_step", cases), wanted, strict=True):
            assert len(got) == 3
            for mine, right in zip(got, expected, strict=True):
                largest = np.abs(right).max()  # s may be tiny: compared by its own size
                assert close(np.asarray(mine) / largest, right / largest)
        student.leaves_alone("adam_step", *cases[12])
