"""What a worker does: keep graders warm, one for each bundle, and grade with them. Bytes come, and bytes go."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from nbseal.errors import NbsealError
from nbseal.grading.bundle import Bundle, bundle_digest, other_versions
from nbseal.grading.grader import Grader
from nbseal.grading.messages import read_task, reply_bytes
from nbseal.sandbox.launch import scratch_folder
from nbseal.wire import TooLarge
from nbseal.wire.parcel import parcel

KEPT = 3  # graders; a worker that grades many assignments one after the other starts the oldest anew
UNKNOWN = b""  # the reply of a worker that has lost its grader: it wants the bundle anew


@dataclass
class _Warm:
    """A grader with its folder, and how many threads are using it."""

    grader: Grader
    folder: ExitStack
    used_by: int = 0


@dataclass
class _Shelf:
    """The graders of this process by their bundles' digests, the one used last at the end."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    graders: dict[str, _Warm] = field(default_factory=dict)

    def take(self, digest: str) -> _Warm | None:
        with self.lock:
            found = self.graders.pop(digest, None)
            if found:
                self.graders[digest] = found
                found.used_by += 1
            return found

    def put(self, digest: str, warm: _Warm) -> None:
        with self.lock:
            self.graders[digest] = warm
            idle = [name for name, one in self.graders.items() if not one.used_by][:-1]
            old = [self.graders.pop(name) for name in idle[: max(0, len(self.graders) - KEPT)]]
        for one in old:
            one.folder.close()


_SHELF = _Shelf()
_STARTING = threading.Lock()


def prepare(data: bytes) -> bytes:
    """Start a grader for a bundle and keep it. The reply says what stands against grading here, if anything does."""
    with _STARTING:
        digest = bundle_digest(data)
        if warm := _SHELF.take(digest):
            warm.used_by -= 1
            return parcel({"unfit": [], "level": warm.grader.level.name}, {})
        with ExitStack() as stack:
            try:
                bundle = Bundle.from_bytes(data)
                if unfit := other_versions(bundle.versions):
                    return parcel({"unfit": unfit}, {})
                course = bundle.lay_out(Path(stack.enter_context(scratch_folder()), "course"))
                grader = stack.enter_context(Grader(course, bundle.assignment, bundle=bundle))
            except NbsealError as error:
                return parcel({"unfit": [str(error)]}, {})
            except (Exception, SystemExit) as error:  # one that crosses is of no use: nobody there would open it
                return parcel({"unfit": [said_by(error)]}, {})
            if grader.depends_on != bundle.depends_on:
                there, wanted = grader.depends_on or "nothing", bundle.depends_on or "nothing"
                return parcel({"unfit": [f"its hidden tests depend on {there} in place of {wanted}"]}, {})
            _SHELF.put(digest, _Warm(grader, stack.pop_all()))
            return parcel({"unfit": [], "level": grader.level.name}, {})


def said_by(error: BaseException) -> str:
    """An exception in words; its type alone if it can't say more."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def grade(digest: str, data: bytes) -> bytes:
    """Grade one task with the grader of a bundle; `UNKNOWN` if there is none in this process."""
    warm = _SHELF.take(digest)
    if warm is None:
        return UNKNOWN
    try:
        task = read_task(data)
        graded = warm.grader.grade_task(task)
        sent = task.handed_in.files | warm.grader.plan.support
        try:
            return reply_bytes(graded, sent)
        except TooLarge as error:
            reason = f"what came out is too large to be sent back: {error}"
            failed = warm.grader.not_judged(task.student, reason, graded.handed_in, task.decisions)
            return reply_bytes(failed, sent)
    except (Exception, SystemExit) as error:  # one that Dask can't send would leave us waited for
        return parcel({"failed": said_by(error)}, {})
    finally:
        with _SHELF.lock:
            warm.used_by -= 1
