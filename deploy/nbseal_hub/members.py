"""Whom the hub's database knows; who is no longer in the settings is no longer known to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import column, create_engine, inspect, select, table

from nbseal_hub.configure import hub_database_url
from nbseal_hub.errors import HubError
from nbseal_hub.settings import HubSettings


def forget_former_people(settings: HubSettings) -> list[str]:
    """Remove accounts from a stopped hub's database that the settings don't have any more, and return their names.

    JupyterHub itself only adds: somebody with a valid cookie would stay signed in, and a former instructor would
    keep the formgrader. Home folders and everything that was handed in stay.

    Raises:
        HubError: the database is of another version of JupyterHub.
    """
    from jupyterhub import orm

    known = {*settings.instructors, *settings.students, settings.grader}
    groups = {
        f"formgrade-{settings.course_id}": {*settings.instructors, settings.grader},
        f"nbgrader-{settings.course_id}": {*settings.instructors, *settings.students},
    }
    url = hub_database_url(settings)
    if not settings.database and not (settings.private / "jupyterhub.sqlite").exists():
        return []
    if not _has_users(url):
        return []
    try:
        session = orm.new_session_factory(url)()
    except orm.DatabaseSchemaMismatch as error:
        raise HubError(f"the hub's database is of another version: {error} See `jupyterhub upgrade-db`.") from None
    try:
        former = [user for user in session.query(orm.User) if user.name not in known]
        names = sorted(user.name for user in former)
        for user in former:
            session.delete(user)
        for group in session.query(orm.Group):
            if group.name in groups:
                group.users = [user for user in group.users if user.name in groups[group.name]]
        session.commit()
    finally:
        session.close()
        session.get_bind().dispose()
    return names


def account_record(settings: HubSettings, name: str) -> dict[str, Any]:
    """What the hub's database says about an account, times in words; empty if it doesn't know it."""
    if not settings.database and not (settings.private / "jupyterhub.sqlite").exists():
        return {}
    engine = create_engine(hub_database_url(settings))
    try:
        if not inspect(engine).has_table("users"):
            return {}
        users = table("users", column("name"), column("created"), column("last_activity"))
        with engine.connect() as connection:
            found = connection.execute(select(users).where(users.c.name == name)).mappings().first()
    finally:
        engine.dispose()
    return {key: value if value is None else str(value) for key, value in found.items()} if found else {}


def _has_users(url: str) -> bool:
    """Whether a hub has run on this database before."""
    engine = create_engine(url)
    try:
        return inspect(engine).has_table("users")
    finally:
        engine.dispose()
