"""The queue: one table in ``.nbseal/queue.sqlite``, for `nbseal watch` and for the formgrader's buttons.

Each call opens the file and closes it again, so that any thread and any process may call, and a file that was removed
is made anew. docs/decisions.md says why it is a table of ours.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nbseal.errors import QueueError
from nbseal.watch.tasks import Kind, Overview, State, Task

TRIES = 3  # times that a task is begun, if its worker ends or our own machinery fails
BUSY_SECONDS = 10  # for which another program's access is waited for
RATE_SECONDS = 60
SCHEMA = """CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, assignment TEXT NOT NULL, student TEXT NOT NULL,
    identity TEXT NOT NULL, state TEXT NOT NULL, asked REAL NOT NULL, not_before REAL NOT NULL,
    started REAL, ended REAL, tries INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, stop INTEGER NOT NULL DEFAULT 0, shown TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '')"""
INDEX = "CREATE INDEX IF NOT EXISTS whose ON task (assignment, student, state)"
# What a person waits for in the browser goes first. Two tasks about one student's work never run at once.
NEXT = """UPDATE task SET state = 'running', started = :now, tries = tries + 1, stop = 0 WHERE id = (
    SELECT id FROM task AS one WHERE state = 'waiting' AND not_before <= :now
    AND (:asked = 0 OR kind IN ('autograde', 'feedback'))
    AND NOT EXISTS (SELECT 1 FROM task WHERE state = 'running' AND assignment = one.assignment
        AND student = one.student)
    ORDER BY kind = 'submission', asked, id LIMIT 1) RETURNING *"""
MENDS = {
    "is full": ("the disk is full", "free some space"),
    "readonly": ("it may not be written", "make the file and its folder writable"),
    "unable to open": ("it can't be opened", "check that its folder is there and that you may write in it"),
    "locked": ("another program holds it", "end that program"),
    "malformed": ("it is damaged", "remove it: a new one is made, and what arrives is taken again"),
    "not a database": ("it is damaged", "remove it: a new one is made, and what arrives is taken again"),
}


class Queue:
    """The queue of a course, by its ``private`` folder; every method raises QueueError if the file can't be used."""

    def __init__(self, private: Path) -> None:
        self.path = private / "queue.sqlite"

    def add(self, kind: Kind, assignment: str, student: str, identity: str = "", not_before: float = 0.0) -> Task:
        """Put a task in; a submission replaces one of the student's that waits, anything else joins one that waits."""
        now, whose = time.time(), (kind, assignment, student)
        with self._open() as table:
            waiting = "kind = ? AND assignment = ? AND student = ? AND state = 'waiting'"
            if kind is Kind.SUBMISSION:
                table.execute(f"UPDATE task SET state = 'replaced', ended = ? WHERE {waiting}", (now, *whose))
            elif found := table.execute(f"SELECT * FROM task WHERE {waiting}", whose).fetchone():
                return _task(found)
            columns = "kind, assignment, student, identity, state, asked, not_before"
            values = (*whose, identity, State.WAITING, now, not_before)
            statement = f"INSERT INTO task ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *"
            return _task(table.execute(statement, values).fetchone())

    def next(self, asked_only: bool = False) -> Task | None:
        """Begin the task whose turn it is; with ``asked_only`` none that arrived by itself."""
        with self._open() as table:
            found = table.execute(NEXT, {"now": time.time(), "asked": int(asked_only)}).fetchall()
            return _task(found[0]) if found else None

    def progress(self, task: Task, done: int, total: int) -> bool:
        """Note how far a task has come; whether it is to go on."""
        with self._open() as table:
            table.execute("UPDATE task SET done = ?, total = ? WHERE id = ?", (done, total, task.id))
            found = table.execute("SELECT stop FROM task WHERE id = ?", (task.id,)).fetchone()
            return not (found and found["stop"])

    def finish(self, task: Task, state: State, note: str = "", shown: str = "") -> None:
        """Note how a task ended."""
        with self._open() as table:
            values = (state, time.time(), note, shown, task.id)
            table.execute("UPDATE task SET state = ?, ended = ?, note = ?, shown = ? WHERE id = ?", values)

    def put_back(self, task: Task, note: str, seconds: float) -> State:
        """Have a task tried again after some seconds; it has failed if it was tried often enough."""
        with self._open() as table:
            state = State.WAITING if task.tries < TRIES else State.FAILED
            ended = None if state is State.WAITING else time.time()
            values = (state, note, time.time() + seconds, ended, task.id)
            table.execute("UPDATE task SET state = ?, note = ?, not_before = ?, ended = ? WHERE id = ?", values)
        return state

    def give_back(self, task: Task) -> None:
        """Have a task wait again that was begun and not done, for no fault of its own."""
        with self._open() as table:
            back = "UPDATE task SET state = 'waiting', started = NULL, tries = tries - 1 WHERE id = ?"
            table.execute(back, (task.id,))

    def cancel(self, number: int) -> Task | None:
        """Take back a task that waits, or have one end that runs; None if there is none of that number."""
        with self._open() as table:
            end = "UPDATE task SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'waiting'"
            table.execute(end, (time.time(), number))
            table.execute("UPDATE task SET stop = 1 WHERE id = ? AND state = 'running'", (number,))
        return self.get(number)

    def again(self) -> int:
        """Have everything tried again that failed, unless the student has handed something newer in; how many."""
        newest = "id = (SELECT max(id) FROM task AS o WHERE o.kind = task.kind AND o.assignment = task.assignment"
        with self._open() as table:
            reset = "UPDATE task SET state = 'waiting', tries = 0, not_before = 0, ended = NULL WHERE state = 'failed'"
            return table.execute(f"{reset} AND {newest} AND o.student = task.student)").rowcount

    def recover(self) -> None:
        """What a worker that has ended left begun waits again; what ended its worker too often has failed."""
        lost = "the worker ended while it ran"
        with self._open() as table:
            over = "UPDATE task SET state = 'failed', ended = ?, note = ? WHERE state = 'running' AND tries >= ?"
            table.execute(over, (time.time(), lost, TRIES))
            table.execute("UPDATE task SET state = 'waiting', note = ? WHERE state = 'running'", (lost,))

    def get(self, number: int) -> Task | None:
        """One task."""
        return next(iter(self._select("WHERE id = ?", number)), None)

    def submissions(self, assignment: str, student: str) -> list[Task]:
        """What a student has handed in, the newest first."""
        where = "WHERE kind = 'submission' AND assignment = ? AND student = ? ORDER BY id DESC"
        return self._select(where, assignment, student)

    def of_student(self, student: str) -> list[Task]:
        """Everything about a student's work; nothing where there is no queue, which isn't made for it."""
        return self._select("WHERE student = ? ORDER BY id", student) if self.path.exists() else []

    def forget(self, student: str) -> None:
        """Delete everything about a student's work, and overwrite it in the file."""
        if self.path.exists():
            with self._open() as table:
                table.execute("PRAGMA secure_delete = ON")
                table.execute("DELETE FROM task WHERE student = ?", (student,))

    def to_show(self) -> list[Task]:
        """Graded submissions, the newest of each student, of which more is to be shown and no task does that yet."""
        newest = "SELECT max(id) FROM task WHERE kind = 'submission' AND state = 'done' GROUP BY assignment, student"
        begun = "SELECT 1 FROM task AS r WHERE r.kind = 'release' AND r.assignment = task.assignment"
        theirs = "r.student = task.student AND r.id > task.id AND r.state IN ('waiting', 'running', 'failed')"
        unshown = "shown NOT IN ('', 'everything')"
        return self._select(f"WHERE id IN ({newest}) AND {unshown} AND NOT EXISTS ({begun} AND {theirs})")

    def set_shown(self, task: Task, shown: str) -> None:
        """Note what the student has now been shown."""
        with self._open() as table:
            table.execute("UPDATE task SET shown = ? WHERE id = ?", (shown, task.id))

    def overview(self, named: int = 20) -> Overview:
        """How the queue stands; of failures and of what waits so many are named."""
        now = time.time()
        waiting = self._select("WHERE state = 'waiting' ORDER BY kind = 'submission', asked, id")
        running = self._select("WHERE state = 'running' ORDER BY started")
        failures = self._select("WHERE state = 'failed' ORDER BY ended DESC LIMIT ?", named)
        done = len(self._select("WHERE state = 'done' AND ended > ?", now - RATE_SECONDS))
        oldest = max((now - one.asked for one in waiting), default=0.0)
        rate = 60 * done / RATE_SECONDS
        return Overview(len(waiting), tuple(running), rate, oldest, tuple(failures), tuple(waiting[:named]))

    def _select(self, rest: str, *values: Any) -> list[Task]:
        with self._open() as table:
            return [_task(row) for row in table.execute(f"SELECT * FROM task {rest}", values)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The table for one transaction, which nobody else writes meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as table:
                table.row_factory = sqlite3.Row
                table.execute("BEGIN IMMEDIATE")
                table.execute(SCHEMA)
                table.execute(INDEX)
                yield table
                table.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise QueueError(_explained(self.path, error)) from error


def _task(row: sqlite3.Row) -> Task:
    values = dict(row)
    return Task(**values | {"kind": Kind(values["kind"]), "state": State(values["state"])})


def _explained(path: Path, error: Exception) -> str:
    found = (pair for sign, pair in MENDS.items() if sign in str(error))
    cause, mend = next(found, (str(error), "mend that"))
    return (
        f"{path}: {cause}; {mend}. Nothing is lost: submissions stay where they are, and nbseal grade and nbseal "
        "feedback need no queue."
    )
