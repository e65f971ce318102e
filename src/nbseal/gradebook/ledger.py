"""What has been recorded: one JSON file for each submission, in ``.nbseal/scorecards/<assignment>/``.

A file's name ends in ``.json``. While a submission is being recorded, a second one ending in ``.json.new`` lies
beside it; it takes the other's place as the very last step. So whoever is killed on the way leaves the second one
behind, and then the submission doesn't count as recorded.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbseal.files import sync_folder, write_file
from nbseal.results import Scorecard

if TYPE_CHECKING:
    from nbseal.course import Course


SUFFIX = ".json"
PENDING = ".json.new"
NAME_LIMIT = 240  # bytes; file names may have 255 with the suffix


@dataclass(frozen=True)
class Entry:
    """One recorded submission; ``sizes`` are the bytes of its notebooks in autograded/.

    ``digest`` identifies all that the mark depends on, ``handed_in`` the submission alone ("" if nobody knows);
    ``extension`` is the date in the student's line of extensions.csv and ``due`` the due date, "" where there was none.
    """

    digest: str
    scorecard: Scorecard
    sizes: dict[str, int]
    handed_in: str = ""
    extension: str = ""
    due: str = ""

    @property
    def student(self) -> str:
        """Whose submission it is."""
        return self.scorecard.student

    def to_json(self) -> bytes:
        """The entry as it is stored."""
        data: dict[str, Any] = {
            "digest": self.digest,
            "handed_in": self.handed_in,
            "notebooks": self.sizes,
            "scorecard": self.scorecard.to_dict(),
        }
        dates = {"extension": self.extension, "due": self.due}
        data |= {name: date for name, date in dates.items() if date}
        return json.dumps(data).encode("ascii")

    @classmethod
    def from_json(cls, text: bytes) -> Entry:
        """Read a stored entry; ValueError, KeyError or TypeError if it isn't one."""
        data: dict[str, Any] = json.loads(text)
        card = Scorecard.from_dict(data["scorecard"])
        texts = (data.get(name, "") for name in ("handed_in", "extension", "due"))
        return cls(data["digest"], card, dict(data["notebooks"]), *texts)


class Ledger:
    """The entries of one assignment in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, course: Course, assignment: str) -> Ledger:
        """The ledger of an assignment of ``course``."""
        return cls(course.private / "scorecards" / assignment)

    @classmethod
    def all_of(cls, course: Course) -> list[Ledger]:
        """Every ledger that there is, also those of assignments that the course has no more."""
        top = course.private / "scorecards"
        return [cls(path) for path in sorted(top.iterdir()) if path.is_dir()] if top.is_dir() else []

    def entries(self) -> list[Entry]:
        """All entries whose recording was finished; a damaged file counts as none."""
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        pending = {name.removesuffix(PENDING) for name in names if name.endswith(PENDING)}
        entries = []
        for name in names:
            if name.endswith(SUFFIX) and name.removesuffix(SUFFIX) not in pending:
                entries.append(_read(self.folder / name))
        return [entry for entry in entries if entry]

    def latest(self, student: str) -> Entry | None:
        """What was last recorded of a student, also if that was not finished."""
        return _read(self._path(student, PENDING)) or _read(self._path(student, SUFFIX))

    def is_pending(self, student: str) -> bool:
        """Whether an earlier recording of this student's submission was not finished."""
        return self._path(student, PENDING).exists()

    def announce(self, entry: Entry) -> None:
        """Store what is about to be recorded; until ``publish`` the submission doesn't count as recorded."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self._path(entry.student, PENDING), entry.to_json(), 0o600)
        sync_folder(self.folder)

    def withdraw(self, student: str) -> None:
        """Take an announcement back: what was recorded before stands."""
        self._path(student, PENDING).unlink(missing_ok=True)

    def publish(self, student: str) -> None:
        """Let the announced entry count."""
        self._path(student, PENDING).replace(self._path(student, SUFFIX))
        sync_folder(self.folder)

    def files(self, student: str) -> list[Path]:
        """The files that are there about a student."""
        return [path for suffix in (SUFFIX, PENDING) if (path := self._path(student, suffix)).exists()]

    def _path(self, student: str, suffix: str) -> Path:
        return self.folder / (file_name(student) + suffix)


def file_name(name: str) -> str:
    """The name of a file about somebody or something, without its ending: short enough, and no two share one."""
    encoded = os.fsencode(name)
    return hashlib.sha256(encoded).hexdigest() if len(encoded) > NAME_LIMIT else name


def _read(path: Path) -> Entry | None:
    try:
        return Entry.from_json(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
