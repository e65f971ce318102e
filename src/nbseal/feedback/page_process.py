"""How a process begins that makes pages for another one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from nbseal.patches import lazy_imports


def begin() -> None:
    """An interrupt is for the parent to heed, nobody stays when that has gone, and libraries load as in a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lazy_imports.prepare()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
