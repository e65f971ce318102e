"""Write a network with an unknown data-set name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    write(folder, **arrays() | {"data_set": "my digits"})
