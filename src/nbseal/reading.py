"""``python -m nbseal.reading DESCRIPTOR``: the parent of readers begins here, where nobody can fork it."""

from __future__ import annotations

import pickle
import socket
import sys

from nbseal.patches import lazy_imports


def main(descriptor: int) -> None:
    """Wait for a grader, and serve on ``descriptor`` until the other side hangs up."""
    lazy_imports.prepare()  # before what it is about
    from nbseal.grading.readers import serve
    from nbseal.wire import Channel

    requests = socket.socket(fileno=descriptor)
    grader = pickle.loads(Channel(requests).receive())  # by who has started us, of the same account
    _, descriptors, _, _ = socket.recv_fds(requests, 1, 2)
    serve(requests, grader.adopt(descriptors).answer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
