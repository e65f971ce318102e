"""People who come and go: the hub's database follows the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from jupyterhub import orm
from sqlalchemy.orm import Session

from nbseal_hub.members import forget_former_people
from nbseal_hub.settings import HubSettings


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    """A course with two instructors and two students."""
    (tmp_path / "hub").mkdir()
    return HubSettings(tmp_path, tmp_path, tmp_path, ("ida", "ole"), ("nora", "otto"), accounts="demo")


@pytest.fixture
def session(settings: HubSettings) -> Iterator[Session]:
    """The hub's database with all of them, each with a token; instructors are in both groups."""
    session = orm.new_session_factory(f"sqlite:///{settings.private / 'jupyterhub.sqlite'}")()
    users = {name: orm.User(name=name) for name in (*settings.instructors, *settings.students, settings.grader)}
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    session.add_all(users.values())
    session.add(orm.Group(name="formgrade-nn101", users=[users[name] for name in ("ida", "ole", settings.grader)]))
    session.add(orm.Group(name="nbgrader-nn101", users=[users[name] for name in ("ida", "ole", "nora", "otto")]))
    session.add(orm.Group(name="another", users=[users["ida"]]))
    session.commit()
    for user in users.values():
        user.new_api_token()
    yield session
    session.close()
    session.get_bind().dispose()


def groups(session: Session) -> dict[str, set[str]]:
    """Who is in which group."""
    session.expire_all()
    return {group.name: {user.name for user in group.users} for group in session.query(orm.Group)}


def test_who_left_is_forgotten_with_their_tokens(settings, session):
    """A student and an instructor who are no longer in the settings are not known any more."""
    now = dataclasses.replace(settings, instructors=("ida",), students=("nora",))
    assert forget_former_people(now) == ["ole", "otto"]
    assert {user.name for user in session.query(orm.User)} == {"ida", "nora", settings.grader}
    assert {token.user.name for token in session.query(orm.APIToken)} == {"ida", "nora", settings.grader}


def test_a_former_instructor_who_stays_as_a_student_loses_the_formgrader(settings, session):
    """Groups follow the settings, and groups that aren't the course's stay as they are."""
    now = dataclasses.replace(settings, instructors=("ida",), students=("nora", "otto", "ole"))
    assert forget_former_people(now) == []
    assert groups(session) == {
        "formgrade-nn101": {"ida", settings.grader},
        "nbgrader-nn101": {"ida", "ole", "nora", "otto"},
        "another": {"ida"},
    }


def test_before_the_first_start_there_is_nobody_to_forget(settings):
    """A hub that has never run has no database yet, and gets none by this."""
    assert forget_former_people(settings) == []
    assert list(settings.private.iterdir()) == []


def test_with_the_same_people_nothing_changes(settings, session):
    """A restart without changes forgets nobody."""
    before = groups(session)
    assert forget_former_people(settings) == []
    assert groups(session) == before
    assert session.query(orm.APIToken).count() == 5
