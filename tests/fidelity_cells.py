"""Feature notebooks of the fidelity tests, as text: a line ``# %% name`` starts a cell."""

STREAMS = r'''
# %% prints
print("one")
print("two", "three", sep=", ", end="!\n")
# %% both_streams
import sys
print("out 1")
print("err 1", file=sys.stderr)
print("out 2")
print("err 2", file=sys.stderr)
# %% flushed_streams
print("out 1", flush=True)
print("err 1", file=sys.stderr, flush=True)
print("out 2", flush=True)
# %% slow_streams
import time
print("early err", file=sys.stderr)
time.sleep(0.3)
print("late out")
print("late err", file=sys.stderr)
# %% stream_between_displays
print("before")
display("shown")
print("between", file=sys.stderr)
display("shown again")
print("after")
# %% write_returns
[sys.stdout.write("abc\n"), sys.stderr.write("ü\n"), sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.readable()]
# %% writelines
sys.stdout.writelines(["a\n", "b\n"])
# %% write_of_a_number
sys.stdout.write(1)
# %% attributes_of_streams
[(s.name, s.encoding, s.errors, s.closed, s.isatty()) for s in (sys.stdout, sys.stderr)]
# %% kind_of_stream
import io, ipykernel.iostream
isinstance(sys.stdout, ipykernel.iostream.OutStream), isinstance(sys.stdout, io.TextIOBase), hasattr(sys.stdout, "buffer")
# %% long_line
print("x" * 5000)
# %% many_lines
for i in range(500):
    print(i)
# %% unicode
print("äöü ∑ 🧠 \u200b日本語", "tab\there", "bell\a")
# %% ansi_colours
print("\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[0m")
# %% progress_bar
for i in range(4):
    print(f"\r{i * 25} %", end="")
# %% warnings
import warnings
warnings.warn("look out")
warnings.warn("old", DeprecationWarning)
warnings.warn("older", FutureWarning, stacklevel=2)
# %% warning_in_a_function
def warn_me():
    warnings.warn("inside a function", RuntimeWarning)
warn_me(); warn_me()
# %% warning_twice_from_one_place
for _ in range(3):
    warnings.warn("only once")
# %% warning_filters
warnings.filters
# %% numpy_warning
import numpy as np
np.array([1.0, 0.0]) / 0
# %% logging
import logging
print("a print before")
logging.warning("to stderr")
logging.getLogger("mine").error("error %d", 3)
logging.info("not shown")
print("a print after")
# %% logging_configured
logging.basicConfig(level=logging.INFO, force=True, format="%(levelname)s %(message)s")
logging.info("now shown")
# %% logging_an_exception
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("caught")
# %% print_exc
import traceback
try:
    {}["missing"]
except KeyError:
    traceback.print_exc()
# %% print_stack
def stack():
    traceback.print_stack(limit=1)
stack()
# %% system_stdout
print("through the real stdout", file=sys.__stdout__, flush=True)
time.sleep(0.1)
# %% system_stderr
print("through the real stderr", file=sys.__stderr__)
time.sleep(0.1)
# %% os_write
import os
os.write(1, b"descriptor 1\n"); os.write(2, b"descriptor 2\n")
time.sleep(0.1)
# %% not_utf8
os.write(1, b"\xff\xfe caf\xe9\n")
time.sleep(0.1)
# %% subprocess_output
import subprocess
subprocess.run(["echo", "from a child process"])
time.sleep(0.1)
# %% subprocess_stderr
subprocess.run(["sh", "-c", "echo to stderr >&2; echo to stdout"])
time.sleep(0.1)
# %% subprocess_given_our_stdout
subprocess.run(["echo", "to the terminal"], stdout=sys.stdout, check=True).returncode
# %% captured_subprocess
subprocess.run(["echo", "captured"], capture_output=True, text=True)
# %% os_system
os.system("echo by os.system"); time.sleep(0.1)
# %% much_from_a_subprocess
subprocess.run(["seq", "3000"]); time.sleep(0.3)
# %% c_library
import ctypes
libc = ctypes.CDLL(None)
libc.puts(b"from C"); libc.fflush(None)
time.sleep(0.1)
# %% threads
import threading
def say():
    print("from a thread")
thread = threading.Thread(target=say); thread.start(); thread.join()
# %% display_in_a_thread
thread = threading.Thread(target=lambda: display("shown by a thread")); thread.start(); thread.join()
# %% error_in_a_thread
thread = threading.Thread(target=lambda: 1 / 0, name="mine"); thread.start(); thread.join()
# %% thread_that_outlives_its_cell
import threading
go = threading.Event()
def later():
    go.wait()
    print("late")
late = threading.Thread(target=later); late.start()
# %% its_output_goes_to_the_cell_that_runs
go.set(); late.join()
# %% error_in_del
class Broken:
    def __del__(self):
        raise ValueError("in __del__")
broken = Broken(); del broken
# %% redirect_stdout
import contextlib
with contextlib.redirect_stdout(io.StringIO()) as text:
    print("hidden")
text.getvalue()
# %% stdin
[sys.stdin.isatty(), sys.stdin.read()]
# %% input
input("Your name? ")
# %% getpass
import getpass
getpass.getpass("Secret? ")
# %% surrogates
print("broken \ud83d surrogate")
# %% zero_byte
print("a\0b")
# %% empty_print
print("", end="")
# %% pprint
from pprint import pprint
pprint({"a": list(range(30)), "b": {"c": "d" * 90}})
'''

