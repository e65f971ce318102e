"""The formgrader's long tasks, outside its own process: Autograde and Generate Feedback join the queue.

The formgrader has one process for all instructors, and does one thing at a time: while it grades, nobody's page opens.
Here a button puts a task into the queue, and a worker does it: `nbseal watch`, or one that is started for it and ends
when it has nothing to do. The answer waits without holding anybody up. ``/formgrader/queue`` shows how it stands.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tornado import web

from nbseal.errors import CourseError, NbsealError
from nbseal.feedback.class_pages import CHANGING
from nbseal.watch.queue import Queue
from nbseal.watch.queue_page import queue_page
from nbseal.watch.tasks import LOCK, Kind, State, Task

OURS = {
    "Autograde": "nbseal.nbgrader_plugin.SealedExporter",
    "GenerateFeedback": "nbseal.feedback.FeedbackExporter",
}
HOOKS = dict.fromkeys(("Autograde", "BaseConverter"), ("pre_convert_hook", "post_convert_hook"))
PATH = r"/formgrader/queue"
LOOK_SECONDS = 0.2
_workers: list[subprocess.Popen[bytes]] = []  # started here; to be waited for when they have ended


def install(handlers: Any) -> None:
    """Replace what the buttons of nbgrader's module ``handlers`` call, and add our page; once."""
    if any(pattern == PATH for pattern, *_ in handlers.default_handlers):
        return

    def guarded(method: Any) -> Any:
        return web.authenticated(handlers.check_xsrf(handlers.check_notebook_dir(method)))

    buttons = {
        handlers.AutogradeHandler: ("Autograde", Kind.AUTOGRADE),
        handlers.GenerateAllFeedbackHandler: ("GenerateFeedback", Kind.FEEDBACK),
        handlers.GenerateFeedbackHandler: ("GenerateFeedback", Kind.FEEDBACK),
    }
    for handler, (section, kind) in buttons.items():
        handler.post = guarded(_queued(section, kind, handler.post))
    methods = {"get": guarded(_show), "post": guarded(_act)}
    handlers.default_handlers.append((PATH, type("QueueHandler", (handlers.BaseApiHandler,), methods)))


async def _show(self: Any) -> None:
    """Answer with the queue as a page."""
    self.set_header("Content-Type", "text/html; charset=UTF-8")
    self.finish(await asyncio.to_thread(_page, self.coursedir.root, self.xsrf_token.decode()))


async def _act(self: Any) -> None:
    """Cancel a task, or have everything tried again that failed; then show the page again."""
    await asyncio.to_thread(_change, self.coursedir.root, self.get_argument("cancel", ""))
    self.redirect(self.request.path)


def _queued(section: str, kind: Kind, theirs: Any) -> Any:
    """A button's work by way of the queue; by nbgrader itself where a course's settings ask for something else."""

    async def post(self: Any, assignment_id: str, student_id: str = "") -> Any:
        if not _is_ours(self.settings["nbgrader_formgrader"].config, section):
            whose = (student_id,) if student_id else ()
            return theirs(self, assignment_id, *whose)
        self.write(json.dumps(await _result(Path(self.coursedir.root), kind, assignment_id, student_id)))

    return post


def _is_ours(config: Any, section: str) -> bool:
    """Whether our engine does what nbgrader's converter would do by these settings."""
    chosen = config.get(section, {})
    named = chosen.get("exporter_class", "")
    called = named if isinstance(named, str) else f"{named.__module__}.{named.__qualname__}"
    changing = HOOKS if section == "Autograde" else CHANGING
    changed = any(name in config.get(one, {}) for one, names in changing.items() for name in names)
    return called == OURS[section] and not changed


async def _result(root: Path, kind: Kind, assignment: str, student: str) -> dict[str, Any]:
    """What nbgrader's pages are told of a task when it is over."""
    try:
        number = await asyncio.to_thread(_ask, root, kind, assignment, student)
        while (task := await asyncio.to_thread(_look, root, number)) and not task.is_over:
            await asyncio.sleep(LOOK_SECONDS)
    except NbsealError as error:
        return {"success": False, "error": str(error), "log": ""}
    if task and task.state is State.DONE:
        return {"success": True, "log": task.note}
    words = task.note or f"The task was {task.state}." if task else "The task is gone from the queue."
    return {"success": False, "error": words, "log": ""}


def _ask(root: Path, kind: Kind, assignment: str, student: str) -> int:
    """Put a task in; its number."""
    return _queue(root).add(kind, assignment, student).id


def _look(root: Path, number: int) -> Task | None:
    """The task; there is a worker for it now, if there was none."""
    _have_worker(root)
    return _queue(root).get(number)


def _queue(root: Path) -> Queue:
    return Queue(root / ".nbseal")


def _have_worker(root: Path) -> None:
    """Start a worker that ends with this process, unless there is one; CourseError if one couldn't work."""
    ended = [worker.returncode for worker in _workers if worker.poll() is not None]
    _workers[:] = [worker for worker in _workers if worker.returncode is None]
    if _workers:
        return
    private = root / ".nbseal"
    private.mkdir(mode=0o700, exist_ok=True)
    try:
        with FileLock(private / LOCK, timeout=0):
            pass
    except Timeout:
        return
    log = private / "worker.log"
    if any(code > 0 for code in ended):  # below 0 it was killed, and another one goes on
        last = (log.read_text("utf-8", "replace").strip() or "it says nothing").splitlines()[-1]
        raise CourseError(f"the worker that does what the formgrader asks for has ended; {log} says: {last}")
    words = [sys.executable, "-m", "nbseal.cli", "watch", "--asked", "--course", str(root)]
    with log.open("ab") as file:
        _workers.append(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True)
        )


def _page(root: str, token: str) -> str:
    return queue_page(_queue(Path(root)), token)


def _change(root: str, number: str) -> None:
    if number.isdigit():
        _queue(Path(root)).cancel(int(number))
    else:
        _queue(Path(root)).again()
