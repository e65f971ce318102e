"""Where submissions are graded: each backend is a ``concurrent.futures.Executor``."""

from nbseal.executors.local import LocalExecutor, default_jobs

__all__ = ["LocalExecutor", "default_jobs"]
