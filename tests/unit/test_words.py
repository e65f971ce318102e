"""What is shown of exceptions of student code: Python's words and the author's, never a value from elsewhere."""

import socket

import numpy as np
import pandas as pd
import pytest

from nbseal.errors import STUB, StudentError, StudentFunctionError
from nbseal.hidden_tests.conversation import Conversation
from nbseal.hidden_tests.messages import Words
from nbseal.hidden_tests.question import is_unwritten
from nbseal.wire import Channel

SECRET = "4f1c0ffee5eed"
HONEST = {
    "undefined + 1": "name 'undefined' is not defined",
    "values['labels']": "'labels'",
    "[1, 2][5]": "list index out of range",
    "1 + 'a'": "unsupported operand type(s) for +: 'int' and 'str'",
    "'a' + 1": 'can only concatenate str (not "int") to str',
    "1 / 0": "division by zero",
    "None + 1": "unsupported operand type(s) for +: 'NoneType' and 'int'",
    "nothing = None\nnothing[0]": "'NoneType' object is not subscriptable",
    "len(5)": "object of type 'int' has no len()",
    "[1].push(2)": "'list' object has no attribute 'push'",
    "np.nothing": "module 'numpy' has no attribute 'nothing'",
    "np.array([1, 2]).push()": "'numpy.ndarray' object has no attribute 'push'",
    "f(1)": "f() missing 1 required positional argument: 'b'",
    "f(1, 2, 3)": "f() takes 2 positional arguments but 3 were given",
    "f(1, c=3)": "f() got an unexpected keyword argument 'c'",
    "a, b = 1, 2, 3": "too many values to unpack (expected 2)",
    "a, b = [1]": "not enough values to unpack (expected 2, got 1)",
    "sorted([1, 'a'])": "'<' not supported between instances of 'str' and 'int'",
    "np.ones(2) + np.ones(3)": "operands could not be broadcast together with shapes (2,) (3,) ",
    "np.ones((2, 3)) + np.ones(784)": "operands could not be broadcast together with shapes (2,3) (784,) ",
    "np.ones((2, 3)) @ np.ones(2)": "matmul: Input operand 1 has a mismatch in its core dimension 0, …",
    "np.dot(np.ones(2), np.ones(3))": "shapes (2,) and (3,) not aligned: 2 (dim 0) != 3 (dim 0)",
    "np.ones(3)[99]": "index … is out of bounds for axis 0 with size 3",
    "np.ones(3)[1, 2]": "too many indices for array: array is 1-dimensional, but 2 were indexed",
    "np.ones(6).reshape(4, 2)": "cannot reshape array of size 6 into shape (4,2)",
    "np.ones(3) and True": "The truth value of an array with more than one element is ambiguous. "
    "Use a.any() or a.all()",
    "np.array([[1], [1, 2]])": "setting an array element with a sequence. …",
    "float('x1')": "could not convert string to float: 'x1'",
    "int('x1')": "invalid literal for int() with base 10: 'x1'",
    "{}[[1]]": "unhashable type: 'list'",
    "next(5)": "'int' object is not an iterator",
    "max([])": None,
    "np.bincount(np.array(['a']))": "Cannot cast array data from dtype('<U1') to dtype('int64') "
    "according to the rule 'safe'",
    "[1].index(2)": "… is not in list",
    "pd.DataFrame({'a': [1]})['b']": "'b'",
    "pd.DataFrame({'a': [1]}).iloc[5]": "single positional indexer is out-of-bounds",
    "np.zeros((0,)).max()": "zero-size array to reduction operation maximum which has no identity",
    "np.linalg.inv(np.zeros((2, 2)))": "Singular matrix",
    "raise ValueError('k must be at least 2')": "k must be at least 2",
    "raise ValueError('k must '\n    'be at least 2')": "k must be at least 2",
    "k = 1234\nraise ValueError(f'k must be at least 2, got {k}')": "k must be at least 2, got …",
    "raise ValueError('%d is too small' % 1234)": "… is too small",
    "raise ValueError('{} is too {}'.format(1234, 7))": "… is too …",
    "raise ValueError('this is too small: ' + str(1234))": "this is too small: …",
    "assert False, 'no rows'": "no rows",
}


def raised(source: str) -> BaseException:
    """What a piece of code raises."""
    with pytest.raises(BaseException) as caught:
        exec(source, {"np": np, "pd": pd, "values": {}})
    return caught.value


@pytest.mark.parametrize(("source", "words"), HONEST.items(), ids=list(HONEST))
def test_the_words_of_an_honest_mistake_are_shown(source: str, words: str | None) -> None:
    """Python's own sentence and the author's text are shown, with what stands in the notebook."""
    source = f"def f(a, b): pass\n{source}"
    error = raised(source)
    wanted = str(error) if words is None else words
    assert Words([source]).message(error) == wanted


