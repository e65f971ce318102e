"""Tracebacks as IPython makes them, without the work that it does again for each of them.

IPython colours the lines of files through stack_data, which makes a new Pygments style and formatter for every
traceback and a new lexer class for every frame, and then makes each traceback a second time for the history. It also
looks among all modules for that of each frame of a cell, which is in none. The same objects serve all tracebacks here,
and what is in no module isn't looked for. Measured for an assertion in a support file, in a fresh fork: 42 ms before,
9 ms after; tests/functional/test_fidelity.py shows that no character differs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import pygments
import stack_data
import stack_data.core
from pygments.formatters.terminal256 import Terminal256Formatter
from pygments.lexers.python import PythonLexer

from nbseal.worker.walls import give_headroom

RELIES_ON = (
    "stack_data.core._pygmented_with_ranges",
    "stack_data.style_with_executing_node",
    "pygments.formatters.terminal256.Terminal256Formatter._setup_styles",
    "IPython.core.compilerop.CachingCompiler:_filename_map",
    "inspect.getmodule",
)


class _Lexer(PythonLexer):  # type: ignore[misc]
    """Marks the tokens inside ``ranges``, the part of the code that was being executed."""

    ranges: list[tuple[int, int]]

    def get_tokens(self, text: str, unfiltered: bool = False) -> Iterator[tuple[Any, str]]:
        position = 0
        for kind, value in super().get_tokens(text, unfiltered):
            executing = any(start <= position < end for start, end in self.ranges)
            position += len(value)
            yield (kind.ExecutingNode if executing else kind), value


def _coloured(formatter: Any, code: str, ranges: list[tuple[int, int]]) -> list[str]:
    lexer = _Lexer(stripnl=False)
    lexer.ranges = ranges
    try:
        return str(pygments.highlight(code, lexer, formatter)).splitlines()
    except Exception:  # lines without colours are better than none
        return code.splitlines()


def share_work(shell: Any) -> None:
    """Let all tracebacks of ``shell`` share what they are drawn with."""
    stack_data.core._pygmented_with_ranges = _coloured
    stack_data.style_with_executing_node = functools.cache(stack_data.style_with_executing_node)
    set_up = Terminal256Formatter._setup_styles
    escapes: dict[tuple[Any, ...], dict[str, Any]] = {}

    def set_up_once(formatter: Any) -> None:
        key = formatter.style, formatter.usebold, formatter.useunderline, formatter.useitalic
        if key not in escapes:
            set_up(formatter)
            escapes[key] = formatter.style_string
        formatter.style_string = dict(escapes[key])

    Terminal256Formatter._setup_styles = set_up_once
    _look_for_no_modules_of_cells(shell)
    draw = shell.InteractiveTB.structured_traceback
    last: list[Any] = [None, None, None]

    def draw_once(kind: Any, exception: Any = None, frames: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(exception, MemoryError):
            give_headroom()
        if exception is None or last[0] is not exception or last[1] is not frames:
            last[:] = exception, frames, draw(kind, exception, frames, *args, **kwargs)
            return last[2]
        drawn, last[:] = last[2], (None, None, None)
        return drawn

    shell.InteractiveTB.structured_traceback = draw_once


def _look_for_no_modules_of_cells(shell: Any) -> None:
    look_for = inspect.getmodule

    def getmodule(what: Any, _filename: str | None = None) -> Any:
        code = what.f_code if isinstance(what, FrameType) else what
        if isinstance(code, CodeType) and code.co_filename in shell.compile._filename_map:
            return None
        return look_for(what, _filename)

    inspect.getmodule = getmodule  # type: ignore[assignment]
