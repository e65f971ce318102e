"""Write a perceptron for pictures from 0 to 255."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", mlp(scale=1))
