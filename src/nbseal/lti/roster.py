"""The gradebook's students as the platform has them: names, addresses and the ids by which marks are sent."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, insert, update

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.connection import connect, gradebook_label
from nbseal.gradebook.explained import explained
from nbseal.gradebook.queries import students
from nbseal.gradebook.tables import STUDENT
from nbseal.lti.members import Member, members
from nbseal.lti.platform import NRPS, Platform
from nbseal.text import without_controls

COLUMNS = ("first_name", "last_name", "email", "lms_user_id")
ADD = insert(STUDENT)
CHANGE = update(STUDENT).where(STUDENT.c.id == bindparam("key"))


@dataclass
class RosterResult:
    """Ids that are new in the gradebook, that were changed, that the platform hasn't; members who can't be added."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    not_there: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        left_out = [{"member": member, "reason": reason} for member, reason in self.left_out]
        return {"added": self.added, "changed": self.changed, "not_there": self.not_there, "left_out": left_out}


def fill_roster(course: Course, dry_run: bool) -> RosterResult:
    """Add the platform's learners to the gradebook and bring known ones up to date; nobody is taken away.

    Who has the platform's id already keeps the id here. What the platform hides stays as it is.
    """
    with closing(Platform(course, (NRPS,))) as platform:
        found = members(platform)
    if not found:
        raise CourseError(f"{course.lti.memberships_url} names no learner: the gradebook was left as it is.")
    with explained(gradebook_label(course)), closing(connect(course)) as gradebook, gradebook.transaction():
        known = {str(row[0]): dict(zip(COLUMNS, row[1:], strict=True)) for row in students(gradebook)}
        result, new, changes = _compare(known, found, course.lti.student_key)
        if not dry_run:
            for statement, rows in ((ADD, new), (CHANGE, changes)):
                if rows:
                    gradebook.write(statement, rows)
    return result


def _compare(
    known: dict[str, dict[str, str | None]], found: list[Member], key: str
) -> tuple[RosterResult, list[dict[str, Any]], list[dict[str, Any]]]:
    result = RosterResult()
    by_platform = {values["lms_user_id"]: name for name, values in known.items() if values["lms_user_id"]}
    new: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    seen: set[str] = set()
    for member in found:
        name = by_platform.get(member.user_id, member.key)
        if problem := _problem(member, name, known, seen, key):
            result.left_out.append((member.name, problem))
            continue
        seen.add(name)
        values = {
            "first_name": member.first_name, "last_name": member.last_name,
            "email": member.email, "lms_user_id": member.user_id,
        }  # fmt: skip
        if name not in known:
            result.added.append(name)
            new.append({"id": name, **{column: value or None for column, value in values.items()}})
            continue
        merged = {column: value or known[name][column] for column, value in values.items()}
        if merged != known[name]:
            result.changed.append(name)
            changes.append({"key": name, **merged})
    result.not_there = sorted(set(known) - seen)
    return result, new, changes


def _problem(member: Member, name: str, known: dict[str, dict[str, str | None]], seen: set[str], key: str) -> str:
    """Why a member can't be a student here; empty if one can."""
    if not name:
        return f"the platform gives no {key} (c.Lti.student_key)"
    if "/" in name or name.startswith(".") or name != without_controls(name):
        return f"{name!r} can't be a student's id, which is a folder's name"
    if name in seen:
        return f"another member has the same {key}, {name}"
    other = known.get(name, {}).get("lms_user_id")
    if other and other != member.user_id:
        return f"{name} has another id of the platform in the gradebook, {other}"
    return ""
