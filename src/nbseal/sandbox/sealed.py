"""One sealed process as the trusted side sees it: run the cells, hand out the descriptors, end it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nbseal.errors import SealBroken, WireError
from nbseal.wire import Channel, EndOfStream, Late

if TYPE_CHECKING:
    from nbseal.course import Seal
    from nbseal.sandbox.cgroups import Group

GRACE_SECONDS = 5.0
PATIENCE = 0.003  # seconds: many cells take less
SLACK = 2  # notes about what was cut off come on top of a cell's output
MAX_COUNT, MAX_SECONDS = 1 << 31, 1e6
MAX_MOMENTS = 16 << 20  # bytes of values; the sealed side hands out a quarter of it


@dataclass(frozen=True)
class Moment:
    """Small plain values behind one check cell that differ from the moment before, and names that went.

    The last one, of the question "", is that of the notebook's end.
    """

    question: str
    values: dict[str, Any]
    gone: tuple[str, ...] = ()


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
    """How far the cells came: results by index, moments in order, and why it ended early if it did."""

    cells: dict[int, CellResult] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    moment_bytes: int = 0
    failure: str | None = None


class SealedProcess:
    """A forked process behind its walls."""

    def __init__(
        self,
        dialogue: socket.socket,
        control: socket.socket,
        seal: Seal,
        group: Group | None = None,
        on_end: Callable[[bool], None] = lambda reported: None,
    ) -> None:
        self.dialogue = Channel(dialogue, greedy=True, patience=PATIENCE)
        self.control = Channel(control)
        self._seal = seal
        self._group = group
        self._on_end = on_end
        self._ended = False
        self._report: dict[str, Any] | None = None
        self.lost = False  # its supervisor ended without a report: not the student's doing

    def run(
        self,
        cells: Sequence[tuple[int, str]],
        files: Mapping[str, bytes],
        on_cell: Callable[[int], None] | None = None,
        questions: Mapping[int, str] | None = None,
    ) -> Run:
        """Run ``(index, source)`` cells among ``files``; an early end is told in ``failure``, never raised.

        ``questions`` names the question of each check cell by its index: behind it, the question's moment is kept.
        """
        run, questions = Run(), questions or {}
        deadline = time.monotonic() + self._seal.notebook_seconds
        try:
            asked = [
                {"index": i, "source": s} | ({"question": questions[i]} if i in questions else {}) for i, s in cells
            ]
            self.dialogue.send({"cells": asked, "files": dict(files)}, deadline)
            self._await_walls(deadline)
            for index, _ in cells:
                message = self.dialogue.receive(deadline)
                run.cells[index] = self._cell_result(message, index)
                if index in questions:
                    _add_moment(run, questions[index], message["moment"])
                if on_cell:
                    on_cell(index)
            message = self.dialogue.receive(deadline)
            for index, outputs in message["changed"].items():
                run.cells[index] = replace(run.cells[index], outputs=self._checked(outputs))
            _add_moment(run, "", message["moment"])
        except SealBroken:
            raise
        except Late:
            self.end()
            run.failure = f"the notebook ran longer than its time limit, {self._seal.notebook_seconds:g} seconds"
        except EndOfStream:
            run.failure = f"the notebook's process ended before its last cell: {self.explain_end()}"
        except Exception as error:  # what a stranger has sent may fail in any way, but only for that stranger
            self.end()
            run.failure = f"the notebook's process sent something that is not an output ({type(error).__name__})"
        return run

    def _await_walls(self, deadline: float) -> None:
        """Wait for word that the walls stand: only before that, nothing of the student's has run."""
        message = self.dialogue.receive(deadline)
        if "sealing_failed" in message:
            raise SealBroken(f"the walls could not be built: {message['sealing_failed']}")

    def _cell_result(self, message: dict[str, Any], index: int) -> CellResult:
        """The result of the cell whose turn it is; TypeError or ValueError for anything else."""
        if type(message["index"]) is not int or message["index"] != index:
            raise ValueError("a result comes out of turn")
        count = message["execution_count"]
        return CellResult(
            index=index,
            outputs=self._checked(message["outputs"]),
            execution_count=count if type(count) is int and 0 <= count <= MAX_COUNT else None,
            seconds=_duration(message["seconds"]),
            cpu=_duration(message["cpu"]),
            timed_out=message["timed_out"] is True,
        )

    def _checked(self, outputs: Any) -> list[dict[str, Any]]:
        """Outputs within the limits, which are kept inside the walls only as long as the student lets them."""
        if not isinstance(outputs, list):
            raise TypeError("a cell's outputs are not a list")
        limit = SLACK * (self._seal.output_kib << 10) + (1 << 16)
        if len(outputs) > self._seal.outputs_per_cell + SLACK or size_of(outputs, limit) > limit:
            raise ValueError("a cell has more output than it may have")
        return outputs

    def end(self) -> dict[str, Any]:
        """End the process and everything it started, and return the supervisor's report."""
        if self._report is None:
            deadline = time.monotonic() + GRACE_SECONDS
            try:
                self.control.send({"do": "end"}, deadline)
            except WireError:
                pass
            self._await_report(deadline)
        self.dialogue.close()
        self.control.close()
        if not self._ended:
            self._ended = True
            self._on_end("exit" in (self._report or {}))
        return self._report or {}

    @contextmanager
    def lent(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Lend the ends to who asks: dialogue and control; once the process has ended, ends that lead nowhere."""
        if self._report is None:
            yield self.dialogue.sock, self.control.sock
            return
        one, other = socket.socketpair()
        with one, other:
            yield one, other

    def _await_report(self, deadline: float) -> None:
        try:
            report = self.control.receive(deadline)
            self._report = report if isinstance(report, dict) else {}
        except WireError as error:
            self.lost = isinstance(error, EndOfStream)
            self._report = {"error": str(error)}
        if self._group and self._report.get("reason") is None and self._group.ran_out_of_memory():
            self._report["reason"] = "memory"

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it that we had not sent: its own doing, or that of a machine short of memory."""
        report = self._report or {}
        return report.get("exit") == -signal.SIGKILL and report.get("reason") is None

    def explain_end(self) -> str:
        """Say why the process ended by itself."""
        if self._report is None:
            self._await_report(time.monotonic() + GRACE_SECONDS)
        report = self._report or {}
        if report.get("reason") == "memory":
            return f"it used more than {self._seal.memory_mib} MiB of memory, its limit"
        if report.get("reason") == "disk":
            return f"it wrote more than {self._seal.disk_mib} MiB of files, or too many, the limit"
        if report.get("reason") == "time":
            return "it ran longer than the time limit"
        if "error" in report:
            return str(report["error"])
        code = report.get("exit", 0)
        return f"signal {-code} ended it" if code < 0 else "it left on its own"


def _add_moment(run: Run, question: str, message: Any) -> None:
    """Take in a moment; TypeError, KeyError or ValueError for what is none, or is more than all may be together."""
    values, gone = message["values"], message["gone"]
    if type(values) is not dict or not all(type(name) is str for name in [*values, *gone]):
        raise TypeError("a moment has no names")
    run.moment_bytes += size_of(values, MAX_MOMENTS, arrays=True)
    if run.moment_bytes > MAX_MOMENTS:
        raise ValueError("a notebook's moments hold more than they may")
    run.moments.append(Moment(question, values, tuple(gone)))


def size_of(value: Any, limit: int, arrays: bool = False) -> int:
    """Roughly the bytes of plain data; whoever is over ``limit`` is not looked at to the end.

    TypeError for arrays and tables, unless ``arrays`` are allowed.
    """
    total, queue = 0, [value]
    while queue and total <= limit:
        part = queue.pop()
        total += 8
        if isinstance(part, dict):
            queue += part.keys()
            queue += part.values()
        elif isinstance(part, (list, tuple, set)):
            queue += part
        elif isinstance(part, (str, bytes)):
            total += len(part)
        elif type(part).__module__.split(".")[0] in ("numpy", "pandas"):
            if not arrays or not hasattr(part, "nbytes"):
                raise TypeError("an array is where none may be")
            total += part.nbytes
    return total


def _duration(value: Any) -> float:
    """A time in seconds that can be added up; where student code has patched the clock, none."""
    return float(value) if type(value) in (int, float) and 0 <= value < MAX_SECONDS else 0.0
