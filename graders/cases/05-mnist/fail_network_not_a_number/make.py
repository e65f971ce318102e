"""Write a network full of nan."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from mnist_networks import arrays, write


def make(folder):
    content = arrays()
    write(folder, **content | {"weights_0": np.full((784, 50), np.nan)})
