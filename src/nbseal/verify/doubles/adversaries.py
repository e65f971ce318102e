"""Answers that know nothing. Runs in the sealed process; standard library and NumPy only."""

import copy
import os

import numpy

CONSTANTS = (
    None, 0, 1, -1, 0.5, True, False, "", "a", [], (), {}, [0], [0, 1], [1, 1], (0, 0), numpy.zeros(2), numpy.ones(3),
)  # fmt: skip


def always(value):
    """A function that returns the same for everything."""
    return lambda right: lambda *arguments, **named: copy.deepcopy(value)


def saying(answer):
    """A function whose answers come from its arguments and the number of the call (from 1), and from nothing else."""

    def other(right):
        dice, calls = numpy.random.default_rng(7), []

        def function(*arguments, **named):
            calls.append(1)
            return answer(arguments, len(calls), dice)

        return function

    return other


def refusing(right):
    def function(*arguments, **named):
        raise ValueError("no")

    return function


def returning_itself(right):
    def function(*arguments, **named):
        return function

    return function


def learnt_by_heart(right):
    """What the notebook itself asks is answered right, and nothing else: hidden calls are made in a fork."""
    here, seen = os.getpid(), {}

    def function(*arguments, **named):
        key = repr((arguments, named))
        if os.getpid() == here:
            seen[key] = right(*arguments, **named)
        return copy.deepcopy(seen.get(key))

    return function


def as_told(answers):
    """The answers that feedback has said, one after the other: hidden calls are made in a fork."""
    here = os.getpid()

    def other(right):
        calls = []

        def function(*arguments, **named):
            calls.append(os.getpid() != here)
            turn = sum(calls)
            return answers[turn - 1] if 0 < turn <= len(answers) else None

        return function

    return other


def shape_of(value):
    """Its shape; how many parts it has if these are of unequal length."""
    try:
        return numpy.shape(value)
    except ValueError:
        return len(value)


def bit(turn, length):
    """1 in the first half of each ``length`` calls, then 0."""
    return int((turn - 1) % length < length // 2)


FUNCTIONS = {
    **{f"always {constant!r}": always(constant) for constant in CONSTANTS},
    "returns its first argument": saying(lambda arguments, turn, dice: arguments[0] if arguments else None),
    "returns its last argument": saying(lambda arguments, turn, dice: arguments[-1] if arguments else None),
    "returns the length of its first argument": saying(lambda arguments, turn, dice: len(arguments[0])),
    "counts its calls from 0": saying(lambda arguments, turn, dice: turn - 1),
    "counts its calls from 1": saying(lambda arguments, turn, dice: turn),
    "1, 0, 1, 0 …": saying(lambda arguments, turn, dice: bit(turn, 2)),
    "0, 1, 0, 1 …": saying(lambda arguments, turn, dice: bit(turn + 1, 2)),
    "1, 1, 0, 0 …": saying(lambda arguments, turn, dice: bit(turn, 4)),
    "0, 0, 1, 1 …": saying(lambda arguments, turn, dice: bit(turn + 2, 4)),
    "any bit": saying(lambda arguments, turn, dice: int(dice.integers(2))),
    "any number": saying(lambda arguments, turn, dice: float(dice.normal())),
    "any numbers": saying(lambda arguments, turn, dice: dice.normal(size=shape_of(arguments[0]))),
    "always raises ValueError": refusing,
    "returns itself": returning_itself,
    "the notebook's own examples learnt by heart": learnt_by_heart,
}
VALUES = {
    **{f"always {constant!r}": lambda right, constant=constant: constant for constant in CONSTANTS},
    "any numbers": lambda right: numpy.random.default_rng(7).normal(size=shape_of(right)),
    "returns itself": lambda right: len,
}