DISPLAY = r'''
# %% several
display(1, "two", [3.0], {"four": None})
# %% results
"a result"
# %% result_after_print
print("text"); 42
# %% semicolon
"not shown";
# %% none
None
# %% several_expressions
1
2
3
# %% history
_, __, _2, Out[3], In[2], _i, _ii
# %% history_of_inputs
print(In[-2]); len(In), len(Out), sorted(Out)
# %% underscore_assigned
_ = "mine"
# %% underscore_kept
_
# %% html
from IPython.display import HTML, JSON, SVG, Image, Latex, Markdown, Math, Javascript, Pretty, IFrame, FileLink, Code
HTML("<b>bold</b>")
# %% markdown_latex
display(Markdown("**bold** $x^2$"), Latex(r"$\frac{1}{2}$"), Math(r"\sum_i x_i"))
# %% json
JSON({"a": [1, 2, {"b": None}]}, expanded=True)
# %% json_with_nan
JSON({"a": float("nan")})
# %% svg
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><circle r="5"/></svg>')
# %% image
import base64
png = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
Image(png, width=20, alt="a dot")
# %% image_file
open("dot.png", "wb").write(png)
Image(filename="dot.png")
# %% others
display(Javascript("1"), Pretty("pretty"), IFrame("https://example.org", 10, 10), FileLink("dot.png"), Code("x = 1", language="python"))
# %% raw_bundle
display({"text/plain": "plain", "text/html": "<i>html</i>", "application/x-mine+json": {"a": (1, 2), 3: "b"}}, raw=True)
# %% metadata
display("alt text", metadata={"text/plain": {"alt": "a word"}, "mine": [1]})
# %% include_and_exclude
display(HTML("<b>x</b>"), include=["text/plain"]); display(HTML("<b>x</b>"), exclude=["text/plain"])
# %% repr_html
class Rich:
    def _repr_html_(self):
        return "<p>rich</p>"
    def __repr__(self):
        return "Rich()"
Rich()
# %% repr_mimebundle
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": "bundle", "text/markdown": "*b*"}, {"text/markdown": {"m": 1}}
Bundle()
# %% repr_that_fails
class Fails:
    def __repr__(self):
        raise ValueError("no repr")
Fails()
# %% repr_html_that_fails
class FailsInHtml:
    def _repr_html_(self):
        raise ValueError("no html")
    def __repr__(self):
        return "plain after all"
FailsInHtml()
# %% ipython_display
class Own:
    def _ipython_display_(self):
        print("displays itself")
Own()
# %% pretty_printing
[list(range(100)), {"k%d" % i: i for i in range(30)}, "x" * 100]
# %% classes_functions_modules
import math
def f(a, *, b=2): "doc"
display(f, math, int, Rich, len, (i for i in []), range(3), lambda: 0)
# %% display_id
handle = display("first", display_id="shared")
handle
# %% update_display_of_an_earlier_cell
handle.update("second")
# %% update_display_by_name
from IPython.display import update_display
display("own", display_id="shared")
update_display("third", display_id="shared", metadata={"a": 1})
# %% update_of_unknown
update_display("nobody", display_id="unknown")
# %% generated_display_id
handle = display(display_id=True); handle.display("x"); handle.update("y")
# %% clear_output
from IPython.display import clear_output
print("gone"); clear_output(); print("kept")
# %% clear_output_wait
print("gone"); display("gone, too"); clear_output(wait=True); print("kept")
# %% clear_output_wait_for_nothing
print("kept"); clear_output(wait=True)
# %% after_a_waiting_clear
print("next")
# %% clear_then_error
print("gone"); clear_output(wait=True); 1 / 0
# %% clear_then_update
handle = display("a", display_id=True); clear_output(); handle.update("b"); display("c")
# %% figures_of_progress
for i in range(3):
    clear_output(wait=True); print(i)
# %% set_formatter
get_ipython().display_formatter.formatters["text/html"].for_type(complex, lambda z: f"<i>{z.real:g}</i>")
2 + 3j
# %% precision
%precision 3
[math.pi, 1 / 3]
# %% all_expressions
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.ast_node_interactivity = "all"
# %% all_expressions_shown
1
"two"
x = 3
x
# %% all_expressions_off
InteractiveShell.ast_node_interactivity = "last_expr"
# %% publish_display_data
from IPython.display import publish_display_data
publish_display_data({"text/plain": "published"}, metadata={"k": "v"}, transient={"display_id": "p"})
# %% unserialisable
display({"application/json": object()}, raw=True)
# %% not_a_bundle
display("text", raw=True)
# %% audio_and_bytes
b"\x00\xff", bytearray(b"x"), memoryview(b"x")
# %% big_containers
set(range(5)), frozenset("a"), {1: {2: {3: {4: {}}}}}, ("single",)
# %% walrus
(y := 5)
# %% last_if
if True:
    "not shown either"
# %% decorators_and_dataclass
from dataclasses import dataclass
@dataclass(order=True)
class Point:
    x: int
    y: float = 0.5
Point(1), Point(1) < Point(2)
# %% enum_and_namedtuple
import enum, collections
Colour = enum.Enum("Colour", "RED GREEN")
Colour.RED, collections.namedtuple("P", "a b")(1, 2), collections.Counter("aab"), collections.OrderedDict(a=1)
# %% generator
def count():
    yield from range(3)
list(count()), count()
# %% help_function
help(f)
# %% question_mark
f?
# %% two_question_marks
f??
# %% question_mark_unknown
nothing_like_this?
# %% comment_only
# nothing but a comment
# %% docstring_only
"""just text"""
'''

