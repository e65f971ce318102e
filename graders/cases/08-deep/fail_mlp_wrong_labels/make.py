"""Write a perceptron that calls each digit by another name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", mlp(wrong_labels=True))
