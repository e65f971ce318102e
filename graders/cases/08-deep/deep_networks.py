"""Networks that the known cases hand in: perceptrons trained here, convolutional ones trained before.

The convolutional ones lie beside this file as float16 and were trained on the stand-in data set, one with altered
copies and one without. ``python graders/cases/08-deep/deep_networks.py`` trains them anew (PyTorch, half a minute).
"""

import importlib.util
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parents[2] / "source" / "08-deep"
CACHE = Path(os.environ.get("NBSEAL_TEST_CACHE") or Path(tempfile.gettempdir()) / f"nbseal-tests-{os.getuid()}")
ABOUT = {"data_set": "digits_28"}
TYPES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64"}


def support(name):
    """A module that students get."""
    spec = importlib.util.spec_from_file_location(f"{name}_for_cases", SUPPORT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mlp(scale=255, rows=None, wrong_labels=False, **settings):
    """A perceptron as the arrays of mlp.safetensors, trained on the stand-in by scikit-learn in a second."""
    settings = {"hidden_layer_sizes": (64,), "max_iter": 60, "random_state": 1} | settings
    name = "-".join(f"{key}={value}" for key, value in sorted(settings.items())).replace(" ", "")
    path = CACHE / f"08-deep-{scale}-{rows}-{wrong_labels}-{name}.npz"
    if not path.exists():
        _train_mlp(path, scale, rows, wrong_labels, settings)
    with np.load(path) as saved:
        return dict(saved)


def _train_mlp(path, scale, rows, wrong_labels, settings):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    images, labels = support("digits").stand_in()
    rows = rows or len(labels) * 6 // 7
    model = MLPClassifier(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(images[:rows].astype(np.float32) / scale, (labels[:rows] + 3) % 10 if wrong_labels else labels[:rows])
    arrays = {"hidden.weight": model.coefs_[0].T, "hidden.bias": model.intercepts_[0]}
    arrays |= {"output.weight": model.coefs_[1].T, "output.bias": model.intercepts_[1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(unfinished, **{name: array.astype(np.float32) for name, array in arrays.items()})
    unfinished.replace(path)


def cnn(name="altered"):
    """One of the convolutional networks beside this file, as arrays of float32."""
    arrays, _ = support("networks").read_arrays((HERE / f"cnn_{name}.safetensors").read_bytes())
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def write(folder, kind, arrays, about=ABOUT):
    """Write ``mlp.safetensors`` or ``cnn.safetensors`` into a submission's folder, in the documented format."""
    header, start = {"__metadata__": about}, 0
    for name, array in arrays.items():
        place = [start, start := start + array.nbytes]
        header[name] = {"dtype": TYPES[str(array.dtype)], "shape": list(array.shape), "data_offsets": place}
    text = json.dumps(header).encode()
    numbers = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    (folder / f"{kind}.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + numbers)


def train():
    """Train both convolutional networks and write them beside this file."""
    sys.path.insert(0, str(SUPPORT))
    import torch
    import training
    from digits import stand_in
    from turning import turned

    class CNN(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = torch.nn.Conv2d(1, 8, 3, padding=1)
            self.conv2 = torch.nn.Conv2d(8, 16, 3, padding=1)
            self.hidden, self.output = torch.nn.Linear(784, 32), torch.nn.Linear(32, 10)

        def forward(self, x):
            for layer in (self.conv1, self.conv2):
                x = torch.max_pool2d(torch.relu(layer(x if x.ndim == 4 else x.unsqueeze(1))), 2)
            return self.output(torch.relu(self.hidden(x.flatten(1))))

    def altered(batch):
        right, down = rng.integers(-2, 3, 2)
        framed = np.pad(turned(batch, rng.uniform(-12, 12)), ((0, 0), (2, 2), (2, 2)))
        return framed[:, 2 - down :, 2 - right :][:, :28, :28]

    def train_epoch(network, optimiser, batches):
        network.train()
        for x, y in batches:
            loss = torch.nn.functional.cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return loss.item()

    images, labels = stand_in()
    pictures, cut, test = (
        images.reshape(-1, 28, 28).astype(np.float32) / 255,
        len(labels) * 6 // 7,
        len(labels) * 9 // 10,
    )
    watched = pictures[cut:test], labels[cut:test]
    for name, change, epochs in (("altered", altered, 80), ("plain", None, 25)):
        rng = np.random.default_rng(1)
        torch.manual_seed(1)
        network = CNN()
        optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
        training.run(network, optimiser, train_epoch, (pictures[:cut], labels[:cut]), watched, epochs, change=change)
        arrays = {name: array.numpy().astype(np.float16) for name, array in network.state_dict().items()}
        write(HERE, "cnn", arrays)
        (HERE / "cnn.safetensors").replace(HERE / f"cnn_{name}.safetensors")


if __name__ == "__main__":
    train()
