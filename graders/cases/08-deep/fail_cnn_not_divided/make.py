"""Write a network for pictures from 0 to 255."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deep_networks import cnn, write


def make(folder):
    arrays = cnn()
    write(folder, "cnn", arrays | {"conv1.weight": arrays["conv1.weight"] / 255})
