"""Draws a network of two inputs, two hidden neurons and one output neuron, with its weights."""

from base64 import b64encode
from html import escape

import numpy as np

BLUE, ORANGE, INK = "#0072B2", "#D55E00", "#333333"  # blue pushes, orange (dashed) holds back
PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {
    (0, 0, 0, 0): "never",
    (0, 0, 0, 1): "AND",
    (0, 0, 1, 1): "input 1",
    (0, 1, 0, 1): "input 2",
    (0, 1, 1, 0): "XOR",
    (0, 1, 1, 1): "OR",
    (1, 0, 0, 0): "NOR",
    (1, 1, 1, 0): "NAND",
    (1, 1, 1, 1): "always",
}
INPUTS = {"x₁": (50, 60), "x₂": (50, 150), "1": (50, 240)}
HIDDEN = [(250, 80), (250, 180)]
BIAS, OUTPUT = (250, 265), (430, 130)


class Diagram:
    """An SVG drawing with a description in words, for readers who cannot see it."""

    def __init__(self, svg, description):
        self.svg, self.description = svg, description

    def __repr__(self):
        return self.description

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        data = b64encode(self.svg.encode()).decode()
        return f'<img alt="{escape(self.description)}" width="500" src="data:image/svg+xml;base64,{data}">'


def draw_network(hidden_weights, output_weights):
    """Return a diagram of the network; under each neuron stands the gate that it computes."""
    hidden = _numbers("hidden_weights", hidden_weights, (2, 3))
    output = _numbers("output_weights", output_weights, (3,))
    fired = np.column_stack([PAIRS, np.ones(4)]) @ hidden.T >= 0
    final = np.column_stack([fired, np.ones(4)]) @ output >= 0
    gates = [_gate(fired[:, 0]), _gate(fired[:, 1]), _gate(final)]
    parts = []
    for place, weights in zip(HIDDEN, hidden, strict=True):
        parts += [_edge(start, place, w) for start, w in zip(INPUTS.values(), weights, strict=True)]
    parts += [_edge(start, OUTPUT, w) for start, w in zip([*HIDDEN, BIAS], output, strict=True)]
    parts += [_node(place, name, "#fff") for name, place in INPUTS.items()] + [_node(BIAS, "1", "#fff")]
    for place, name, gate in zip([*HIDDEN, OUTPUT], ("h₁", "h₂", "y"), gates, strict=True):
        parts += [_node(place, name, "#D6E9F5"), _text(place[0], place[1] - 28, gate, "bold")]
    rows = "; ".join(
        f"({a}, {b}) → hidden ({h[0]:d}, {h[1]:d}) → {y:d}" for (a, b), h, y in zip(PAIRS, fired, final, strict=True)
    )
    description = (
        f"Network: h₁ ({gates[0]}) has weights {_list(hidden[0])}, h₂ ({gates[1]}) has {_list(hidden[1])}, "
        f"y ({gates[2]}) has {_list(output)}, biases last. {rows}."
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 500 300" width="500" height="300" '
        f'font-family="sans-serif" font-size="13" text-anchor="middle" fill="{INK}">'
        f"<title>{escape(description)}</title>"
        f'<rect width="500" height="300" fill="#fff"/>{"".join(parts)}</svg>'
    )
    return Diagram(svg, description)


def _numbers(name, value, shape):
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} should hold numbers in the shape {shape}, but it is {value!r}.") from None
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} should hold numbers in the shape {shape}, but its shape is {array.shape}.")
    return array


def _gate(outputs):
    return GATES.get(tuple(int(output) for output in outputs), "another gate")


def _list(weights):
    return ", ".join(f"{w:g}" for w in weights)


def _edge(start, end, weight):
    """A line with its weight near its beginning, where lines are far apart; holding back is dashed, and 0 is faint."""
    (x0, y0), (x1, y1) = start, end
    colour = BLUE if weight > 0 else ORANGE if weight < 0 else "#bbbbbb"
    dash = ' stroke-dasharray="6 4"' if weight < 0 else ""
    x, y = x0 + 0.27 * (x1 - x0), y0 + 0.27 * (y1 - y0)
    words = f"{weight:.3g}".replace("-", "−")
    return (
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{colour}" stroke-width="2"{dash}/>'
        f'<rect x="{x - 4 * len(words) - 3:.1f}" y="{y - 9:.1f}" width="{8 * len(words) + 6}" height="18" fill="#fff"/>'
        f"{_text(x, y + 5, words)}"
    )


def _node(place, name, fill):
    x, y = place
    circle = f'<circle cx="{x}" cy="{y}" r="21" fill="{fill}" stroke="{INK}" stroke-width="1.5"/>'
    return circle + _text(x, y + 5, name)


def _text(x, y, words, weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(words)}</text>'
