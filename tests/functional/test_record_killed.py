"""kill -9 at every step of recording: nothing recorded is lost, and the next run puts it right."""

import os
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from nbseal.gradebook import Recorder, autograded

STEPS = ("open", "os.", "shutil.", "sqlite3.", "fcntl.")


def kill_at(step: int) -> None:
    """End this process without any farewell at the ``step``-th thing that it asks of the system."""
    count = 0

    def hook(event: str, _: tuple) -> None:
        nonlocal count
        if event.startswith(STEPS):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def save_and_die(course, one, step: int) -> bool:
    """Record ``one`` in a child that dies at ``step``; False when the child got to its end before."""
    child = os.fork()
    if not child:
        with Recorder(course) as recorder:
            recorder.recorded("ps1")
            kill_at(step)
            recorder.save(one)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def mark_of_q1(course) -> float:
    """What the gradebook says, read without nbgrader to save time."""
    query = "SELECT auto_score FROM grade JOIN base_cell ON base_cell.id = cell_id WHERE name = 'q1'"
    with closing(sqlite3.connect(course.root / "gradebook.db")) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize(
    "swaps", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["folders change places", "two renames"]
)
def test_killed_at_any_step(course, recorder, graded, monkeypatch, swaps):
    """Old or new marks, an old or a new folder, never half; only what is complete counts as recorded."""
    allowed = [{"a.txt": b"old", "b.txt": b"old"}, {"a.txt": b"new", "c.txt": b"new"}]
    if not swaps:  # a file system on which two folders can't change places in one step
        monkeypatch.setattr(autograded, "exchange", lambda *_: False)
        allowed.append({})
    old = graded("ann", digest="old", files={"a.txt": b"old", "b.txt": b"old"})
    new = graded("ann", {"q1": 0.0}, digest="new", files={"a.txt": b"new", "c.txt": b"new"})
    folder = course.folder("autograded", "ann", "ps1")
    step, died = 0, True
    while died:
        step += 1
        recorder.save(old)
        died = save_and_die(course, new, step)
        found = {path.name: path.read_bytes() for path in folder.glob("?.txt")}
        assert found in allowed
        marks = mark_of_q1(course)
        assert marks in (2.0, 0.0)
        recorded = recorder.recorded("ps1").get("ann")
        if recorded:
            whole = (recorded[0], marks, found["a.txt"], recorded[1].question("q1").score)
            assert whole in (("old", 2.0, b"old", 2.0), ("new", 0.0, b"new", 0.0))
        recorder.save(new)
        assert recorder.recorded("ps1")["ann"][0] == "new"
        assert os.listdir(folder.parent) == ["ps1"]
    assert step > 20


def test_a_failure_after_a_kill_does_not_bring_the_old_entry_back(course, recorder, graded, monkeypatch):
    """While the gradebook may be newer than the ledger, the submission counts as not recorded."""
    recorder.save(graded("ann", digest="old"))
    recorder.close()
    monkeypatch.setattr("nbseal.gradebook.autograded.Staging.publish", interrupted)
    for _ in range(2):
        try:
            recorder.save(graded("ann", {"q1": 0.0}, digest="new"))
        except KeyboardInterrupt:
            pass
        assert recorder.recorded("ps1") == {}
    monkeypatch.setattr("nbseal.gradebook.submission_rows.GradebookWriter.write", interrupted)
    try:
        recorder.save(graded("ann", digest="old"))
    except KeyboardInterrupt:
        pass
    assert recorder.recorded("ps1") == {}


def interrupted(*_: object) -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt
