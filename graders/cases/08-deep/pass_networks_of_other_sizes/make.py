"""Write networks with other numbers of neurons and kernels."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import cnn, mlp, write


def make(folder):
    arrays = cnn()
    free = {"conv1.weight": 0, "conv1.bias": 0}
    for name in free:
        arrays[name] = np.concatenate([arrays[name], np.zeros_like(arrays[name][:3])])
    more = np.zeros_like(arrays["conv2.weight"][:, :3])
    arrays["conv2.weight"] = np.concatenate([arrays["conv2.weight"], more], axis=1)
    write(folder, "cnn", arrays)
    write(folder, "mlp", mlp(hidden_layer_sizes=(120,), random_state=3))
