"""PostgreSQL for the hub and the gradebook: addresses, and making, dumping and restoring databases.

Passwords are libpq's business (``~/.pgpass``, ``PGPASSFILE``, ``PGPASSWORD``, peer authentication), never a setting.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbseal_hub.errors import HubError
from nbseal_hub.settings import HubSettings


def hub_database(settings: HubSettings) -> str:
    """The name of the hub's database."""
    return f"{settings.course_id}_hub"


def gradebook_database(settings: HubSettings) -> str:
    """The name of the gradebook's database."""
    return f"{settings.course_id}_gradebook"


def database_names(settings: HubSettings) -> tuple[str, ...]:
    """The databases of this hub on the PostgreSQL server; none if it has none."""
    return (hub_database(settings), gradebook_database(settings)) if settings.database else ()


def sqlalchemy_url(settings: HubSettings, name: str) -> str:
    """A database's address for SQLAlchemy, with the driver that the extra ``hub`` brings."""
    return f"{settings.database.replace('postgresql://', 'postgresql+psycopg://', 1)}/{name}"


def make_databases(settings: HubSettings) -> None:
    """Make the databases that are missing."""
    if settings.database:
        with _administration(settings) as connection:
            present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in database_names(settings):
                if name not in present:
                    _execute(connection, "CREATE DATABASE {}", name)


def dump(settings: HubSettings, name: str, target: Path) -> None:
    """Write a database to a file, in one consistent state."""
    _client("pg_dump", "--format=custom", f"--file={target}", f"--dbname={settings.database}/{name}")


def fill(settings: HubSettings, name: str, source: Path) -> None:
    """Make a database from what ``dump`` wrote; it must not be there yet."""
    with _administration(settings) as connection:
        _execute(connection, "CREATE DATABASE {}", name)
    try:
        _client("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={settings.database}/{name}", str(source))
    except HubError:
        drop(settings, name)
        raise


def drop(settings: HubSettings, name: str) -> None:
    """Remove a database, if it is there."""
    with _administration(settings) as connection:
        _execute(connection, "DROP DATABASE IF EXISTS {}", name)


def replace(settings: HubSettings, name: str, new: str, old: str) -> bool:
    """Let ``new`` take the place of ``name``, which becomes ``old``; whether there was something to be replaced."""
    with _administration(settings) as connection:
        present = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if present:
            _execute(connection, "ALTER DATABASE {} RENAME TO {}", name, old)
        _execute(connection, "ALTER DATABASE {} RENAME TO {}", new, name)
    return present is not None


def _administration(settings: HubSettings) -> Any:
    import psycopg

    try:
        return psycopg.connect(f"{settings.database}/postgres", autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        raise HubError(f"the database server {settings.database} doesn't let us in: {error}") from None


def _execute(connection: Any, command: str, *names: str) -> None:
    import psycopg
    from psycopg import sql

    try:
        connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))
    except psycopg.Error as error:
        raise HubError(f"the database server refused {command.format(*names)}: {error}") from None


def _client(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise HubError(f"{command[0]} is not installed: apt-get install postgresql-client.") from None
    if done.returncode != 0:
        raise HubError(f"{command[0]} failed: {done.stderr.strip()}")


def restored_names(settings: HubSettings, suffix: str) -> Sequence[tuple[str, str, str]]:
    """Each database's name, the name under which it is restored first, and the one under which the old is kept."""
    mark = suffix.replace("-", "_")
    return [(name, f"{name}_restored_{mark}", f"{name}_replaced_{mark}") for name in database_names(settings)]
