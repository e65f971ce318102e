"""Write the reference network with its outputs and classes in reverse order."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_networks import arrays, write


def make(folder):
    content = arrays()
    turned = {name: content[name][..., ::-1] for name in ("weights_1", "biases_1", "classes")}
    write(folder, **content | turned)