FIGURES = r'''
# %% line
import matplotlib.pyplot as plt
import numpy as np
plt.plot([0, 1, 4, 9])
# %% labels
fig, ax = plt.subplots(figsize=(3, 3))
ax.plot([1, 2], "o--", label="$x_1$"); ax.set(title="Title", xlabel="x", ylabel="y"); ax.legend();
# %% two_figures
plt.figure(figsize=(2, 2)); plt.plot([1]); plt.figure(figsize=(1, 2)); plt.bar([1, 2], [3, 4]);
# %% shown_twice
plt.plot([1, 2]); plt.show(); plt.plot([2, 1]); plt.show()
# %% with_prints
print("before"); plt.plot([3]); print("after"); plt.show(); print("end")
# %% figure_as_result
fig, ax = plt.subplots(figsize=(1, 1))
fig
# %% closed
plt.plot([1]); plt.close()
# %% empty_show
plt.show()
# %% image
plt.imshow(np.arange(9).reshape(3, 3), cmap="gray"); plt.colorbar();
# %% text_in_other_fonts
plt.figure(figsize=(2, 1)); plt.text(0, 0.5, "serif", family="serif"); plt.text(0, 0, "mono", family="monospace"); plt.axis("off");
# %% missing_glyph
plt.figure(figsize=(2, 1)); plt.title("日本");
# %% unknown_font
plt.figure(figsize=(2, 1)); plt.title("text", family="No Such Font");
# %% error_after_plot
plt.plot([1]); raise ValueError("after the plot")
# %% error_in_drawing
plt.figure(figsize=(1, 1)); plt.title("$broken");
plt.text(0, 0, r"$\nosuch$")
# %% style
plt.style.use("ggplot"); plt.figure(figsize=(2, 2)); plt.scatter([1, 2], [2, 1], marker="^");
# %% style_back
plt.rcdefaults(); plt.rcParams["figure.figsize"]
# %% inline_again
%matplotlib inline
plt.plot([1, 2]);
# %% subplots_grid
fig, axes = plt.subplots(2, 2, figsize=(3, 3)); axes[0, 1].hist([1, 2, 2]); fig.tight_layout()
# %% displayed
fig, ax = plt.subplots(figsize=(1, 1)); display(fig); plt.close(fig)
# %% updated_display
handle = display(display_id=True); fig, ax = plt.subplots(figsize=(1, 1)); handle.update(fig); plt.close(fig)
# %% svg
%config InlineBackend.figure_format = 'svg'
plt.rcParams["svg.hashsalt"] = "fixed"
plt.figure(figsize=(2, 2)); plt.plot([1, 2]);
# %% retina
%config InlineBackend.figure_format = 'retina'
plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
# %% two_formats
%config InlineBackend.figure_formats = ['png', 'jpeg']
plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
# %% print_figure_kwargs
%config InlineBackend.figure_format = 'png'
%config InlineBackend.print_figure_kwargs = {'bbox_inches': None}
plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
# %% settings
%config InlineBackend
# %% formats_by_function
import matplotlib_inline.backend_inline as inline
inline.set_matplotlib_formats("png", dpi=50)
plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
# %% kept_open
inline.set_matplotlib_close(False)
fig, ax = plt.subplots(figsize=(1, 1)); ax.plot([1, 2])
# %% drawn_further
ax.set_title("now with title"); fig
# %% backend
import matplotlib
matplotlib.get_backend(), plt.isinteractive(), plt.get_fignums()
# %% other_backend
%matplotlib agg
plt.plot([1]); plt.show()
# %% automatic_backend
%matplotlib
# %% back_inline
plt.close("all")
%matplotlib inline
plt.figure(figsize=(1, 1)); plt.plot([3, 4]);
# %% saved
plt.figure(figsize=(1, 1)); plt.plot([1]); plt.savefig("saved.png"); plt.close(); import os; os.path.getsize("saved.png")
# %% animation
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots(figsize=(1, 1)); line, = ax.plot([0, 1])
animation = FuncAnimation(fig, lambda i: line.set_ydata([i, 1]), frames=2); plt.close(fig); len(animation.to_jshtml()) > 100
# %% pylab
%pylab inline
# %% pandas_plot
import pandas as pd
pd.Series([1, 3, 2]).plot(figsize=(2, 2));
# %% opencv
import cv2
cv2.resize(np.eye(4, dtype=np.uint8), (2, 2))
# %% no_files_left_behind
[name for name in os.listdir(".") if name not in ("saved.png",) and not name.startswith(".")]
'''

