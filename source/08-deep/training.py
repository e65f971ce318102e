"""Helps with training in PyTorch: says what is here, makes batches, runs epochs with their times, and saves networks.

PyTorch is imported only where it is used: everything else in the notebook works without it.
"""

import importlib.util
import json
import math
import os
import time
from pathlib import Path

import digits
import numpy as np

MISSING = (
    "PyTorch isn't installed here ({}). The questions on convolution, pooling, dropout, shifting and curves work\n"
    "without it; cells that train don't. To install it:  pip install torch safetensors\n"
    "(in a copy of the course's repository:  make deep), then restart the kernel."
)
TOGETHER = 10  # pictures that are changed alike
RECORDED = "recorded_curves.json"


def missing():
    """The packages that training needs and this machine lacks."""
    return [name for name in ("torch", "safetensors") if importlib.util.find_spec(name) is None]


def about():
    """Say in a sentence whether networks can be trained here."""
    lacking = missing()
    return MISSING.format(f"missing: {', '.join(lacking)}") if lacking else "PyTorch is here."


def lacking():
    """Say what this machine lacks to train the solution's networks; nothing if it has all."""
    if missing():
        return about()
    if digits.mnist(download=False) is None:
        return "There is no MNIST on this machine: let digits.load() find it, as the top of digits.py says."
    return ""


def start(seed=1):
    """Check what training needs, and have it come out the same each time on this machine."""
    if missing():
        raise ModuleNotFoundError(about())
    import torch

    torch.manual_seed(seed)
    if hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    count = torch.get_num_threads()
    print("Training uses", "a GPU." if device() != "cpu" else f"{count} thread{'s' * (count > 1)} of the processor.")


def device():
    """Where networks compute: on a GPU if there is one."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def tensor(array):
    """A NumPy array as a tensor, where networks compute."""
    import torch

    return torch.tensor(array).to(device())


def batches(pictures, digits, size=100, change=None):
    """Yield (pictures, digits) as tensors, ``size`` at a time, in random order.

    ``change`` is a function that makes other pictures of ten pictures: shifted and turned ones, for example.
    """
    import torch

    order = torch.randperm(len(digits)).numpy()
    for start_row in range(0, len(order), size):
        rows = order[start_row : start_row + size]
        chosen = pictures[rows]
        if change is not None:
            groups = range(0, len(rows), TOGETHER)
            chosen = np.concatenate([change(chosen[group : group + TOGETHER]) for group in groups])
        yield tensor(chosen.astype(np.float32, copy=False)), tensor(digits[rows])


def judge(network, pictures, digits):
    """Return (mean loss, accuracy) of a network, as it answers when it isn't training."""
    import torch

    network.eval()
    losses, right = [], 0
    with torch.no_grad():
        for first in range(0, len(digits), 1000):
            scores, true = network(tensor(pictures[first : first + 1000])), tensor(digits[first : first + 1000])
            losses.append(torch.nn.functional.cross_entropy(scores, true, reduction="sum").item())
            right += (scores.argmax(dim=1) == true).sum().item()
    return sum(losses) / len(digits), right / len(digits)


def run(network, optimiser, train_epoch, training_set, watched_set, epochs, change=None, quiet=False):
    """Train for some epochs, while the learning rate falls to zero; return the loss on the watched set after each.

    A line after every epoch says how it goes and how long it still takes; the first one comes after a second or two.
    """
    import torch

    network.to(device())
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    curve, began = [], time.perf_counter()
    for epoch in range(1, epochs + 1):
        made = batches(*training_set, change=change)
        if epoch == 1 and not quiet:
            made = _announced(made, epochs, -(-len(training_set[1]) // 100))
        mean = train_epoch(network, optimiser, made)
        falling.step()
        loss, accuracy = judge(network, *watched_set)
        curve.append(loss)
        if not quiet:
            left = (time.perf_counter() - began) / epoch * (epochs - epoch)
            print(
                f"epoch {epoch} of {epochs}: training loss {mean:.4f}, watched loss {loss:.4f}, "
                f"accuracy {accuracy:.4f}; {left:.0f} s to go",
                flush=True,
            )
    return curve


def _announced(made, epochs, count):
    """Say after some batches how long all of them will take."""
    began = time.perf_counter()
    for number, batch in enumerate(made, start=1):
        yield batch
        if number == min(30, count):
            seconds = (time.perf_counter() - began) / number * count * epochs
            print(f"{epochs} epochs: about {_rounded(seconds)} on this machine.", flush=True)


def _rounded(seconds):
    return f"{5 * math.ceil(seconds / 5)} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"


def save(path, network, data_set):
    """Write a network's numbers, and the name of the pictures that it was trained on, as a .safetensors file."""
    from safetensors.torch import save_file

    arrays = {name: array.detach().cpu().contiguous() for name, array in network.state_dict().items()}
    save_file(arrays, path, metadata={"data_set": data_set})
    print(f"Saved {path}, {Path(path).stat().st_size:,} bytes: hand it in together with this notebook.")


def save_curves(curves, path="curves.json"):
    """Write losses by epoch, by the name of the run."""
    Path(path).write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")


def read_curves(path="curves.json"):
    """Return your own curves, or where there are none, those that are recorded here."""
    mine = Path(path).exists()
    if not mine:
        print("You have no curves of your own yet: these were recorded for you.")
    return json.loads(Path(path if mine else RECORDED).read_text(encoding="utf-8"))
