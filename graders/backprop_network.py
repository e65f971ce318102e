"""Reads a submitted network of 04-backprop and runs it on held-back pictures, with a forward pass of our own.

The pictures, and the data set that is chosen by the course's settings or by this machine, are those of 05-mnist
(mnist_network.py).
"""

import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from nbseal.checks import as_array
from nbseal.errors import StudentError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mnist = _beside("mnist_network")
FILE = "backprop_mnist.npz"
STEPS = {"mnist_784": (0.90, 0.95), "digits_28": (0.75, 0.88)}
MOST_HIDDEN = 300


class Network(NamedTuple):
    """A submitted network whose shapes, size and values have been checked."""

    arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    data_set: str

    def answers(self, pictures, activation=mnist.logistic):
        """The forward pass: one digit for each picture. Softmax changes nothing about which score is the largest."""
        first, first_biases, second, second_biases = self.arrays
        return (activation(pictures @ first + first_biases) @ second + second_biases).argmax(axis=1)


def read_network(student):
    """Return the submitted network; StudentError says what is wrong with the file."""
    found = student.npz(FILE)
    wanted = ("weights_0", "biases_0", "weights_1", "biases_1", "data_set")
    missing = [name for name in wanted if name not in found]
    if missing:
        raise StudentError(f"{FILE} has no {', '.join(missing)}. Write it with save_network.")
    first = as_array(found["weights_0"], "weights_0", shape=(784, None))
    hidden = first.shape[1]
    if not 1 <= hidden <= MOST_HIDDEN:
        raise StudentError(f"The hidden layer has {hidden} neurons, expected 1 to {MOST_HIDDEN}.")
    second = as_array(found["weights_1"], "weights_1", shape=(hidden, 10))
    biases = [as_array(found[f"biases_{i}"], f"biases_{i}", shape=(n,)) for i, n in enumerate((hidden, 10))]
    arrays = (first, biases[0], second, biases[1])
    if max(np.abs(array).max() for array in arrays) > mnist.LARGEST_WEIGHT:
        raise StudentError("The network holds weights above a million: no training gives such numbers.")
    data_set = found["data_set"]
    if data_set.dtype.kind != "U" or data_set.size != 1 or str(data_set.item()) not in STEPS:
        raise StudentError(f"data_set should be one of the names {', '.join(STEPS)}, as digits.load() returned it.")
    return Network(tuple(array.astype(np.float32) for array in arrays), str(data_set.item()))


def must_reach(student, step):
    """Demand the accuracy of step 0 or 1 on the held-back pictures that were chosen."""
    network, name = read_network(student), mnist.CHOSEN["name"]
    if network.data_set != name == "digits_28":
        pytest.skip(f"a network for {network.data_set}, but there is only {name} here to judge it by")
    pictures, digits = mnist.CHOSEN["pictures"], mnist.CHOSEN["digits"]
    reached = float(np.mean(network.answers(pictures) == digits))
    student.measure(f"accuracy on held-back pictures of {name}", reached)
    needed = STEPS[name][step]
    assert reached >= needed, (
        f"Your network reads {reached:.1%} of the {len(digits)} held-back pictures right; this step needs "
        f"{needed:.0%}. {suspicion(network, pictures, digits, reached)}"
    )


def suspicion(network, pictures, digits, reached):
    """What the numbers suggest, where the network would do much better if something were otherwise."""
    name = mnist.CHOSEN["name"]
    if network.data_set != name:
        return f"It was trained on {network.data_set}, but this course judges by {name}."
    others = {"ReLU": mnist.relu, "tanh": np.tanh}
    found = {other: float(np.mean(network.answers(pictures, bend) == digits)) for other, bend in others.items()}
    other = max(found, key=found.get)
    if found[other] > reached + 0.05:
        return f"With {other} neurons it would read {found[other]:.1%}: the formula asks for the sigmoid."
    better = float(np.mean(network.answers(pictures * 255) == digits))
    if better > reached + 0.05:
        return f"With brightness from 0 to 255 it would read {better:.1%}: the pictures here go from 0 to 1."
    if _renamed(network, pictures, digits) > max(reached + 0.3, 0.8):
        return "It tells digits apart but calls them by wrong names: do the digits belong to the pictures?"
    if reached < 0.25:
        return "That is about what guessing gives: has the network been trained?"
    return "Does the loss still fall in the last epochs? More epochs, more neurons or another rate may help."


def _renamed(network, pictures, digits):
    """Accuracy if each answer stood for the digit that it is most often given to."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (network.answers(pictures), digits), 1)
    return float(counts.max(axis=1).sum() / len(digits))
