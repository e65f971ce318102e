"""Write a network with twenty kernels in its first layer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, write


def make(folder):
    arrays = cnn()
    arrays["conv1.weight"], arrays["conv1.bias"] = np.zeros((20, 1, 3, 3), np.float32), np.zeros(20, np.float32)
    write(folder, "cnn", arrays)
