"""The hidden checks of 01-gates as stock nbgrader has them: plain assertions inside the grade cells.

``GRADE_CELL_TESTS`` maps each automatically graded ``grade_id`` to source that goes between
``### BEGIN HIDDEN TESTS`` and ``### END HIDDEN TESTS`` of its grade cell. It asks the same as
``graders/test_01_gates.py``, but all or nothing per question, in the student's own kernel, and with the
same numbers for everybody, because that is what a stock grade cell can do.
"""

NEURON = """
import numpy as _np

_pairs = _np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
_rng = _np.random.default_rng(20240501)


def _fires(inputs, weights, threshold):
    assert _np.asarray(weights).dtype.kind in "biuf"
    totals = _np.asarray(inputs, dtype=float) @ _np.asarray(weights, dtype=float)
    reached = (totals >= threshold) | _np.isclose(totals, threshold, rtol=1e-9, atol=1e-12)
    return [int(output) for output in reached]


def _sizeable(*shape):
    return _rng.choice([-1.0, 1.0], shape) * _rng.integers(2, 9, shape) / 2


def _ones(inputs):
    return _np.column_stack([inputs, _np.ones(len(inputs))])
"""

PERCEPTRON = """
for _n in (3, 1, 6, 2):
    _x, _w = _sizeable(2, _n)
    _total = float(_x @ _w)
    assert perceptron(_x.tolist(), _w.tolist(), _total - 0.5) == 1
    assert perceptron(_x.tolist(), _w.tolist(), _total + 0.5) == 0
for _n in (2, 5):
    _x, _w = _sizeable(2, _n)
    _total = float(_x @ _w)
    assert perceptron(_x.tolist(), _w.tolist(), _total) == 1
    assert perceptron(_x.tolist(), _w.tolist(), _total + 1 / 1024) == 0
for _x, _w, _t, _expected in [
    (_np.array([2.5, -1.0, 0.5]), _np.array([1.0, 2.0, 4.0]), 2.25, 1),
    ((3, 1), (1, -2), 2, 0),
    (_np.array([1, 2, 3, 4]), [2, 0.5, -1, 0], -1, 1),
    ([1, 0, 1], _np.array([1, 1, 1]), 3, 0),
]:
    _got = perceptron(_x, _w, _t)
    assert isinstance(_got, (int, _np.integer)) and not isinstance(_got, bool)
    assert _got == _expected
for _x, _w in [([1, 2, 3], [1, 2]), ([1, 2], [1, 2, 3]), (_np.ones(1), _np.ones(4))]:
    try:
        perceptron(_x, _w, 0.5)
    except ValueError:
        pass
    else:
        raise AssertionError("unequal lengths should raise a ValueError")
"""

FOOTBALL = """
assert list(football_weights) == [1, 3]
assert football_bias == 2
_people = [(_np.array([1.0, 3.0]), 2.0)]
for _ in range(2):
    _w = _sizeable(2)
    _people.append((_w, float(_rng.choice(_pairs @ _w)) + 0.25))
for _w, _b in _people:
    for _day, _total in zip(_pairs.astype(int).tolist(), _pairs @ _w):
        assert plays(_day, _w.tolist(), _b) == int(_total > _b)
for _day in _pairs[1:]:
    _w = _sizeable(2)
    assert plays(_day.astype(int).tolist(), _w.tolist(), float(_day @ _w)) == 0
"""

OR = """
assert _np.shape(or_weights) == (2,)
assert _fires(_pairs, or_weights, or_threshold) == [0, 1, 1, 1]
"""

AND = """
assert _np.shape(and_weights) == (2,)
assert _fires(_pairs, and_weights, and_threshold) == [0, 0, 0, 1]
"""

NOT = """
assert _np.shape(not_weights) == (2,)
assert _fires([[0, 1], [1, 1]], not_weights, not_threshold) == [1, 0]
"""

