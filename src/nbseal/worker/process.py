"""The warm process: imports everything once, then forks supervisors, which fork a sealed child for each submission."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import random
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from nbseal.errors import WireError
from nbseal.wire import Channel
from nbseal.worker import supervisor, walls
from nbseal.worker.answers import Answers
from nbseal.worker.answers import rehearse as rehearse_answers
from nbseal.worker.kernel.cells import CellRunner
from nbseal.worker.moments import END, Moments
from nbseal.worker.patches import fonts, semaphores, support_files
from nbseal.worker.relatives import RelativesEncoder
from nbseal.worker.supervisor import Traces
from nbseal.worker.walls import Settings, seccomp, syscalls

SLOTS_APART = 997
ENDING_SECONDS = 0.5
PARENT = 4  # the descriptor that stands for the supervisor, until the walls stand
SIDE_BY_SIDE = 64  # supervisors, more than there are at a time
CLEAN_PATH = "/usr/local/bin:/usr/bin:/bin"
# joblib's processes are programs of their own. They look themselves up in /proc, which Landlock closes, and wait for
# one another where the filter lets nobody wait. The same work is done by one process then.
ONE_PROCESS = {"JOBLIB_MULTIPROCESSING": "0"}


def serve(control: socket.socket, channel: Channel) -> None:
    """Serve the trusted process at the other end of ``control``, on which ``channel`` lies, until it hangs up."""
    try:
        os.environ["IPYTHONDIR"] = os.path.join(os.getcwd(), "ipython")  # in our own folder
        with quietly():
            runner = CellRunner()
            runner.rehearse()
            rehearse_answers()
        settings = Settings.from_message(channel.receive())
        os.environ.update(settings.environment)
        if settings.level != "none":
            os.environ.update(ONE_PROCESS)
            (semaphores.install if settings.level == "landlock" else semaphores.install_patient)()
        program = seccomp.build(settings.level) if settings.level != "none" else None
        warm_up(settings, runner)
        threads = threads_that_stay()
        if settings.level in walls.ROOMS and threads == 1:  # who has more is told so, and forks nothing
            walls.move_in(settings)
        read_ahead(channel.receive()["sources"], runner)
    except Exception as error:
        channel.send({"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})
        return
    warm = os.getpid()
    channel.send({"ready": True, "pid": warm, "threads": threads})
    supervisors: set[int] = set()
    for number in itertools.count():
        request, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        supervisors = {pid for pid in supervisors if os.waitpid(pid, os.WNOHANG)[0] == 0}
        if not request:
            break
        pid = os.fork()
        if pid == 0:
            control.close()
            supervise(socket.socket(fileno=descriptors[0]), settings, program, runner, number, warm)
        supervisors.add(pid)
        os.close(descriptors[0])
    for pid in supervisors:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)  # taking everything down in order would take longer than a submission


def warm_up(settings: Settings, runner: CellRunner) -> None:
    """Import what notebooks will import, and draw one figure so that fonts and caches are there."""
    runner.limit(settings.output_kib << 10, settings.outputs_per_cell)
    # pandas and others look for get_ipython, which IPython makes known only while cells run
    with quietly(), runner.shell.builtin_trap:
        for name in settings.modules:
            # whatever a module raises, the notebook will say so itself
            with suppress(Exception, SystemExit):
                importlib.import_module(name)
        if settings.support:
            support_files.load(str(settings.support), settings.preload_calls)
            support_files.read(walls.HOME)
        if "matplotlib.figure" in sys.modules:
            _draw_once()
        if "cv2" in sys.modules:
            sys.modules["cv2"].setNumThreads(0)
        fonts.remember()


def threads_that_stay() -> int:
    """How many threads there are, once those that are ending have ended: matplotlib's timer, for example."""
    until = time.monotonic() + ENDING_SECONDS
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
        time.sleep(0.001)
    return threading.active_count()