ERRORS = r'''
# %% zero_division
1 / 0
# %% in_a_function_of_an_earlier_cell
def outer(n):
    # comment
    return inner(n)

def inner(n):
    return [1, 2][n]
# %% called_later
outer(5)
# %% syntax
x = = 1
# %% indentation
if True:
x = 1
# %% unfinished
def f(:
# %% unclosed
print("a"
# %% tabs
if True:
	x = 1
        y = 2
# %% syntax_in_magic_cell
%time x = = 1
# %% return_outside
return 5
# %% name_error
not_defined
# %% attribute_suggestion
import math
math.squirt(2)
# %% import_error
import no_such_module_here
# %% custom_chain
class Custom(Exception):
    pass
try:
    int("x")
except ValueError as error:
    raise Custom("told", 5) from error
# %% context
try:
    {}["a"]
except KeyError:
    [].pop()
# %% suppressed
try:
    1 / 0
except ZeroDivisionError:
    raise Custom("alone") from None
# %% notes
error = ValueError("with a note"); error.add_note("the note"); raise error
# %% groups
raise ExceptionGroup("several", [ValueError(1), TypeError("two")])
# %% broken_str
class BrokenStr(Exception):
    def __str__(self):
        raise RuntimeError("no str")
raise BrokenStr("x")
# %% after_broken_str
print("still here")
# %% broken_repr_in_message
class BrokenRepr:
    def __repr__(self):
        raise RuntimeError("no repr")
raise ValueError(BrokenRepr())
# %% str_not_text
class StrNotText(Exception):
    def __str__(self):
        return 5
raise StrNotText()
# %% empty_message
raise ValueError
# %% long_message
raise ValueError("long " * 500)
# %% unicode_message
raise ValueError("ünïcödé 🧠\nsecond line")
# %% keyboard_interrupt
raise KeyboardInterrupt("by hand")
# %% system_exit
import sys
sys.exit("leaving")
# %% system_exit_code
raise SystemExit(3)
# %% system_exit_in_function
def leave():
    sys.exit()
leave()
# %% generator_exit
raise GeneratorExit
# %% stop_iteration
next(iter([]))
# %% base_exception
class Base(BaseException): pass
raise Base("base")
# %% recursion
def deep(n):
    return deep(n + 1)
deep(0)
# %% recursion_limit
sys.getrecursionlimit()
# %% mutual_recursion
def ping(n): return pong(n)
def pong(n): return ping(n)
ping(0)
# %% assertion
assert 1 == 2, "one is not two"
# %% bare_assertion
assert []
# %% print_then_error
print("before"); print("err", file=sys.stderr); raise ValueError("after prints")
# %% error_in_a_loop
for i in range(3):
    print(i)
    if i == 1:
        raise StopAsyncIteration(i)
# %% in_a_comprehension
[1 / n for n in (2, 1, 0)]
# %% in_a_lambda
(lambda q: q["k"])({})
# %% in_a_method
class Thing:
    def act(self, *args, key=None):
        raise LookupError(f"{args} {key}")
Thing().act(1, key=2)
# %% in_a_generator
def gen():
    yield 1
    raise OSError(2, "No such file", "name")
list(gen())
# %% in_a_decorated_function
import functools
def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) + function(*args)
    return wrapper
@twice
def fails(a):
    return a + "x"
fails(1)
# %% in_a_property
class Lazy:
    @property
    def value(self):
        return self.missing
Lazy().value
# %% in_the_library
import json
json.loads("{")
# %% in_numpy
import numpy as np
np.zeros(3) @ np.zeros(4)
# %% in_pandas
import pandas as pd
pd.DataFrame({"a": [1]})["b"]
# %% in_a_support_module
import helper_module
helper_module.fail(7)
# %% warning_in_a_support_module
helper_module.warn()
# %% exec_and_eval
exec("1 / 0")
# %% compiled
eval(compile("undefined_name", "<mine>", "eval"))
# %% in_a_class_body
class Bad:
    x = 1 / 0
# %% traceback_module
import traceback
try:
    outer(9)
except IndexError:
    print(traceback.format_exc())
# %% last_type
sys.last_type, sys.last_value
# %% exc_info
try:
    1 / 0
except ZeroDivisionError as problem:
    kept = problem
kept, kept.__traceback__.tb_lineno, type(kept.__traceback__)
# %% raised_again
raise kept
# %% not_an_exception
raise "text"
# %% xmode
%xmode Plain
1 / 0
# %% xmode_verbose
%xmode Verbose
value = 3
value / 0
# %% xmode_minimal
%xmode Minimal
1 / 0
# %% xmode_back
%xmode Context
# %% custom_handler
def handler(shell, etype, evalue, tb, tb_offset=None):
    print("handled", etype.__name__)
get_ipython().set_custom_exc((LookupError,), handler)
{}["x"]
# %% showtraceback
try:
    1 / 0
except ZeroDivisionError:
    get_ipython().showtraceback()
# %% debug
%debug
# %% breakpoint
def stop_here():
    breakpoint()
stop_here()
# %% after_breakpoint
"goes on"
# %% usage_error
%no_such_magic
# %% usage_error_cell
%%no_such_cell_magic
text
# %% usage_error_of_a_magic
%run no_such_file.py
# %% not_implemented
raise NotImplementedError("Your turn: replace this line with your answer.")
# %% exception_class_shadowed
ValueError = 3
raise ValueError
# %% end
del ValueError
'''

