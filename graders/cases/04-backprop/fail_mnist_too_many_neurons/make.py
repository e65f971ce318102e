"""Has 400 hidden neurons."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    write(folder, **arrays(hidden=400, epochs=4))
