"""Write a network without its second convolution."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import cnn, write


def make(folder):
    write(folder, "cnn", {name: array for name, array in cnn().items() if "conv2" not in name})
