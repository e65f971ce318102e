"""Whether a gradebook's tables are those of the nbgrader that is installed.

``python -m nbseal.gradebook.schema FOLDER ADDRESS`` says it of the gradebook at an address of SQLAlchemy, for programs
that don't import us: nothing and exit status 0, or what is wrong and exit status 1. FOLDER is the course directory.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Set
from pathlib import Path

import sqlalchemy
from sqlalchemy import MetaData, Table, create_engine, inspect, select

from nbseal.gradebook.tables import TABLES
from nbseal.patches.nbgrader_revision import all_revisions, newest_revision

VERSION = "alembic_version"


def schema_problem(connection: sqlalchemy.Connection, label: str, course: Path) -> str:
    """What is wrong with a gradebook's tables, with the mend; empty if nothing is, or if there are none yet.

    Args:
        label: what to call the gradebook.
        course: the course directory, in which the mending command is given.
    """
    present = set(inspect(connection).get_table_names())
    if VERSION not in present:
        lacks = _lacking(connection, present)
        if not lacks:
            return ""
        return f"{label} has no version of its tables and no {lacks}: it is not a gradebook that nbseal knows."
    table = Table(VERSION, MetaData(), autoload_with=connection)
    versions = {str(name) for (name,) in connection.execute(select(table.c.version_num))}
    newest = newest_revision()
    if newest is None or versions == {newest}:
        return ""
    if versions and versions <= all_revisions():
        return (
            f"{label}: its tables are of an older nbgrader ({', '.join(sorted(versions))}). Nothing was changed; "
            f"upgrade them, which keeps a copy of a file beside it: {upgrade_command(course)}"
        )
    return (
        f"{label}: its tables are of a newer nbgrader, or of none that we know ({', '.join(sorted(versions)) or 'no'} "
        f"version). Nothing was changed; install the nbgrader that made them, or put a backup in its place."
    )


def upgrade_command(course: Path) -> str:
    """A line for a shell that upgrades the course's gradebook; nbgrader looks for ``alembic`` on the path."""
    programs = shlex.quote(str(Path(sys.executable).parent))
    return f'cd {shlex.quote(str(course))} && PATH={programs}:"$PATH" nbgrader db upgrade'


def _lacking(connection: sqlalchemy.Connection, present: Set[str]) -> str:
    """A column that one of the tables lacks; of tables that aren't there nothing is said: nbgrader makes them."""
    for table in TABLES:
        if table.name in present:
            theirs = {column["name"] for column in inspect(connection).get_columns(table.name)}
            for column in table.columns:
                if column.name not in theirs:
                    return f"{table.name}.{column.name}"
    return ""


def main() -> None:
    """Say what is wrong with the gradebook that the command line names."""
    course, address = sys.argv[1:]
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            label = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string()
            problem = schema_problem(connection, str(label), Path(course))
    except sqlalchemy.exc.SQLAlchemyError as error:
        problem = f"{engine.url.render_as_string()} can't be read: {getattr(error, 'orig', None) or error}"
    finally:
        engine.dispose()
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
