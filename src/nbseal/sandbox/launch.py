"""Starts the processes behind grading. It imports next to nothing, so that they can load while we still do."""

from __future__ import annotations

import functools
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from nbseal.errors import SealUnavailable
from nbseal.wire import Channel

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
BASE_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", **ONE_THREAD}
AS_WE_DO = ["-B"] if sys.dont_write_bytecode else []  # otherwise each start would compile our modules anew
END_SECONDS = 5.0
SCRATCH_PREFIX = "nbseal-run-"
JUST_MADE_SECONDS = 60.0  # a folder is made a moment before it is locked


def is_linux() -> bool:
    """Whether sealed processes can be had at all: their walls are Linux' own."""
    return sys.platform == "linux"


def require_linux(what: str) -> None:
    """SealUnavailable, with where ``what`` can be done, on any other system."""
    if not is_linux():
        raise SealUnavailable(
            f"{what} needs Linux, whose kernel seals student code: run it in WSL 2 on Windows, in a Linux container or "
            "machine, or on the course's JupyterHub."
        )


class Scratch(tempfile.TemporaryDirectory[str]):
    """A folder for one process: a place for the new root, and work folders where there is no new root.

    It is locked for as long as its owner lives, so that what a killed run has left can be told from what is in use.
    """

    def __init__(self) -> None:
        import fcntl  # which not every system has

        super().__init__(prefix=SCRATCH_PREFIX, ignore_cleanup_errors=True)
        self._lock = os.open(self.name, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        os.chmod(self.name, 0o711)  # a user without rights must be able to walk through to its own work folder
        os.mkdir(os.path.join(self.name, "root"))

    def cleanup(self) -> None:
        """Remove the folder."""
        super().cleanup()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def scratch_folder() -> Scratch:
    """A new folder; the first time, also remove those that killed runs have left behind."""
    sweep()
    return Scratch()


@functools.cache
def sweep() -> None:
    """Remove scratch folders of this user's that nobody holds locked."""
    import fcntl

    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*"):
        try:
            found = folder.lstat()
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < JUST_MADE_SECONDS:
                continue
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass  # its owner lives
        finally:
            os.close(handle)


@dataclass
class Forking:
    """The way to a process of ours that forks whenever it is asked to."""

    control: Channel

    def fork(self) -> socket.socket:
        """Have the process fork, and return the way to what it forked; OSError when it is gone."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control.sock, [b"F"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours


@dataclass
class Launched(Forking):
    """A process that we have started, and a folder that lives as long as it."""

    process: subprocess.Popen[bytes]
    scratch: Scratch

    def complaint(self) -> str:
        """The last line that the process wrote to its standard error."""
        text = (Path(self.scratch.name) / "stderr.txt").read_text("utf-8", "replace")
        return (text.strip().splitlines() or [""])[-1]

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def close(self, kill: bool = False) -> None:
        """Hang up, wait for the process to end, and remove its folder."""
        self.control.close()
        if kill:
            self.process.kill()
        if self.process.poll() is None and not _ends(self.process.pid, END_SECONDS):
            self.process.kill()
        self.process.wait()
        self.scratch.cleanup()


class Adoptable:
    """What owns a process that forks. A copy of it in another process of ours has that fork, too, for itself alone."""

    _launched: Launched
    _forking: Forking
    _lock: threading.Lock

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended, so that it can't be forked any more."""
        return self._launched.is_gone

    @property
    def descriptor(self) -> int:
        """The socket by which the process is asked to fork."""
        return self._launched.control.sock.fileno()

    def adopt(self, descriptor: int) -> None:
        """In the other process: ask by this socket, and leave alone what was forked before."""
        self._forking = Forking(Channel(socket.socket(fileno=descriptor)))
        self._lock = threading.Lock()


def _ends(pid: int, seconds: float) -> bool:
    """Whether a child of ours ends in time; unlike `Popen.wait`, this notices it at once."""
    handle = os.pidfd_open(pid)
    try:
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        return bool(poller.poll(seconds * 1000))
    finally:
        os.close(handle)


def launch(module: str, environment: dict[str, str]) -> Launched:
    """Start Python in an environment and on an import path of ours; ``module`` runs as a program with a socket.

    SealUnavailable on any system but Linux.
    """
    require_linux("grading")
    scratch = scratch_folder()
    ours, theirs = socket.socketpair()
    with theirs, (Path(scratch.name) / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(
            # -I would make Python ignore FORCE_COLOR, too, which a kernel sets
            [sys.executable, "-s", "-P", *AS_WE_DO, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=BASE_ENVIRONMENT | environment,
            cwd=scratch.name,
            process_group=0,  # Ctrl-C is for us: were they gone at once, we would try to replace them
        )
    return Launched(Channel(ours), process, scratch)


def launch_worker() -> Launched:
    """Start the warm process of sealed forks; each fork clears even this small environment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbseal" / "matplotlib"
    cache.mkdir(parents=True, exist_ok=True)
    return launch(
        "nbseal.worker",
        {
            "HOME": str(Path.home()),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "MPLCONFIGDIR": str(cache),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        },
    )


def launch_judge() -> Launched:
    """Start the trusted process that runs hidden tests."""
    kept = {name: os.environ[name] for name in JUDGE_SEES if name in os.environ}
    return launch("nbseal.hidden_tests", {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLBACKEND": "Agg"})


def launch_readers() -> Launched:
    """Start the trusted process that reads submissions for one that can't fork, since it has several threads."""
    return launch("nbseal.reading", {name: os.environ[name] for name in JUDGE_SEES if name in os.environ})


JUDGE_SEES = ("HOME", "PATH", "LANG", "SCIKIT_LEARN_DATA", "XDG_CACHE_HOME")
