"""Backups of a hub and its course in one archive, made while they run, and put back while they don't."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from nbseal_hub import database
from nbseal_hub.errors import HubError
from nbseal_hub.folders import make_folders
from nbseal_hub.launch import check_ports
from nbseal_hub.settings import HubSettings, load_settings

# Databases are copied by SQLite itself, in one consistent state; their side files must not be.
DATABASES = {"course/gradebook.db", "hub/jupyterhub.sqlite"}
LEFT_OUT = {f"{name}-{kind}" for name in DATABASES for kind in ("journal", "wal", "shm")} | {
    "hub/hub.log",
    "hub/jupyterhub-proxy.pid",
}


def backup(path: Path, archive: Path) -> int:
    """Write everything that a hub can't make again into an archive that only its owner can read.

    Returns:
        The archive's size in bytes.
    """
    settings = load_settings(path)
    if archive.exists():
        raise HubError(f"{archive} is there already; nothing was written.")
    unfinished = archive.with_name(f".{archive.name}.unfinished")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as tar:
                for name, folder in _parts(settings).items():
                    _add(tar, name, folder)
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


def restore(path: Path, archive: Path) -> list[str]:
    """Put a backup in the place of what is there now, which is kept beside it under another name.

    Returns:
        What the replaced folders and databases are called now.
    """
    settings = load_settings(path)
    check_ports(settings)
    suffix = time.strftime("%Y%m%d-%H%M%S")
    folders = {name: folder.with_name(f".{folder.name}.restored-{suffix}") for name, folder in _parts(settings).items()}
    databases = database.restored_names(settings, suffix)
    try:
        _unpack(settings, archive, folders, databases)
    except BaseException as error:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        for _, restored, _ in databases:
            database.drop(settings, restored)
        if isinstance(error, (OSError, tarfile.TarError, EOFError)):
            raise HubError(f"{archive} can't be read: {error}. Nothing was changed.") from error
        raise
    replaced = []
    for name, folder in _parts(settings).items():
        if folder.exists():
            replaced.append(str(folder.rename(folder.with_name(f"{folder.name}.replaced-{suffix}"))))
        folders[name].rename(folder)
    for name, restored, old in databases:
        if database.replace(settings, name, restored, old):
            replaced.append(old)
    make_folders(settings)
    return replaced


def _unpack(
    settings: HubSettings, archive: Path, folders: dict[str, Path], databases: Sequence[tuple[str, str, str]]
) -> None:
    """Put everything beside what is there now."""
    with tarfile.open(archive, "r:gz") as tar:
        members = {member.name: member for member in tar.getmembers()}
        wanted = [*folders, *(f"databases/{name}" for name, _, _ in databases)]
        missing = [name for name in wanted if name not in members]
        if missing:
            raise HubError(f"{archive} is no backup of this hub: it has no {', '.join(missing)}.")
        for name, target in folders.items():
            target.mkdir(parents=True, mode=0o700)
            tar.extractall(target, _below(name, list(members.values())), filter="tar")
        with tempfile.TemporaryDirectory() as dumps:
            for name, restored, _ in databases:
                tar.extract(members[f"databases/{name}"].replace(name=name, deep=False), dumps, filter="data")
                database.fill(settings, restored, Path(dumps, name))


def _parts(settings: HubSettings) -> dict[str, Path]:
    return {
        "course": settings.course,
        "exchange": settings.exchange / settings.course_id,
        "hub": settings.private,
    }


def _add(tar: tarfile.TarFile, name: str, folder: Path) -> None:
    """Add a folder; what disappears meanwhile is left out."""
    if not folder.is_dir():
        raise HubError(f"{folder} is missing; there is nothing to back up.")
    tar.add(folder, name, recursive=False)
    for path in sorted(folder.rglob("*")):
        member = f"{name}/{path.relative_to(folder)}"
        if member in LEFT_OUT or not (path.is_symlink() or path.is_file() or path.is_dir()):
            continue
        if member in DATABASES:
            _add_database(tar, member, path)
            continue
        try:
            tar.add(path, member, recursive=False)
        except FileNotFoundError:
            continue


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


def _below(name: str, members: list[tarfile.TarInfo]) -> Iterator[tarfile.TarInfo]:
    for member in members:
        if member.name == name or member.name.startswith(f"{name}/"):
            yield member.replace(name=f".{member.name.removeprefix(name)}", deep=False)