ASYNC = r'''
# %% sleep
import asyncio
await asyncio.sleep(0)
# %% value
async def answer():
    await asyncio.sleep(0.01)
    return 42
await answer()
# %% prints_and_awaits
print("before"); await asyncio.sleep(0.01); print("after")
# %% async_for
async def ticks():
    for i in range(3):
        yield i
async for tick in ticks():
    print(tick)
# %% async_with
class Manager:
    async def __aenter__(self):
        print("enter"); return 1
    async def __aexit__(self, *error):
        print("exit", error[0])
async with Manager() as m:
    print(m)
# %% async_comprehension
[tick async for tick in ticks()]
# %% gather
async def named(name, delay):
    await asyncio.sleep(delay); print(name); return name
tasks = [asyncio.create_task(named(n, d)) for n, d in (("slow", 0.03), ("fast", 0.01))]
await asyncio.gather(*tasks)
# %% coroutine_not_awaited
answer()
# %% task_made
async def noisy():
    print("first step"); await asyncio.sleep(0.01); print("second step"); return "result"
task = asyncio.create_task(noisy())
# %% task_awaited
await task
# %% task_made_and_left
left = asyncio.create_task(noisy()); await asyncio.sleep(0)
# %% its_rest_is_not_seen_here
import time
await asyncio.sleep(0.05); left.done()
# %% run
async def main():
    return 1
asyncio.run(main())
# %% run_until_complete
asyncio.get_event_loop().run_until_complete(main())
# %% error
async def fails():
    raise ValueError("in a coroutine")
await fails()
# %% error_in_gather
await asyncio.gather(answer(), fails(), return_exceptions=True)
# %% error_in_taskgroup
async with asyncio.TaskGroup() as group:
    group.create_task(fails())
# %% timeout
await asyncio.wait_for(asyncio.sleep(5), 0.01)
# %% timeout_block
async with asyncio.timeout(0.01):
    await asyncio.sleep(5)
# %% cancelled
cancelled = asyncio.create_task(asyncio.sleep(5)); cancelled.cancel(); await cancelled
# %% never_retrieved
bad = asyncio.create_task(fails()); await asyncio.sleep(0.01); del bad
import gc; gc.collect();
# %% loop
loop = asyncio.get_running_loop(); loop.is_running(), loop is asyncio.get_event_loop(), type(loop)
# %% call_soon
loop.call_soon(print, "called soon"); await asyncio.sleep(0.01)
# %% display
await asyncio.sleep(0); display("shown"); "result"
# %% in_executor
await loop.run_in_executor(None, lambda: print("in a thread") or 5)
# %% to_thread
await asyncio.to_thread(sum, [1, 2])
# %% queue
queue = asyncio.Queue(); await queue.put(1); await queue.get()
# %% subprocess
process = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
(await process.communicate())[0]
# %% await_in_function
def f():
    await answer()
# %% syntax_with_await
await = 3
# %% async_error_then_on
"goes on"
# %% magic_with_await
%time await answer()
# %% autoawait
%autoawait
# %% autoawait_off
%autoawait off
# %% await_without
await answer()
# %% autoawait_on
%autoawait asyncio
await answer()
# %% system_exit
await asyncio.sleep(0); raise SystemExit(2)
# %% keyboard_interrupt
await asyncio.sleep(0); raise KeyboardInterrupt
# %% figures
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1)); plt.plot([1, 2]); await asyncio.sleep(0)
# %% context_variables
import contextvars
variable = contextvars.ContextVar("variable", default=0); variable.set(5);
# %% context_variables_later
variable.get()
# %% context_variables_async
variable.set(7); await asyncio.sleep(0)
# %% context_variables_async_later
variable.get()
# %% current_task
task = asyncio.current_task(); type(task), task is None
'''

