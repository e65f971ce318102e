"""One machine with an account of the system for everybody: what `nbseal-hub setup` makes and mends."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path

from nbseal_hub.errors import HubError
from nbseal_hub.folders import make_folders
from nbseal_hub.roles import write_role_files
from nbseal_hub.settings import HubSettings, load_settings

LINKS = 40  # as many as the kernel follows


def setup(path: Path) -> list[str]:
    """Make the accounts and folders of a settings file; a second time it mends what has changed.

    Returns:
        What was done, a line each.
    """
    settings = load_settings(path)
    if settings.accounts != "system":
        raise HubError(f'{path}: setup is for accounts = "system"; `nbseal-hub demo` sets up the demo.')
    check_machine()
    if not (settings.course / "nbgrader_config.py").is_file():
        raise HubError(
            f"{settings.course} is not a course directory: put the course there, with its nbgrader_config.py. "
            f"To bring back a backup, `nbseal-hub restore {path} ARCHIVE` is all: it makes accounts and folders too."
        )
    return [*make_accounts(settings), *give_folders(settings)]


def check_machine() -> None:
    """Refuse to make accounts where we may not, or with a Python that they could not start."""
    if os.getuid() != 0:
        raise HubError("accounts and their folders are made as root.")
    check_reachable(Path(sys.executable))


def make_accounts(settings: HubSettings) -> list[str]:
    """Make the accounts that are missing, and close homes; return what was done, a line each."""
    people = [settings.grader, *settings.instructors, *settings.students]
    done = [line for name in people for line in _make_account(name)]
    _check_group(settings)
    for name in people:
        done += _close_home(name)
    return done


def give_folders(settings: HubSettings) -> list[str]:
    """Make folders that are missing and mend owners and modes; return what was done, a line each."""
    make_folders(settings)
    done = _give_course(settings)
    write_role_files(settings)
    return [*done, f"folders: {settings.state}, {settings.exchange}"]


def check_reachable(python: Path) -> None:
    """Refuse a Python that other accounts can't start, wherever on its way its links lead."""
    for place in _ways(python):
        for path in [*reversed(place.parents), place]:
            if not path.stat().st_mode & 0o001:
                raise HubError(
                    f"other accounts can't enter {path}, and {python} leads there; install Python and nbseal where "
                    "everybody may read, below /opt."
                )


def _ways(path: Path) -> list[Path]:
    """A program's path, each one to which its own link leads, and where it really is."""
    found = [path]
    while path.is_symlink() and len(found) < LINKS:
        path = path.parent / path.readlink()
        found.append(path)
    return [*found, *(one.resolve() for one in found)]


def _make_account(name: str) -> list[str]:
    try:
        pwd.getpwnam(name)
    except KeyError:
        command = ["useradd", "--create-home", "--user-group", "--shell", "/bin/bash", "--key", "HOME_MODE=0700", name]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise HubError(f"the account {name} could not be made: {made.stderr.strip()}.") from None
        return [f"account {name}: made; it has no password yet"]
    return []


def _check_group(settings: HubSettings) -> None:
    """Refuse a course whose group has students: submissions are open to that group."""
    group = grp.getgrgid(pwd.getpwnam(settings.grader).pw_gid)
    members = {name for name in settings.students if pwd.getpwnam(name).pw_gid == group.gr_gid} | (
        set(group.gr_mem) & set(settings.students)
    )
    if members:
        raise HubError(
            f"{', '.join(sorted(members))} would read everybody's submissions, being in the group {group.gr_name} "
            f"of {settings.grader}; take them out of it."
        )


def _close_home(name: str) -> list[str]:
    home = Path(pwd.getpwnam(name).pw_dir)
    if not home.is_dir():
        raise HubError(f"the account {name} has no home folder: {home} is missing.")
    if home.stat().st_mode & 0o077:
        home.chmod(0o700)
        return [f"account {name}: {home} was open to others, and is closed now"]
    return []


def _give_course(settings: HubSettings) -> list[str]:
    """The course belongs to the account that grades, and nobody else may enter it."""
    account = pwd.getpwnam(settings.grader)
    changed = 0
    for folder, folders, names in os.walk(settings.course):
        for path in (Path(folder, name) for name in (".", *folders, *names)):
            about = path.lstat()
            if (about.st_uid, about.st_gid) != (account.pw_uid, account.pw_gid):
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
                changed += 1
    settings.course.chmod(0o700)
    return [f"{settings.course}: {changed} files given to {settings.grader}"] if changed else []
