"""The training ran away."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    content = arrays()
    content["weights_1"][3, 3] = float("nan")
    write(folder, **content)
