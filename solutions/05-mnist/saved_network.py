"""A network that was saved: what building it needs, how scikit-learn reads it, and a small one to try things on."""

import numpy as np
from digits import mnist


def missing():
    """Say what this machine lacks to run the notebook on the real MNIST; nothing if it has all."""
    if mnist(download=False) is not None:
        return ""
    return "There is no MNIST on this machine: let digits.load() find it, as the top of digits.py says."


def reader(saved):
    """Return scikit-learn's network with the numbers of a saved file and ReLU, to ask it for its accuracy."""
    from sklearn.neural_network import MLPClassifier

    mlp = MLPClassifier(activation="relu")
    mlp.coefs_ = [saved["weights_0"], saved["weights_1"]]
    mlp.intercepts_ = [saved["biases_0"], saved["biases_1"]]
    mlp.n_features_in_, mlp.n_layers_, mlp.n_outputs_ = len(mlp.coefs_[0]), 3, len(mlp.intercepts_[1])
    mlp.classes_, mlp.out_activation_ = saved["classes"], "softmax"
    mlp.predict = lambda pictures: mlp.classes_[mlp.predict_proba(pictures).argmax(axis=1)]
    return mlp


def small_network():
    """Return six pictures of four pixels, and the weights and biases of a network for them."""
    pictures = np.array(
        [
            [1.0, 0.5, 0.4, 0.6],
            [0.6, 0.2, 0.8, 0.9],
            [0.6, 0.6, 0.8, 0.7],
            [0.2, 0.6, 0.2, 0.5],
            [0.8, 0.2, 0.1, 0.7],
            [0.9, 0.7, 0.3, 0.3],
        ]
    )
    first = np.array([[1, 1, 2, 2, -3], [-2, 0, 3, 0, 3], [-2, -3, 2, 2, 1], [3, -3, -3, 2, 2]], dtype=float)
    second = np.array([[2, 1, 2], [-1, -2, -2], [-3, 2, 1], [-1, 0, -1], [2, -2, -3]], dtype=float)
    return pictures, [first, second], [np.array([-1.0, 2, -2, 0, 1]), np.array([-5.0, -5, 0])]
