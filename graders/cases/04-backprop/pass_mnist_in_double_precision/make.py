"""Saved without save_network, in double precision."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from backprop_networks import arrays, write


def make(folder):
    content = arrays(seed=2, epochs=30)
    write(folder, **{k: a.astype(float) if a.dtype.kind == "f" else a for k, a in content.items()})
