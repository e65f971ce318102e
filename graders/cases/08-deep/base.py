"""What every known case of this assignment hands in beside its notebook, unless its own make.py changes it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from deep_networks import cnn, mlp, write


def make(folder):
    """Write a perceptron and a convolutional network that were trained on the stand-in data set."""
    write(folder, "mlp", mlp())
    write(folder, "cnn", cnn())
