"""Names of students as a report shows them: their own, or pseudonyms that stay the same and lead nobody back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

SHORT = 6  # letters of a pseudonym, unless two students would share it
LONG_NAME = 5  # characters from which a name is also taken out of the middle of a word


class Names:
    """Everybody's own name; nothing is taken out of any text."""

    def of(self, student: str) -> str:
        """What to call a student."""
        return student

    def clean(self, text: str) -> str:
        """A text as it may be shown."""
        return text


class Pseudonyms(Names):
    """Pseudonyms made with the course's ``secret``: the same in every report, not to be guessed without it.

    ``known`` holds everything that could name somebody (ids, names, addresses); ``clean`` takes it out of texts.
    """

    def __init__(self, secret: bytes, students: Iterable[str], known: Iterable[str] = ()) -> None:
        self._secret = secret
        self._names: dict[str, str] = {}
        for student in sorted(students):
            self._names[student] = self._make(student)
        self._known = _pattern({*self._names, *known})

    def of(self, student: str) -> str:
        """The pseudonym of a student."""
        return self._names[student]

    def clean(self, text: str) -> str:
        """The text without any known name, in whatever case it is written."""
        return self._known.sub("[name]", text) if self._known else text

    def _make(self, student: str) -> str:
        digest = hmac.new(self._secret, b"pseudonym " + student.encode("utf-8", "surrogateescape"), hashlib.sha256)
        letters = base64.b32encode(digest.digest()).decode().lower().rstrip("=")
        taken = set(self._names.values())
        lengths = range(SHORT, len(letters) + 1)
        return next(name for length in lengths if (name := f"student-{letters[:length]}") not in taken)


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    """Long names anywhere, short ones where they are words of their own."""
    longest_first = sorted((name for name in names if name.strip()), key=len, reverse=True)
    parts = [
        re.escape(name) if len(name) >= LONG_NAME else rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"
        for name in longest_first
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None
