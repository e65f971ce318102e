"""05-mnist and 08-deep: whether the real data are here, and what the hidden checks of networks cost."""

from __future__ import annotations

import importlib.util
import statistics
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np

from tests.samples import ROOT


def found_mnist() -> bool:
    """Whether this machine has the real MNIST."""
    return _load(ROOT / "source" / "05-mnist" / "digits.py").mnist(download=False) is not None


def check_seconds(pictures: int = 10_000, repeats: int = 5) -> float:
    """Median seconds of the trusted forward pass of MLP(50) over ``pictures`` pictures."""
    grader = _load(ROOT / "graders" / "mnist_network.py")
    rng = np.random.default_rng(0)
    sizes = (784, 50, 10)
    network = grader.Network(
        weights=tuple(rng.normal(size=pair).astype(np.float32) for pair in pairwise(sizes)),
        biases=tuple(rng.normal(size=size).astype(np.float32) for size in sizes[1:]),
        classes=np.arange(10),
        data_set="mnist_784",
    )
    images = rng.random((pictures, 784), dtype=np.float32)
    digits = rng.integers(0, 10, pictures)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        grader.accuracy(network, images, digits)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def deep_check_seconds(pictures: int = 7_000) -> float:
    """Processor time for reading and running both networks of 08-deep, and altering pictures as its hidden tests do."""
    grader = _load(ROOT / "graders" / "deep_network.py")
    rng = np.random.default_rng(0)
    images, digits = rng.random((pictures, 28, 28), dtype=np.float32), rng.integers(0, 10, pictures)
    started = time.process_time()
    for kind in ("mlp", "cnn"):
        data = (ROOT / "solutions" / "08-deep" / f"{kind}.safetensors").read_bytes()
        grader.accuracy(grader.networks.network_of(data, kind), images, digits)
    network = grader.networks.network_of(data, "cnn")
    grader.accuracy(network, grader.altered(images[: grader.COPIES], rng), digits[: grader.COPIES])
    return time.process_time() - started


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
