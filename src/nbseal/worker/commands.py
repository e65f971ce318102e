"""Shell commands of notebooks (``!ls``) where no terminal is to be had: the same, through a pipe."""

from __future__ import annotations

import codecs
import functools
import os
import shutil
import signal
import subprocess
import sys

import ipykernel.zmqshell
from IPython.utils.process import system as system_in_terminal


def install() -> None:
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
