"""The folders of a hub, each with the owner and the mode that keeps people apart."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from nbseal_hub.handed_in import look_all, read_stamps, write_stamps
from nbseal_hub.numbers import FEEDBACK_MODE, GRADER, INBOUND_MODE, OUTBOUND_MODE, SUBMISSION_MODE
from nbseal_hub.settings import HubSettings


@dataclass(frozen=True)
class Folder:
    """A folder that must be there; ``owner`` is an account, or empty for the hub's own."""

    path: Path
    mode: int
    owner: str = ""


def folders(settings: HubSettings) -> list[Folder]:
    """All folders, parents first."""
    ours = settings.exchange / settings.course_id
    grader = settings.grader if settings.accounts != "demo" else ""
    found = [
        Folder(settings.state, 0o755),
        Folder(settings.private, 0o700),
        Folder(settings.exchange, 0o755),
        Folder(ours, 0o755, grader),
        Folder(ours / "outbound", OUTBOUND_MODE, grader),
        Folder(ours / "inbound", INBOUND_MODE, grader),
        Folder(ours / "feedback", FEEDBACK_MODE, grader),
    ]
    if settings.accounts == "demo":
        people = (*settings.instructors, *settings.students, settings.grader)
        found += [Folder(settings.homes, 0o700), *(Folder(settings.homes / name, 0o700) for name in people)]
    return found


def make_folders(settings: HubSettings) -> None:
    """Make what is missing, and mend owners and modes; submissions that everybody could read are closed too."""
    for folder in folders(settings):
        folder.path.mkdir(parents=True, exist_ok=True)
        if folder.owner:
            os.chown(folder.path, *_owner(settings, folder.owner))
        # after chown, which takes the set-group-ID bit away
        folder.path.chmod(folder.mode)
    inbound = settings.exchange / settings.course_id / "inbound"
    group = inbound.stat().st_gid
    opened = [path for path in inbound.iterdir() if stat.S_ISDIR(mode := path.lstat().st_mode) and mode & 0o007]
    if opened:
        # to close them is a change that no student made
        write_stamps(inbound, look_all(opened, read_stamps(inbound)))
    for path in opened:
        os.chown(path, -1, group, follow_symlinks=False)
        path.chmod(SUBMISSION_MODE)


def _owner(settings: HubSettings, name: str) -> tuple[int, int]:
    """User and group of the account that grades."""
    if settings.accounts == "containers":
        return GRADER, GRADER
    account = pwd.getpwnam(name)
    return account.pw_uid, account.pw_gid
