"""Trained on brightness from 0 to 255."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    write(folder, **arrays(scale=1.0, rate=0.001))
