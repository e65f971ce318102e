"""Backups of a hub and its course in one archive, made while they run, and put back while they don't."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nbseal_hub import database
from nbseal_hub.errors import HubError
from nbseal_hub.folders import make_folders
from nbseal_hub.handed_in import STAMPS, look_all, read_stamps, write_stamps_file
from nbseal_hub.launch import OLD_LOG, check_ports, gradebook_problem
from nbseal_hub.settings import HubSettings, load_settings
from nbseal_hub.system import check_machine, give_folders, make_accounts
from nbseal_hub.unpacking import Owners, unpack

# Databases are copied by SQLite itself, in one consistent state; their side files must not be.
GRADEBOOK = "course/gradebook.db"
DATABASES = {GRADEBOOK, "hub/jupyterhub.sqlite"}
SUBMISSION_STAMPS = f"exchange/{STAMPS}"
LEFT_OUT = {f"{name}-{kind}" for name in DATABASES for kind in ("journal", "wal", "shm")} | {
    "hub/hub.log",
    f"hub/{OLD_LOG}",
    "hub/jupyterhub-proxy.pid",
    SUBMISSION_STAMPS,  # is written anew
}
NEVER_EMPTY = {"course", "hub"}  # parts of a backup
NAMED = 5  # files that a message names


@dataclass(frozen=True)
class Restored:
    """What a restore has done: what the replaced folders and databases are called now, and what else is to be known."""

    kept: list[str]
    said: list[str]


def backup(path: Path, archive: Path) -> int:
    """Write everything that a hub can't make again into an archive that only its owner can read.

    Returns:
        The archive's size in bytes.
    """
    settings = load_settings(path)
    if archive.exists():
        raise HubError(f"{archive} already exists; nothing was written.")
    unfinished = archive.with_name(f".{archive.name}.unfinished")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as tar:
                unread = [name for part, folder in _parts(settings).items() for name in _add(tar, part, folder)]
                if unread:
                    more = f" and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
                    raise HubError(
                        f"{', '.join(unread[:NAMED])}{more} can't be read by this account, so {archive} was not "
                        "written; make backups as the account that runs the hub."
                    )
                _refuse_empty(tar, settings, archive)
                _add_stamps(tar, settings)
                for name in database.database_names(settings):
                    with tempfile.NamedTemporaryFile() as dumped:
                        database.dump(settings, name, Path(dumped.name))
                        tar.add(dumped.name, f"databases/{name}")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(archive)
    except (OSError, sqlite3.Error) as error:
        raise HubError(f"{archive} could not be written: {error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return archive.stat().st_size


def _refuse_empty(tar: tarfile.TarFile, settings: HubSettings, archive: Path) -> None:
    """Demand something of each folder that restore demands something of."""
    names = tar.getnames()
    for part, folder in _parts(settings).items():
        if part in NEVER_EMPTY and not any(name.startswith(f"{part}/") for name in names):
            raise HubError(
                f"{folder} is empty, and a backup without it can't be put back: {archive} was not written. The first "
                "start of the hub fills it."
            )


def restore(path: Path, archive: Path) -> Restored:
    """Put a backup in the place of what is there now, which is kept beside it under another name.

    On a new machine the settings file and the backup are enough: accounts that are missing are made first.
    """
    settings = load_settings(path)
    check_ports(settings, path)
    said = []
    if settings.accounts == "system":
        check_machine()
        said += make_accounts(settings)
    suffix = time.strftime("%Y%m%d-%H%M%S")
    folders = {name: folder.with_name(f".{folder.name}.restored-{suffix}") for name, folder in _parts(settings).items()}
    databases = database.restored_names(settings, suffix)
    owners = Owners.of(settings)
    try:
        _unpack(settings, archive, folders, databases, owners)
        said += [*owners.strangers(), *_about_gradebook(settings, folders["course"], databases)]
    except BaseException as error:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        for _, restored, _ in databases:
            database.drop(settings, restored)
        if isinstance(error, (OSError, tarfile.TarError, EOFError)):
            raise HubError(f"{archive} can't be read: {error}. Nothing was changed.") from error
        raise
    kept = []
    for name, folder in _parts(settings).items():
        if folder.exists():
            kept.append(str(folder.rename(folder.with_name(f"{folder.name}.replaced-{suffix}"))))
        folders[name].rename(folder)
    for name, restored, old in databases:
        if database.replace(settings, name, restored, old):
            kept.append(old)
    if settings.accounts == "system":
        said += give_folders(settings)
    else:
        make_folders(settings)
    return Restored(kept, said)


def _about_gradebook(settings: HubSettings, course: Path, databases: Sequence[tuple[str, str, str]]) -> list[str]:
    """What must be done before the hub starts with a gradebook that was unpacked, if anything.

    Raises:
        HubError: the installed nbgrader doesn't know its tables.
    """
    restored = {name: new for name, new, _ in databases}.get(database.gradebook_database(settings))
    file = course / Path(GRADEBOOK).name
    if restored:
        address = database.sqlalchemy_url(settings, restored)
    elif file.is_file():
        address = f"sqlite:///{file}"
    else:
        return []
    problem = gradebook_problem(settings, address)
    if problem and "of an older nbgrader" not in problem:
        raise HubError(f"{problem} No folder was replaced.")
    return [f"before the hub starts: {problem.replace(str(course), str(settings.course))}"] if problem else []


def _unpack(
    settings: HubSettings,
    archive: Path,
    folders: dict[str, Path],
    databases: Sequence[tuple[str, str, str]],
    owners: Owners,
) -> None:
    """Put everything beside what is there now."""
    with tarfile.open(archive, "r:gz") as tar:
        members = {member.name: member for member in tar.getmembers()}
        wanted = [*folders, *(f"databases/{name}" for name, _, _ in databases)]
        missing = [name for name in wanted if name not in members]
        if missing:
            raise HubError(f"{archive} is not a backup of this hub: it has no {', '.join(missing)}.")
        for name, target in folders.items():
            inside = {member for member in members if member.startswith(f"{name}/")}
            if name in NEVER_EMPTY and not inside:
                raise HubError(
                    f"{archive} is not a complete backup: its {name}/ is empty, as when it was made by an account that "
                    "can't read that folder. Nothing was changed."
                )
            unpack(tar, name, target, owners)
        with tempfile.TemporaryDirectory() as dumps:
            for name, restored, _ in databases:
                source = tar.extractfile(members[f"databases/{name}"])
                if source is None:
                    raise HubError(f"{archive} is not a backup of this hub: databases/{name} is not a file.")
                with source, Path(dumps, name).open("wb") as dumped:
                    shutil.copyfileobj(source, dumped)
                database.fill(settings, restored, Path(dumps, name))


def _parts(settings: HubSettings) -> dict[str, Path]:
    return {
        "course": settings.course,
        "exchange": settings.exchange / settings.course_id,
        "hub": settings.private,
    }


def _add(tar: tarfile.TarFile, name: str, folder: Path) -> list[str]:
    """Add a folder, and return what can't be read; what disappears meanwhile is left out."""
    if not folder.is_dir():
        raise HubError(f"{folder} is missing; there is nothing to back up.")
    tar.add(folder, name, recursive=False)
    unread: list[str] = []

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            unread.append(str(error.filename))

    for place, folders, names in os.walk(folder, onerror=note):
        folders.sort()
        for path in (Path(place, entry) for entry in sorted([*folders, *names])):
            try:
                _add_one(tar, f"{name}/{path.relative_to(folder)}", path)
            except OSError as error:
                note(error)
    return unread


