"""All that a course keeps about one student, in a zip."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import open_regular
from nbseal.student_data.finding import StudentData

ABOUT, GRADEBOOK = "about.json", "gradebook.json"


def write_archive(course: Course, data: StudentData, path: Path, force: bool = False) -> list[str]:
    """Write the zip, whole and readable by its owner only; the names of what is no regular file and was left out.

    CourseError if it is there already and not ``force``, or if its folder is missing.
    """
    if path.exists() and not force:
        raise CourseError(f"{path} is there already: give another name with --output, or --force to replace it.")
    if not path.absolute().parent.is_dir():
        raise CourseError(f"the folder {path.absolute().parent} doesn't exist: make it, or give another --output.")
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
                left_out = _fill(archive, course, data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return left_out


def _fill(archive: zipfile.ZipFile, course: Course, data: StudentData) -> list[str]:
    _add_json(archive, ABOUT, _about(course, data))
    _add_json(archive, GRADEBOOK, data.rows)
    left_out = []
    for name, path in _files(course, data):
        file = open_regular(path)
        if file is None:
            left_out.append(str(path))
            continue
        entry = zipfile.ZipInfo.from_file(path, _zip_name(name), strict_timestamps=False)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with file, archive.open(entry, "w") as copy:
            shutil.copyfileobj(file, copy)
    return left_out


def _about(course: Course, data: StudentData) -> dict[str, Any]:
    return {
        "student": data.student,
        "course": course.coursedir.course_id,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "kept": data.lines(),
        "decisions": {name: [one.to_dict() for one in made] for name, made in data.decisions.items()},
        "tasks": [{**vars(one), "kind": str(one.kind), "state": str(one.state)} for one in data.tasks],
        "extensions": [{"assignment": one.assignment, "until": one.text} for one in data.extensions],
        "backups_not_looked_into": list(map(str, data.backups)),
        "exchange_not_looked_into": data.exchange.reason,
    }


def _files(course: Course, data: StudentData) -> Iterator[tuple[str, Path]]:
    """Each file with its name in the archive."""
    private = course.private
    tops = [(os.path.relpath(path, course.root), path) for path in data.folders]
    tops += [(os.path.relpath(path, private), path) for path in data.scorecards]
    tops += [(f"exchange/inbound/{path.name}", path) for path in data.exchange.submissions]
    tops += [(f"exchange/feedback/{path.name}", path) for path in data.exchange.feedback]
    for name, top in tops:
        if top.is_symlink() or not top.is_dir():
            yield name, top
            continue
        for folder, folders, names in os.walk(top, onerror=_refuse):
            links = [one for one in folders if os.path.islink(os.path.join(folder, one))]
            for one in sorted([*names, *links]):
                path = Path(folder, one)
                yield f"{name}/{path.relative_to(top)}", path


def _refuse(error: OSError) -> None:
    raise error


def _zip_name(name: str) -> str:
    """A name that every program reads alike; none leads out of the folder into which it is unpacked."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace("\\", "%5C")
    return "/".join(part if part.strip(".") else part.replace(".", "%2E") for part in text.split("/"))


def _add_json(archive: zipfile.ZipFile, name: str, value: Any) -> None:
    archive.writestr(name, json.dumps(value, indent=1, ensure_ascii=True) + "\n")
