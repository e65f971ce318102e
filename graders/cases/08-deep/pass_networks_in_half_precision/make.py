"""Write both networks as float16."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, mlp, write


def make(folder):
    for kind, arrays in (("mlp", mlp(random_state=2)), ("cnn", cnn())):
        halves = {name: array.astype(np.float16) for name, array in reversed(arrays.items())}
        write(folder, kind, halves)
