"""Write a network trained on real MNIST where there is one (18 seconds, then cached)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, support, write


def make(folder):
    there = support().mnist(download=False) is not None
    write(folder, **arrays(real=True, max_iter=20) if there else arrays(random_state=3))
