"""Write a perceptron with another layer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import mlp, write


def make(folder):
    more = {"second.weight": np.eye(64, dtype=np.float32), "second.bias": np.zeros(64, np.float32)}
    write(folder, "mlp", mlp() | more)
