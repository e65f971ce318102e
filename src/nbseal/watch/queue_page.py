"""The queue as a page for instructors, in the formgrader."""

from __future__ import annotations

import time

from nbseal.errors import QueueError
from nbseal.pages import duration, render
from nbseal.watch.queue import Queue
from nbseal.watch.tasks import Overview


def queue_page(queue: Queue, token: str) -> str:
    """The page; ``token`` lets its buttons act. Where the queue can't be read, it says why."""
    problem, found = "", Overview(0, (), 0.0, 0.0, (), ())
    try:
        found = queue.overview()
    except QueueError as error:
        problem = str(error)
    return render(
        "nbseal.watch",
        "queue.html.j2",
        sorting=False,
        forms=True,
        problem=problem,
        found=found,
        token=token,
        ago=lambda moment: duration(time.time() - moment),
    )
