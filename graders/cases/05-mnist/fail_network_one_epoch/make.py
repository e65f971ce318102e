"""Write a network of a single epoch."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    write(folder, **arrays(max_iter=1))
