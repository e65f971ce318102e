"""Names and Role Provisioning Services 2.0: who is in the course on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbseal.errors import CourseError
from nbseal.lti.platform import WHERE, Platform, PlatformError

KIND = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
LEARNER = "Learner"


@dataclass(frozen=True)
class Member:
    """One person: ``user_id`` is the platform's, ``key`` what the student's id here is made of ("" if it is hidden)."""

    user_id: str
    key: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""

    @property
    def name(self) -> str:
        """What to call the person in a message."""
        return f"{self.first_name} {self.last_name}".strip() or self.user_id


def members(platform: Platform) -> list[Member]:
    """The active learners of the course; CourseError without its address, PlatformError if that doesn't answer."""
    address = platform.settings.memberships_url
    if not address:
        raise CourseError(f"c.Lti.memberships_url is not set: {WHERE}")
    found: dict[str, Member] = {}
    for page in platform.pages(platform.check(address), KIND):
        people = page.get("members") if isinstance(page, dict) else None
        if not isinstance(people, list):
            raise PlatformError(f"{address} lists no members: is it right (c.Lti.memberships_url)?")
        for person in people:
            if isinstance(person, dict) and _is_active_learner(person):
                member = _member(person, platform.settings.student_key)
                found[member.user_id] = member
    return list(found.values())


def _is_active_learner(person: dict[str, Any]) -> bool:
    """Roles are short names, or addresses that end in one; who has no status is active."""
    roles = person.get("roles")
    names = {str(role).rpartition("#")[2] for role in roles} if isinstance(roles, list) else set()
    return LEARNER in names and person.get("status", "Active") == "Active" and bool(person.get("user_id"))


def _member(person: dict[str, Any], key: str) -> Member:
    def text(name: str) -> str:
        value = person.get(name)
        return str(value).strip() if isinstance(value, (str, int)) else ""

    first, last = text("given_name"), text("family_name")
    if not first and not last:
        first, _, last = text("name").rpartition(" ")
    return Member(text("user_id"), text(key), first, last, text("email"))