def read_ahead(sources: list[str], runner: CellRunner) -> None:
    """Read the cells that will be run, and leave everything as forks should find it."""
    with quietly(), runner.shell.builtin_trap:
        runner.read(sources)
    gc.collect()
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
    """Draw a figure of the usual parts, so that forks find fonts loaded and code that has run before."""
    import io

    pyplot = sys.modules.get("matplotlib.pyplot")
    figure = (pyplot.figure if pyplot else sys.modules["matplotlib.figure"].Figure)(figsize=(2, 2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "o-", label="a")
    axes.scatter([0, 1], [0, 1])
    axes.imshow([[0.0, 1.0], [1.0, 0.0]])
    axes.text(0, 0, "a")
    axes.set(title="a", xlabel="$x_1$", ylabel="b")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    if pyplot:
        pyplot.close(figure)


def supervise(
    jobs: socket.socket, settings: Settings, program: bytes | None, runner: CellRunner, number: int, warm: int
) -> NoReturn:
    """Take one submission after the other from ``jobs``; where only one world can be made, take one.

    ``number`` tells this supervisor from others, ``warm`` is the process that forked it.
    """
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != warm:
        os._exit(1)  # it has died before we asked to die with it
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    if settings.level in walls.ROOMS:
        _settle(walls.HOME, runner)  # once for all submissions
    walls.owns_users()  # remembered for all of them
    again = True
    for count in itertools.count():
        request, descriptors, _, _ = socket.recv_fds(jobs, 1, 4)
        if not request:
            break
        # users of their own keep submissions that run at the same time from using up each other's processes
        slot = (warm * SLOTS_APART + number % SIDE_BY_SIDE + count * SIDE_BY_SIDE) % walls.SLOTS
        dialogue, control, *procs_files = descriptors
        with socket.socket(fileno=control) as held:
            try:
                report: dict[str, Any] = _supervise_one(dialogue, held, procs_files, settings, program, runner, slot)
                again = settings.level == "namespaces"
            except BaseException as error:
                report, again = {"error": f"{type(error).__name__}: {error}"}, False
            try:
                Channel(held).send(report, time.monotonic() + 1.0)
            except WireError:
                again = False
        if not again:
            break
    os._exit(0)


def _supervise_one(
    dialogue: int,
    control: socket.socket,
    procs_files: list[int],
    settings: Settings,
    program: bytes | None,
    runner: CellRunner,
    slot: int,
) -> dict[str, Any]:
    """Fork the sealed child, watch it, and report its end; ``procs_files`` are those of its control groups."""
    if settings.level in walls.ROOMS:
        walls.separate()
    work = walls.work_folder(settings)
    traces = Traces(work, settings) if settings.level not in walls.ROOMS else None
    fenced = settings.level == "landlock" and supervisor.fence()
    parent = os.pidfd_open(os.getpid())
    child = os.fork()
    if child == 0:
        control.close()
        for procs_file in procs_files:
            os.write(procs_file, b"0")
        live(dialogue, parent, settings, program, runner, slot, work)
    for descriptor in (dialogue, parent, *procs_files):
        os.close(descriptor)
    if settings.level == "namespaces":
        walls.rejoin()
    owner = walls.owner(settings, slot)
    return supervisor.watch(child, control, settings, traces, fenced, bool(procs_files), owner)


def live(
    dialogue: int, parent: int, settings: Settings, program: bytes | None, runner: CellRunner, slot: int, work: str
) -> NoReturn:
    """Be the student's process: put up the walls, run the cells, answer questions.

    ``parent`` is a handle on the supervisor. Had that ended before the kernel was asked to end this process with it,
    nobody would watch what the student does.
    """
    try:
        sock = _only_descriptors(dialogue, parent)
        channel = Channel(sock, greedy=True, encoder=RelativesEncoder)
        try:
            runner.take_streams()
            walls.seal(settings, program, slot, work)
            if _has_ended(PARENT):
                os._exit(1)
            os.close(PARENT)
            if settings.level not in walls.ROOMS:
                _settle(work, runner)
            _fresh_start(work)
        except Exception as error:
            channel.send({"sealing_failed": f"{type(error).__name__}: {error}"})
            os._exit(3)
        channel.send({"sealed": True})
        request = channel.receive()
        _write_files(request["files"])
        moments = Moments(runner.shell.user_ns)
        for cell, result in zip(request["cells"], runner.run(request["cells"], settings.cell_seconds), strict=False):
            if "question" in cell:
                result["moment"] = moments.take(cell["question"])
            channel.send(result)
        changed = {index: runner.collector.cells[index] for index in runner.collector.changed}
        channel.send({"finished": True, "changed": changed, "moment": moments.take(END)})
        runner.forget_errors()
        walls.give_headroom()
        runner.mute()  # what hidden calls print is nobody's output
        Answers(channel, moments).serve()
    except WireError:
        pass
    finally:
        os._exit(0)


def _has_ended(process: int) -> bool:
    poller = select.poll()
    poller.register(process, select.POLLIN)
    return bool(poller.poll(0))


def _only_descriptors(dialogue: int, parent: int) -> socket.socket:
    """Keep the dialogue as descriptor 3, the parent as PARENT, and nothing else of the warm process's files."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    parent = os.dup(parent)  # which may lie where the dialogue is to be
    if dialogue != 3:
        os.dup2(dialogue, 3, inheritable=False)
    os.dup2(parent, PARENT, inheritable=False)
    os.closerange(PARENT + 1, 65536)
    os.setsid()
    return socket.socket(fileno=3)


def _settle(work: str, runner: CellRunner) -> None:
    """Have the environment and the paths that student code shall see, in the folder where it is to run."""
    kept = {name: value for name, value in ONE_PROCESS.items() if os.environ.get(name) == value}
    os.environ.clear()
    syscalls.forget_first_environment()
    os.environ.update(
        HOME=work, PATH=f"{sys.prefix}/bin:{CLEAN_PATH}", TMPDIR=work, LANG="C.UTF-8",
        MPLCONFIGDIR=f"{work}/.config/matplotlib", MPLBACKEND="module://matplotlib_inline.backend_inline",
        OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NBGRADER_EXECUTION="autograde", USER="student",
        **kept, TERM="xterm-color", CLICOLOR="1", FORCE_COLOR="1", CLICOLOR_FORCE="1", PAGER="cat", GIT_PAGER="cat",
    )  # fmt: skip
    if work != walls.HOME:
        os.environ["JOBLIB_TEMP_FOLDER"] = work  # it would look for room in /dev/shm
    runner.restart_user(work)
    support_files.move(work)


def _fresh_start(work: str) -> None:
    """Give the child its own randomness, which all forks would share, and what else only it can have."""
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
