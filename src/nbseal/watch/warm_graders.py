"""Graders that stay warm from one submission to the next, and are replaced when what they were made from changes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from nbseal.course import CASES, CONFIG_FILE, Course
from nbseal.gradebook import Recorder
from nbseal.gradebook.decisions import decisions_file
from nbseal.grading import Grader

IDLE_SECONDS = 900  # after which a grader that nobody needs is closed: it holds the memory of two processes
Signature = frozenset[tuple[str, int, int]]


@dataclass
class _Kept:
    """A grader with what it was made from, and how many use it."""

    grader: Grader
    made_from: Signature
    users: int = 0
    used: float = field(default_factory=time.monotonic)


class WarmGraders:
    """The graders of a course, at most one for each assignment; any number of threads may use them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._kept: dict[str, _Kept] = {}
        self._retired: list[_Kept] = []

    @contextmanager
    def use(self, course: Course, assignment: str) -> Iterator[Grader]:
        """The grader of an assignment, which is started first if need be; errors as from `Grader.start`."""
        with self._lock:
            starting = self._starting.setdefault(assignment, threading.Lock())
        with starting:
            kept = self._current(course, assignment)
        try:
            yield kept.grader
        finally:
            with self._lock:
                kept.users, kept.used = kept.users - 1, time.monotonic()
            self.tidy()

    def _current(self, course: Course, assignment: str) -> _Kept:
        made_from = _signature(course, assignment)
        with self._lock:
            kept = self._kept.get(assignment)
            if kept and kept.made_from == made_from:
                kept.users += 1
                return kept
        with Recorder(course) as recorder:
            recorder.prepare(assignment)
        grader = Grader(course, assignment)
        grader.start()
        self.retire(assignment)
        new = _Kept(grader, made_from, users=1)
        with self._lock:
            self._kept[assignment] = new
        return new

    def retire(self, assignment: str) -> None:
        """Use an assignment's grader no more; it is closed when the last one has done with it."""
        with self._lock:
            if kept := self._kept.pop(assignment, None):
                self._retired.append(kept)

    def tidy(self) -> None:
        """Close graders that nobody uses any more."""
        now = time.monotonic()
        with self._lock:
            for name, kept in list(self._kept.items()):
                if not kept.users and now - kept.used > IDLE_SECONDS:
                    self._retired.append(self._kept.pop(name))
            closing = [kept for kept in self._retired if not kept.users]
            self._retired = [kept for kept in self._retired if kept.users]
        for kept in closing:
            kept.grader.close()

    def close(self) -> None:
        """Close all graders; what they are grading is not judged."""
        with self._lock:
            closing = [*self._kept.values(), *self._retired]
            self._kept, self._retired = {}, []
        for kept in closing:
            kept.grader.close()


def _signature(course: Course, assignment: str) -> Signature:
    """Changes when a file does that an assignment's marks depend on; for each submission, so it has to be fast."""
    found = course.assignment(assignment)
    paths = [str(course.root / CONFIG_FILE), str(decisions_file(course.private, assignment))]
    folders = [found.source, found.release, *([found.grader.parent] if found.grader else [])]
    for folder in folders:
        for top, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in (CASES, "__pycache__")]
            paths += [os.path.join(top, name) for name in files]
    return frozenset(_facts(paths))


def _facts(paths: list[str]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        with suppress(OSError):
            about = os.stat(path)
            yield path, about.st_mtime_ns, about.st_size
