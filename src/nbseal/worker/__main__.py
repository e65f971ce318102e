"""Where the worker begins: a fork of it tries the levels of sealing, while it loads all the rest itself."""

from __future__ import annotations

import os
import socket
import sys

from nbseal.wire import Channel
from nbseal.worker.walls import probe


def main(descriptor: int) -> None:
    """Serve one trusted process on ``descriptor`` until it hangs up."""
    control = socket.socket(fileno=descriptor)
    channel = Channel(control)
    probing = probe.answer_in_fork(channel)
    from nbseal.worker.process import serve

    if os.waitpid(probing, 0)[1] != 0:
        channel.send({"error": "the process that tries the levels of sealing has ended early"})
        return
    sys.dont_write_bytecode = True  # our own modules have theirs; nothing shall appear beside a course's
    serve(control, channel)


if __name__ == "__main__":
    main(int(sys.argv[1]))
