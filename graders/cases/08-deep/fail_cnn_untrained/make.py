"""Write a convolutional network with random weights."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, write


def make(folder):
    rng = np.random.default_rng(1)
    write(folder, "cnn", {name: rng.normal(0, 0.1, array.shape).astype(np.float32) for name, array in cnn().items()})
