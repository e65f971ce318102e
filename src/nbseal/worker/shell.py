"""Runs notebook cells as an IPython kernel would, without a kernel: same shell class, same compiler, one loop."""

from __future__ import annotations

import asyncio
import builtins
import getpass
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, MethodType, SimpleNamespace
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.kernelbase import Kernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.history import HistoryManager

from nbseal.worker.capture import CapturingSession, Collector, Stream


class CellRunner:
    """An IPython shell whose outputs are collected; made in the warm process, used in its forks."""

    def __init__(self, output_bytes: int, outputs_per_cell: int) -> None:
        HistoryManager.enabled = False  # a history file would need a thread, and fork needs there to be one
        self.collector = Collector(output_bytes, outputs_per_cell)
        self.session = CapturingSession()
        self.session.collector = self.collector
        kernel = SimpleNamespace(eventloop=None, _allow_stdin=False)
        self.shell = ZMQInteractiveShell.instance(kernel=kernel, user_ns={}, compiler_class=XCachingCompiler)
        for publisher in (self.shell.displayhook, self.shell.display_pub):
            publisher.session = self.session
            publisher.pub_socket = object()
        self.shell.displayhook.topic = b"execute_result"
        self._as_shipped = self._transformers()
        self._transformed: dict[str, str] = {}
        self._transform = self.shell.transform_cell
        self.shell.transform_cell = self._transform_once
        # what the kernel does: asking for input is an error under nbclient
        builtins.input = MethodType(Kernel.raw_input, kernel)
        getpass.getpass = MethodType(Kernel.getpass, kernel)

    def _transformers(self) -> list[list[Any]]:
        manager = self.shell.input_transformer_manager
        return [
            list(manager.cleanup_transforms),
            list(manager.line_transforms),
            list(manager.token_transformers),
            list(self.shell.input_transformers_post),
        ]

    def _transform_once(self, source: str) -> str:
        """What IPython makes of a cell: it asks twice for each, and locked cells are known before the first fork."""
        if self._transformers() != self._as_shipped:
            return str(self._transform(source))
        if source not in self._transformed:
            self._transformed[source] = self._transform(source)
        return self._transformed[source]

    def rehearse(self, sources: list[str]) -> None:
        """Run a few cells before the first fork, so that what they load and cache is shared; then forget them.

        ``sources`` of the template are only looked at, not run.
        """
        for source in sources:
            try:
                self._transform_once(source)
            except SyntaxError:
                continue
        self.take_streams()
        cells = ["import math", "math.nothing", "await __import__('asyncio').sleep(0)", "x = = 1", "[1.5, 'a']"]
        for _ in self.run([{"index": i, "source": source} for i, source in enumerate(cells)], 60.0):
            pass
        asyncio.get_event_loop().close()
        self.shell.reset(new_session=True)
        self.collector.cells.clear()
        self.collector.begin(-1)

    def take_streams(self) -> None:
        """Point Python's output streams at the collector."""
        sys.stdout = Stream("stdout", self.collector)
        sys.stderr = Stream("stderr", self.collector)

    def restart_user(self, work: str) -> None:
        """Forget what differs between a warm process and a new kernel: environment marks and import path."""
        sys.path.insert(0, "")
        self.shell.user_ns["_dh"] = [work]
        os.environ["JPY_PARENT_PID"] = "1"

    def run(self, cells: list[dict[str, Any]], cell_seconds: float) -> Iterator[dict[str, Any]]:
        """Run cells in order, yielding each one's outputs; ``source`` None stands for a skipped cell."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        for cell in cells:
            index, source = cell["index"], cell["source"]
            self.collector.begin(index)
            wall, cpu = time.monotonic(), time.process_time()
            timed_out = self._run_one(loop, source, cell_seconds)
            yield {
                "index": index,
                "outputs": self.collector.cells[index],
                "execution_count": self.shell.execution_count - 1,
                "seconds": time.monotonic() - wall,
                "cpu": time.process_time() - cpu,
                "timed_out": timed_out,
            }

    def _run_one(self, loop: asyncio.AbstractEventLoop, source: str, seconds: float) -> bool:
        fired = False

        def interrupt(signum: int, frame: FrameType | None) -> None:
            nonlocal fired
            fired = True
            raise KeyboardInterrupt(f"the cell was stopped after {seconds:g} seconds, the time limit")

        with alarm(seconds, interrupt):
            try:
                loop.run_until_complete(self._execute(source))
            except KeyboardInterrupt:
                self.shell.showtraceback()
            except RuntimeError as error:
                if fired or "loop" not in str(error):
                    raise
                self.shell.showtraceback()
        return fired

    async def _execute(self, source: str) -> None:
        shell = self.shell
        failure = None
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            transformed, failure = source, sys.exc_info()
        if not shell.should_run_async(source, transformed_cell=transformed, preprocessing_exc_tuple=failure):
            shell.run_cell(source, store_history=True)
            return
        result = None
        try:
            result = await shell.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failure
            )
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)


@contextmanager
def alarm(seconds: float, handler: Any) -> Iterator[None]:
    """Call ``handler`` as a signal handler when the block takes longer than ``seconds`` of wall time."""
    previous = signal.signal(signal.SIGALRM, handler)
    # repeats, so that code which swallows one interruption meets the next
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
