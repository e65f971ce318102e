"""What was handed in, and when: by the file system's own times, which no student can choose.

A submission's moment is the latest time at which the file system saw a change of it: of its folder or of a file in it,
of content, name or rights. Once it has been looked at, moment and content are noted in ``stamps.json``, which is the
course's alone. As long as the content is the noted one, the noted moment holds, whatever an operator does to rights,
and also on another disk; with another content it was handed in when it was last changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

STAMPS = "stamps.json"
CHUNK = 1 << 20
LARGEST = 1 << 30  # bytes of a submission that is looked at while nothing is collected


@dataclass(frozen=True)
class Stamp:
    """One submission as it was when it was looked at."""

    moment: int  # when it was handed in, in microseconds since 1970, UTC
    changed: int  # the file system's time of its latest change then, in the same unit
    content: str  # hash of the names and contents of the student's regular files

    @property
    def time(self) -> datetime:
        """The moment as nbgrader has times: in UTC, without a zone."""
        return datetime(1970, 1, 1) + timedelta(microseconds=self.moment)


def look(folder: Path, known: Stamp | None, most: int) -> Stamp:
    """The stamp of a submission, of which ``known`` was noted before.

    Args:
        most: the number of bytes above which it isn't read.

    Raises:
        OSError: a part of it can't be read.
        RuntimeError: it is larger than that, or is being changed.
    """
    changed = last_change(folder)
    if known is not None and known.changed == changed:
        return known
    content = content_of(folder, os.stat(folder, follow_symlinks=False).st_uid, most)
    if last_change(folder) != changed:
        raise RuntimeError("it is being changed; collect again")
    return Stamp(known.moment if known is not None and known.content == content else changed, changed, content)


def look_all(folders: Iterable[Path], known: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The stamps of submissions by their folders' names; one that can't be read, or is being changed, has none."""
    found = {}
    for folder in folders:
        with suppress(OSError, RuntimeError):
            found[folder.name] = look(folder, known.get(folder.name), LARGEST)
    return found


def last_change(folder: Path) -> int:
    """The file system's time of the latest change of a folder or anything in it, in microseconds since 1970."""
    latest = 0
    for _, folders, names, descriptor in _walk(folder):
        latest = max(latest, os.fstat(descriptor).st_ctime_ns)
        for name in [*folders, *names]:
            latest = max(latest, os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_ctime_ns)
    return latest // 1000


def content_of(folder: Path, owner: int, most: int) -> str:
    """Hash of the names and contents of the regular files that belong to ``owner``."""
    found = {}
    for place, _, names, descriptor in _walk(folder):
        for name in names:
            file = _open_own(name, descriptor, owner)
            if file is None:
                continue
            digest = hashlib.sha256()
            with file:
                while chunk := file.read(CHUNK):
                    most -= len(chunk)
                    _check_size(most)
                    digest.update(chunk)
            found[os.path.join(os.path.relpath(place, folder), name)] = digest.hexdigest()
    return hashlib.sha256(json.dumps(sorted(found.items())).encode("utf-8")).hexdigest()


def copy_own_files(source: Path, target: Path, owner: int, most: int) -> list[str]:
    """Copy the regular files below ``source`` that belong to ``owner``, and return the names of what was left out.

    No link is followed, also when the folder is being changed meanwhile.

    Raises:
        OSError: a part of it can't be read.
        RuntimeError: there are more than ``most`` bytes.
    """
    left_out = []
    for folder, folders, names, descriptor in _walk(source):
        relative = Path(os.path.relpath(folder, source))
        (target / relative).mkdir(parents=True)
        left_out += [str(relative / name) for name in folders if _is_link(name, descriptor)]
        for name in names:
            file = _open_own(name, descriptor, owner)
            if file is None:
                left_out.append(str(relative / name))
                continue
            with file, (target / relative / name).open("wb") as copy:
                while chunk := file.read(CHUNK):
                    most -= len(chunk)
                    _check_size(most)
                    copy.write(chunk)
    return left_out


def read_stamps(inbound: Path) -> dict[str, Stamp]:
    """What has been noted of submissions, by their folders' names."""
    try:
        noted = json.loads(stamps_file(inbound).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: Stamp(**fields) for name, fields in noted.items()}


def write_stamps(inbound: Path, found: Mapping[str, Stamp]) -> None:
    """Note stamps, beside those of other submissions that are still there; whole or not at all."""
    path = stamps_file(inbound)
    with _locked(path.with_suffix(".lock")):
        present = set(os.listdir(inbound))
        stamps = {name: stamp for name, stamp in {**read_stamps(inbound), **found}.items() if name in present}
        write_stamps_file(path, stamps)


def write_stamps_file(path: Path, stamps: Mapping[str, Stamp]) -> None:
    """Write a file of stamps for its owner alone, who is the owner of its folder."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({name: asdict(stamp) for name, stamp in sorted(stamps.items())}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _give(draft)
    draft.replace(path)


def stamps_file(inbound: Path) -> Path:
    """Where stamps are noted: beside the folder of submissions, where students can't write."""
    return inbound.with_name(STAMPS)


def submissions_of(inbound: Path, student: str) -> list[Path]:
    """The folders of submissions that bear a student's name: ``<student>+<assignment>+<time>``, perhaps with more."""
    try:
        names = sorted(os.listdir(inbound))
    except FileNotFoundError:
        return []
    return [inbound / name for name in names if name.partition("+")[0] == student]


def moment_of(stamp: datetime) -> str:
    """A time without a zone, in UTC, as nbgrader writes it into ``timestamp.txt``."""
    return stamp.replace(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S.%f %Z")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb") as lock:
        _give(path)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _give(path: Path) -> None:
    """What root makes here belongs to the account that collects."""
    if os.getuid() == 0:
        about = path.parent.stat()
        os.chown(path, about.st_uid, about.st_gid)


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    """Walk through a folder, following no link; what can't be read is an error."""

    def refuse(error: OSError) -> None:
        raise error

    yield from os.fwalk(folder, onerror=refuse, follow_symlinks=False)


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _open_own(name: str, folder: int, owner: int) -> BinaryIO | None:
    """Open a regular file of the owner's; None if it is anything else."""
    if not _is_own(os.stat(name, dir_fd=folder, follow_symlinks=False), owner):
        return None
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    if not _is_own(os.fstat(descriptor), owner):  # it was replaced meanwhile
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def _is_own(about: os.stat_result, owner: int) -> bool:
    return stat.S_ISREG(about.st_mode) and about.st_uid == owner


def _check_size(left: int) -> None:
    if left < 0:
        raise RuntimeError("it is larger than c.CourseDirectory.max_dir_size allows")
