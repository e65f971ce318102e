"""The warm process: imports everything once, then forks one sealed child for each submission."""

from __future__ import annotations

import gc
import importlib
import itertools
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from nbseal.errors import WireError
from nbseal.wire import Channel
from nbseal.worker import fonts, locks, seccomp, supervisor, support, syscalls, walls
from nbseal.worker.answers import Answers, rehearse
from nbseal.worker.settings import Settings
from nbseal.worker.shell import CellRunner
from nbseal.worker.traces import Traces

SLOTS_APART = 997
CLEAN_PATH = "/usr/local/bin:/usr/bin:/bin"
# joblib's processes look themselves up in /proc, which Landlock closes; the same work is done by one process then
ONE_PROCESS = {"JOBLIB_MULTIPROCESSING": "0"}


def main() -> None:
    """Serve one trusted process until it hangs up."""
    gc.disable()  # until everything is imported
    control = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(control)
    try:
        os.environ["IPYTHONDIR"] = os.path.join(os.getcwd(), "ipython")  # in our own folder
        with quietly():
            runner = CellRunner()
            runner.rehearse()
        settings = Settings.from_message(channel.receive())
        os.environ.update(settings.environment)
        if settings.level == "landlock":
            os.environ.update(ONE_PROCESS)
            locks.install()
        program = seccomp.build(settings.level) if settings.level != "none" else None
        warm_up(settings, runner)
        if settings.level in walls.ROOMS:
            walls.move_in(settings)
    except Exception as error:
        channel.send({"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})
        return
    warm = os.getpid()
    channel.send({"ready": True, "pid": warm, "threads": threading.active_count()})
    for number in itertools.count():
        request, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not request:
            os._exit(0)  # taking everything down in order would take longer than a submission
        reap()
        pid = os.fork()
        if pid == 0:
            control.close()
            # users of their own keep submissions that run at the same time from using up each other's processes
            slot = (warm * SLOTS_APART + number) % walls.SLOTS
            supervise(descriptors, settings, program, runner, slot, warm)
        for descriptor in descriptors:
            os.close(descriptor)


def warm_up(settings: Settings, runner: CellRunner) -> None:
    """Import what notebooks will import, and draw one figure so that fonts and caches are there."""
    runner.limit(settings.output_kb << 10, settings.outputs_per_cell)
    # pandas and others look for get_ipython, which IPython makes known only while cells run
    with quietly(), runner.shell.builtin_trap:
        for name in settings.modules:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # the notebook will say so itself
        if settings.support:
            support.load(str(settings.support), settings.warm)
            support.read(walls.HOME)
        if "matplotlib.pyplot" in sys.modules:
            _draw_once()
        if "cv2" in sys.modules:
            sys.modules["cv2"].setNumThreads(0)
        fonts.remember()
        runner.read(settings.sources)
        rehearse()
    # no lock is held when we fork, so none needs to be made anew: that would touch, and so copy, every logger's page
    logging._at_fork_reinit_lock_weakset.clear()  # type: ignore[attr-defined]
    gc.collect()
    gc.enable()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages


@contextmanager
def quietly() -> Iterator[None]:
    """Ignore warnings, but keep the filters that imported modules add for their users."""
    before = list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = warnings.filters[0]
        yield
        added = [entry for entry in warnings.filters if entry not in before and entry != ours]
    warnings.filters[:0] = added  # type: ignore[index]


def _draw_once() -> None:
    import io

    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([0, 1], [0, 1], "o-", label="a")
    axes.set(title="a", xlabel="$x_1$", ylabel="b")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    plt.close(figure)


def supervise(
    descriptors: list[int], settings: Settings, program: bytes | None, runner: CellRunner, slot: int, warm: int
) -> NoReturn:
    """Fork the sealed child, watch it, report its end on the leash, and leave.

    ``descriptors`` are the job's socket, the leash, and the entrances of the submission's control groups; ``warm`` is
    the process that forked this one.
    """
    job, leash_number, *entrances = descriptors
    leash = socket.socket(fileno=leash_number)
    report: dict[str, Any]
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != warm:
            os._exit(1)  # it has died before we asked to die with it
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        if settings.level in walls.ROOMS:
            walls.separate()
        work = walls.work_folder(settings)
        traces = Traces(work, settings) if settings.level not in walls.ROOMS else None
        fenced = settings.level == "landlock" and supervisor.fence()
        child = os.fork()
        if child == 0:
            leash.close()
            for entrance in entrances:
                os.write(entrance, b"0")
            live(job, settings, program, runner, slot, work)
        os.close(job)
        report = supervisor.watch(child, leash, settings, traces, fenced)
    except BaseException as error:
        report = {"error": f"{type(error).__name__}: {error}"}
    try:
        Channel(leash).send(report, time.monotonic() + 1.0)
    except WireError:
        pass
    os._exit(0)


def live(job: int, settings: Settings, program: bytes | None, runner: CellRunner, slot: int, work: str) -> NoReturn:
    """Be the student's process: put up the walls, run the cells, answer questions."""
    try:
        sock = _only_descriptor(job)
        channel = Channel(sock, greedy=True)
        try:
            runner.take_streams()
            walls.seal(settings, program, slot, work)
            _fresh_start(work)
            runner.restart_user(work)
            support.move(work)
        except Exception as error:
            channel.send({"sealing_failed": f"{type(error).__name__}: {error}"})
            os._exit(3)
        channel.send({"sealed": True})
        request = channel.receive()
        _write_files(request["files"])
        for result in runner.run(request["cells"], settings.cell_seconds):
            channel.send(result)
        changed = {index: runner.collector.cells[index] for index in runner.collector.changed}
        channel.send({"finished": True, "changed": changed})
        runner.forget_errors()
        walls.give_headroom()
        runner.mute()  # what hidden calls print is nobody's output
        Answers(channel, runner.shell.user_ns).serve()
    except WireError:
        pass
    finally:
        os._exit(0)


def _only_descriptor(job: int) -> socket.socket:
    """Keep the job's socket as descriptor 3 and nothing else of the warm process's files."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if job != 3:
        os.dup2(job, 3, inheritable=False)
    os.closerange(4, 65536)
    os.setsid()
    return socket.socket(fileno=3)


def _fresh_start(work: str) -> None:
    """Give the child its own environment and its own randomness: forks would all share the warm process's."""
    kept = {name: value for name, value in ONE_PROCESS.items() if os.environ.get(name) == value}
    os.environ.clear()
    os.environ.update(
        HOME=work, PATH=f"{sys.prefix}/bin:{CLEAN_PATH}", TMPDIR=work, LANG="C.UTF-8",
        MPLCONFIGDIR=f"{work}/.config/matplotlib", MPLBACKEND="module://matplotlib_inline.backend_inline",
        OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NBGRADER_EXECUTION="autograde", USER="student",
        **kept, TERM="xterm-color", CLICOLOR="1", FORCE_COLOR="1", CLICOLOR_FORCE="1", PAGER="cat", GIT_PAGER="cat",
    )  # fmt: skip
    if work != walls.HOME:
        os.environ["JOBLIB_TEMP_FOLDER"] = work  # it would look for room in /dev/shm
    tempfile.tempdir = "/tmp" if os.access("/tmp", os.W_OK) and work == walls.HOME else work
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


def _write_files(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        folder = os.path.dirname(name)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(name, "wb") as file:
            file.write(data)


def reap() -> None:
    """Collect supervisors that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
