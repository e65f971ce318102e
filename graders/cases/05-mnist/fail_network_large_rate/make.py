"""Write a network trained with learning rate 0.1."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    write(folder, **arrays(learning_rate_init=0.1))
