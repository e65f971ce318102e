"""Where a cluster is, and how to talk with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Address:
    """A Dask scheduler: its ``scheduler`` address (``tcp://host:8786``), or the ``scheduler_file`` that it has written.

    The files are those of TLS, for a scheduler at ``tls://``: the authority's certificate, and our own with its key.
    Without them Dask's own settings hold (``distributed.comm.tls``).
    """

    scheduler: str = ""
    scheduler_file: Path | None = None
    tls_ca_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __str__(self) -> str:
        return self.scheduler or str(self.scheduler_file)
