"""Pictures of handwritten digits, 28 × 28 pixels in shades of grey, and small helpers for the notebook.

``load()`` looks for real MNIST (70,000 pictures, scikit-learn's ``fetch_openml("mnist_784")``) in this order:

1. ``mnist_784.npz`` in the folder named by the environment variable ``SCIKIT_LEARN_DATA``, or in the cache folder
   (``$XDG_CACHE_HOME/digits``, by default ``~/.cache/digits``);
2. scikit-learn's own download folder: ``SCIKIT_LEARN_DATA``, by default ``~/scikit_learn_data``;
3. www.openml.org, only if it answers within three seconds, ``DIGITS_OFFLINE`` isn't set and nothing is being graded.

What 2 and 3 find is kept as ``mnist_784.npz`` in the cache folder if that can be written (55 MB, read in well under a
second; scikit-learn needs about five seconds and 440 MB of memory each time). Where none of them has MNIST,
scikit-learn's built-in 8 × 8 digits, 1,797 of them, are drawn up to 28 × 28. The third value that ``load()`` returns
says which data set it is: "mnist_784" or "digits_28".

scikit-learn is imported only where it is needed: with a filled cache, NumPy is enough and the start is quick.
"""

import contextlib
import functools
import math
import os
import socket
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np

MNIST = "mnist_784"
STAND_IN = "digits_28"
ABOUT = {
    MNIST: "These are the real MNIST digits: 70,000 pictures.",
    STAND_IN: "MNIST could not be found or downloaded here. You work with a stand-in:\n"
    "scikit-learn's 1,797 small digits, drawn up to 28 × 28. Training is faster; the rest is\n"
    "the same. Ask your instructor which of the two your course is graded on.",
}
OPENML_NUMBER = 554  # OpenML's number of mnist_784, version 1
KNOCK = "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=3).read(1)"
KNOCK_AT = f"https://www.openml.org/api/v1/json/data/{OPENML_NUMBER}"


@functools.cache
def load():
    """Return the pictures (n, 784) uint8, their digits (n,) as whole numbers, and the name of the data set."""
    offline = os.environ.get("DIGITS_OFFLINE") or os.environ.get("NBGRADER_EXECUTION")  # grading downloads nothing
    data = mnist(download=not offline)
    return (*stand_in(), STAND_IN) if data is None else (*data, MNIST)


def about(data_set):
    """Say in a sentence which pictures these are."""
    return ABOUT[data_set]


def mnist(download=True):
    """Return MNIST's pictures (70000, 784) uint8 and digits (70000,), or None where it can't be had."""
    for folder in (os.environ.get("SCIKIT_LEARN_DATA"), _cache_folder()):
        data = _read(Path(folder) / f"{MNIST}.npz") if folder else None
        if data is not None:
            return data
    if not _in_scikit_learn_folder() and not (download and _openml_answers()):
        return None
    data = _fetch()
    if data is not None:
        _keep(*data)
    return data


def stand_in():
    """Return scikit-learn's 8 × 8 digits drawn up to 20 × 20 in a 28 × 28 frame: (1797, 784) uint8 and (1797,)."""
    from sklearn.datasets import load_digits

    small = load_digits()
    centres = np.clip((np.arange(20) + 0.5) * 8 / 20 - 0.5, 0, 7)
    blend = np.clip(1 - np.abs(centres[:, None] - np.arange(8)), 0, None)  # bilinear, one axis: 20 × 8
    pictures = np.zeros((len(small.images), 28, 28), np.uint8)
    pictures[:, 4:24, 4:24] = np.rint(blend @ (small.images * 255 / 16) @ blend.T)
    return _frozen(pictures.reshape(-1, 784), small.target)


def _frozen(pictures, labels):
    """Make both arrays read-only: every caller shares them."""
    labels = labels.astype(np.int64)
    pictures.setflags(write=False)
    labels.setflags(write=False)
    return pictures, labels


def _cache_folder():
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "digits"
    except RuntimeError:  # a user without a home folder
        return None


def _in_scikit_learn_folder():
    """Has scikit-learn downloaded MNIST before? Looked up here, because asking it may use the network."""
    try:
        home = Path(os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data")).expanduser()
        return (home / f"openml/openml.org/api/v1/json/data/{OPENML_NUMBER}.gz").exists()
    except (OSError, RuntimeError):
        return False


def _openml_answers():
    """Knock at OpenML from a process of its own: it can be stopped on time even when a name look-up hangs."""
    command = [sys.executable, "-c", KNOCK, KNOCK_AT]
    try:
        return subprocess.run(command, capture_output=True, timeout=3).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _fetch():
    from sklearn.datasets import fetch_openml

    print("Reading MNIST for the first time: a few seconds, longer if it must be downloaded (15 MB) …", flush=True)
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    try:
        with warnings.catch_warnings(action="ignore"):  # a failed try is answered by the stand-in, not by a warning
            pictures, labels = fetch_openml(
                MNIST, version=1, return_X_y=True, as_frame=False, parser="auto", n_retries=1, delay=0.1
            )
    except (OSError, ValueError, ImportError):  # no network after all, a broken download, pandas missing
        return None
    finally:
        socket.setdefaulttimeout(usual)
    return _frozen(pictures.astype(np.uint8), labels)


def _read(path):
    try:
        with np.load(path) as saved:
            pictures, labels = saved["images"], saved["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if pictures.shape != (70000, 784) or pictures.dtype != np.uint8 or labels.shape != (70000,):
        return None
    return _frozen(pictures, labels)


def _keep(pictures, labels):
    folder = _cache_folder()
    if folder is None:
        return
    unfinished = folder / f"{MNIST}.{os.getpid()}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(unfinished, images=pictures, labels=labels.astype(np.uint8))
        unfinished.replace(folder / f"{MNIST}.npz")
    except OSError:  # read-only or full: the next start simply takes longer
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def training_time(pictures, labels, epochs):
    """Train a moment on at most 2,000 pictures and say how long ``epochs`` passes over all of them will take here."""
    from sklearn.neural_network import MLPClassifier

    some = min(2000, len(pictures))
    trial = MLPClassifier(hidden_layer_sizes=(50,), random_state=0)
    trial.partial_fit(pictures[:some], labels[:some], classes=np.unique(labels))
    passes = []
    for _ in range(3):
        start = time.perf_counter()
        trial.partial_fit(pictures[:some], labels[:some])
        passes.append(time.perf_counter() - start)
    seconds = min(passes) * epochs * len(pictures) / some
    return f"{epochs} passes over {len(pictures):,} pictures: about {_rounded(seconds)} on this machine."


def _rounded(seconds):
    if seconds < 90:
        return f"{5 * math.ceil(seconds / 5)} seconds"
    return f"{math.ceil(seconds / 60)} minutes"


def save_network(path, mlp, data_set):
    """Write a trained MLPClassifier as plain arrays: weights, biases, classes, losses by epoch, data-set name."""
    arrays = {f"weights_{layer}": array.astype(np.float32) for layer, array in enumerate(mlp.coefs_)}
    arrays |= {f"biases_{layer}": array.astype(np.float32) for layer, array in enumerate(mlp.intercepts_)}
    np.savez(path, **arrays, classes=mlp.classes_, loss_curve=mlp.loss_curve_, data_set=data_set)
    print(f"Saved {path}: hand it in together with this notebook.")
