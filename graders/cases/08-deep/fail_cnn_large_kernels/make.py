"""Write a network with larger kernels in its first layer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, write


def make(folder):
    arrays = cnn()
    framed = np.pad(arrays["conv1.weight"], ((0, 0), (0, 0), (1, 1), (1, 1)))
    write(folder, "cnn", arrays | {"conv1.weight": framed})
