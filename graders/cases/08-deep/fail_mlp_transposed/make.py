"""Write a perceptron's weights transposed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", {name: array.T for name, array in mlp().items()})
