"""Write both networks as float64."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, mlp, write


def make(folder):
    for kind, arrays in (("mlp", mlp()), ("cnn", cnn())):
        write(folder, kind, {name: array.astype(np.float64) for name, array in arrays.items()})
