"""What every sample submission of this assignment hands in beside its notebook, unless its own make.py changes it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from backprop_networks import arrays, write


def make(folder):
    """Write the reference network, trained on the stand-in data set (about a second, then cached)."""
    write(folder, **arrays())
