"""An IPython kernel without sockets and threads: what it would send goes to an outbox, and it is asked by a call.

It makes a fork a kernel: a real one needs a second or two to start, and threads, with which no process can be forked.
"""

from __future__ import annotations

import codecs
import functools
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace

import ipykernel.zmqshell
from ipykernel import ipkernel
from ipykernel.displayhook import ZMQDisplayHook
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.history import HistoryManager
from IPython.utils.process import system as system_in_terminal

from nbseal.worker.patches.streams import Outbox, PlainSession

RELIES_ON = (
    "ipykernel.ipkernel._accepts_parameters",
    "ipykernel.zmqshell.system",
    "IPython.core.interactiveshell.InteractiveShell._tee",
    "ipykernel.kernelapp.IPKernelApp.init_crash_handler",
    "ipykernel.kernelapp.IPKernelApp.init_pdb",
    "ipykernel.kernelapp.IPKernelApp.configure_tornado_logger",
    "ipykernel.kernelapp.IPKernelApp.patch_io",
    "ipykernel.kernelapp.IPKernelApp.init_shell",
    "ipykernel.kernelapp.IPKernelApp.init_extensions",
)


def make_kernel(outbox: Outbox) -> IPythonKernel:
    """Make the kernel as ipykernel's application does, in the same order, leaving out sockets, threads and history."""
    HistoryManager.enabled = False  # a history file would need a thread, and fork needs there to be one
    app = IPKernelApp.instance()
    app.log.handlers[:] = [logging.NullHandler()]  # a kernel's log goes to its terminal
    app.session = PlainSession(parent=app, key=b"")
    app.iopub_socket = outbox
    app.init_crash_handler()
    app.init_pdb()
    app.configure_tornado_logger()
    app.displayhook = sys.displayhook = ZMQDisplayHook(app.session, outbox)
    app.patch_io()
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # a debugger that nobody will attach to
    app.kernel = IPythonKernel.instance(
        parent=app,
        session=app.session,
        iopub_socket=outbox,
        shell_channel_thread=SimpleNamespace(parent_thread=threading.main_thread()),
        log=app.log,
        user_ns=app.user_ns,
    )
    if sys.modules["debugpy"] is None:
        del sys.modules["debugpy"]
        sys.breakpointhook = _no_debugger
    app.displayhook.get_execution_count = lambda: app.kernel.execution_count
    app.kernel.shell._tee = _keep_no_text
    accepted = ipkernel._accepts_parameters(app.kernel.shell.run_cell_async, ["cell_id", "cell_meta"])
    ipkernel._accepts_parameters = lambda *_: accepted  # the kernel looks it up for every cell, which takes time
    app.init_shell()
    app.init_extensions()
    return app.kernel


def _keep_no_text(channel: str) -> AbstractContextManager[None]:
    """Take the place of what keeps all that is printed in a history of outputs, for ever.

    As there, a stream that the notebook has thrown away is an error of the cell.
    """
    getattr(sys, channel).write  # noqa: B018
    return nullcontext()


def _no_debugger(*args: object, **kwargs: object) -> None:
    """Do what a kernel does at ``breakpoint()`` when no debugger is attached to it: nothing."""


def arguments() -> list[str]:
    """What a kernel's ``sys.argv`` looks like under nbclient."""
    launcher = importlib.util.find_spec("ipykernel_launcher")
    options = ["-f", f"{tempfile.gettempdir()}/kernel.json", "--HistoryManager.hist_file=:memory:"]
    return [str(launcher.origin if launcher else ""), *options]


def import_path(path: list[str]) -> list[str]:
    """A kernel's import path: its working folder comes after the standard library."""
    places = [n for n, folder in enumerate(path) if os.path.basename(folder) in ("site-packages", "dist-packages")]
    first = places[0] if places else 0
    return [*path[:first], "", *path[first:]]


def use_pipes_for_commands() -> None:
    """Take the place of IPython's own way, which needs a pseudo-terminal."""
    ipykernel.zmqshell.system = system


def system(command: str) -> int:
    """Run a command and print what it puts out; return its exit status, negative for a signal."""
    return system_in_terminal(command) if has_terminals() else system_through_pipe(command)


@functools.cache
def has_terminals() -> bool:
    """Whether this process may open pseudo-terminals."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


def system_through_pipe(command: str) -> int:
    """Like a terminal: both streams in one, lines ending in a carriage return and a newline."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    shell = shutil.which(os.environ.get("SHELL", "sh")) or "/bin/sh"
    with subprocess.Popen(
        [shell, "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            while data := os.read(process.stdout.fileno(), 65536):
                print(decode(data).replace("\n", "\r\n"), end="")
                sys.stdout.flush()
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
    status = process.returncode
    return 128 - status if status > 128 else status
