"""nbgrader's formgrader, with its long tasks outside its own process: see `nbseal.watch.buttons`."""

from __future__ import annotations

import sys


def use_queue() -> None:
    """Where the formgrader is being loaded, have its long tasks join the queue; elsewhere this does nothing.

    Call it in nbgrader_config.py, which the formgrader's server reads when it starts and before each answer.
    """
    handlers = sys.modules.get("nbgrader.server_extensions.formgrader.apihandlers")
    if handlers is not None:
        from nbseal.watch.buttons import install

        install(handlers)
