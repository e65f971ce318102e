"""Watches a call of a student's function: how many steps it takes, and whose functions it runs."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

MAX_CALLS = 5000  # names that are kept


def traced(function: Any, arguments: list[Any]) -> dict[str, Any]:
    """What a function returns, the number of Python's instructions that it took, and the names of all that it called.

    Work inside a library's compiled code takes no steps: a loop over data takes more of them the more data there are,
    and a whole array at once doesn't.
    """
    steps = 0
    calls: set[str] = set()

    def watch(frame: FrameType, event: str, detail: Any) -> Any:
        nonlocal steps
        if event == "opcode":
            steps += 1
        elif event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            if len(calls) < MAX_CALLS:
                calls.add(f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_name}")
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        value = function(*arguments)
    finally:
        sys.settrace(before)
    return {"value": value, "steps": steps, "calls": sorted(calls)}
