"""A second opinion on answers to 05-mnist, for `nbseal verify`: more inputs than in the hidden tests, without them."""

import warnings
from collections import Counter
from fractions import Fraction

import cv2
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier


@pytest.mark.question("load")
def test_load(student):
    """Brightness by 255, and 28 rows of 28."""
    rng = student.rng
    shapes = ((784,), (3, 28, 28), (1, 784), (2500,))
    cases = [rng.integers(0, high, shape).astype(np.uint8) for high in (256, 90, 1) for shape in shapes]
    for got, case in zip(student.calls("normalise", [(case,) for case in cases]), cases, strict=True):
        assert got.shape == case.shape
        assert np.abs(got * 255.0 - case).max() < 0.15
    student.leaves_alone("normalise", cases[0])
    for row in (rng.random(784), rng.random(784).astype(np.float32), np.arange(784)):
        got = np.array(student.leaves_alone("as_picture", row))
        assert [list(line) for line in got] == [list(row[28 * line : 28 * line + 28]) for line in range(28)]


@pytest.mark.question("split")
def test_split(student):
    """The first nine tenths, rounded down, and the rest."""
    numbers = [*range(10, 140), 1797, 70_000, *student.rng.integers(1000, 30_000, 5).tolist()]
    for (train, test), n in zip(student.calls("split", [(n,) for n in numbers]), numbers, strict=True):
        cut = int(Fraction(9, 10) * n)
        assert sorted(train) == list(range(cut))
        assert sorted(test) == list(range(cut, n))


@pytest.mark.question("predict")
def test_predict(student):
    """The forward pass, picture by picture and neuron by neuron."""
    rng, cases, wanted = student.rng, [], []
    for n, inputs, hidden, outputs in ((1, 3, 2, 2), (5, 4, 1, 3), (30, 12, 9, 10), (7, 784, 50, 10), (40, 2, 30, 4)):
        for shift in (0, -3, 3):
            weights = [rng.normal(size=(inputs, hidden)), rng.normal(size=(hidden, outputs))]
            biases = [rng.normal(size=hidden), rng.normal(size=outputs) + shift]
            pictures, classes = rng.random((n, inputs)), rng.permutation(50)[:outputs]
            for known in (classes, classes[::-1]):
                cases.append((pictures, weights, biases, known))
                wanted.append([known[best(picture, weights, biases)] for picture in pictures])
    for got, expected in zip(student.calls("predict", cases), wanted, strict=True):
        assert np.shape(got) == (len(expected),)
        assert list(got) == expected
    student.leaves_alone("predict", *cases[0])


def best(picture, weights, biases):
    hidden = [max(0.0, float(column @ picture + b)) for column, b in zip(weights[0].T, biases[0], strict=True)]
    scores = [float(column @ np.array(hidden) + b) for column, b in zip(weights[1].T, biases[1], strict=True)]
    return scores.index(max(scores))


@pytest.mark.question("rate")
def test_rate(student):
    """The losses of the network that the question describes, and the rate whose curve ends lowest."""
    rng = student.rng
    for rows, rate, epochs in ((200, 0.001, 10), (60, 0.01, 5), (60, 0.01, 5), (90, 0.1, 1), (1300, 0.003, 7)):
        digits = rng.permutation(rows) % 10
        pictures = rng.random((rows, 50)) + np.eye(50)[digits]
        mlp = MLPClassifier(hidden_layer_sizes=(50,), learning_rate_init=rate, max_iter=epochs, random_state=1)
        with warnings.catch_warnings(action="ignore"):
            expected = mlp.fit(pictures, digits).loss_curve_
        got = np.array(student.leaves_alone("loss_curve", rate, pictures, digits, epochs))
        assert got.shape == (epochs,)
        # of more rows than one batch there are two right orders, those of fit and of partial_fit
        assert np.allclose(got, expected, rtol=1e-4 if rows <= 200 else 0.06)
    rates, curves = list(student.array("rates")), student.array("curves")
    assert curves[rates.index(student.number("best_rate")), -1] == min(curve[-1] for curve in curves)


