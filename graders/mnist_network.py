"""Reads a submitted network of 05-mnist and runs it on held-back pictures, with a forward pass of our own.

Which pictures these are, and how much is asked for, is chosen by the course's settings or by what this machine has
(`choose`), never by the submission.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from nbseal.checks import as_array
from nbseal.errors import StudentError

STEPS = {"mnist_784": (0.90, 0.95, 0.97), "digits_28": (0.75, 0.85, 0.91)}
ALTERED = {"mnist_784": 0.938, "digits_28": 0.82}  # needed for the last step, on pictures that were altered
MOVE, TURN, NOISE = 1.0, 6.0, 0.05  # pixels, degrees, and brightness, at most or as a deviation
LIKE_PICTURES = 14  # that are moved and turned alike
COPIES = 7000  # altered pictures at least, so that the draw moves the accuracy by some thousandths only
LARGEST_LAYER = 2000  # hidden neurons; far more than asked for, and still no danger to memory
LARGEST_WEIGHT = 1e6  # trained weights are below 10; larger ones would overflow float32


class Network(NamedTuple):
    """A submitted network whose shapes, size and values have been checked."""

    weights: tuple[np.ndarray, np.ndarray]
    biases: tuple[np.ndarray, np.ndarray]
    classes: np.ndarray
    data_set: str

    def answers(self, pictures, activation=None):
        """The forward pass: one class for each picture."""
        hidden = (activation or relu)(pictures @ self.weights[0] + self.biases[0])
        return self.classes[(hidden @ self.weights[1] + self.biases[1]).argmax(axis=1)]


def read_network(student):
    """Return the submitted network; StudentError says what is wrong with the file."""
    arrays = student.npz("mnist_mlp.npz")
    wanted = ("weights_0", "biases_0", "weights_1", "biases_1", "classes", "data_set")
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise StudentError(f"mnist_mlp.npz has no {', '.join(missing)}. Write it with digits.save_network.")
    if "weights_2" in arrays:
        raise StudentError(
            "This network has more than one hidden layer: hidden_layer_sizes has one entry per layer, (50,)."
        )
    first = as_array(arrays["weights_0"], "weights_0", shape=(784, None))
    hidden = first.shape[1]
    if not 0 < hidden <= LARGEST_LAYER:
        raise StudentError(f"The hidden layer has {hidden} neurons; 50 are asked for.")
    second = as_array(arrays["weights_1"], "weights_1", shape=(hidden, 10))
    biases = [as_array(arrays[f"biases_{i}"], f"biases_{i}", shape=(n,)) for i, n in enumerate((hidden, 10))]
    classes = as_array(arrays["classes"], "classes", shape=(10,), dtype="int")
    if sorted(classes) != list(range(10)):
        raise StudentError("classes should be the ten digits, each once.")
    if max(np.abs(array).max() for array in (first, second, *biases)) > LARGEST_WEIGHT:
        raise StudentError("The network holds weights above a million: no training gives such numbers.")
    data_set = arrays["data_set"]
    if data_set.dtype.kind != "U" or data_set.size != 1 or str(data_set.item()) not in STEPS:
        raise StudentError(f"data_set should be one of the names {', '.join(STEPS)}, as digits.load() returned it.")
    small = [array.astype(np.float32) for array in (first, second, *biases)]
    return Network((small[0], small[1]), (small[2], small[3]), classes, str(data_set.item()))


def choose(wanted=None):
    """Choose the data set that networks are judged by; return a text that says which pictures these are.

    ``wanted`` is its name in the course's settings; without one it is MNIST where this machine has it, else the
    stand-in. RuntimeError where what is wanted can't be had.
    """
    if wanted not in (None, *STEPS):
        raise RuntimeError(f"data_set in c.Grading.grader_settings should be one of {', '.join(STEPS)}, not {wanted!r}")
    digits = _support()
    data = None if wanted == digits.STAND_IN else digits.mnist(download=False)
    if data is None and wanted == digits.MNIST:
        raise RuntimeError("the settings ask for MNIST, but there is none here: see source/05-mnist/digits.py")
    pictures, labels = data or digits.stand_in()
    cut = len(labels) * 9 // 10
    CHOSEN.update(
        name=digits.MNIST if data else digits.STAND_IN,
        pictures=pictures[cut:].astype(np.float32) / 255,
        digits=labels[cut:],
    )
    digest = hashlib.sha256(pictures[cut:].tobytes() + labels[cut:].tobytes()).hexdigest()
    return f"{CHOSEN['name']} {digest}"


CHOSEN = {}  # name, pictures (n, 784) float32 from 0 to 1 and digits (n,): the last tenth of the data set


def altered(pictures, rng):
    """Return the pictures each a little moved, turned and noisy: who has them by heart doesn't know these."""
    found = np.empty_like(pictures)
    order = rng.permutation(len(pictures))
    y, x = np.mgrid[:28, :28] - 13.5
    for start in range(0, len(order), LIKE_PICTURES):
        rows = order[start : start + LIKE_PICTURES]
        angle, (right, down) = np.radians(rng.uniform(-TURN, TURN)), rng.uniform(-MOVE, MOVE, 2)
        from_x = np.cos(angle) * x + np.sin(angle) * y + 13.5 + right
        from_y = np.cos(angle) * y - np.sin(angle) * x + 13.5 + down
        found[rows] = _looked_up(pictures[rows], from_x.ravel(), from_y.ravel())
    noise = rng.standard_normal(pictures.shape, dtype=np.float32) * np.float32(NOISE)
    return np.clip(found + noise, 0, 1)


