"""Write a perceptron of a single epoch."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", mlp(max_iter=1))
