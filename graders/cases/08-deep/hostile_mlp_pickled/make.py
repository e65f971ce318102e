"""Write a pickle by the name that is asked for."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pickle

from deep_networks import mlp


def make(folder):
    (folder / "mlp.safetensors").write_bytes(pickle.dumps(mlp()))
