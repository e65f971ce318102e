"""One sealed process as the trusted side sees it: run the cells, hand out the descriptors, end it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbseal.errors import SealBroken, WireError
from nbseal.wire import Channel, EndOfStream, Late

if TYPE_CHECKING:
    from nbseal.course import Seal
    from nbseal.sandbox.cgroups import Group

GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class CellResult:
    """What one cell put out; outputs are unchecked until the notebook takes them in."""

    index: int
    outputs: list[dict[str, Any]]
    execution_count: int | None
    seconds: float
    cpu: float
    timed_out: bool


@dataclass
class Run:
    """How far the cells came: results by index, and why it ended early if it did."""

    cells: dict[int, CellResult] = field(default_factory=dict)
    failure: str | None = None


class SealedProcess:
    """A forked process behind its walls."""

    def __init__(self, job: socket.socket, leash: socket.socket, seal: Seal, group: Group | None = None) -> None:
        self.job = Channel(job, greedy=True)
        self.leash = Channel(leash)
        self._seal = seal
        self._group = group
        self._report: dict[str, Any] | None = None
        self.lost = False  # its supervisor ended without a report: not the student's doing

    def run(
        self,
        cells: Sequence[tuple[int, str]],
        files: Mapping[str, bytes],
        on_cell: Callable[[int], None] | None = None,
    ) -> Run:
        """Run ``(index, source)`` cells among ``files``; an early end is told in ``failure``, never raised."""
        run = Run()
        deadline = time.monotonic() + self._seal.notebook_seconds
        try:
            request = {"cells": [{"index": i, "source": s} for i, s in cells], "files": dict(files)}
            self.job.send(request, deadline)
            while True:
                message = self.job.receive(deadline)
                if "sealing_failed" in message:
                    raise SealBroken(f"the walls could not be built: {message['sealing_failed']}")
                if message.get("finished"):
                    for index, outputs in message["changed"].items():
                        run.cells[index] = _with_outputs(run.cells[index], outputs)
                    return run
                result = _cell_result(message)
                run.cells[result.index] = result
                if on_cell:
                    on_cell(result.index)
        except Late:
            self.end()
            run.failure = f"the notebook ran longer than {self._seal.notebook_seconds:g} seconds, the time limit"
        except EndOfStream:
            run.failure = f"the notebook's process ended before its last cell: {self.explain_end()}"
        except (WireError, KeyError, TypeError, AttributeError, ValueError) as error:
            self.end()
            run.failure = f"the notebook's process sent something that is not an output ({type(error).__name__})"
        return run

    def end(self) -> dict[str, Any]:
        """End the process and everything it started, and return the supervisor's report."""
        if self._report is None:
            deadline = time.monotonic() + GRACE_SECONDS
            try:
                self.leash.send({"do": "end"}, deadline)
            except WireError:
                pass
            self._await_report(deadline)
        self.job.close()
        self.leash.close()
        if self._group:
            self._group.close()
            self._group = None
        return self._report or {}

    @contextmanager
    def lent(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Lend the ends to who asks: job and leash; once the process has ended, ends that lead nowhere."""
        if self._report is None:
            yield self.job.sock, self.leash.sock
            return
        one, other = socket.socketpair()
        with one, other:
            yield one, other

    def _await_report(self, deadline: float) -> None:
        try:
            report = self.leash.receive(deadline)
            self._report = report if isinstance(report, dict) else {}
        except WireError as error:
            self.lost = isinstance(error, EndOfStream)
            self._report = {"error": str(error)}
        if self._group and self._report.get("reason") is None and self._group.ran_out_of_memory():
            self._report["reason"] = "memory"

    def explain_end(self) -> str:
        """Say why the process ended by itself."""
        if self._report is None:
            self._await_report(time.monotonic() + GRACE_SECONDS)
        report = self._report or {}
        if report.get("reason") == "memory":
            return f"it used more than {self._seal.memory_mb} MiB of memory, the limit"
        if report.get("reason") == "time":
            return "it ran longer than the time limit"
        if "error" in report:
            return str(report["error"])
        code = report.get("exit", 0)
        return f"signal {-code} ended it" if code < 0 else "it left on its own"


def _cell_result(message: dict[str, Any]) -> CellResult:
    outputs = message["outputs"]
    if not isinstance(outputs, list) or type(message["index"]) is not int:
        raise TypeError("a cell's outputs are not a list")
    count = message["execution_count"]
    return CellResult(
        index=message["index"],
        outputs=outputs,
        execution_count=count if type(count) is int else None,
        seconds=float(message["seconds"]),
        cpu=float(message["cpu"]),
        timed_out=bool(message["timed_out"]),
    )


def _with_outputs(result: CellResult, outputs: Any) -> CellResult:
    if not isinstance(outputs, list):
        raise TypeError("a cell's outputs are not a list")
    return CellResult(result.index, outputs, result.execution_count, result.seconds, result.cpu, result.timed_out)
