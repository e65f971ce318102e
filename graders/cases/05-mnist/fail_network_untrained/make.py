"""Write a network that has never been trained."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from mnist_networks import arrays, write


def make(folder):
    content, rng = arrays(), np.random.default_rng(0)
    noise = {name: rng.normal(size=content[name].shape) for name in content if name.endswith(("_0", "_1"))}
    write(folder, **content | noise)
