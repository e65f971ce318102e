"""Trains networks on XOR with settings of a student's, which are checked and bounded before."""

import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import numpy as np
from sklearn.neural_network import MLPClassifier

from nbseal.checks import as_array, as_number, describe

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1, 0])
SEEDS = (11, 23, 37, 58, 71, *range(100, 135))  # the same for everybody, and others than those in the notebook
FULL, NONE = 0.75, 0.5  # shares of good seeds from which on there are all the marks, and below which there are none
CHOICES = {"activation": ("identity", "logistic", "tanh", "relu"), "solver": ("sgd", "adam", "lbfgs")}
BOUNDS = {  # lowest, highest, whether whole numbers only
    "learning_rate_init": (1e-12, 1e6, False),
    "alpha": (0, 1e6, False),
    "tol": (0, 1e6, False),
    "momentum": (0, 1, False),
    "max_iter": (1, 1000, True),
    "n_iter_no_change": (1, 1000, True),
}
MAX_LAYERS, MAX_NEURONS = 3, 100  # neurons of all layers together; half a second of CPU per seed at most


@dataclass(frozen=True)
class Run:
    """One training: probabilities of the right class, iterations made; ``failed`` if numbers grew beyond all bounds."""

    probabilities: tuple[float, ...]
    iterations: int
    failed: bool = False


def checked(settings):
    """Return the settings as a sorted tuple of (name, plain value); AssertionError with a sentence otherwise."""
    assert isinstance(settings, dict), f"`mlp_settings` should be a dict of settings, but it is {describe(settings)}."
    return tuple(sorted((name, _value(name, value)) for name, value in settings.items() if _known(name)))


def _known(name):
    known = ["hidden_layer_sizes", *CHOICES, *BOUNDS]
    assert isinstance(name, str), f"The names in `mlp_settings` should be texts, but one is {describe(name)}."
    assert name != "random_state", "Leave out random_state: the seeds are set from outside, five different ones."
    near = get_close_matches(name[:40], known, 1)
    guess = f" Did you mean {near[0]!r}?" if near else " The question lists the settings that are."
    assert name in known, f"{name[:40]!r} is not a setting that you may choose here.{guess}"
    return True


def _value(name, value):
    if name == "hidden_layer_sizes":
        return _layers(value)
    if name in CHOICES:
        choices = ", ".join(map(repr, CHOICES[name]))
        right = isinstance(value, str) and value in CHOICES[name]
        assert right, f"{name} is {describe(value)}; it should be one of {choices}."
        return value
    low, high, whole = BOUNDS[name]
    number = as_number(value, f"{name} in `mlp_settings`")
    kind = "a whole number" if whole else "a number"
    zero = "more than 0" if name == "learning_rate_init" else f"{low}"
    right = low <= number <= high and (not whole or isinstance(number, int))
    shown = f"{number:.6g}" if isinstance(number, float) or abs(number) < 10**6 else "far too large"
    assert right, f"{name} is {shown}; here it should be {kind} from {zero} to {high:g}."
    return number if whole else float(number)


def _layers(value):
    sizes = [value] if isinstance(value, int) and not isinstance(value, bool) else value
    array = as_array(sizes, "hidden_layer_sizes in `mlp_settings`", dtype="int").ravel()
    assert array.size <= MAX_LAYERS, (
        f"hidden_layer_sizes holds {array.size} numbers, which means {array.size} hidden layers; at most {MAX_LAYERS} "
        "are allowed. One layer of five neurons is (5,)."
    )
    sizes = tuple(array.tolist())
    assert min(sizes, default=1) >= 1, (
        "hidden_layer_sizes holds a layer without neurons; for no hidden layer, write ()."
    )
    assert sum(sizes) <= MAX_NEURONS, f"hidden_layer_sizes holds more than {MAX_NEURONS} neurons, all layers together."
    return sizes


def train(settings, level):
    """Train from one seed after the other until the marks are decided; return how many were good, and all runs.

    A seed is good if all right classes get a probability of at least ``level``.
    """
    runs, good, bad = [], 0, 0
    for seed in SEEDS:
        runs.append(run(settings, seed))
        good += min(runs[-1].probabilities) >= level
        bad = len(runs) - good
        if good >= FULL * len(SEEDS) or bad >= (1 - NONE) * len(SEEDS):
            break
    return good, runs


def marks(share):
    """The share of the marks for a share of good seeds: all from `FULL`, nothing up to `NONE`, linear between."""
    return min(max((share - NONE) / (FULL - NONE), 0.0), 1.0)


@lru_cache(maxsize=4 * len(SEEDS))
def run(settings, seed):
    """Train a network with checked settings from one seed."""
    return _run(dict(settings), seed)


def _run(settings, seed):
    model = MLPClassifier(**settings, random_state=seed, max_fun=2000)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # not converged, overflow: the probabilities tell
        try:
            model.fit(X, Y)
            said = model.predict_proba(X)[range(4), Y]
        except ValueError:  # weights are no longer finite
            return Run((0.0,) * 4, 0, failed=True)
    return Run(tuple(np.nan_to_num(said).tolist()), int(model.n_iter_))


def reason(settings, runs, level):
    """Say what is likely to be wrong with settings whose runs don't reach the level."""
    chosen = {"hidden_layer_sizes": (100,), "activation": "relu", "solver": "adam", "max_iter": 200} | dict(settings)
    layers, rate = chosen["hidden_layer_sizes"], chosen.get("learning_rate_init", 0.001)
    steps = chosen["solver"] != "lbfgs"
    bad = [run for run in runs if min(run.probabilities) < level]
    if not layers:
        return "Without a hidden layer this is a single neuron again, and a single line."
    if chosen["activation"] == "identity":
        return "With 'identity' all layers together are still one weighted sum, and so one straight line."
    if min(layers) == 1:
        return f"{_text(layers)} means a layer of a single neuron, which can only draw a single line."
    if chosen.get("alpha", 0) >= 0.05:
        return f"An alpha of {chosen['alpha']:g} holds the weights so small that the answers stay near 0.5."
    if steps and (rate >= 1 or any(run.failed for run in bad)):
        return f"A learning rate of {rate:g} makes steps so wide that training jumps about instead of settling."
    if sum(run.iterations >= chosen["max_iter"] for run in bad) * 2 > len(bad):
        return (
            f"Most of those that failed were still learning when max_iter = {chosen['max_iter']} stopped them: "
            "allow more iterations, or make each of them count for more."
        )
    if sum(layers) < 8:
        return f"{_text(layers)} means {_meaning(layers)}: so few get stuck from some starts, and spare ones help."
    if steps:
        return (
            "Training gave up before the limit, since the loss hardly fell any more: the steps may be too small "
            "for this activation, or another solver may suit four rows better."
        )
    least = sorted(min(run.probabilities) for run in bad)[len(bad) // 2]
    return f"In most of the others the least sure right class has a probability of {least:.2f} or less."


def _text(layers):
    return f"({layers[0]},)" if len(layers) == 1 else str(layers)


def _meaning(layers):
    if len(layers) == 1:
        return f"one hidden layer of {layers[0]} neurons"
    return f"{len(layers)} hidden layers of {' and '.join(map(str, layers))} neurons"
