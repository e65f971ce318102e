"""Attacks on what surrounds a call: history, frames, clock, random state, errors, and modules that the answer needs."""

from __future__ import annotations

from tests.hostile.attack import WRONG_DOUBLE, Lost, attack

ATTACKS = [
    attack(
        "cannot_read_hidden_tests_from_the_history",
        "The notebook's own history holds no hidden test, hidden input or solution.",
        wrong="double",
        after="""
ip = get_ipython()
print(In, Out, list(ip.history_manager.get_range()), dir(ip.history_manager))
print(ip.user_ns_hidden, vars(ip).keys(), ip.kernel.__dict__)
""",
        double=WRONG_DOUBLE,
    ),
    attack(
        "cannot_read_hidden_tests_from_frames",
        "No frame below or above a call holds an expected result.",
        wrong="double reverse",
        before="""
import gc, sys
def frames():
    for top in sys._current_frames().values():
        while top is not None:
            yield top
            top = top.f_back
def look():
    return "".join(repr(dict(frame.f_locals)) + repr(frame.f_globals.keys()) for frame in frames())
print(look()[:100_000])
""",
        double="def double(x):\n    return look().count('@')",
        reverse="def reverse(text):\n    found = look()\n    return 'can' + found[found.find('expected'):][:24]",
    ),
    attack(
        "cannot_pass_by_names_that_look_alike",
        "A name spelt with letters of another alphabet is another name.",
        wrong="double number",
        double="def d\u043euble(x):\n    return 2 * x",
        number="\u0430nswer = 42",
    ),
    attack(
        "cannot_stop_the_clock",
        "A patched clock gives nobody more time.",
        wrong="double",
        before="""
import datetime, signal, time
for name in ("time", "monotonic", "perf_counter", "process_time", "time_ns", "monotonic_ns"):
    setattr(time, name, lambda: 0)
signal.setitimer = signal.alarm = lambda *args: None
""",
        double="def double(x):\n    while True: pass",
    ),
    attack(
        "cannot_foresee_hidden_inputs_by_random_state",
        "Patched and seeded generators of the student's process don't draw the hidden inputs.",
        wrong="double",
        double="""
import os, random, numpy as np
random.seed(0); np.random.seed(0)
np.random.default_rng = lambda *a: np.random.Generator(np.random.PCG64(0))
random.random = lambda: 0.5
os.urandom = lambda n: bytes(n)
foreseen = int(np.random.default_rng().integers(1000, 10 ** 6))
def double(x):
    return 2 * foreseen
""",
    ),
    attack(
        "cannot_pass_by_errors_that_refuse_to_be_shown",
        "An exception that raises, loops or prints when it is looked at is a failed call.",
        wrong="double number reverse",
        before="""
class Evil(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
    @property
    def __traceback__(self): raise self
    @property
    def __class__(self): raise SystemExit
class Meta(type):
    def __instancecheck__(cls, other): return True
    def __getattribute__(cls, name): raise KeyboardInterrupt
class Odd(Exception, metaclass=Meta): pass
""",
        double="def double(x):\n    raise Evil",
        number="class Dynamic:\n    def __getattr__(self, name): raise Evil\nanswer = Dynamic()",
        reverse="def reverse(text):\n    raise GeneratorExit",
    ),
    attack(
        "cannot_pass_by_breaking_the_builtins",
        "Builtins that lie break the student's own process, and no mark comes of it.",
        wrong="double",
        lost=Lost.PERHAPS,
        double=WRONG_DOUBLE,
        after="""
import builtins
builtins.isinstance = lambda *a: True
builtins.type = lambda *a: str
builtins.len = lambda x: 0
builtins.callable = lambda x: True
""",
    ),
    attack(
        "cannot_pass_by_patched_json_and_sockets",
        "A child whose json, struct and socket modules lie sends nothing that counts as right.",
        wrong="double number reverse spied",
        lost=Lost.PERHAPS,
        double=WRONG_DOUBLE,
        number="answer = 41",
        reverse="def reverse(text):\n    return ''",
        spied="def ask(model, rows):\n    return []",
        after="""
import json, struct, socket
true = json.dumps
json.dumps = lambda value, **k: true({"v": {"d": [["value", 42], ["passed", True], ["score", 4]]}, "b": []})
struct.pack = lambda *a: b"passed"
""",
    ),
    attack(
        "cannot_hand_out_markup_as_type_names",
        "A type's name or an error's text is shown as text.",
        wrong="double number",
        double="""
def double(x):
    raise type("<script>alert(1)</script>\\x1b]0;owned\\x07", (Exception,), {})("<img src=x onerror=alert(1)>\\x1b[2J")
""",
        number="answer = type('<b>' * 10_000, (), {})()",
    ),
]
