"""Write a perceptron whose parts have names of nn.Sequential."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import mlp, write


def make(folder):
    names = ("0.weight", "0.bias", "3.weight", "3.bias")
    write(folder, "mlp", dict(zip(names, mlp().values(), strict=True)))