def _add_stamps(tar: tarfile.TarFile, settings: HubSettings) -> None:
    """Add when each submission was handed in: on another disk the file system will know the restore's time only."""
    inbound = settings.exchange / settings.course_id / "inbound"
    if not inbound.is_dir():
        return
    known = read_stamps(inbound)
    folders = [path for path in inbound.iterdir() if not path.is_symlink() and path.is_dir()]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, STAMPS)
        write_stamps_file(file, {**known, **look_all(folders, known)})
        about = tar.gettarinfo(file, SUBMISSION_STAMPS)
        owner = tar.gettarinfo(inbound)
        about.uid, about.gid, about.uname, about.gname = owner.uid, owner.gid, owner.uname, owner.gname
        with file.open("rb") as content:
            tar.addfile(about, content)


def _add_one(tar: tarfile.TarFile, member: str, path: Path) -> None:
    mode = path.lstat().st_mode
    if member in LEFT_OUT or not (stat.S_ISLNK(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return
    if member in DATABASES and stat.S_ISREG(mode):
        with path.open("rb"):  # SQLite wouldn't say that it may not be read
            pass
        _add_database(tar, member, path)
    else:
        tar.add(path, member, recursive=False)


def _add_database(tar: tarfile.TarFile, member: str, path: Path) -> None:
    about = tar.gettarinfo(path, member)
    with tempfile.NamedTemporaryFile() as copy:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy.name)) as target,
        ):
            source.backup(target)
        about.size = os.path.getsize(copy.name)
        with open(copy.name, "rb") as file:
            tar.addfile(about, file)
