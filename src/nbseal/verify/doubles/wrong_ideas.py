"""Wrong ideas: functions and values that are nearly right. Runs in the sealed process, with NumPy at most."""

import copy
import functools
import re

import numpy


def of_numbers(change):
    """Change each number, wherever it is."""

    def changed(value):
        if isinstance(value, (bool, str, bytes)) or value is None:
            return value
        if isinstance(value, (int, float, numpy.number)):
            return change(value)
        if isinstance(value, numpy.ndarray) and value.dtype.kind in "iuf":
            return change(value)
        if isinstance(value, (list, tuple)):
            return type(value)(map(changed, value))
        if isinstance(value, dict):
            return {key: changed(item) for key, item in value.items()}
        return value

    return changed


def of_wholes(change):
    """Change the outermost list, tuple or array."""

    return lambda value: change(value) if is_sequence(value) and len(value) else value


def is_sequence(value):
    """Whether it has parts, in lists of equal length or not."""
    return isinstance(value, (list, tuple)) or (isinstance(value, numpy.ndarray) and value.ndim > 0)


def rounded(digits):
    """Round to so many digits, and stay of the same type."""
    return lambda value: numpy.round(value, digits) if is_array(value) else type(value)(round(value, digits))


def is_array(value):
    return isinstance(value, (numpy.ndarray, numpy.generic))


def a_bit_larger(value):
    return value * 1.001 if isinstance(value, float) or getattr(value, "dtype", None) == numpy.dtype(float) else value


def the_first_everywhere(value):
    if isinstance(value, numpy.ndarray):
        return numpy.repeat(value[:1], len(value), 0)
    return type(value)(list(value[:1]) * len(value))


def axes_swapped(value):
    return numpy.swapaxes(value, 0, 1) if isinstance(value, numpy.ndarray) and value.ndim > 1 else value


def in_order(value):
    return numpy.sort(value, 0) if isinstance(value, numpy.ndarray) else type(value)(sorted(value, key=repr))


VALUES = {
    "rounded to whole numbers": of_numbers(rounded(0)),
    "rounded to two digits": of_numbers(rounded(2)),
    "a thousandth too large": of_numbers(a_bit_larger),
    "the other sign": of_numbers(lambda value: -value),
    "doubled": of_numbers(lambda value: 2 * value),
    "absolute": of_numbers(abs),
    "the other order": of_wholes(lambda value: value[::-1]),
    "without the last": of_wholes(lambda value: value[:-1]),
    "without the first": of_wholes(lambda value: value[1:]),
    "the first everywhere": of_wholes(the_first_everywhere),
    "axes swapped": of_wholes(axes_swapped),
    "sorted": of_wholes(in_order),
}


def with_result(change):
    """Change what a function returns."""

    def other(right):
        @functools.wraps(right)
        def function(*arguments, **named):
            return change(right(*arguments, **named))

        return function

    return other


def with_arguments(change):
    """Change what a function is given."""

    def other(right):
        @functools.wraps(right)
        def function(*arguments, **named):
            return right(*map(change, arguments), **{name: change(value) for name, value in named.items()})

        return function

    return other


def ignoring(place):
    """One argument is always that of the first call, such as the visible example's."""

    def other(right):
        kept = []

        @functools.wraps(right)
        def function(*arguments, **named):
            arguments = list(arguments)
            if len(arguments) > place:
                kept[:] = kept or [copy.deepcopy(arguments[place])]
                arguments[place] = copy.deepcopy(kept[0])
            return right(*arguments, **named)

        return function

    return other


def of_one_size(right):
    """No more entries are looked at than the first call had."""
    sizes = {}

    def short(place, value):
        if is_sequence(value):
            return value[: sizes.setdefault(place, len(value))]
        return value

    @functools.wraps(right)
    def function(*arguments, **named):
        return right(*(short(place, value) for place, value in enumerate(arguments)), **named)

    return function


def stale(right):
    """Each call returns what the one before should have returned."""
    last = []

    @functools.wraps(right)
    def function(*arguments, **named):
        before = list(last)
        last[:] = [right(*arguments, **named)]
        return copy.deepcopy(before[0]) if before else last[0]

    return function


def remembering(key):
    """Calls that are alike by ``key`` are answered alike."""

    def other(right):
        known = {}

        @functools.wraps(right)
        def function(*arguments, **named):
            found = re.sub(" at 0x[0-9a-f]+", "", repr(key(arguments)))  # where an object lies is chance
            if found not in known:
                known[found] = right(*arguments, **named)
            return copy.deepcopy(known[found])

        return function

    return other


def spoiling(change):
    """What it is given is changed: that belongs to whoever called it."""

    def other(right):
        @functools.wraps(right)
        def function(*arguments, **named):
            answer = right(*arguments, **named)
            try:
                answer = copy.deepcopy(answer)
            except TypeError:  # an object of the grader, which is none of the arguments' parts
                pass
            for value in arguments:
                change(value)
            return answer

        return function

    return other


def turned_round(value):
    if isinstance(value, list) or (isinstance(value, numpy.ndarray) and value.ndim):
        value[:] = value[::-1]


def emptied(value):
    if isinstance(value, (list, dict, set)):
        value.clear()
    elif type(value).__name__ == "DataFrame":
        for column in list(value.columns):
            del value[column]


def nothing_for(length):
    """A special case is left out: arguments of this length."""

    def is_special(value):
        return is_sequence(value) and len(value) == length

    def other(right):
        @functools.wraps(right)
        def function(*arguments, **named):
            answer = right(*arguments, **named)
            return None if any(map(is_special, arguments)) else answer

        return function

    return other


FUNCTIONS = {
    "its first argument is always that of the first call": ignoring(0),
    "its second argument is always that of the first call": ignoring(1),
    "its third argument is always that of the first call": ignoring(2),
    "as many entries as in the first call": of_one_size,
    "what the call before should have returned": stale,
    "remembers by the first argument alone": remembering(lambda arguments: arguments[:1]),
    "remembers by shapes": remembering(lambda arguments: [numpy.shape(one) for one in arguments]),
    "turns round what it is given": spoiling(turned_round),
    "empties what it is given": spoiling(emptied),
    "nothing for empty arguments": nothing_for(0),
    "nothing for a single entry": nothing_for(1),
    "arguments rounded to whole numbers": with_arguments(VALUES["rounded to whole numbers"]),
    "absolute values of its arguments": with_arguments(VALUES["absolute"]),
    **{f"what it returns: {name}": with_result(change) for name, change in VALUES.items()},
}
