"""Small pure checks of one value from a student: type, shape, dtype and finiteness before any comparison."""

import math
import sys
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbseal.errors import StudentError
from nbseal.wire import Opaque, Reference

KINDS = {"float": "biuf", "int": "iu", "bool": "b", "str": "U"}
DTYPES: dict[str, type] = {"float": np.float64, "int": np.int64, "bool": np.bool_, "str": np.str_}
WORDS = {"float": "numbers", "int": "whole numbers", "bool": "True or False values", "str": "texts"}
# types whose names may be shown, whoever has made the object
_TYPES = """
int float complex bool str bytes bytearray list tuple dict set frozenset range slice NoneType ellipsis type object
function method builtin_function_or_method method-wrapper wrapper_descriptor method_descriptor generator coroutine
module map filter zip enumerate reversed iterator list_iterator dict_keys dict_values dict_items deque Counter
defaultdict OrderedDict Decimal Fraction Path PosixPath datetime date property partial string numpy.ndarray ndarray
numpy.float64 float64 numpy.float32 float32 numpy.int64 int64 numpy.int32 int32 numpy.uint8 uint8 numpy.bool
numpy.bool_ bool_ numpy.str_ str_ Generator RandomState DataFrame Series Index RangeIndex MultiIndex DataFrameGroupBy
SeriesGroupBy Timestamp Figure Axes AxesSubplot Line2D PathCollection Image StandIn _Method Pipeline StandardScaler
MLPClassifier LogisticRegression KNeighborsClassifier KFold StratifiedKFold
"""
TYPES = frozenset(_TYPES.split())


def describe(value: Any, limit: int = 20) -> str:
    """Say what ``value`` is in a few words, for a sentence to a student.

    It may be what a hidden check has given to a function: texts and whole numbers of more than ``limit`` characters
    are not shown.
    """
    if value is None:
        return "None"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, Integral) and len(str(value)) > limit:
        return f"a number of {len(str(abs(value)))} digits"
    if isinstance(value, (Real, np.number)):
        return str(value)
    if isinstance(value, str):
        return f"the text {str(value)!r}" if len(value) <= limit else f"a text of {len(value)} characters"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, (list, tuple)):
        noun = "value" if len(value) == 1 else "values"
        return f"a {type(value).__name__} of {len(value)} {noun}"
    if isinstance(value, Opaque):  # the type's name was chosen by a stranger
        known = value.type_name in TYPES
        return f"an object of type {value.type_name}" if known else "an object of a type that is not plain data"
    if isinstance(value, Reference):
        return "a stand-in that the check handed out"
    if isinstance(value, dict):
        return f"a dict with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    return f"an object of type {type(value).__name__}"


def as_number(value: Any, what: str) -> float | int:
    """Return one finite real number, as ``int`` or ``float``; StudentError otherwise (a bool isn't a number).

    Whole numbers that no float can hold are refused too: comparing or printing them would raise in the grader.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, np.number)):
        raise StudentError(f"{what} should be one number, but it is {describe(value)}.")
    if isinstance(value, np.complexfloating):
        raise StudentError(f"{what} should be one real number, but it is {describe(value)}.")
    number: float | int = int(value) if isinstance(value, Integral) else float(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise StudentError(f"{what} should be a finite number, but it is {number}.")
    if abs(number) > sys.float_info.max:
        raise StudentError(f"{what} should be a number of ordinary size, but it is {describe(number)}.")
    return number


def as_array(
    value: Any, what: str, shape: tuple[int | None, ...] | None = None, dtype: str | None = None
) -> NDArray[Any]:
    """Return ``value`` as an array of finite numbers.

    ``shape`` may hold None for "any length"; ``dtype`` is "float" (default, whole numbers accepted), "int",
    "bool" or "str". Lists, tuples, arrays and tables are accepted. StudentError says what was expected and what
    was got.
    """
    wanted = dtype or "float"
    array = _to_array(value, what)
    if array.size and array.dtype.kind not in KINDS[wanted]:
        if wanted == "int" and array.dtype.kind == "f" and _whole(array):
            array = array.astype(np.int64)
        else:
            raise StudentError(f"{what} should hold {WORDS[wanted]}, but it holds {_kind(array)}.")
    if shape is not None and not _fits(array.shape, shape):
        raise StudentError(f"{what} should have shape {_shape_text(shape)}, but its shape is {array.shape}.")
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise StudentError(f"{what} holds a value that is not a finite number (nan or infinity).")
    if wanted == "int" and array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise StudentError(f"{what} holds a whole number that is too large.")
    return array.astype(DTYPES[wanted]) if wanted != "str" else array.astype(str)


def _to_array(value: Any, what: str) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    if type(value).__name__ == "DataFrame":  # of pandas, which need not be installed: no other class arrives here
        return _to_array([value.iloc[:, i].tolist() for i in range(value.shape[1])], what).T
    if isinstance(value, (bool, str, Real, np.generic, list, tuple)):
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError, TypeError):
            raise StudentError(f"{what} should be rectangular, but its rows have different lengths.") from None
        if array.dtype.kind in "biufUc":
            return array
        raise StudentError(f"{what} should hold numbers, but {describe(value)} holds something else.")
    raise StudentError(f"{what} should be a list or an array, but it is {describe(value)}.")


def _kind(array: NDArray[Any]) -> str:
    names = {
        "b": "True or False values",
        "i": "whole numbers",
        "u": "whole numbers",
        "f": "numbers with fractions",
    }
    return names.get(array.dtype.kind, {"U": "texts", "c": "complex numbers"}.get(array.dtype.kind, "other objects"))


def _whole(array: NDArray[Any]) -> bool:
    return bool(np.isfinite(array).all() and (np.abs(array) < 2**53).all() and (array == np.round(array)).all())


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))


def _shape_text(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("any" if length is None else str(length) for length in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
