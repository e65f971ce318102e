"""Hands in no file."""


def make(folder):
    (folder / "backprop_mnist.npz").unlink(missing_ok=True)
