"""Dask clusters of processes on this machine, whose workers can be made to go wrong."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Self

from tests.courses import command_line, descendants, end, environment, kill, wait_until
from tests.ports import free_ports

START_SECONDS = 60.0
WORKER = ("dask worker [", "multiprocessing.spawn")  # what the process that grades is called, below its watcher


class Host:
    """A machine of its own for the network: a namespace, and a cable to it; a context manager. Needs root."""

    def __init__(self, number: int) -> None:
        name = f"nbs{os.getpid() % 100_000}x{number}"
        self.cable = name
        self.name = name
        self.address, self.other_end = f"10.213.{number}.2", f"10.213.{number}.1"
        self.inside = ["ip", "netns", "exec", name]

    def cut(self, seconds: float) -> None:
        """Pull the cable for a while."""
        _ip("link", "set", self.cable, "down")
        time.sleep(seconds)
        _ip("link", "set", self.cable, "up")

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("addr", "add", f"{self.other_end}/24", "dev", self.cable)
        _ip("link", "set", self.cable, "up")
        for device, address in (("lo", ""), ("eth0", f"{self.address}/24")):
            if address:
                _ip("-n", self.name, "addr", "add", address, "dev", device)
            _ip("-n", self.name, "link", "set", device, "up")
        _ip("-n", self.name, "route", "add", "default", "via", self.other_end)
        return self

    def __exit__(self, *_: object) -> None:
        _ip("netns", "delete", self.name)


def can_make_hosts() -> bool:
    """Whether this machine lets us make namespaces and cables."""
    try:
        with Host(250):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Cluster:
    """A scheduler, and workers with one thread each; a context manager that ends all of them.

    ``log`` has what they say.
    """

    def __init__(self, folder: Path, tls: dict[str, Path] | None = None, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.log = folder / "cluster.log"
        self.tls = [part for name, file in (tls or {}).items() for part in (f"--tls-{name}", str(file))]
        self.port = free_ports(1)
        self.address = f"{'tls' if tls else 'tcp'}://{host}:{self.port}"
        self.host = host
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self) -> Self:
        """Start it, or start it again at the same address."""
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", *self.tls]
        before = self._said("Scheduler at")
        self.scheduler = self._start([*command, "--host", self.host, "--port", str(self.port)])
        assert wait_until(lambda: self._said("Scheduler at") > before, START_SECONDS), self.log.read_text()
        return self

    def start_worker(
        self, preload: str = "", jobs: int = 1, host: Host | None = None, **more: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker as its command does; ``preload`` is Python that it runs before anything else."""
        if preload:
            path = self.folder / f"preload_{len(self.workers)}.py"
            path.write_text(preload, encoding="utf-8")
            more["DASK_DISTRIBUTED__WORKER__PRELOAD"] = f'["{path}"]'
        more |= {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "info", "PYTHONPATH": os.getcwd()}
        command = host.inside if host else []
        command += [sys.executable, "-c", "from nbseal.cli.worker import worker; worker()", "--scheduler", self.address]
        command += ["--jobs", str(jobs), *self.tls]
        before = self._said("Registered to")
        worker = self._start(command, **more)
        self.workers.append(worker)
        assert wait_until(lambda: self._said("Registered to") > before, START_SECONDS), self.log.read_text()
        return worker

    def _start(self, command: list[str], **more: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env=environment(**more), start_new_session=True, cwd=self.folder
            )

    def _said(self, words: str) -> int:
        return self.log.read_text("utf-8", "replace").count(words) if self.log.exists() else 0

    def kill(self, worker: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        """Send a signal to the process that grades; the one that watches it starts another if it ends."""
        lines = {pid: command_line(pid) for pid in descendants(worker.pid)}
        kill((pid for pid, line in lines.items() if line.startswith(WORKER[0]) or WORKER[1] in line), number)

    def stop_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """End a worker for good, with all that is below it."""
        kill(descendants(worker.pid))  # one that was stopped doesn't end by itself
        end(worker)

    def __enter__(self) -> Self:
        return self.start_scheduler()

    def __exit__(self, *_: object) -> None:
        for one in (*self.workers, self.scheduler):
            if one:
                self.stop_worker(one)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            gc.collect()  # what Dask has left unawaited is none of a later test's business
