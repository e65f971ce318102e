"""Write the network that was trained without altered copies."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import cnn, write


def make(folder):
    write(folder, "cnn", cnn("plain"))
