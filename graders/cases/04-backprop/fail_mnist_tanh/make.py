"""Trained tanh neurons, though the formula asks for the sigmoid."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    write(folder, **arrays(activation="tanh"))
