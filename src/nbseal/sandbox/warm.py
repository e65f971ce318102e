"""A warm process with everything imported, from which sealed processes are forked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbseal.course import Seal
from nbseal.errors import SealBroken, SealError
from nbseal.sandbox.levels import Level, scratch_folder
from nbseal.sandbox.sealed import SealedProcess
from nbseal.wire import Channel, EndOfStream

START_SECONDS = 120.0


@dataclass(frozen=True)
class WarmSettings:
    """What to load before the first fork, and the limits of every fork."""

    modules: list[str] = field(default_factory=list)
    support: str | None = None
    warm: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


class WarmProcess:
    """Owns one warm process; a context manager that any number of threads may use.

    It begins to import in the background at once; ``start`` tells it what else to load, and waits.
    """

    def __init__(self, seal: Seal, level: Level) -> None:
        self.level = level
        self._seal = seal
        self._lock = threading.Lock()
        self._scratch = scratch_folder()
        self._complaints = Path(self._scratch.name) / "stderr.txt"
        ours, theirs = socket.socketpair()
        with theirs, self._complaints.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-m", "nbseal.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=self._environment(),
                cwd=self._scratch.name,
            )
        self._control = Channel(ours)

    def start(self, settings: WarmSettings | None = None) -> WarmProcess:
        """Load what ``settings`` name; SealError when that fails."""
        self._control.send(self._message(settings or WarmSettings()))
        try:
            reply = self._control.receive(_deadline(START_SECONDS))
        except EndOfStream as error:
            last = self._complaints.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise SealError(f"the warm process ended while it started: {' '.join(last) or error}") from error
        if "error" in reply:
            raise SealError(f"the warm process could not start: {reply['error']}")
        if reply["threads"] != 1:
            raise SealError(
                f"the warm process has {reply['threads']} threads and can't fork safely: a module in "
                "c.Seal.preload, or a function in c.Seal.warm, starts threads"
            )
        return self

    def _message(self, settings: WarmSettings) -> dict[str, object]:
        seal = self._seal
        return asdict(settings) | {
            "level": self.level.mechanism,
            "modules": ["numpy", "numpy.random", *seal.preload, *settings.modules],
            "readable": list(seal.readable),
            "scratch": self._scratch.name,
            "cell_seconds": seal.cell_seconds,
            "total_seconds": seal.notebook_seconds + seal.questions_seconds + 10.0,
            "memory_mb": seal.memory_mb,
            "processes": seal.processes,
            "open_files": seal.open_files,
            "disk_mb": seal.disk_mb,
            "output_kb": seal.output_kb,
            "outputs_per_cell": seal.outputs_per_cell,
        }

    def spawn(self) -> SealedProcess:
        """Fork a sealed process; SealBroken when the warm process is gone."""
        ours, theirs = socket.socketpair()
        our_leash, their_leash = socket.socketpair()
        try:
            with self._lock:
                socket.send_fds(self._control.sock, [b"F"], [theirs.fileno(), their_leash.fileno()])
        except OSError as error:
            ours.close()
            our_leash.close()
            raise SealBroken(f"the warm process is gone: {error}") from error
        finally:
            theirs.close()
            their_leash.close()
        return SealedProcess(ours, our_leash, self._seal)

    def close(self) -> None:
        """End the warm process and remove its folder; forks that still run are ended by the kernel."""
        self._control.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._scratch.cleanup()

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _environment(self) -> dict[str, str]:
        """A clean environment; each fork clears even this before student code runs."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(Path.home()),
            "IPYTHONDIR": f"{self._scratch.name}/ipython",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "MPLCONFIGDIR": str(_font_cache()),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            **{name: os.environ[name] for name in self._seal.warm_environment if name in os.environ},
        }


def _font_cache() -> Path:
    """Folder where matplotlib keeps its list of fonts between runs."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "nbseal" / "matplotlib"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _deadline(seconds: float) -> float:
    return time.monotonic() + seconds
