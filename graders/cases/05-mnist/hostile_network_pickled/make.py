"""Write an .npz whose arrays are pickled objects."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from mnist_networks import arrays, write


def make(folder):
    content = arrays()
    write(folder, **content | {"weights_0": np.array([print, None], dtype=object)})
