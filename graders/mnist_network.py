"""Reads a submitted network of 05-mnist and runs it on held-back pictures, with a forward pass of our own."""

import contextlib
import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nbseal.checks import as_array
from nbseal.errors import StudentError

STEPS = {"mnist_784": (0.90, 0.95, 0.97), "digits_28": (0.75, 0.85, 0.91)}
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


@functools.cache
def held_back(data_set):
    """The last tenth of a data set: pictures (n, 784) float32 from 0 to 1, and digits (n,)."""
    digits = _support()
    data = digits.stand_in() if data_set == digits.STAND_IN else digits.mnist(download=False)
    if data is None:
        raise RuntimeError("a network for MNIST, but there is no MNIST here to judge it by: see 05-mnist/digits.py")
    pictures, labels = data
    cut = len(labels) * 9 // 10
    return pictures[cut:].astype(np.float32) / 255, labels[cut:]


def read_ahead():
    """Read what this machine has of the held-back pictures, once for all submissions that come."""
    for data_set in STEPS:
        with contextlib.suppress(RuntimeError):
            held_back(data_set)


def _support():
    """The course's own digits.py, which also says where the pictures are looked for."""
    root = Path(__file__).resolve().parents[1]
    for kind in ("source", "release"):
        path = root / kind / "05-mnist" / "digits.py"
        if path.exists():
            spec = importlib.util.spec_from_file_location("digits_of_the_course", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise RuntimeError("digits.py of 05-mnist is in neither source/ nor release/")


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
    """Name the usual reason for a low accuracy, where trying it out shows that it is the reason."""
    if accuracy(network, pictures * 255, digits) > reached + 0.15:
        return "It does much better on brightness from 0 to 255: normalise the training pictures before fit."
    better = max(reached + 0.02, 0.5)
    if accuracy(network, pictures, digits, np.tanh) > better:
        return "It does better with tanh neurons: leave the activation of MLPClassifier at ReLU."
    if accuracy(network, pictures, digits, logistic) > better:
        return "It does better with logistic neurons: leave the activation of MLPClassifier at ReLU."
    if _renamed(network, pictures, digits) > better:
        return (
            "It tells digits apart but calls them by wrong names: does y_train hold the labels of the rows of X_train?"
        )
    if reached < 0.25:
        return "That is about what guessing gives: has the network been trained?"
    return "Train for 50 epochs, on all training pictures, with the default learning rate."


def must_reach(student, step):
    """Demand the accuracy of step 0, 1 or 2."""
    network = read_network(student)
    pictures, digits = held_back(network.data_set)
    needed = STEPS[network.data_set][step]
    reached = accuracy(network, pictures, digits)
    student.measure(f"accuracy on held-back pictures of {network.data_set}", reached)
    assert reached >= needed, (
        f"Your network reads {reached:.1%} of the {len(digits)} held-back pictures right; this step "
        f"needs {needed:.0%}. " + suspicion(network, pictures, digits, reached)
    )
