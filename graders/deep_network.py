"""Judges the networks of 08-deep: which test pictures, how much is asked for, and what a low share may come from.

The networks are read and run by the course's own ``networks.py``, which students have, too: strictly, and with NumPy.
Which pictures they are run on is chosen by the course's settings or by what this machine has (`choose`), never by the
submission.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nbseal.errors import StudentError

STEPS = {
    "mlp": {"mnist_784": (0.95, 0.98), "digits_28": (0.80, 0.89)},
    "cnn": {"mnist_784": (0.97, 0.99), "digits_28": (0.85, 0.92)},
}
FIRST = {"mlp": 1 / 3, "cnn": 2 / 5}  # share of the test's weight for the first step
ALTERED = {"mnist_784": 0.975, "digits_28": 0.85}  # needed of altered pictures
MOVE, TURN = 2, 12.0  # pixels and degrees, at most
LIKE_PICTURES = 10  # that are moved and turned alike
COPIES = 2000  # altered pictures
PROBES = 500  # pictures for finding out what went wrong


def _support(name):
    """A module that students get beside their notebook."""
    root = Path(__file__).resolve().parents[1]
    for kind in ("source", "release"):
        path = root / kind / "08-deep" / f"{name}.py"
        if path.exists():
            spec = importlib.util.spec_from_file_location(f"{name}_of_08_deep", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise RuntimeError(f"{name}.py of 08-deep is in neither source/ nor release/")


digits, networks, turning = _support("digits"), _support("networks"), _support("turning")
CHOSEN = {}  # name, pictures (n, 28, 28) float32 from 0 to 1 and labels (n,): the last tenth of the data set


def choose(wanted=None):
    """Choose the data set that networks are judged by; return a text that says which pictures these are.

    ``wanted`` is its name in the course's settings; without one it is MNIST where this machine has it, else the
    stand-in. RuntimeError where what is wanted can't be had.
    """
    if wanted not in (None, *ALTERED):
        raise RuntimeError(
            f"data_set in c.Grading.grader_settings should be one of {', '.join(ALTERED)}, not {wanted!r}"
        )
    data = None if wanted == digits.STAND_IN else digits.mnist(download=False)
    if data is None and wanted == digits.MNIST:
        raise RuntimeError("the settings ask for MNIST, but there is none here: see source/08-deep/digits.py")
    images, labels = data or digits.stand_in()
    cut = len(labels) * 9 // 10
    CHOSEN.update(
        name=digits.MNIST if data else digits.STAND_IN,
        pictures=images[cut:].reshape(-1, 28, 28).astype(np.float32) / 255,
        labels=labels[cut:],
    )
    digest = hashlib.sha256(images[cut:].tobytes() + labels[cut:].tobytes()).hexdigest()
    return f"{CHOSEN['name']} {digest}"


def read_network(student, kind):
    """Return the submitted network of a kind; StudentError says what is wrong with the file."""
    try:
        network = networks.network_of(student.file(f"{kind}.safetensors"), kind)
    except networks.NotANetwork as error:
        raise StudentError(f"{kind}.safetensors: {error}") from None
    if network.data_set not in ALTERED:
        raise StudentError(
            f"{kind}.safetensors doesn't say what it was trained on: data_set should be one of the names "
            f"{', '.join(ALTERED)}, as digits.load() returned it."
        )
    return network


def accuracy(network, pictures, labels):
    """Share of the pictures that the network reads right, from 0 to 1."""
    return float(np.mean(network.answers(pictures) == labels))


def altered(pictures, rng):
    """Return the pictures each a little moved and turned."""
    found = np.zeros_like(pictures)
    for start in range(0, len(pictures), LIKE_PICTURES):
        rows = slice(start, start + LIKE_PICTURES)
        right, down = rng.integers(-MOVE, MOVE + 1, 2)
        batch = turning.turned(pictures[rows], rng.uniform(-TURN, TURN))
        framed = np.pad(batch, ((0, 0), (MOVE, MOVE), (MOVE, MOVE)))
        found[rows] = framed[:, MOVE - down :, MOVE - right :][:, :28, :28]
    return found


def suspicion(network, reached):
    """Say what a low accuracy may come from, where trying it out shows something."""
    pictures, labels = CHOSEN["pictures"][:PROBES], CHOSEN["labels"][:PROBES]
    if network.data_set != CHOSEN["name"]:
        return (
            f"It says of itself that it was trained on {network.data_set}. This course judges by {CHOSEN['name']}: "
            "have digits.load() find these pictures, and train on them."
        )
    if accuracy(network, pictures * 255, labels) > reached + 0.1:
        return "It does much better on brightness from 0 to 255: train it on what as_pictures returns."
    if _renamed(network, pictures, labels) > max(reached + 0.3, 0.8):
        return "It tells digits apart but calls them by wrong names: do the digits belong to the pictures?"
    if reached < 0.25:
        return "That is about what guessing gives: has this network been trained before it was saved?"
    return "Watch the losses: does it still get better in the last epochs, and is it trained on all of training_set?"


def _renamed(network, pictures, labels):
    """Accuracy if each answer stood for the digit that it is most often given to."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (network.answers(pictures), labels), 1)
    return float(counts.max(axis=1).sum() / len(labels))


def must_reach(student, kind):
    """Demand the accuracy of the last step; the first one earns a part."""
    network, name = read_network(student, kind), _judging_data_set(student, kind)
    first, last = STEPS[kind][name]
    pictures, labels = CHOSEN["pictures"], CHOSEN["labels"]
    reached = accuracy(network, pictures, labels)
    student.measure(f"accuracy of {kind} on test pictures of {name}", reached)
    if reached >= first:
        student.credit(FIRST[kind])
    assert reached >= last, (
        f"Your network reads {reached:.2%} of the {len(labels)} test pictures; {first:.0%} earn a part of the marks "
        f"and {last:.0%} all. " + suspicion(network, reached)
    )


def must_read_altered(student, kind):
    """Demand that the network reads test pictures that were altered under the course's secret."""
    network, name = read_network(student, kind), _judging_data_set(student, kind)
    rows = np.resize(student.rng.permutation(len(CHOSEN["labels"])), COPIES)
    reached = accuracy(network, altered(CHOSEN["pictures"][rows], student.rng), CHOSEN["labels"][rows])
    student.measure(f"accuracy of {kind} on altered pictures of {name}", reached)
    if reached < ALTERED[name]:
        as_they_are = accuracy(network, CHOSEN["pictures"], CHOSEN["labels"])
        hint = ": was it trained with change=altered?" if as_they_are > reached + 0.05 else "."
        raise StudentError(
            f"Your network reads only {reached:.1%} of the test pictures once they are moved by up to {MOVE} pixels "
            f"and turned by up to {TURN:.0f} degrees; {ALTERED[name]:.1%} are needed. As they are, it reads "
            f"{as_they_are:.1%} of them{hint}"
        )


def _judging_data_set(student, kind):
    """The name of the data set that judges; a network for MNIST can't be judged by the stand-in."""
    trained_on, name = read_network(student, kind).data_set, CHOSEN["name"]
    if trained_on != name == digits.STAND_IN:
        pytest.skip(f"a network for {trained_on}, but there is only {name} here to judge it by")
    return name
