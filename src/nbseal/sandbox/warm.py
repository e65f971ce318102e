"""A warm process with everything imported, from which sealed processes are forked."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbseal.errors import SealBroken, SealError, WireError
from nbseal.sandbox.cgroups import Group, Homes, homes
from nbseal.sandbox.launch import Adoptable, Forking, Launched, launch_worker
from nbseal.sandbox.levels import Level, choose_level, mechanisms_for
from nbseal.sandbox.sealed import SealedProcess
from nbseal.wire import EndOfStream

if TYPE_CHECKING:
    from nbseal.course import Seal

START_SECONDS = 120.0
DISKS = 3  # memory disks of each sealed process


@dataclass(frozen=True)
class WarmSettings:
    """What to load before the first fork, and the limits of every fork."""

    modules: list[str] = field(default_factory=list)
    support: str | None = None
    preload_calls: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


class WarmProcess(Adoptable):
    """Owns one warm process; a context manager that any number of threads may use.

    It begins to import in the background at once; ``load`` tells it what else to load, and ``start`` waits for that.
    Without a ``level`` it takes the strongest that the settings and the machine allow.
    """

    def __init__(self, seal: Seal, level: Level | None = None, launched: Launched | None = None) -> None:
        self._level = level
        self._seal = seal
        self._lock = threading.Lock()
        self._launched = launched or launch_worker()
        self._forking: Forking = self._launched
        self._free_groups: list[Group] = []
        self._free_supervisors: list[socket.socket] = []
        self._loading = self._reading = self._started = self._closed = False
        with suppress(WireError):  # which is explained when it is to start
            self._launched.control.send({"try": [] if level else mechanisms_for(seal.level)})

    def load(self, settings: WarmSettings) -> None:
        """Have the modules and files loaded that ``settings`` name; SealError when the process fails, and then ends.

        SealUnavailable when student code can't be sealed here as the course asks.
        """
        with self._closed_on_failure():
            levels = self._receive()["levels"]
            self._level = self._level or choose_level(self._seal.level, levels)
            with suppress(WireError):  # which is explained when it is to start
                self._launched.control.send(self._message(settings))
            self._loading = True
            self._give_back(self._take_group())  # to find out whether one can be made takes a while

    def read(self, settings: WarmSettings) -> None:
        """Have the cells read that ``settings`` name, and loaded what isn't loaded yet; errors as from `load`."""
        if not self._loading:
            self.load(settings)
        with suppress(WireError):
            self._launched.control.send({"sources": settings.sources})
        self._reading = True

    def start(self, settings: WarmSettings | None = None) -> WarmProcess:
        """Load and read what isn't yet, and wait until the process can be forked; errors as from `load`."""
        if not self._reading:
            self.read(settings or WarmSettings())
        with self._closed_on_failure():
            self._be_ready(self._receive())
        return self

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _receive(self) -> dict[str, Any]:
        """What the process says next; SealError when it has failed."""
        try:
            reply: dict[str, Any] = self._launched.control.receive(time.monotonic() + START_SECONDS)
        except EndOfStream as error:
            why = self._launched.complaint() or error
            raise SealError(f"the warm process ended while it started: {why}") from error
        if "error" in reply:
            raise SealError(f"the warm process could not start: {reply['error']}")
        return reply

    def _be_ready(self, reply: dict[str, Any]) -> None:
        if reply["threads"] != 1:
            raise SealError(
                f"the warm process has {reply['threads']} threads and can't fork safely: a module in "
                "c.Seal.preload_modules, or a function in c.Seal.preload_calls, starts threads"
            )
        self._started = True

    @property
    def level(self) -> Level:
        """How its forks are sealed; where that was not given, it is known once the process has started."""
        assert self._level is not None
        return self._level

    def __getstate__(self) -> dict[str, Any]:
        """What another process of ours needs besides the descriptor: see `adopt`."""
        return {"_level": self._level, "_seal": self._seal, "_started": self._started, "_closed": self._closed}

    def adopt(self, descriptor: int) -> None:
        """In another process of ours: have the process fork, and keep of its forks what is ours alone."""
        super().adopt(descriptor)
        self._free_groups, self._free_supervisors = [], []

    def _message(self, settings: WarmSettings) -> dict[str, object]:
        seal = self._seal
        return {
            "modules": ["numpy", "numpy.random", *seal.preload_modules, *settings.modules],
            "support": settings.support,
            "preload_calls": settings.preload_calls,
            "level": self.level.mechanism,
            "readable_paths": list(seal.readable_paths),
            "scratch": self._launched.scratch.name,
            "environment": {name: os.environ[name] for name in seal.warm_environment if name in os.environ},
            "cell_seconds": seal.cell_seconds,
            "total_seconds": seal.notebook_seconds + seal.hidden_tests_seconds + 10.0,
            "memory_mib": seal.memory_mib,
            "processes": seal.processes,
            "open_files": seal.open_files,
            "disk_mib": seal.disk_mib,
            "output_kib": seal.output_kib,
            "outputs_per_cell": seal.outputs_per_cell,
        }

    def spawn(self) -> SealedProcess:
        """Fork a sealed process; SealBroken when the warm process is gone."""
        group = self._take_group()
        ours, theirs = socket.socketpair()
        our_control, their_control = socket.socketpair()
        procs_files = group.procs_files if group else []
        try:
            supervisor = self._hand_over([theirs.fileno(), their_control.fileno(), *procs_files])
        except OSError as error:
            ours.close()
            our_control.close()
            self._give_back(group)
            raise SealBroken(f"the warm process is gone: {error}") from error
        finally:
            theirs.close()
            their_control.close()

        def ended(reported: bool) -> None:
            self._give_back(group)
            self._dismiss(supervisor, reported)

        return SealedProcess(ours, our_control, self._seal, group, ended)

    def _hand_over(self, descriptors: list[int]) -> socket.socket:
        """Give a submission's descriptors to a supervisor that is free, or to a new one."""
        while True:
            with self._lock:
                free = self._free_supervisors.pop() if self._free_supervisors else None
                supervisor = free or self._forking.fork()
            try:
                socket.send_fds(supervisor, [b"F"], descriptors)
                return supervisor
            except OSError:
                supervisor.close()
                if free is None:
                    raise

    def _dismiss(self, supervisor: socket.socket, reported: bool) -> None:
        """Keep a supervisor for the next submission where it can take another, and has told the end of this one."""
        with self._lock:
            if reported and not self._closed and self.level.mechanism == "namespaces":
                self._free_supervisors.append(supervisor)
                return
        supervisor.close()

    def _take_group(self) -> Group | None:
        """A control group for the next process, where the machine lets us make one: removing one takes a while."""
        with self._lock:
            if self._free_groups:
                return self._free_groups.pop()
        if self.level.mechanism == "none" or not self._seal.control_groups:
            return None
        found = homes()
        if not isinstance(found, Homes):
            return None
        # files in memory disks count as memory of the group, and have a limit of their own
        return Group(found, self._seal.memory_mib + DISKS * self._seal.disk_mib, self._seal.processes)

    def _give_back(self, group: Group | None) -> None:
        """Keep a group whose processes have ended for the next submission."""
        if group is None:
            return
        with self._lock:
            if not self._closed and group.is_free():
                self._free_groups.append(group)
                return
        group.close()

    def close(self) -> None:
        """End the warm process and remove its folder; forks that still run are ended by the kernel."""
        self._launched.close(kill=not self._started)  # it may still be loading, for nobody
        with self._lock:
            self._closed = True
            while self._free_groups:
                self._free_groups.pop().close()
            while self._free_supervisors:
                self._free_supervisors.pop().close()

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