def _looked_up(pictures, x, y):
    """Brightness at places between pixels, mixed of the four pixels around; black outside."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros((len(pictures), len(x)), np.float32)
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, along in ((top, 1 - (y - top)), (top + 1, y - top)):
            inside = (column >= 0) & (column < 28) & (row >= 0) & (row < 28)
            share = np.where(inside, across * along, 0).astype(np.float32)
            total += pictures[:, np.where(inside, row * 28 + column, 0)] * share
    return total


def _support():
    """The course's own digits.py, which also says where the pictures are looked for."""
    root = Path(__file__).resolve().parents[1]
    for kind in ("source", "release"):
        for path in sorted(root.glob(f"{kind}/*/digits.py")):  # every assignment that reads digits has the same one
            spec = importlib.util.spec_from_file_location("digits_of_the_course", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise RuntimeError("digits.py is in no assignment, neither in source/ nor in release/")


def relu(values):
    """max(0, x), the activation that the question asks for."""
    return np.maximum(values, 0)


def logistic(values):
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + np.exp(-np.clip(values, -50, 50)))


def accuracy(network, pictures, digits, activation=relu):
    """Share of the pictures that the network reads right, from 0 to 1."""
    return float(np.mean(network.answers(pictures, activation) == digits))


def _renamed(network, pictures, digits):
    """Accuracy if each answer stood for the digit that it is most often given to."""
    answers = network.answers(pictures)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (answers, digits), 1)
    return float(counts.max(axis=1).sum() / len(digits))


def suspicion(network, pictures, digits, reached):
    """Say what a low accuracy may come from, where trying it out shows something."""
    if network.data_set != CHOSEN["name"]:
        return (
            f"It says of itself that it was trained on {network.data_set}. This course judges by {CHOSEN['name']}: "
            "have digits.load() find these pictures, and train on them."
        )
    if accuracy(network, pictures * 255, digits) > reached + 0.15:
        return "It does much better on brightness from 0 to 255: normalise the training pictures before fit."
    for name, activation in (("tanh", np.tanh), ("logistic", logistic)):
        other = accuracy(network, pictures, digits, activation)
        if other > max(reached + 0.05, STEPS[CHOSEN["name"]][0]):
            return (
                f"Run with {name} neurons it reads {other:.1%} of them: leave the activation of MLPClassifier at ReLU."
            )
    if _renamed(network, pictures, digits) > max(reached + 0.3, 0.8):
        return (
            "It tells digits apart but calls them by wrong names: does y_train hold the labels of the rows of X_train?"
        )
    if reached < 0.25:
        return "That is about what guessing gives: has the network been trained?"
    return "Asked for were 50 epochs, on all training pictures, with the default learning rate."


def must_reach(student, step):
    """Demand the accuracy of step 0, 1 or 2; for the last one on altered pictures, too."""
    network, name = read_network(student), CHOSEN["name"]
    if network.data_set != name == _support().STAND_IN:
        pytest.skip(f"a network for {network.data_set}, but there is only {name} here to judge it by")
    pictures, digits = CHOSEN["pictures"], CHOSEN["digits"]
    needed = STEPS[name][step]
    reached = accuracy(network, pictures, digits)
    student.measure(f"accuracy on held-back pictures of {name}", reached)
    assert reached >= needed, (
        f"Your network reads {reached:.1%} of the {len(digits)} held-back pictures right; this step "
        f"needs {needed:.0%}. " + suspicion(network, pictures, digits, reached)
    )
    if step == len(STEPS[name]) - 1:
        _must_read_altered(student, network)


def _must_read_altered(student, network):
    name, copies = CHOSEN["name"], -(-COPIES // len(CHOSEN["digits"]))
    digits = np.tile(CHOSEN["digits"], copies)
    reached = accuracy(network, altered(np.tile(CHOSEN["pictures"], (copies, 1)), student.rng), digits)
    student.measure(f"accuracy on altered pictures of {name}", reached)
    assert reached >= ALTERED[name], (
        f"Your network reads the held-back pictures, but only {reached:.1%} of them once they are moved by up to a "
        f"pixel, turned a little and noisy; {ALTERED[name]:.0%} are needed. Was it trained on these very pictures?"
    )
