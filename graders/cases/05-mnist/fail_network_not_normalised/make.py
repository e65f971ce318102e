"""Write a network trained on pictures that were not divided by 255."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    write(folder, **arrays(scale=1))
