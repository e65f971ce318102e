"""What an instructor has accepted: ``accepted.toml`` beside the known cases, with a reason for each finding.

::

    [[accepted]]
    finding = "3f9a0c11d2ab"     # the key that `nbseal verify` prints
    reason = "A threshold of 1.25 separates AND as well."
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nbseal.errors import CourseError
from nbseal.verify.results import Finding

FILE = "accepted.toml"


class Accepted:
    """The accepted findings of one assignment; CourseError for a file that isn't written as it must be."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.reasons: dict[str, str] = {}
        self.used: set[str] = set()
        if self.path.exists():
            try:
                entries = tomllib.loads(self.path.read_text(encoding="utf-8")).get("accepted", [])
                self.reasons = {str(one["finding"]): str(one["reason"]).strip() for one in entries}
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
                raise CourseError(f"{self.path} can't be read ({error}): fix it and run again.") from error
        if unreasoned := [key for key, reason in self.reasons.items() if not reason]:
            raise CourseError(f"{self.path}: no reason is given for {', '.join(unreasoned)}: write one.")

    def look_up(self, finding: Finding) -> Finding:
        """The finding with the reason why it may stay, if there is one."""
        if finding.key not in self.reasons:
            return finding
        self.used.add(finding.key)
        return replace(finding, accepted=self.reasons[finding.key])

    def stale(self, seen: Collection[str]) -> list[str]:
        """Entries about nothing that was found."""
        return sorted(self.reasons.keys() - set(seen))
