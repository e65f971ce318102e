"""One student's data on a hub: what the course keeps, by the engine's own command, and what the hub adds to it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbseal_hub.errors import HubError
from nbseal_hub.handed_in import moment_of, read_stamps, submissions_of, write_stamps
from nbseal_hub.launch import answers
from nbseal_hub.members import account_record, forget_former_people
from nbseal_hub.numbers import GRADER, TABLE, forget_name, read_numbers, write_numbers
from nbseal_hub.settings import NAME, HubSettings, load_settings

ABOUT = "hub.json"


@dataclass(frozen=True)
class HubRecord:
    """What the hub itself knows of a student: the account in its database, the number, times of submissions."""

    account: dict[str, Any]
    number: int | None
    stamps: dict[str, str]

    @property
    def is_nothing(self) -> bool:
        """Whether the hub has never heard of the student."""
        return not self.account and self.number is None and not self.stamps

    def lines(self) -> list[str]:
        """What is kept, a line each."""
        lines = ["the hub's database: an account"] if self.account else []
        lines += [f"account number {self.number}"] if self.number is not None else []
        return lines + [f"time of submission: {name}" for name in self.stamps]


def export_student(path: Path, name: str, output: Path) -> list[str]:
    """Write a zip with what course, exchange and hub keep about a student; what else to know, a line each.

    Raises:
        HubError: the zip is there already, the student is unknown, or the engine's command failed.
    """
    settings = _settings(path, name)
    if output.exists():
        raise HubError(f"{output} is there already; nothing was written.")
    record = _record(settings, name)
    draft = output.with_name(f".{output.name}.unfinished")
    with tempfile.TemporaryDirectory(prefix="nbseal-student-") as folder:
        made = Path(folder, "student.zip")
        if settings.accounts != "containers":
            _give(settings, Path(folder))
            _engine(settings, "export", name, "--output", str(made), "--missing-ok")
        if record.is_nothing and not made.exists():
            raise _unknown(settings, name)
        try:
            draft.unlink(missing_ok=True)
            with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
                if made.exists():
                    with made.open("rb") as source:
                        shutil.copyfileobj(source, file)
                with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
                    archive.writestr(ABOUT, json.dumps(vars(record), indent=1) + "\n")
            draft.rename(output)
        except OSError as error:
            raise HubError(f"{output} could not be written: {error}.") from error
        finally:
            draft.unlink(missing_ok=True)
    return _elsewhere(settings, name)


def delete_student(path: Path, name: str, confirm: Callable[[list[str]], bool]) -> list[str]:
    """Delete what course, exchange and hub keep about a student who left; what stays, a line each.

    ``confirm`` is shown all that would go, and says whether it may. A deletion that was stopped can be repeated.

    Raises:
        HubError: the student is unknown or still in the settings, or the engine's command failed.
    """
    settings = _settings(path, name)
    if name in settings.students:
        raise HubError(f"{name} is still in {path}: take the name out of students there, then delete.")
    record = _record(settings, name)
    in_course = ""
    if settings.accounts != "containers":
        in_course = _engine(settings, "delete", name, "--dry-run", "--missing-ok")
    lines = [*in_course.splitlines(), *record.lines()]
    if not lines:
        raise _unknown(settings, name)
    if not confirm(lines):
        return ["nothing was deleted"]
    inbound = _inbound(settings)
    for folder in submissions_of(inbound, name):
        _give(settings, folder)  # a student may have closed folders in it
    if settings.accounts != "containers":
        _engine(settings, "delete", name, "--yes", "--missing-ok")
    if record.stamps:
        write_stamps(inbound, {})  # of what is still there
    _forget_number(settings, name)
    return [
        f"deleted: what was kept about {name}",
        *_forget_account(settings, path, record),
        *_elsewhere(settings, name),
    ]


def _settings(path: Path, name: str) -> HubSettings:
    settings = load_settings(path)
    if not NAME.fullmatch(name):
        raise HubError(f"{name!r} can't be an account's name here; for others, `nbseal student` looks into the course.")
    if name in (*settings.instructors, settings.grader):
        raise HubError(f"{name} is no student in {path}.")
    if settings.accounts != "demo" and os.getuid() != 0:
        raise HubError("a hub's data belong to several accounts; run it as root.")
    return settings


def _unknown(settings: HubSettings, name: str) -> HubError:
    return HubError(f"no student called {name!r}; in the settings are {', '.join(settings.students) or 'none'}.")


def _record(settings: HubSettings, name: str) -> HubRecord:
    stamps = {
        folder: moment_of(stamp.time)
        for folder, stamp in read_stamps(_inbound(settings)).items()
        if folder.partition("+")[0] == name
    }
    return HubRecord(account_record(settings, name), read_numbers(settings.private / TABLE).get(name), stamps)


def _inbound(settings: HubSettings) -> Path:
    return settings.exchange / settings.course_id / "inbound"


def _engine(settings: HubSettings, *words: str) -> str:
    """What ``nbseal student`` prints when the account that grades gives it; it says the rest to our standard error."""
    how: dict[str, Any] = {}
    environment = {"JUPYTER_CONFIG_PATH": str(settings.configuration / "grader")}
    if settings.accounts == "system":
        account = pwd.getpwnam(settings.grader)
        how = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        environment["HOME"] = account.pw_dir
    command = [sys.executable, "-m", "nbseal.cli", "student", words[0], "--course", str(settings.course), *words[1:]]
    done = subprocess.run(
        command, cwd="/", env={**os.environ, **environment}, capture_output=True, text=True, check=False, **how
    )
    if done.returncode:
        raise HubError(done.stderr.strip().removeprefix("nbseal: ") or f"nbseal student ended by {done.returncode}.")
    if "--dry-run" not in words:  # we only look then, and that nothing was deleted would be said before we ask
        sys.stderr.write(done.stderr)
    return str(done.stdout)


def _give(settings: HubSettings, top: Path) -> None:
    """Give a folder with all that is in it to the account that grades; no link is followed."""
    if settings.accounts == "demo":
        return
    account = pwd.getpwnam(settings.grader) if settings.accounts == "system" else None
    number, group = (account.pw_uid, account.pw_gid) if account else (GRADER, GRADER)
    for _, folders, names, descriptor in os.fwalk(top, follow_symlinks=False):
        for name in [*folders, *names]:
            os.chown(name, number, group, dir_fd=descriptor, follow_symlinks=False)
    os.chown(top, number, group, follow_symlinks=False)


def _forget_number(settings: HubSettings, name: str) -> None:
    """Forget whose number it was; nobody else gets it, since files of that number may be left somewhere."""
    table = forget_name(settings.private / TABLE, name)
    if table is not None and settings.accounts == "containers":
        write_numbers(settings.exchange / settings.course_id / TABLE, table, GRADER)


def _forget_account(settings: HubSettings, path: Path, record: HubRecord) -> Sequence[str]:
    if not record.account:
        return ()
    if answers(settings.inner_port):
        return [f"the hub is running and forgets the account when it starts again: restart `nbseal-hub run {path}`"]
    forget_former_people(settings)
    return ()


def _elsewhere(settings: HubSettings, name: str) -> list[str]:
    """What isn't looked into and not changed: home, copies of everybody's data, logs; with what removes a home."""
    folders = (settings.course, settings.exchange / settings.course_id, settings.private)
    copies = [path for folder in folders for path in folder.parent.glob(f"{folder.name}.replaced-*")]
    lines = [f"not changed, a backup: {path}" for path in sorted(copies)]
    if settings.accounts == "containers":
        lines.append(
            f"the course and the exchange: in the grader's container, nbseal student delete (or export) {name}"
        )
        lines.append(f"not changed, the home: docker volume rm nbseal-home-{name}")
    elif settings.accounts == "demo":
        home = settings.homes / name
        lines += [f"not changed, the home: rm -r {home}"] if home.exists() else []
    elif any(account.pw_name == name for account in pwd.getpwall()):
        lines.append(f"not changed, account and home: userdel --remove {name}")
    return [*lines, "not changed: archives of `nbseal-hub backup`, the machine's own backups, and logs"]
