"""Networks that the sample submissions hand in: trained once, kept in NBSEAL_TEST_CACHE or a temporary folder."""

import importlib.util
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

DIGITS = Path(__file__).resolve().parents[3] / "source" / "05-mnist" / "digits.py"
CACHE = Path(os.environ.get("NBSEAL_TEST_CACHE") or Path(tempfile.gettempdir()) / f"nbseal-tests-{os.getuid()}")


def support():
    """The course's digits.py."""
    spec = importlib.util.spec_from_file_location("digits_for_samples", DIGITS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arrays(real=False, rows=None, scale=255, **settings):
    """Train an MLPClassifier on the first nine tenths and return what save_network would write."""
    settings = {"hidden_layer_sizes": (50,), "max_iter": 50, "random_state": 1} | settings
    name = "-".join(f"{key}={value}" for key, value in sorted(settings.items()))
    path = CACHE / f"05-mnist-{'mnist' if real else 'standin'}-{rows}-{scale}-{name.replace(' ', '')}.npz"
    if not path.exists():
        _train(path, real, rows, scale, settings)
    with np.load(path) as saved:
        return dict(saved)


def write(folder, **content):
    """Write ``mnist_mlp.npz`` into a submission's folder."""
    np.savez(folder / "mnist_mlp.npz", **content)


def _train(path, real, rows, scale, settings):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    digits = support()
    pictures, labels = digits.mnist(download=False) if real else digits.stand_in()
    rows = rows or len(labels) * 9 // 10
    mlp = MLPClassifier(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(pictures[:rows].astype(np.float32) / scale, labels[:rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")
    digits.save_network(unfinished, mlp, digits.MNIST if real else digits.STAND_IN)
    unfinished.replace(path)
