"""Runs notebook cells as an IPython kernel would: same code, one loop, outputs collected in place."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from tornado.ioloop import IOLoop

from nbseal.worker import walls
from nbseal.worker.kernel.alarms import alarm
from nbseal.worker.kernel.outputs import Collector
from nbseal.worker.patches import tracebacks
from nbseal.worker.patches.compiled_cells import CompiledCells
from nbseal.worker.patches.kernel import arguments, import_path, make_kernel, use_pipes_for_commands
from nbseal.worker.patches.streams import Outbox, mute, open_streams

WAITING = 2  # a cell may take this many times its processor time, because other cells run beside it
NO_ERROR = "NoneType"  # what a kernel calls the error of a cell whose result can't be drawn
LAST_ERROR = ("last_type", "last_value", "last_traceback")
# the second error passes through a file, whose lines are coloured by other means than a cell's
REHEARSAL = [
    "import math",
    "math.nothing",
    "import nbseal.worker.patches.rehearsed_error as mistake\nmistake.make()",
    "await __import__('asyncio').sleep(0)",
    "x = = 1",
    "[1.5, 'a']",
]


class CellRunner:
    """A kernel whose outputs are collected; made in the warm process, used in its forks."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.outbox = Outbox(self.collector)
        self.kernel = make_kernel(self.outbox)
        self.shell = self.kernel.shell
        self.streams: list[Any] = []
        self._first_names = dict(self.shell.user_ns)
        self._compiled = CompiledCells(self.shell)
        use_pipes_for_commands()
        tracebacks.share_work(self.shell)

    def limit(self, output_bytes: int, outputs_per_cell: int) -> None:
        """Say how much output is kept from a cell."""
        self.collector.limit, self.collector.count_limit = output_bytes, outputs_per_cell

    def read(self, sources: list[str]) -> None:
        """Read cells that will be run after the first fork."""
        for source in sources:
            self._compiled.read(source)

    def rehearse(self) -> None:
        """Run a few cells before the first fork, so that what they load and cache is shared; then forget them."""
        standard = sys.stdout, sys.stderr
        for _ in self.run([{"index": i, "source": source} for i, source in enumerate(REHEARSAL)], 60.0):
            pass
        sys.stdout, sys.stderr = standard
        asyncio.get_event_loop().close()
        self.shell.reset(new_session=True)
        for name, value in self._first_names.items():
            self.shell.user_ns.setdefault(name, value)
        for name in LAST_ERROR:
            delattr(sys, name)
        self.collector.forget()

    def take_streams(self) -> None:
        """Point Python's output streams, and descriptors 1 and 2, at the collector. For a fork of its own."""
        self.streams = open_streams(self.kernel.session, self.outbox)

    def mute(self) -> None:
        """Drop all output from now on: what hidden calls print is nobody's output."""
        self.collector.end()
        mute(self.streams)

    def forget_errors(self) -> None:
        """Let go of the last error's frames: the variables in them may hold all the memory that there is.

        IPython keeps the error with the last cell's result, too, so the frames are emptied.
        """
        if getattr(sys, "last_value", None) is not None:
            traceback.clear_frames(sys.last_traceback)
            for name in LAST_ERROR:
                setattr(sys, name, None)
            gc.collect()

    def restart_user(self, work: str) -> None:
        """Forget what differs between a warm process and a new kernel: environment marks, arguments, import path."""
        sys.path[:] = import_path(sys.path)
        sys.argv[:] = arguments()
        self.shell.user_ns["_dh"][:] = [work]
        profile = self.shell.profile_dir  # where %store keeps things
        profile.unobserve_all("location")  # so that the folder is made only when something is stored
        profile.location = f"{work}/.ipython/profile_default"
        os.environ["JPY_PARENT_PID"] = "1"

    def run(self, cells: list[dict[str, Any]], cell_seconds: float) -> Iterator[dict[str, Any]]:
        """Run cells in order, yielding each one's outputs."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self.kernel.io_loop = IOLoop.current()
        context = contextvars.copy_context()
        pid = os.getpid()
        for cell in cells:
            index = cell["index"]
            wall, cpu = time.monotonic(), time.process_time()
            timed_out = self._run_one(loop, context, cell, cell_seconds)
            if isinstance(getattr(sys, "last_value", None), MemoryError):
                self.forget_errors()
                walls.give_headroom(False)
            if os.getpid() != pid:
                os._exit(0)  # the notebook has forked, and the fork has come to the end of its cell
            yield {
                "index": index,
                "outputs": self.collector.cells[index],
                "execution_count": self.collector.execution_count,
                "seconds": time.monotonic() - wall,
                "cpu": time.process_time() - cpu,
                "timed_out": timed_out,
            }

    def _run_one(
        self, loop: asyncio.AbstractEventLoop, context: contextvars.Context, cell: dict[str, Any], seconds: float
    ) -> bool:
        """Run one cell and tell whether it was interrupted; whatever escapes from it is shown as its error.

        ``seconds`` are of processor time.
        """
        fired, limit = 0, ""

        def interrupt(signum: int, frame: FrameType | None) -> None:
            nonlocal fired, limit
            fired += 1
            taken = seconds if signum == signal.SIGPROF else WAITING * seconds
            limit = limit or f"this cell ran longer than its time limit, {taken:g} seconds"
            if fired == 1 and loop.is_running() and asyncio.current_task(loop) is None:
                loop.call_soon_threadsafe(task.cancel, limit)  # it awaits something: nothing runs that could be stopped
            else:
                raise KeyboardInterrupt(limit)

        request = self.kernel.session.msg("execute_request", {"code": cell["source"]})
        self.collector.begin(cell["index"], request["msg_id"], self.shell.execution_count)
        task = loop.create_task(self._execute(request), context=context)
        with alarm(seconds, WAITING * seconds, interrupt):
            try:
                loop.run_until_complete(task)
            except BaseException:  # from a task or a callback of the notebook's own
                context.run(self._show_error)
                self._end_task(loop, task)
        return fired > 0

    def _end_task(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """End a cell that still awaits something after its event loop was stopped by an error."""
        if loop.is_closed() or task.done():
            return
        task.cancel()
        try:
            loop.run_until_complete(asyncio.wait([task], timeout=1.0))
        except BaseException:  # a second error or interruption: the next cell gets the loop as it is
            return

    async def _execute(self, request: dict[str, Any]) -> None:
        self.kernel.set_parent([], request)
        try:
            reply = await self.kernel.do_execute(request["content"]["code"], False, True, {}, False)
        except Exception:
            self._show_error()
            return
        self._finish()
        if reply["status"] == "error" and reply["ename"] != NO_ERROR:
            self.collector.keep_error(reply["ename"], reply["evalue"])

    def _show_error(self) -> None:
        """Show the error that is being handled, and end the cell with it."""
        error = sys.exception()
        try:
            self.shell.showtraceback()
        except Exception:  # the notebook has put something into the place of the streams that is none
            sys.stdout, sys.stderr = self.streams
            with suppress(Exception):  # or into the place of what shows errors
                self.shell.showtraceback()
        self._finish()
        said = ""
        with suppress(Exception):  # of the notebook's own, in what says it
            said = str(error)
        self.collector.keep_error(type(error).__name__, said)

    def _finish(self) -> None:
        """Send what is left of the streams, as a kernel does before it says that it is idle."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                continue  # whatever the notebook has put in the stream's place
        self.collector.end()
