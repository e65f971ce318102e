"""Two hundred neurons."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    write(folder, **arrays(hidden=200, epochs=30))
