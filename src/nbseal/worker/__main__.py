"""Where the worker begins: a fork of it tries the levels of sealing, while it loads all the rest itself."""

from __future__ import annotations

import os
import socket
import sys

from nbseal.patches import lazy_imports
from nbseal.wire import Channel
from nbseal.worker.walls import probe

# A kernel needs no more of jupyter_client than these; the package itself would load what starts kernels, too.
USED_BY_KERNELS = {"BlockingKernelClient": "blocking", "write_connection_file": "connect"}


def main(descriptor: int) -> None:
    """Serve one trusted process on ``descriptor`` until it hangs up."""
    control = socket.socket(fileno=descriptor)
    channel = Channel(control)
    probing = probe.answer_in_fork(channel)
    lazy_imports.load_when_asked("jupyter_client", USED_BY_KERNELS)
    from nbseal.worker.process import serve

    if os.waitpid(probing, 0)[1] != 0:
        channel.send({"error": "the process that tries the levels of sealing has ended early"})
        return
    sys.dont_write_bytecode = True  # our own modules have theirs; nothing shall appear beside a course's
    serve(control, channel)


if __name__ == "__main__":
    main(int(sys.argv[1]))
