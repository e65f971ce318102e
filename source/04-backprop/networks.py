"""Small helpers for the notebook: networks with random weights, a saved stop, a clock, the file to hand in.

A network with one hidden layer is a list of four arrays: weights (inputs, hidden), biases (hidden,), weights
(hidden, outputs), biases (outputs,).
"""

import copy
import time
import zipfile

import numpy as np
from digits import mnist


def missing():
    """Say what this machine lacks to run the notebook on the real MNIST; nothing if it has all."""
    if mnist(download=False) is not None:
        return ""
    return "There is no MNIST on this machine: let digits.load() find it, as the top of digits.py says."


def new_network(inputs, hidden, outputs, seed):
    """Return a network with random weights and with biases of 0.

    A neuron with many inputs gets smaller weights, so that its sum is neither tiny nor huge at the start.
    """
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(inputs, hidden)) / np.sqrt(inputs)
    second = rng.normal(size=(hidden, outputs)) / np.sqrt(hidden)
    return [first, np.zeros(hidden), second, np.zeros(outputs)]


def unchanged(function, *arguments):
    """Call a function with copies of the arguments; True if it leaves all of them as they were."""
    given = copy.deepcopy(arguments)
    function(*given)
    return all(_same(old, new) for old, new in zip(arguments, given, strict=True))


def _same(old, new):
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(map(_same, old, new))
    return np.array_equal(old, new)


def saved_stop(path, gradients):
    """Save the gradients on the first visit; later say whether the notebook still computes the same ones."""
    saved = _read(path)
    if saved is not None and len(saved) == len(gradients) and all(map(np.allclose, saved, gradients)):
        print(f"Welcome back: your functions give the same gradients as those in {path}. Go on with sitting 2.")
        return
    np.savez(path, *gradients)
    again = " (they are others than those of your last stop)" if saved else ""
    print(f"The gradients are saved in {path}{again}. Now save the notebook, too: Ctrl+S.")


def _read(path):
    try:
        with np.load(path) as arrays:
            return list(arrays.values())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def timed(epochs):
    """Count epochs from 0, as range does, and print after each how long it took and how long the rest will take."""
    start = time.perf_counter()
    for epoch in range(epochs):
        yield epoch
        seconds = time.perf_counter() - start
        rest = seconds / (epoch + 1) * (epochs - epoch - 1)
        print(f"epoch {epoch + 1:2} of {epochs}: {seconds:.0f} s gone, about {rest:.0f} s to go", flush=True)


def save_network(path, network, data_set):
    """Write a network as plain arrays: weights_0, biases_0, weights_1, biases_1, and the name of its data set."""
    names = ("weights_0", "biases_0", "weights_1", "biases_1")
    arrays = {name: np.asarray(array, dtype=np.float32) for name, array in zip(names, network, strict=True)}
    np.savez(path, **arrays, data_set=data_set)
    print(f"Saved {path}: hand it in together with this notebook.")