MAGICS = r'''
# %% time_line
%time sum(range(10))
# %% time_cell
%%time
total = sum(range(10))
print(total)
total
# %% time_cell_error
%%time
1 / 0
# %% capture
%%capture captured
print("hidden"); display("hidden, too"); import sys; print("err", file=sys.stderr)
# %% captured
captured.show(); captured.stdout, captured.stderr, captured.outputs
# %% capture_with_error
%%capture
print("hidden")
1 / 0
# %% capture_output_function
from IPython.utils.capture import capture_output
with capture_output() as c:
    print("x"); display("y")
c.stdout, len(c.outputs)
# %% who
alpha, beta = 1, "b"
%who
# %% whos
%whos int str
# %% who_ls
%who_ls
# %% writefile
%%writefile made.py
made = 5
print("made runs", __name__)
# %% writefile_again
%%writefile -a made.py
more = 6
# %% run
%run made.py
made + more
# %% run_support
%run helper_module.py
# %% run_with_error
open("bad.py", "w").write("def f():\n    1 / 0\nf()\n")
%run bad.py
# %% run_with_arguments
open("args.py", "w").write("import sys\nprint(sys.argv)\n")
%run args.py a "b c"
# %% run_exit
open("leaves.py", "w").write("import sys\nsys.exit(2)\n")
%run leaves.py
# %% load
%load made.py
# %% env_set
%env MINE=value
# %% env_get
%env MINE
# %% set_env
%set_env OTHER 5
# %% shell
!echo shell
# %% shell_value
lines = !printf 'a\nb\n'
lines
# %% shell_with_variable
word = "hello"
!echo {word} $word {1 + 1}
# %% shell_fails
!echo failing >&2; exit 3
# %% exit_code
_exit_code
# %% double_shell
!!echo shell
# %% shell_list
result = !ls made.py
result.s, result.n, type(result)
# %% shell_not_found
!no-such-command-here
# %% sx
%sx echo sx
# %% system_magic
%system echo system
# %% python_of_the_shell
!python -c "print('from python')"
# %% bash
%%bash
echo bash
echo error >&2
x=1
echo $((x + 1))
# %% bash_fails
%%bash
echo before
exit 4
# %% sh
%%sh
echo sh
# %% script_out
%%script bash --out bash_out
echo kept
# %% script_out_value
bash_out
# %% python_cell
%%python
print("other python")
# %% html_cell
%%html
<b>bold</b>
# %% markdown_cell
%%markdown
**bold**
# %% latex_cell
%%latex
$x$
# %% svg_cell
%%svg
<svg/>
# %% javascript_cell
%%javascript
1
# %% pwd
import os
%pwd
# %% cd
%mkdir -p sub
%cd sub
# %% cd_back
%cd -q ..
os.path.basename(os.getcwd()) != "sub"
# %% cat
%cat made.py
# %% pinfo
%pinfo sum
# %% pdoc
%pdoc sum
# %% psource
%psource os.path.basename
# %% pycat
%pycat made.py
# %% history
%history -n 1-2
# %% history_one
%history 1
# %% recall
%recall 1
# %% rerun
%rerun 1
# %% macro
%macro -q twice 1
twice
# %% alias
%alias hi echo hi
hi there
# %% alias_magic
%alias_magic t time
%t 1 + 1
# %% save
%save -f saved.py 1
# %% magic_functions
from IPython.core.magic import register_line_magic, register_cell_magic
@register_line_magic
def shout(line):
    return line.upper()
@register_cell_magic
def reverse(line, cell):
    print(line, cell[::-1])
%shout hello
# %% own_cell_magic
%%reverse backwards
abc
# %% automagic
%automagic
# %% automagic_used
%automagic on
pwd -h
# %% quickref
%quickref
# %% reset_selective
gamma = 1
%reset_selective -f gamma
"gamma" in globals()
# %% xdel
delta = 1
%xdel delta
"delta" in globals()
# %% load_ext
%load_ext autoreload
%autoreload 2
# %% load_ext_again
%load_ext autoreload
# %% load_ext_missing
%load_ext no_such_extension
# %% store
%store
# %% prun
%prun -q sum(range(10))
# %% timeit_result
result = %timeit -o -q -n 1 -r 1 1
type(result)
# %% psearch
%psearch os.pat*
# %% pfile
%pfile os.path
# %% pprint
%pprint
list(range(60))
# %% pprint_on
%pprint
# %% colors
%colors nocolor
1 / 0
# %% colors_back
%colors linux
# %% gui
%gui
# %% dhist
len(_dh)
# %% bookmark
%bookmark -l
# %% logstate
%logstate
# %% unalias
%unalias hi
# %% notebook_magic_in_function
def run_magic():
    get_ipython().run_line_magic("time", "1 + 1")
run_magic()
# %% run_cell
get_ipython().run_cell("print('nested'); 5").result
# %% run_cell_magic
get_ipython().run_cell_magic("capture", "inner", "print('x')"); inner.stdout
# %% ex
get_ipython().ex("z = 9"); get_ipython().ev("z + 1")
# %% set_next_input
get_ipython().set_next_input("x = 1")
# %% config
%config TerminalInteractiveShell
# %% config_list
%config
# %% reset
%reset -f
# %% after_reset
sorted(name for name in globals() if not name.startswith("_"))
# %% after_reset_history
print(In[-1]); 5
# %% reset_in
%reset -f in
# %% last
"end"
'''

