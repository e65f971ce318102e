"""Remembers what became of answers: nothing is tried again while grader, answer and engine are the same."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Self

from nbseal.course import Course
from nbseal.files import write_whole
from nbseal.verify.results import Tried

FOLDER = "verified"
WRITE_SECONDS = 10.0  # so much work at most is lost when a verification is ended


class Cache:
    """Outcomes of one assignment by what was tried; a context manager that any number of threads may use."""

    def __init__(self, course: Course, assignment: str, digest: str) -> None:
        self._path = course.private / FOLDER / f"{assignment}.json"
        self._digest = digest
        self._tried: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._written = time.monotonic()
        try:
            data = json.loads(self._path.read_bytes())
            self._tried = data["tried"] if data["digest"] == digest else {}
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing was tried before, or nobody can tell what came of it

    def look_up(self, key: str) -> Tried | None:
        """What became of an answer; None if it wasn't tried."""
        with self._lock:
            data = self._tried.get(key)
        return None if data is None else Tried.from_dict(data)

    def keep(self, key: str, tried: Tried) -> None:
        """Remember what became of an answer, unless our own machinery failed."""
        if tried.why.startswith("not judged"):
            return
        with self._lock:
            self._tried[key] = tried.to_dict()
            if time.monotonic() - self._written > WRITE_SECONDS:
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"digest": self._digest, "tried": self._tried})
        write_whole(self._path, text.encode("utf-8", "backslashreplace"), 0o600)
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._write()
