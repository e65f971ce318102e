"""Write a network of 200 epochs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    write(folder, **arrays(max_iter=200, random_state=2))
