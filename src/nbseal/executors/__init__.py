"""Where submissions are graded: each backend is a ``concurrent.futures.Executor``."""

from nbseal.executors.finished import Finished
from nbseal.executors.local import LocalExecutor, default_jobs

__all__ = ["Finished", "LocalExecutor", "default_jobs"]
