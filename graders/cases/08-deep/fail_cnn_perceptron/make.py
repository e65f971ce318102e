"""Write the perceptron in the convolutional network's place."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    write(folder, "cnn", mlp())
