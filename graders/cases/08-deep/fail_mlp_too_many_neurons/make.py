"""Write a perceptron with 310 hidden neurons."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import write


def make(folder):
    wide = {"hidden.weight": (310, 784), "hidden.bias": (310,), "output.weight": (10, 310), "output.bias": (10,)}
    write(folder, "mlp", {name: np.zeros(shape, np.float16) for name, shape in wide.items()})
