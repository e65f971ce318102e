"""Write a perceptron with random weights."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import mlp, write


def make(folder):
    rng = np.random.default_rng(1)
    write(folder, "mlp", {name: rng.normal(0, 0.05, array.shape).astype(np.float32) for name, array in mlp().items()})
