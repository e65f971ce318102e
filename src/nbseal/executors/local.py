"""Grades on this machine: threads that wait, while the work is done in the processes they own."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor


class LocalExecutor(ThreadPoolExecutor):
    """A thread for each submission that is graded at the same time."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or default_jobs()
        super().__init__(max_workers=self.jobs, thread_name_prefix="nbseal")


def default_jobs() -> int:
    """One more than there are processors that this process may use: one or the other always waits for something."""
    return len(os.sched_getaffinity(0)) + 1