@pytest.mark.question("accuracy")
def test_accuracy(student):
    """The share of equal pairs, of lists and of arrays, and a ValueError for unequal lengths."""
    rng, cases, wanted = student.rng, [], []
    for n in (1, 2, 3, 10, 57, 400, 9000):
        for labels in (2, 10):
            true = rng.integers(0, labels, n)
            for predicted in rng.integers(0, labels, (2, n)):
                share = Fraction(sum(a == b for a, b in zip(true.tolist(), predicted.tolist(), strict=True)), n)
                cases += [(true, predicted), (true.tolist(), predicted.tolist())]
                wanted += [share, share]
    unequal = [(left[: len(left) - cut], right) for left, right in cases for cut in (1, 2) if 3 < len(left) < 60]
    unequal += [(right, left) for left, right in unequal]
    for function in ("accuracy_loop", "accuracy_vectorised"):
        for got, expected in zip(student.calls(function, cases), wanted, strict=True):
            assert np.shape(got) == ()
            assert abs(float(got) - expected) < 1e-9
        student.all_raise(function, unequal)
        student.leaves_alone(function, *cases[-2])


@pytest.mark.question("confusion")
def test_confusion(student):
    """Pairs counted, for classes in any order of which some are absent."""
    rng, cases, wanted = student.rng, [], []
    for k, n in ((2, 1), (3, 20), (5, 300), (10, 500), (10, 4), (7, 100)):
        for start in (0, 20):
            classes = np.arange(k) if not start else rng.permutation(np.arange(start, start + 3 * k))[:k]
            true = rng.choice(classes[: max(1, k - 1)], n)
            for predicted in rng.choice(classes[: max(1, k - 1)], (2, n)):
                pairs = Counter(zip(true.tolist(), predicted.tolist(), strict=True))
                cases.append((true, predicted, classes))
                wanted.append([[pairs[a, b] for b in classes.tolist()] for a in classes.tolist()])
    for got, expected in zip(student.calls("confusion", cases), wanted, strict=True):
        assert np.array(got).tolist() == expected
    student.leaves_alone("confusion", *cases[-1])


@pytest.mark.question("confused")
def test_confused(student):
    """The place of the one largest number off the diagonal; the matrix stays as it was."""
    rng, cases, wanted = student.rng, [], []
    for k in (2, 3, 5, 10) * 4:
        matrix = rng.integers(0, 9, (k, k)) * rng.integers(0, 2) + np.diag(rng.integers(0, 900, k))
        row, column = rng.permutation(k)[:2]
        matrix[row, column] = max(1, 1 + max(matrix[i, j] for i in range(k) for j in range(k) if i != j))
        for classes in (rng.permutation(60)[:k], rng.permutation(60)[:k]):
            cases.append((matrix, classes))
            wanted.append((classes[row], classes[column]))
    for got, expected in zip(student.calls("most_confused", cases), wanted, strict=True):
        assert tuple(int(one) for one in got) == expected
    student.leaves_alone("most_confused", *cases[-1])


@pytest.mark.question("handwriting")
def test_handwriting(student):
    """The recipe on many sheets; a centre of mass between two pixels may be rounded to either side."""
    drawings = list(sheets(student.rng))
    bright = [recipe_for_ink(sheet) for sheet in drawings]
    cases = [(sheet,) for sheet in drawings]
    for got, expected in zip(student.calls("ink", cases), bright, strict=True):
        assert np.shape(got) == expected.shape
        assert np.abs(np.array(got, float) - expected).max() < 5
    for got, expected in zip(student.calls("prepare", cases), bright, strict=True):
        assert np.shape(got) == (28, 28)
        assert np.min(got) >= -1e-4
        assert np.max(got) <= 1.0001
        assert min(np.abs(got - picture).max() for picture in recipe_for_picture(expected)) < 0.05
    blank = [np.full(shape, value, np.uint8) for shape in ((40, 60), (60, 40, 3)) for value in (0, 90, 200, 255)]
    blank += [np.full((50, 50, 4), colour, np.uint8) for colour in ((0, 0, 0, 0), (9, 99, 200, 0), (9, 9, 9, 255))]
    student.all_raise("prepare", [(sheet,) for sheet in blank])
    for function in ("ink", "prepare"):
        student.leaves_alone(function, drawings[0])
        student.leaves_alone(function, drawings[4])


