"""A real PostgreSQL server for tests, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.courses import end, wait_until
from tests.ports import free_ports

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None) or shutil.which("postgres")
NEEDS_POSTGRESQL = pytest.mark.skipif(
    POSTGRES is None and "CI" not in os.environ, reason="no PostgreSQL server here: apt-get install postgresql"
)


@contextmanager
def server_running() -> Iterator[str]:
    """Address of a server that wants a password, which libpq finds where an operator would put it."""
    programs, port = Path(str(POSTGRES)).parent, free_ports(1)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with (
        tempfile.TemporaryDirectory(prefix="nbseal-postgresql-", dir="/tmp") as name,
        pytest.MonkeyPatch.context() as m,
    ):
        folder = Path(name)
        (folder / "password").write_text("a password", encoding="utf-8")
        (folder / "pgpass").write_text(f"127.0.0.1:{port}:*:nbseal:a password\n", encoding="utf-8")
        (folder / "pgpass").chmod(0o600)
        m.setenv("PGPASSFILE", str(folder / "pgpass"))
        if as_user:
            shutil.chown(folder, "postgres")
            shutil.chown(folder / "password", "postgres")
        make = ["--auth=scram-sha-256", "--username=nbseal", f"--pwfile={folder / 'password'}", "--no-sync"]
        subprocess.run(
            [*as_user, programs / "initdb", "--pgdata", folder / "data", *make],
            cwd="/",
            check=True,
            capture_output=True,
        )
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [*as_user, programs / "postgres", "-D", folder / "data", *options],
                cwd="/", stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        address = f"postgresql://nbseal@127.0.0.1:{port}"
        try:
            assert wait_until(lambda: _answers(address), 30.0), (folder / "log").read_text(encoding="utf-8")
            yield address
        finally:
            end(process)


def _answers(address: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{address}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True
