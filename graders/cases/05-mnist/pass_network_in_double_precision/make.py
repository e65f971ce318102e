"""Write the network of seed 5 in float64, Fortran order, with classes as unsigned bytes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from mnist_networks import arrays, write


def make(folder):
    content = arrays(random_state=5)
    weights = {
        name: np.asfortranarray(content[name].astype(np.float64)) for name in content if name.endswith(("_0", "_1"))
    }
    write(folder, **content | weights | {"classes": content["classes"].astype(np.uint8)})
