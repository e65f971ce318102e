"""Write a network of numbers that are none."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, write


def make(folder):
    arrays = cnn()
    arrays["conv2.bias"] = np.full_like(arrays["conv2.bias"], np.nan)
    write(folder, "cnn", arrays)
