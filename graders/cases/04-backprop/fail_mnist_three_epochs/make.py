"""Trained for too short a time."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    write(folder, **arrays(epochs=3))
