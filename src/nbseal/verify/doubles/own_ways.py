"""Right answers in another dress, which must not cost marks. Runs in the sealed process; NumPy and pandas at most."""

import collections
import fractions
import functools
import inspect
import time
import warnings

import numpy

FLOAT = numpy.dtype(float)
PLAIN = {int: numpy.int64, float: numpy.float64, bool: numpy.bool_}


def a_tuple(value):
    return tuple(value) if type(value) is list else value


def a_list(value):
    return list(value) if type(value) is tuple else value


def an_array(value):
    if isinstance(value, (list, tuple)) and value and all(type(one) in (int, float) for one in value):
        return numpy.array(value)
    return value


def a_list_for_an_array(value):
    return value.tolist() if is_vector(value) and value.dtype.kind in "iuf" else value


def is_vector(value):
    return type(value) is numpy.ndarray and value.ndim == 1


def a_series(value):
    import pandas

    return pandas.Series(value) if is_vector(value) else value


def not_in_one_piece(value):
    if type(value) is numpy.ndarray and value.ndim:
        return numpy.repeat(value, 2, axis=value.ndim - 1)[..., ::2]
    return value


def numpys_numbers(value):
    if type(value) in PLAIN and (type(value) is not int or abs(value) < 2**62):
        return PLAIN[type(value)](value)
    return type(value)(map(numpys_numbers, value)) if type(value) in (list, tuple) else value


def without_dimensions(value):
    return numpy.array(value) if type(value) in (int, float) and abs(value) < 2**62 else value


def an_ordered_dict(value):
    return collections.OrderedDict(value) if type(value) is dict else value


def a_fraction(value):
    if type(value) is float and value == value and abs(value) < 1e6 and value != int(value):
        return fractions.Fraction(value)
    return type(value)(map(a_fraction, value)) if type(value) in (list, tuple) else value


def single_precision(value):
    if isinstance(value, (float, numpy.ndarray)) and getattr(value, "dtype", FLOAT) == FLOAT:
        return numpy.float32(value) if numpy.all(numpy.float32(value) == value) else value
    return value


RESULTS = {
    "a tuple for a list": a_tuple,
    "a list for a tuple": a_list,
    "an array for a list of numbers": an_array,
    "a list for an array": a_list_for_an_array,
    "a Series for an array": a_series,
    "an array that is not in one piece": not_in_one_piece,
    "numpy's numbers": numpys_numbers,
    "arrays without dimensions": without_dimensions,
    "an ordered dict": an_ordered_dict,
}
VALUES = RESULTS | {"fractions": a_fraction, "single precision": single_precision}


def printing(value):
    print("here I am", value)
    return value


def warning(value):
    warnings.warn("take care", stacklevel=2)
    return value


def dawdling(value):
    time.sleep(0.003)
    return value


def with_result(change):
    """Change what a function returns, or do something on the way, unless the notebook itself is who calls.

    The answer's other functions may need what it really returned.
    """

    def other(right):
        own = getattr(right, "__globals__", None)

        @functools.wraps(right)
        def function(*arguments, **named):
            answer = right(*arguments, **named)
            return answer if inspect.currentframe().f_back.f_globals is own else change(answer)

        return function

    return other


class Callable:
    """An object that is called like the function."""

    def __init__(self, right):
        self.right = right

    def __call__(self, *arguments, **named):
        return self.right(*arguments, **named)


FUNCTIONS = {
    "a lambda": lambda right: lambda *arguments, **named: right(*arguments, **named),
    "an object that can be called": Callable,
    "a partial function": functools.partial,
    "prints while it works": with_result(printing),
    "warns while it works": with_result(warning),
    "takes its time": with_result(dawdling),
    **{f"what it returns: {name}": with_result(change) for name, change in RESULTS.items()},
}
