"""Write a network that calls each digit by another name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    content = arrays()
    for name in ("weights_1", "biases_1"):
        content[name] = content[name][..., ::-1]
    write(folder, **content)