NAND = """
assert _np.shape(nand_weights) == (3,)
assert _fires(_ones(_pairs), nand_weights, nand_threshold) == [1, 1, 1, 0]
for _pair, _expected in zip(_pairs, (1, 1, 1, 0)):
    _around = _pair + 0.05 * _np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    assert _fires(_ones(_around), nand_weights, nand_threshold) == [_expected] * 4
"""

BIAS = """
for _n, _sign in ((3, -1), (1, 1), (4, 1)):
    _w = _sizeable(_n)
    _w[-1] = _rng.choice([-2.0, -1.0, 1.0, 2.0])
    _t = float(_sign * _rng.integers(3, 20) / 4)
    _x = _rng.integers(-8, 9, (30, _n)) / 2
    _gaps = _np.resize([-0.25, 0.0, 0.25], len(_x))
    _x[:, -1] = (_t + _gaps - _x[:, :-1] @ _w[:-1]) / _w[-1]
    _got = threshold_to_bias(_w.tolist(), _t)
    assert _np.shape(_got) == (_n + 1,)
    assert _fires(_ones(_x), _got, 0) == _fires(_x, _w, _t)
    _got, _limit = bias_to_threshold([*_w.tolist(), -_t])
    assert _np.shape(_got) == (_n,)
    assert _fires(_x, _got, _limit) == _fires(_x, _w, _t)
"""

LEARN = """
def _reference(inputs, targets, rate, max_epochs):
    weights = [0.0] * (len(inputs[0]) + 1)
    rows = [[*row, 1.0] for row in inputs]
    for epoch in range(1, max_epochs + 1):
        mistakes = 0
        for row, target in zip(rows, targets):
            error = target - int(sum(w * x for w, x in zip(weights, row)) >= 0)
            if error:
                weights = [w + rate * error * x for w, x in zip(weights, row)]
                mistakes += 1
        if not mistakes:
            return weights, epoch
    return weights, max_epochs


def _separable(length):
    while True:
        inputs = _rng.integers(-128, 129, (8, length)) / 64
        totals = _ones(inputs) @ _sizeable(length + 1)
        rows, targets = inputs.tolist(), (totals > 0).astype(int).tolist()
        if _np.abs(totals).min() >= 0.25 and 3 <= sum(targets) <= 5:
            epochs = _reference(rows, targets, 0.5, 31)[1]
            if 4 <= epochs <= 30:
                return rows, targets, epochs


for _n, _rate in ((2, 0.5), (3, 0.25), (2, 2)):
    _x, _y, _ = _separable(_n)
    assert _np.allclose(learn(_x, _y, _rate, 1)[0], _reference(_x, _y, _rate, 1)[0])
_start = float(_rng.integers(65, 128)) / 64
_needs_bias = [[_start], [_start + 1], [_start + 2.5], [_start + 4]], [0, 0, 1, 1]
for _x, _y in (_needs_bias, _separable(2)[:2], _separable(3)[:2]):
    _w, _ = learn(_x, _y, 0.5, 500)
    assert _np.shape(_w) == (len(_x[0]) + 1,)
    assert _fires(_ones(_x), _w, 0) == _y
for _x, _y, _epochs in (_separable(2), _separable(3), ([[1, 2], [3, 1], [2, 2]], [1, 1, 1], 1)):
    assert learn(_x, _y, 0.5, 500)[1] == _epochs
_cube = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
assert learn(_pairs.tolist(), [0, 1, 1, 0], 0.5, 30)[1] == 30
assert learn(_cube, [sum(corner) % 2 for corner in _cube], 0.5, 7)[1] == 7
"""

GRADE_CELL_TESTS = {
    "perceptron": NEURON + PERCEPTRON,
    "football": NEURON + FOOTBALL,
    "or": NEURON + OR,
    "and": NEURON + AND,
    "not": NEURON + NOT,
    "nand": NEURON + NAND,
    "bias": NEURON + BIAS,
    "learn": NEURON + LEARN,
}
