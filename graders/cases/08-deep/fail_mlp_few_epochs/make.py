"""Write a perceptron that reads enough for the first step only."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", mlp(max_iter=10))
