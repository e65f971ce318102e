"""Take the network away again."""


def make(folder):
    (folder / "mlp.safetensors").unlink()
