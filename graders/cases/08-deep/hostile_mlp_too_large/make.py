"""Write zeros behind the network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from deep_networks import mlp, write


def make(folder):
    write(folder, "mlp", mlp() | {"more": np.zeros(2_000_000, np.float32)})
