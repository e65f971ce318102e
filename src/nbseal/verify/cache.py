"""Remembers what became of answers: nothing is tried again while grader, answer and engine are the same."""

from __future__ import annotations

import json
from typing import Any, Self

from nbseal.course import Course
from nbseal.files import write_whole
from nbseal.verify.results import Tried

FOLDER = "verified"


class Cache:
    """Outcomes of one assignment by what was tried; a context manager that keeps those which were asked for."""

    def __init__(self, course: Course, assignment: str, digest: str) -> None:
        self._path = course.private / FOLDER / f"{assignment}.json"
        self._digest = digest
        self._before: dict[str, Any] = {}
        self._now: dict[str, Any] = {}
        try:
            data = json.loads(self._path.read_bytes())
            self._before = data["tried"] if data["digest"] == digest else {}
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing was tried before, or nobody can tell what came of it

    def look_up(self, key: str) -> Tried | None:
        """What became of an answer; None if it wasn't tried."""
        data = self._now.get(key) or self._before.get(key)
        if data is None:
            return None
        self._now[key] = data
        return Tried.from_dict(data)

    def keep(self, key: str, tried: Tried) -> None:
        """Remember what became of an answer, unless our own machinery failed."""
        if not tried.why.startswith("not judged"):
            self._now[key] = tried.to_dict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {**self._before, **self._now}
        text = json.dumps({"digest": self._digest, "tried": kept})
        write_whole(self._path, text.encode("utf-8", "backslashreplace"), 0o600)
