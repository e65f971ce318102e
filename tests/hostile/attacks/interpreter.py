"""Attacks inside the interpreter: what the code under test can do to the code that tests it, if it shares a process."""

from __future__ import annotations

from tests.hostile.attack import WRONG_DOUBLE, Lost, attack

ATTACKS = [
    attack(
        "cannot_drop_asserts_by_an_input_transformer",
        "A transformer of cell sources that removes assertions changes no mark.",
        wrong="double",
        double=f"""
get_ipython().input_transformers_cleanup.append(lambda lines: [line for line in lines if "assert" not in line])
get_ipython().input_transformers_post.append(lambda lines: [line for line in lines if "assert" not in line])
{WRONG_DOUBLE}
""",
    ),
    attack(
        "cannot_drop_asserts_by_a_syntax_tree_transformer",
        "A transformer of syntax trees that removes assertions changes no mark.",
        wrong="double",
        double=f"""
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Drop())
{WRONG_DOUBLE}
""",
    ),
    attack(
        "cannot_pass_by_objects_equal_to_everything",
        "An object that equals everything is not an answer.",
        wrong="double number reverse",
        before="""
class Anything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 42
    def __bool__(self): return True
    def __float__(self): return 42.0
    def __int__(self): return 42
    __index__ = __int__
    def __array__(self, *args, **kwargs): return __import__("numpy").array(42)
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
""",
        double="double = lambda x: Anything()",
        number="answer = Anything()",
        reverse="reverse = Anything()",
    ),
    attack(
        "cannot_pass_by_subclasses_of_numbers_and_texts",
        "Numbers and texts of the student's own classes lose their tricks on the way.",
        wrong="double number reverse",
        before="""
import numpy as np
class Int(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
class Float(np.float64):
    def __eq__(self, other): return True
    __hash__ = np.float64.__hash__
class Text(str):
    def __eq__(self, other): return True
    def __str__(self): return "right"
    __hash__ = str.__hash__
class Array(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *args, **kwargs): return True
""",
        double="double = lambda x: np.zeros(3).view(Array) if isinstance(x, np.ndarray) else Int(0)",
        number="answer = Float(0)",
        reverse="reverse = lambda text: Text('left')",
    ),
    attack(
        "cannot_pass_by_a_table_that_lies",
        "A class that calls itself a pandas table or array is no answer, and breaks nothing.",
        wrong="double number",
        lost=Lost.PERHAPS,
        before="""
class Series:
    __module__ = "pandas.core"
    def to_numpy(self): return self
    def tolist(self): return [42]
    dtype = type("dtype", (), {"kind": "f"})
class DataFrame(Series):
    __module__ = "pandas.core"
    shape, columns = (10 ** 18, 1), [[]]
    class iloc:
        def __class_getitem__(cls, key): return Series()
""",
        double="double = lambda x: Series()",
        number="answer = DataFrame()",
    ),
    attack(
        "cannot_pass_by_objects_that_run_code_when_copied",
        "What an object would do when it is pickled or made an array is never done outside.",
        wrong="double number",
        before="""
import os
class Bomb:
    def __reduce__(self): return os.system, ("touch /tmp/@mark@ /var/tmp/@mark@",)
    def __array__(self, *args, **kwargs): raise SystemExit
    def __class_getitem__(cls, item): raise SystemExit
    def __json__(self): return 42
    def __repr__(self): raise SystemExit
""",
        double="double = lambda x: Bomb()",
        number="answer = [Bomb(), Bomb]",
    ),
    *[
        attack(
            f"cannot_get_partial_credit_by_{name}",
            f"A result that shows itself as {text!r} is worth nothing where nbgrader reads partial credit.",
            wrong="plain",
            lost=Lost.PERHAPS,
            plain=f"""
flag = True
from IPython.core.interactiveshell import DisplayFormatter
get_ipython().display_formatter.format = lambda *a, **k: ({{"text/plain": {text!r}}}, {{}})
""",
        )
        for name, text in {
            "a_word": "hi",
            "not_a_number": "nan",
            "a_negative_number": "-1",
            "an_empty_text": "",
        }.items()
    ],
    attack(
        "cannot_get_more_than_the_points",
        "A partial credit beyond the points is none.",
        wrong="plain",
        lost=Lost.PERHAPS,
        plain="""
flag = True
get_ipython().display_formatter.format = lambda *a, **k: ({"text/plain": "1e300"}, {})
""",
    ),
    attack(
        "cannot_pass_by_a_display_hook",
        "A display hook of the student's own gives no credit for an assertion that fails.",
        wrong="plain",
        plain="""
import sys
flag = False
sys.displayhook = type(sys.displayhook).__call__ = lambda *args: print(1.0)
""",
    ),
    attack(
        "cannot_pass_by_patched_libraries",
        "Patched functions of numpy, math and the builtins are patched in the student's process alone.",
        wrong="double",
        lost=Lost.PERHAPS,
        double="""
import builtins, math, operator, numpy as np, numpy.testing
for module in (np.testing, np, math):
    for name in ("assert_allclose", "assert_array_equal", "assert_equal", "allclose", "isclose", "array_equal"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: True)
builtins.abs = lambda x: 0
builtins.all = builtins.any = lambda x: True
builtins.AssertionError = KeyboardInterrupt
operator.eq = lambda a, b: True
double = lambda x: 0
""",
    ),
    attack(
        "cannot_pass_by_leaving_early",
        "sys.exit in a cell ends that cell alone.",
        wrong="double",
        double="import sys\nsys.exit(0)\ndef double(x):\n    return 2 * x",
    ),
    attack(
        "cannot_pass_by_ending_the_process",
        "A process that is gone gets no marks for what was not asked, and a zero isn't given either.",
        wrong="double",
        lost=Lost.PROCESS,
        double="import os\nos._exit(0)",
    ),
    attack(
        "cannot_pass_by_crashing",
        "A segmentation fault leaves answers unjudged.",
        wrong="double",
        lost=Lost.PROCESS,
        double="import ctypes\nctypes.string_at(0)",
    ),
    attack(
        "cannot_pass_by_crashing_when_asked",
        "A function that ends or crashes the process takes no other question with it.",
        wrong="double",
        lost=Lost.PERHAPS,
        double="import os\ndef double(x):\n    os._exit(0)",
        number="import signal\nanswer = 42",
        reverse="def reverse(text):\n    os.kill(os.getpid(), signal.SIGSEGV)\n    return text[::-1]",
    ),
    attack(
        "cannot_edit_marks_at_exit",
        "What is registered for the end of the process doesn't reach anything.",
        wrong="double",
        double=f"""
import atexit, os, weakref
def late():
    for path in ("@course@/gradebook.db", "@course@/autograded/@student@/hostile/hostile.ipynb", "/tmp/@mark@"):
        try:
            open(path, "wb").write(b"full marks")
        except OSError:
            pass
atexit.register(late)
os.register_at_fork(after_in_child=late)
weakref.finalize(late, late)
{WRONG_DOUBLE}
""",
    ),
    attack(
        "cannot_edit_answers_from_a_thread",
        "A thread that goes on after the last cell can change names, but not what was asked.",
        wrong="double",
        lost=Lost.PERHAPS,
        double=f"""
{WRONG_DOUBLE}
import builtins, threading, time
def edit():
    for number in range(10 ** 6):
        globals()["double"] = lambda x: number
        builtins.passed = globals()["double_passed"] = True
        time.sleep(0.001)
threading.Thread(target=edit, daemon=True).start()
""",
    ),
]
