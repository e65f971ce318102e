"""Take the network away again."""


def make(folder):
    (folder / "cnn.safetensors").unlink()
