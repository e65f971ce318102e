"""Take the network away again."""


def make(folder):
    (folder / "mnist_mlp.npz").unlink()