def sheets(rng):
    """Drawings without a pixel that is hardly ink: all are far from 127 once the range is stretched."""
    for shape in ((120, 90), (64, 150), (33, 31)):
        mask = np.zeros(shape, np.uint8)
        height, width = shape
        points = (rng.uniform(0.15, 0.85, (5, 2)) * (width, height)).astype(np.int32)
        cv2.polylines(mask, [points], False, 1, thickness=int(rng.integers(1, 8)))
        ink = mask.astype(bool)
        yield np.where(ink, 25, 240).astype(np.uint8)
        yield (np.where(ink, 235, 20) + rng.integers(-8, 9, shape)).astype(np.uint8)
        fading = 240 - 220 * np.linspace(1, 0.66, width) * ink
        yield fading.astype(np.uint8)
        pen = rng.permutation([20, 90, 230])
        yield np.where(ink[:, :, None], pen, 248).astype(np.uint8)
        for pen, least in ((0, 180), (30, 180), (0, 255)):
            opacity = np.where(ink, np.linspace(255, least, width), 0)[:, :, None]
            colour = np.where(ink[:, :, None], pen, rng.integers(0, 256, (*shape, 3)))
            yield np.concatenate([colour, opacity], axis=2).astype(np.uint8)
        yield np.concatenate(
            [np.where(ink[:, :, None], 200, 15) * [1, 1, 1], np.full((*shape, 1), 255)], axis=2
        ).astype(np.uint8)
    for height, width in ((100, 1), (2, 90), (1, 1), (20, 14), (13, 20), (300, 150)):
        for top, left in ((20, 30), (0, 30), (20, 0), (340 - height, 210 - width)):
            sheet = np.full((340, 210), 250, np.uint8)
            sheet[top : top + height, left : left + width] = rng.choice([10, 250], (height, width))
            sheet[[top, top + height - 1], left : left + width] = 10
            sheet[top : top + height, [left, left + width - 1]] = 10
            yield sheet


def recipe_for_ink(sheet):
    sheet = sheet.astype(float)
    if sheet.ndim == 3:
        if sheet.shape[2] == 4:
            a = sheet[:, :, 3:] / 255
            sheet = sheet[:, :, :3] * a + 255 * (1 - a)
        sheet = sheet @ [0.114, 0.587, 0.299]
    if np.sort(sheet.ravel())[sheet.size // 2] > 127.5:
        sheet = 255 - sheet
    return (sheet - sheet.min()) * 255 / (sheet.max() - sheet.min())


def recipe_for_picture(bright):
    rows, columns = (np.flatnonzero((bright > 127).any(axis=axis)) for axis in (1, 0))
    digit = bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(20 * side / max(digit.shape))) for side in digit.shape)
    small = cv2.resize(digit, (width, height), interpolation=cv2.INTER_AREA) / 255
    for top in _starts(small.sum(axis=1)):
        for left in _starts(small.sum(axis=0)):
            yield np.pad(small, ((top, 28 - height - top), (left, 28 - width - left)))


def _starts(masses):
    """Where the first row may come to, so that the centre of mass is rounded to 14, and nothing sticks out."""
    first = 14 - float(masses @ np.arange(len(masses)) / masses.sum())
    return {int(np.clip(np.floor(first + half), 0, 28 - len(masses))) for half in (0.48, 0.52)}
