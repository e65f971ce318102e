"""Write a network with noise in its weights."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, write


def make(folder):
    rng = np.random.default_rng(1)
    noisy = {name: array + rng.normal(0, 0.05, array.shape) for name, array in cnn().items()}
    write(folder, "cnn", {name: array.astype(np.float32) for name, array in noisy.items()})
