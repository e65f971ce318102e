"""Sentences that Python, NumPy, pandas and scikit-learn make themselves when something goes wrong.

One a line. What stands in braces is filled in by them: ``{name}`` with names, ``{type}`` and ``{dtype}`` with a type,
``{n}`` with a count, ``{shape}`` with a shape, ``{value}`` with whatever the program was working with, and ``{rest}``
with more of that.
Sources: CPython 3.11 to 3.13, NumPy 1.26 and 2, pandas 2, scikit-learn 1: their own sources.
"""

from __future__ import annotations

import builtins
import keyword
import sys

SENTENCES = """
name '{name}' is not defined
cannot access local variable '{name}' where it is not associated with a value
cannot access free variable '{name}' where it is not associated with a value in enclosing scope
'{type}' object has no attribute '{name}'
the stand-in that the check hands out has no attribute '{name}'
type object '{name}' has no attribute '{name}'
module '{name}' has no attribute '{name}'
module '{name}' has no attribute '{name}'.{rest}
No module named '{name}'
cannot import name '{name}' from '{name}'{rest}
unsupported operand type(s) for {operator}: '{type}' and '{type}'
unsupported operand type(s) for ** or pow(): '{type}' and '{type}'
bad operand type for unary {operator}: '{type}'
bad operand type for abs(): '{type}'
'{operator}' not supported between instances of '{type}' and '{type}'
can only concatenate {type} (not "{type}") to {type}
can't multiply sequence by non-int of type '{type}'
'{type}' object is not callable
'{type}' object is not iterable
'{type}' object is not subscriptable
'{type}' object is not reversible
'{type}' object is not an iterator
'{type}' object is not a mapping
'{type}' object does not support item assignment
'{type}' object does not support item deletion
'{type}' object cannot be interpreted as an integer
'{type}' object doesn't support item deletion
argument of type '{type}' is not iterable
cannot unpack non-iterable {type} object
object of type '{type}' has no len()
object of type '{type}' has no len(){rest}
unhashable type: '{type}'
unhashable type: '{type}'{rest}
must be real number, not {type}
must be str, not {type}
an integer is required
{type} indices must be integers or slices, not {type}
{type} indices must be integers, not '{type}'
{type} indices must be integers or slices, not '{type}'
slice indices must be integers or None or have an __index__ method
sequence item {n}: expected str instance, {type} found
float() argument must be a string or a real number, not '{type}'
int() argument must be a string, a bytes-like object or a real number, not '{type}'
can't convert complex to float
type {type} doesn't define __round__ method
{name}() missing {n} required positional argument: '{name}'
{name}() missing {n} required positional arguments: '{name}' and '{name}'
{name}() missing {n} required positional arguments: '{name}', '{name}', and '{name}'
{name}() missing {n} required positional arguments: '{name}', '{name}', '{name}', and '{name}'
{name}() missing {n} required keyword-only argument: '{name}'
{name}() takes {n} positional argument but {n} were given
{name}() takes {n} positional arguments but {n} was given
{name}() takes {n} positional arguments but {n} were given
{name}() takes from {n} to {n} positional arguments but {n} were given
{name}() takes from {n} to {n} positional arguments but {n} was given
{name}() takes no arguments ({n} given)
{name}() takes exactly {n} arguments ({n} given)
{name}() takes exactly one argument ({n} given)
{name}() takes no keyword arguments
{name} expected {n} arguments, got {n}
{name} expected {n} argument, got {n}
{name} expected at least {n} argument, got {n}
{name} expected at most {n} arguments, got {n}
{name}() got an unexpected keyword argument '{name}'
{name}() got multiple values for argument '{name}'
exceptions must derive from BaseException
not all arguments converted during string formatting
not enough values to unpack (expected {n}, got {n})
too many values to unpack (expected {n})
too many values to unpack (expected {n}, got {n})
invalid literal for int() with base 10: {value}
could not convert string to float: {value}
cannot convert float NaN to integer
cannot convert float infinity to integer
math domain error
expected a positive input{rest}
math range error
list.remove(x): x not in list
list.index(x): x not in list
tuple.index(x): x not in tuple
{value} is not in list
substring not found
subsection not found
min() arg is an empty sequence
max() arg is an empty sequence
min() iterable argument is empty
max() iterable argument is empty
zip() argument {n} is shorter than argument {n}
zip() argument {n} is longer than argument {n}
zip() argument {n} is shorter than arguments {n}-{n}
zip() argument {n} is longer than arguments {n}-{n}
range() arg {n} must not be zero
slice step cannot be zero
list index out of range
tuple index out of range
string index out of range
range object index out of range
list assignment index out of range
pop from empty list
pop index out of range
pop from an empty set
pop from an empty deque
'pop from an empty set'
division by zero
float division by zero
integer division or modulo by zero
integer modulo by zero
float modulo
float modulo by zero
float floor division by zero
complex division by zero
0.0 cannot be raised to a negative power
int too large to convert to float
Python int too large to convert to C long
(34, 'Numerical result out of range')
maximum recursion depth exceeded
maximum recursion depth exceeded {rest}
dictionary changed size during iteration
generator raised StopIteration
Unable to allocate {rest}
[Errno 2] No such file or directory: '{value}'
[Errno 13] Permission denied: '{value}'
Expecting value: line {n} column {n} (char {n})
operands could not be broadcast together with shapes {shape} {shape}
operands could not be broadcast together with shapes {shape} {shape} {rest}
operands could not be broadcast together with remapped shapes {rest}
could not broadcast input array from shape {shape} into shape {shape}
shapes {shape} and {shape} not aligned: {n} (dim {n}) != {n} (dim {n})
matmul: Input operand {n} has a mismatch in its core dimension {n}, {rest}
matmul: Input operand {n} does not have enough dimensions {rest}
shape mismatch: indexing arrays could not be broadcast together with shapes {shape} {shape}
cannot reshape array of size {n} into shape {shape}
setting an array element with a sequence.
setting an array element with a sequence. {rest}
all the input arrays must have same number of dimensions, {rest}
all the input array dimensions except for the concatenation axis must match exactly, {rest}
all input arrays must have the same shape
need at least one array to concatenate
need at least one array to stack
zero-dimensional arrays cannot be concatenated
zero-size array to reduction operation {name} which has no identity
attempt to get argmax of an empty sequence
attempt to get argmin of an empty sequence
The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()
The truth value of an empty array is ambiguous. {rest}
The truth value of a {type} is ambiguous. Use a.empty, a.bool(), a.item(), a.any() or a.all().
axis {n} is out of bounds for array of dimension {n}
index {value} is out of bounds for axis {n} with size {n}
index {value} is out of bounds for size {n}
too many indices for array: array is {n}-dimensional, but {n} were indexed
invalid index to scalar variable.
arrays used as indices must be of integer (or boolean) type
only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices
boolean index did not match indexed array along {rest}
only integer scalar arrays can be converted to a scalar index
only length-1 arrays can be converted to Python scalars
only size-1 arrays can be converted to Python scalars
only 0-dimensional arrays can be converted to Python scalars
iteration over a 0-d array
len() of unsized object
loop of ufunc does not support argument {n} of type {type} which has no callable {name} method
ufunc '{name}' not supported for the input types, and the inputs could not be safely coerced {rest}
ufunc '{name}' did not contain a loop with signature matching types {rest}
numpy boolean subtract, the `-` operator, is not supported, {rest}
assignment destination is read-only
output array is read-only
Cannot cast array data from dtype({dtype}) to dtype({dtype}) according to the rule 'safe'
Cannot cast ufunc '{name}' output from dtype({dtype}) to dtype({dtype}) with casting rule 'same_kind'
negative dimensions are not allowed
high - low < 0
low >= high
a must be non-empty
Singular matrix
Last 2 dimensions of the array must be square
None of {rest}
{value} not in index
Length of values ({n}) does not match length of index ({n})
All arrays must be of the same length
If using all scalar values, you must pass an index
single positional indexer is out-of-bounds
positional indexers are out-of-bounds
Can only compare identically-labeled {type} objects
Found input variables with inconsistent numbers of samples: {rest}
Found array with {n} sample(s) (shape={shape}) while a minimum of {n} is required{rest}
Found array with {n} feature(s) (shape={shape}) while a minimum of {n} is required{rest}
Expected 2D array, got 1D array instead:{rest}
Expected 2D array, got scalar array instead:{rest}
X has {n} features, but {type} is expecting {n} features as input.
Input contains NaN{rest}
Input X contains NaN.{rest}
Input y contains NaN.{rest}
This {type} instance is not fitted yet. {rest}
this object can't be called
""".strip().splitlines()
_EXCEPTIONS = """
LinAlgError AxisError UFuncTypeError _UFuncNoLoopError _UFuncBinaryResolutionError _UFuncInputCastingError
_UFuncOutputCastingError JSONDecodeError NotFittedError InvalidIndexError IndexingError ParserError EmptyDataError
MergeError UndefinedVariableError PicklingError Empty Full InvalidParameterError UnidentifiedImageError
"""
EXCEPTIONS = frozenset(_EXCEPTIONS.split())
_OPERATORS = """
+ - * / // % @ ** & | ^ << >> += -= *= /= //= %= @= **= &= |= ^= < > <= >= == != ~ divmod()
"""
OPERATORS = frozenset(_OPERATORS.split())
_NAMES = """
numpy pandas sklearn scipy matplotlib cv2 PIL joblib add subtract multiply divide true_divide floor_divide power
remainder matmul dot maximum minimum exp log sqrt sin cos tan tanh greater less equal <lambda> <locals> <module>
"""
NAMES = frozenset(_NAMES.split()) | frozenset(dir(builtins)) | frozenset(keyword.kwlist) | sys.stdlib_module_names
