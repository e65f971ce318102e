"""Puts a backup's folders on the disk with their owners, groups and modes.

``tarfile`` has filters for this since Python 3.11.4 only, and those take away set-group-ID bits and group's rights,
on which the exchange depends.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nbseal_hub.errors import HubError
from nbseal_hub.settings import HubSettings


@dataclass
class Owners:
    """Whom files on this machine belong to: accounts are known by their names, for their numbers differ.

    In containers they have numbers alone; who isn't root keeps everything.
    """

    grader: tuple[int, int] | None  # gets what belongs to nobody here; None: numbers are taken as they are
    given: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, settings: HubSettings) -> Owners:
        """The owners of a hub's files."""
        if settings.accounts != "system":
            return cls(None)
        account = pwd.getpwnam(settings.grader)
        return cls((account.pw_uid, account.pw_gid))

    def give(self, member: tarfile.TarInfo, path: Path) -> None:
        """Let a file belong to whom the archive says."""
        if os.getuid() == 0:
            os.chown(path, *self._numbers(member), follow_symlinks=False)

    def strangers(self) -> list[str]:
        """Who has files in the archive and no account here, a line each."""
        return [
            f"{name} has no account here; {count} files went to the account that grades"
            for name, count in sorted(self.given.items())
        ]

    def _numbers(self, member: tarfile.TarInfo) -> tuple[int, int]:
        if self.grader is None:
            return member.uid, member.gid
        try:
            user = pwd.getpwnam(member.uname).pw_uid
        except KeyError:
            self.given[member.uname or f"account {member.uid}"] += 1
            return self.grader
        try:
            return user, grp.getgrnam(member.gname).gr_gid
        except KeyError:
            return user, self.grader[1]


def unpack(tar: tarfile.TarFile, name: str, target: Path, owners: Owners) -> None:
    """Put what an archive has below ``name`` into the new folder ``target``.

    Links are made last, so that nothing is ever written through one.

    Raises:
        HubError: a name in the archive leads elsewhere.
    """
    target.mkdir(parents=True, mode=0o700)
    members = [one for one in tar.getmembers() if one.name == name or one.name.startswith(f"{name}/")]
    places = {one.name: target / _inside(one.name, name) for one in members}
    folders = [one for one in members if one.isdir()]
    links = [one for one in members if one.issym()]
    for one in folders:
        places[one.name].mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in members:
        if one.isfile() or one.islnk():
            _write_file(tar, one, places[one.name], owners)
    for one in links:
        places[one.name].symlink_to(one.linkname)
        owners.give(one, places[one.name])
    for one in reversed(folders):
        owners.give(one, places[one.name])
        # after chown, which takes the set-group-ID bit away
        places[one.name].chmod(one.mode & 0o7777)
        os.utime(places[one.name], (one.mtime, one.mtime))


def _inside(member: str, name: str) -> PurePosixPath:
    relative = PurePosixPath(member).relative_to(name)
    if ".." in relative.parts:
        raise HubError(f"the archive has {member!r}, which leads elsewhere. Nothing was changed.")
    return relative


def _write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, owners: Owners) -> None:
    source = tar.extractfile(member)
    if source is None:
        return
    with source, path.open("xb") as file:
        shutil.copyfileobj(source, file)
    owners.give(member, path)
    # no program runs as its owner because an archive says so
    path.chmod(member.mode & 0o777)
    os.utime(path, (member.mtime, member.mtime))