DISGUISES = [
    f"{SECRET}",
    f"'{SECRET}'",
    f"name '{SECRET}' is not defined",
    f"No module named '{SECRET}'",
    f"unsupported operand type(s) for +: '{SECRET}' and 'int'",
    f"unsupported operand type(s) for {SECRET}: 'int' and 'int'",
    f"'int' object has no attribute '{SECRET}'",
    f"{SECRET}() missing 1 required positional argument: '{SECRET}'",
    f"invalid literal for int() with base 10: '{SECRET}'",
    f"could not convert string to float: '{SECRET}'",
    f"index {SECRET} is out of bounds for axis 0 with size 3",
    f"[Errno 2] No such file or directory: '{SECRET}'",
    f"{SECRET} is not in list",
    f"Expected 2D array, got 1D array instead:\n{SECRET}",
    f"setting an array element with a sequence. {SECRET}",
    f"k must be at least 2, got {SECRET}",
    f"this is too small: {SECRET}",
    f"no rows {SECRET}",
    f"list index out of range{SECRET}",
    f"list index out of range\n{SECRET}",
    *(f"operands could not be broadcast together with shapes ({shape}) (1,)" for shape in (SECRET, "49,127,48,255,14")),
]
CODE = "k = f'k must be at least 2, got {k}'\nx = 'this is too small: '\n'no rows'"


@pytest.mark.parametrize("message", DISGUISES)
def test_nothing_from_elsewhere_is_shown(message: str) -> None:
    """What does not stand in the notebook is left out, whatever sentence it is put into."""
    shown = Words([CODE]).message(message)
    assert SECRET not in shown
    assert "127" not in shown
    assert "49" not in shown


def test_names_spell_no_text() -> None:
    """Words of the notebook's own can't be strung together to spell what they like."""
    message = f"'int' object has no attribute '{'.'.join(SECRET)}'"
    assert Words([" ".join(SECRET)]).message(message) == "'int' object has no attribute '…'"
    assert (
        Words(["f g"]).message("f.<locals>.g() takes 1 positional argument but 2 were given").startswith("f.<locals>")
    )


def test_large_numbers_of_elsewhere_are_left_out() -> None:
    """Sizes of more than one digit are shown only if they stand in the notebook."""
    message = "operands could not be broadcast together with shapes (50,) (784,) "
    assert Words([""]).message(message) == message.replace("50", "…").replace("784", "…")
    assert Words(["n = 784"]).message(message) == message.replace("50", "…")


@pytest.mark.parametrize(
    ("code", "said", "bases", "shown"),
    [
        ("", "ValueError", ["ValueError", "Exception"], "ValueError"),
        ("class TooSmall(ValueError): pass", "TooSmall", ["TooSmall", "ValueError"], "TooSmall"),
        ("# TooSmall", "TooSmall", ["TooSmall", "ValueError"], "ValueError"),
        ("", SECRET, [SECRET, "LookupError", "Exception", "object"], "LookupError"),
        ("", SECRET, [SECRET], "an exception"),
        ("", "LinAlgError", ["LinAlgError", "ValueError"], "LinAlgError"),
    ],
)
def test_the_name_of_an_exception_is_known_or_stands_in_the_notebook(
    code: str, said: str, bases: list[str], shown: str
) -> None:
    """A name that was made up in the call gives way to the nearest one that is known."""
    assert Words([code]).kind(said, bases) == shown


def test_a_line_is_shown_only_if_it_stands_in_the_notebook() -> None:
    """A line that the process made up is left out."""
    words = Words(["def f(x):\n    return x[1]\n"])
    assert words.line("return x[1]") == "return x[1]"
    assert words.line("    return x[1]  ") == "return x[1]"
    assert words.line(f"return '{SECRET}'") == ""
    assert words.line(None) == ""


def test_a_huge_notebook_and_strange_messages_take_no_time() -> None:
    """However long code and message are, only their beginnings are looked at."""
    words = Words(["f'" + "{a}x" * 500_000 + "'\n", "'" * 1_000_000])
    assert words.message("x" * 1_000_000) == ""
    assert words.message("{" * 10_000) == ""
    assert words.kind(["no text"], ["object"]) == "an exception"
    assert words.message({"no": "text"}) == ""


def test_what_the_graders_own_objects_say_is_shown() -> None:
    """A text that our side has sent into the call may come back."""
    said = f"X has rows that are not in the data {SECRET}"
    assert Words([""]).message(said, [said]) == said
    assert Words([""]).message(said + "!", [said]) == ""


class Spy:
    """An object that a grader hands out."""

    def strict(self, rows: int) -> None:
        """Complain in words of the grader's own."""
        raise ValueError(f"X has {rows} rows, and not 5")

    def careless(self, text: str) -> float:
        """Let Python complain, which quotes the text."""
        return float(text)


def test_only_words_that_a_grader_wrote_are_its_own() -> None:
    """What Python or a library says inside a grader's object is no text of the grader's."""
    dialogue, control = socket.socketpair()
    with dialogue, control:
        conversation = Conversation(Channel(dialogue), Channel(control), deadline=0.0)
        for method, given in (("strict", 3), ("careless", SECRET), ("_strict", 4)):
            call = {"callback": 0, "method": method, "args": [given], "kwargs": {}}
            assert "error" in conversation._call_back(call, {0: Spy()})
    assert conversation.own_words == ["X has 3 rows, and not 5", "this method was not handed out"]


@pytest.mark.parametrize("kind", [STUB, "ValueError"])
def test_a_stub_is_told_behind_a_graders_own_sentence(kind):
    """A grader that says more than the exception of a call still says that nothing is written yet."""
    with pytest.raises(StudentError) as found:
        try:
            raise StudentFunctionError("`prepare` raised an exception.", kind)
        except StudentFunctionError as raised:
            raise StudentError(f"{raised} This was a straight line.") from None
    assert is_unwritten(found.value) == (kind == STUB)