NAMESPACE = r'''
# %% first_names
sorted(globals())
# %% import_main
import __main__
value = 5
__main__.value, __name__, __main__ is not None, "__file__" in globals()
# %% modules
import sys
sys.modules["__main__"].__dict__ is globals()
# %% builtins
import builtins
builtins is __builtins__, hasattr(builtins, "display"), hasattr(builtins, "get_ipython"), __builtin__ is builtins
# %% builtin_functions
[type(getattr(builtins, name)).__name__ for name in ("input", "open", "print", "exit", "quit", "copyright", "help")]
# %% get_ipython
shell = get_ipython()
type(shell).__mro__, shell.execution_count, "IPKernelApp" in shell.config, shell.user_ns is globals()
# %% shell_settings
shell.colors, shell.autoawait, shell.loop_runner.__name__, shell.ast_node_interactivity, shell.banner1 == "", shell.autoindent
# %% shell_text
repr(shell).split(" ")[0], shell.InteractiveTB.mode, shell.display_formatter.active_types
# %% extensions
sorted(shell.extension_manager.loaded)
# %% magics
{kind: sorted(names) for kind, names in shell.magics_manager.lsmagic().items()}
# %% path
import os, site
[os.path.relpath(p, sys.prefix) if p else p for p in sys.path]
# %% argv
len(sys.argv), os.path.basename(sys.argv[0]), sys.argv[1]
# %% argparse
import argparse
argparse.ArgumentParser().parse_args()
# %% executable
sys.executable, sys.prefix, sys.version_info[:2], sys.getrecursionlimit(), sys.gettrace(), sys.flags.optimize
# %% hooks
[type(getattr(sys, name)).__module__ for name in ("displayhook",)], sys.breakpointhook is sys.__breakpointhook__
# %% encodings
import locale
sys.getdefaultencoding(), sys.getfilesystemencoding(), locale.getpreferredencoding(), sys.flags.utf8_mode
# %% working_folder
os.getcwd() == os.path.abspath("."), sorted(n for n in os.listdir() if not n.startswith("."))
# %% environment
{name: os.environ.get(name) for name in ("TERM", "CLICOLOR", "FORCE_COLOR", "PAGER", "GIT_PAGER", "MPLBACKEND", "JPY_PARENT_PID") if name != "JPY_PARENT_PID"}
# %% umask_and_signals
import signal
signal.getsignal(signal.SIGINT)
# %% interrupt_ourselves
os.kill(os.getpid(), signal.SIGINT)
# %% getsource
import inspect
def documented(a, b=2):
    """Text."""
    return a + b  # sum
print(inspect.getsource(documented)); inspect.signature(documented), documented.__module__, documented.__qualname__
# %% getsource_of_a_class
class Documented:
    """A class."""
    def method(self): pass
print(inspect.getsource(Documented.method))
# %% getfile
os.path.basename(os.path.dirname(inspect.getfile(documented))).startswith("ipykernel_")
# %% doctest
import doctest
def doubled(n):
    """
    >>> doubled(2)
    4
    >>> doubled(3)
    7
    """
    return 2 * n
doctest.testmod()
# %% unittest
import unittest
class TestIt(unittest.TestCase):
    def test_right(self): self.assertEqual(1, 1)
    def test_wrong(self): self.assertEqual(1, 2)
unittest.main(argv=[""], exit=False, verbosity=0).result
# %% pickle
import pickle
class Kept:
    def __init__(self, v): self.v = v
    def __eq__(self, other): return self.v == other.v
pickle.loads(pickle.dumps(Kept(5))) == Kept(5), Kept.__module__, repr(Kept)
# %% pickle_of_a_function
pickle.loads(pickle.dumps(documented))(1)
# %% pickle_of_a_lambda
pickle.dumps(lambda: 0)
# %% typing
from typing import get_type_hints
def typed(a: int, b: "str") -> list[int]: ...
get_type_hints(typed)
# %% deepcopy
import copy
copy.deepcopy({"a": [Kept(1)]})["a"][0].v
# %% support_module
import helper_module
helper_module.__name__, os.path.basename(helper_module.__file__), helper_module.double(4)
# %% support_module_first
import random
os.path.relpath(random.__file__, os.path.dirname(os.__file__))
# %% reload
import importlib
importlib.reload(helper_module).double(5)
# %% star_import
from helper_module import *
double(6)
# %% fork_context
import multiprocessing
def square(n): return n * n
with multiprocessing.get_context("fork").Pool(2) as pool:
    squares = pool.map(square, range(5))
squares
# %% prints_in_a_child
process = multiprocessing.get_context("fork").Process(target=print, args=("from a child",)); process.start(); process.join()
import time; time.sleep(0.2)
# %% error_in_a_child
process = multiprocessing.get_context("fork").Process(target=square, args=("x",), name="Child"); process.start(); process.join()
time.sleep(0.2); process.exitcode
# %% os_fork
import sys
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)[1]
# %% process_pool
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(square, range(4))))
# %% joblib
from joblib import Parallel, delayed
Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4))
# %% sklearn_two_jobs
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
X, y = load_iris(return_X_y=True)
cross_val_score(RandomForestClassifier(5, random_state=0), X, y, cv=2, n_jobs=2).round(3)
# %% sklearn_repr
RandomForestClassifier(5)
# %% sklearn_warning
from sklearn.neural_network import MLPClassifier
MLPClassifier((2,), max_iter=1, random_state=0).fit(X, y).loss_
# %% sklearn_error
MLPClassifier().predict(X)
# %% frame
import pandas as pd
import numpy as np
frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.1, np.nan, 1e9]}); frame
# %% series
frame["a"]
# %% styler
frame.style.format(precision=1).set_uuid("fixed")
# %% describe_and_info
frame.info(); frame.describe()
# %% long_frame
pd.DataFrame(np.arange(200).reshape(100, 2))
# %% wide_frame
pd.DataFrame(np.zeros((2, 50)))
# %% groupby
frame.groupby("a").size()
# %% index_and_time
pd.date_range("2024-01-01", periods=2), pd.Timestamp("2024-01-01"), pd.NA
# %% chained_assignment
frame["a"][0] = 5
# %% pandas_options
pd.set_option("display.max_rows", 4); pd.DataFrame({"n": range(10)})
# %% arrays
np.arange(2000), np.eye(2), np.float64(0.5), np.array(["a"]), np.nan
# %% print_options
np.set_printoptions(precision=2, suppress=True); np.array([1.23456, 1e-9])
# %% random_seeded
import random
random.seed(1); np.random.seed(1); random.random(), np.random.rand(2), np.random.default_rng(3).integers(9, size=3)
# %% rich_text
import rich
rich.print("[bold red]hello[/] world")
# %% rich_table
from rich.table import Table
table = Table(title="T"); table.add_column("a"); table.add_row("1"); rich.print(table)
# %% garbage
import gc
gc.isenabled(), gc.get_threshold()
# %% weak_references
import weakref
thing = Kept(1); reference = weakref.ref(thing); del thing; reference() is None
# %% switch_of_threads
sys.getswitchinterval(), __import__("threading").current_thread().name, __import__("threading").main_thread() is __import__("threading").current_thread()
# %% timers
import timeit
timeit.timeit("1 + 1", number=10) < 5
# %% exit_object
exit
# %% atexit
import atexit
atexit.register(print, "never seen");
# %% module_from_text
import types
module = types.ModuleType("mine"); exec("q = 1", module.__dict__); module.q
# %% shadowed_names
list = [1]; print(list); del list; list((1, 2))
# %% deleted_display
display = None
# %% after_deleted_display
"still shown"
# %% no_builtins_changed
del display; display("back")
# %% print_replaced
print = lambda *args: None
print("nothing"); del print
# %% stdout_replaced
import io
saved, sys.stdout = sys.stdout, io.StringIO()
# %% stdout_stays_replaced
print("into the buffer"); 5
# %% stdout_restored
text, sys.stdout = sys.stdout.getvalue(), saved; text
# %% stdout_closed
sys.stderr.close(); sys.stderr.closed
# %% after_close
sys.stderr.write("x")
'''

NOTEBOOKS = {
    "streams": STREAMS, "display": DISPLAY, "figures": FIGURES, "errors": ERRORS, "async": ASYNC, "magics": MAGICS,
    "namespace": NAMESPACE,
}  # fmt: skip
HELPER = '''"""Lies beside the notebooks."""

import warnings


def double(n):
    """Twice n."""
    return 2 * n


def fail(n):
    """Always fail."""
    wrong = n / 0
    return wrong


def warn():
    """Warn about this line."""
    warnings.warn("from the helper", UserWarning)
'''
