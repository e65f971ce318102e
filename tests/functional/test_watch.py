"""`nbseal watch`: submissions are graded as they arrive, none is lost, and none is graded twice."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from nbseal.cli.app import app
from nbseal.errors import CourseError, QueueError
from nbseal.gradebook.connection import connect
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.queries import submission_marks
from nbseal.watch.tasks import Kind, State
from tests.exchanges import Watched, make_watched, now_and

# What nbgrader 0.9.6 itself does to SQLAlchemy 2, and to files when it releases feedback.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Object of type <Submitted"),
    pytest.mark.filterwarnings("ignore:unclosed file .*timestamp:ResourceWarning"),
]

WRONG = {"number_answer": "answer = 41"}
HIDDEN = "The number is 42."  # the sentence of a hidden test


def states(watched: Watched, student: str) -> list[State]:
    """What has become of a student's submissions, the newest first."""
    return [task.state for task in watched.queue.submissions("mini", student)]


def recorded(watched: Watched, student: str) -> float:
    """The mark in the gradebook."""
    gradebook = connect(watched.course)
    try:
        return submission_marks(gradebook, "mini")[student].total
    finally:
        gradebook.close()


def test_what_arrives_is_graded_and_its_page_released_by_policy(tmp_path: Path):
    """Before the due date students see questions without hidden tests, and the whole page once it has passed."""
    watched = make_watched(tmp_path)
    watched.due(now_and(3600))
    secret, late = watched.submit("ann", **WRONG), watched.submit("bob", **WRONG)
    (watched.root / "extensions.csv").write_text(f"id,assignment,new date\nbob,mini,{now_and(7200)}\n")
    watched.watch_once()
    assert recorded(watched, "ann") == 5
    before = watched.page(secret)
    assert HIDDEN not in before
    assert "1 of 1" in before
    assert "shown later (of 2)" in before
    assert HIDDEN in (watched.root / "feedback" / "ann" / "mini" / "mini.html").read_text("utf-8")
    entry = Ledger.of(watched.course, "mini").latest("ann")
    assert entry
    assert entry.handed_in in before
    assert "Due: " in before
    watched.due(now_and(-60))
    watched.watch_once()
    assert HIDDEN in watched.page(secret)
    assert HIDDEN not in watched.page(late)


def test_after_the_due_date_is_when_marks_are_shown(tmp_path: Path):
    """Until then a receipt says when; who has an extension waits for that, and who is late sees everything at once."""
    watched = make_watched(tmp_path, "c.Watch.release = 'after due'")
    watched.due(now_and(3600))
    secrets = {student: watched.submit(student, **WRONG) for student in ("ann", "bob")}
    (watched.root / "extensions.csv").write_text(f"id,assignment,new date\nbob,mini,{now_and(7200)}\n")
    watched.watch_once()
    for student, secret in secrets.items():
        assert recorded(watched, student) == 5
        receipt = watched.page(secret)
        assert "It is graded. Marks are shown after" in receipt
        for kept_back in (HIDDEN, "1 of 1", "4 of 4", "0 of 2", "answer = 41"):
            assert kept_back not in receipt
    first = watched.page(secrets["ann"])
    watched.watch_once()
    assert watched.page(secrets["ann"]) == first
    watched.due(now_and(-60))
    late = watched.submit("eve", **WRONG)
    watched.watch_once()
    for shown in (watched.page(secrets["ann"]), watched.page(late)):
        assert HIDDEN in shown
        assert "0 of 2" in shown
    assert "Marks are shown after" in watched.page(secrets["bob"])
    (watched.root / "extensions.csv").unlink()
    watched.watch_once()
    assert HIDDEN in watched.page(secrets["bob"])


def test_without_a_due_date_marks_wait_for_one(tmp_path: Path):
    """Where marks are shown after the due date and there is none, nothing is shown until there is one, or a setting."""
    watched = make_watched(tmp_path, "c.Watch.release = 'after due'")
    secrets = [watched.submit(student, **WRONG) for student in ("ann", "bob")]
    watched.watch_once()
    assert recorded(watched, "ann") == 5
    for secret in secrets:
        assert "It is graded." in watched.page(secret)
        assert HIDDEN not in watched.page(secret)
    watched.settings("c.Watch.release = 'everything'")
    watched.watch_once()
    for secret in secrets:
        assert HIDDEN in watched.page(secret)


def test_attempts_have_a_limit_and_a_pause_and_the_best_counts(tmp_path: Path):
    """A worse attempt leaves the mark and has a page of its own; one too early waits, one too many is refused."""
    watched = make_watched(
        tmp_path, "c.Watch.release = 'everything'", "c.Watch.counts = 'best'", "c.Watch.attempts = 2"
    )
    watched.submit("ann")
    watched.watch_once()
    worse = watched.submit("ann", **WRONG)
    watched.watch_once()
    assert recorded(watched, "ann") == 7
    assert "An earlier submission counts".lower() in watched.page(worse).lower()
    assert HIDDEN in watched.page(worse)
    refused = watched.submit("ann", plain_answer="flag = 0")
    watched.settings("c.Watch.attempts = 3", "c.Watch.pause_minutes = 5")
    early = watched.submit("bob")
    watched.watch_once()
    assert states(watched, "ann") == [State.WAITING, State.DONE, State.DONE]
    assert "It will be graded after" in watched.page(refused)
    assert "5 of 7" not in watched.page(early)
    watched.settings("c.Watch.attempts = 1")
    last = watched.submit("bob", **WRONG)
    watched.watch_once()
    assert states(watched, "bob") == [State.REFUSED, State.DONE]
    assert "The one attempt is taken" in watched.page(last)
    assert recorded(watched, "bob") == 7


@pytest.mark.slow
def test_the_hubs_closed_exchange_is_watched_too(tmp_path: Path):
    """What the hub's own way of collecting takes is graded, and odd things don't stop it."""
    watched = make_watched(
        tmp_path,
        "c.Watch.release = 'everything'",
        "c.ExchangeFactory.collect = 'nbseal_hub.exchange.Collect'",
        "c.ExchangeFactory.release_feedback = 'nbseal_hub.exchange.ReleaseFeedback'",
    )
    secrets = {f"s{number}": watched.submit(f"s{number}", **WRONG) for number in range(5)}
    (watched.exchange / "small" / "inbound" / "eve+mini+2026-01-01 10:00:00 UTC+x").symlink_to("/etc")
    said = watched.watch_once()
    for student, secret in secrets.items():
        assert recorded(watched, student) == 5
        assert HIDDEN in watched.page(secret)
    assert any("eve" in line and "is not a folder" in line for line in said)
    assert not (watched.root / "submitted" / "eve").exists()


def test_what_was_taken_and_not_graded_is_graded_after_a_restart_and_nothing_twice(tmp_path: Path):
    """A worker that ends in the middle leaves its task to the next one, which grades what isn't recorded yet."""
    watched = make_watched(tmp_path, "c.Watch.release = 'everything'")
    secret = watched.submit("ann", **WRONG)
    connect(watched.course).close()
    worker = watched.worker()
    worker._take()
    assert "It waits to be graded." in watched.page(secret)
    assert watched.queue.next() is not None  # begun by a worker that is gone then
    watched.watch_once()
    assert states(watched, "ann") == [State.DONE]
    assert HIDDEN in watched.page(secret)
    written = (watched.root / "autograded" / "ann" / "mini").stat().st_ino
    with sqlite3.connect(watched.queue.path) as table:  # it ended after recording, before it said so
        table.execute("UPDATE task SET state = 'running', tries = 1")
    table.close()
    watched.watch_once()
    assert states(watched, "ann") == [State.DONE]
    assert (watched.root / "autograded" / "ann" / "mini").stat().st_ino == written


def test_a_lost_queue_an_unreadable_exchange_and_odd_submissions_lose_nothing(tmp_path: Path):
    """Each is told with its mend, whoever else handed in is graded, and what is recorded stays."""
    watched = make_watched(tmp_path, "c.Watch.release = 'everything'")
    inbound = watched.exchange / "small" / "inbound"
    watched.submit("ann")
    broken = watched.submit("bob")
    folder = next(inbound.glob("bob+*"))
    (folder / "mini.ipynb").write_bytes(b"{")
    (inbound / "carl+mini+no time+x").mkdir()
    os.utime(inbound / "carl+mini+no time+x", (0, 0))
    said = watched.watch_once()
    assert recorded(watched, "ann") == 7
    assert any("carl" in line or "no time" in line for line in said)
    assert "not made yet" in watched.page(broken)
    shutil.rmtree(inbound / "carl+mini+no time+x")

    watched.queue.path.unlink()
    written = (watched.root / "autograded" / "ann" / "mini").stat().st_ino
    watched.watch_once()
    assert states(watched, "ann") == [State.DONE]
    assert (watched.root / "autograded" / "ann" / "mini").stat().st_ino == written

    watched.queue.path.write_bytes(b"no database, but long enough to be looked at" * 10)
    with pytest.raises(QueueError, match=r"queue\.sqlite: it is damaged; remove it.*Nothing is lost"):
        watched.queue.overview()
    inbound.rename(inbound.with_name("elsewhere"))
    with pytest.raises(CourseError, match=r"inbound can't be read .*make the exchange readable"):
        watched.worker().source.arrivals()


def test_cannot_hand_in_under_the_name_of_another_account(tmp_path: Path):
    """A submission that belongs to somebody else is left alone and named, by nbgrader's own exchange, too."""
    watched = make_watched(tmp_path, "c.ExchangeCollect.check_owner = True")
    watched.submit("ann")
    said = watched.watch_once()
    assert any("bears the name of ann and belongs to" in line for line in said)
    assert not (watched.root / "submitted" / "ann").exists()
    assert states(watched, "ann") == []


def test_a_folder_is_watched_where_there_is_no_exchange(tmp_path: Path):
    """What lies in submitted/ is graded when nobody writes there any more, and the pages stay in feedback/."""
    watched = make_watched(tmp_path)
    watched.submit("ann")
    shutil.copytree(watched.homes / "ann" / "mini", watched.root / "submitted" / "ann" / "mini")
    done = CliRunner().invoke(app, ["watch", "mini", "--from-folder", "--once", "--course", str(watched.root)])
    assert "7 of 7 points" in done.output
    assert (watched.root / "feedback" / "ann" / "mini" / "mini.html").exists()


def test_the_queue_is_shown_and_changed_from_the_command_line(tmp_path: Path):
    """`nbseal queue` shows tasks by number, cancels them, has failures tried again, and names an unknown number."""
    watched = make_watched(tmp_path)
    task = watched.queue.add(Kind.FEEDBACK, "mini", "")
    lost = watched.queue.add(Kind.AUTOGRADE, "mini", "ann")
    watched.queue.finish(lost, State.FAILED, "the disk is full")

    def queue(*words: str) -> str:
        return CliRunner().invoke(app, ["queue", *words, "--course", str(watched.root)]).output

    assert "1 waiting" in queue()
    assert "the disk is full" in queue()
    assert json.loads(queue("--json"))["failures"][0]["id"] == lost.id
    assert "1 tasks are tried again" in queue("--again")
    assert "feedback" not in queue("--cancel", str(task.id))
    assert "there is no task 99" in queue("--cancel", "99")


def test_tasks_take_turns_and_are_given_up_after_three_tries(tmp_path: Path):
    """What a person waits for goes first, two tasks about one student never run at once, and trouble isn't endless."""
    queue = make_watched(tmp_path).queue
    first = queue.add(Kind.SUBMISSION, "mini", "ann", "1")
    newer = queue.add(Kind.SUBMISSION, "mini", "ann", "2")
    asked = queue.add(Kind.AUTOGRADE, "mini", "ann")
    assert queue.add(Kind.AUTOGRADE, "mini", "ann").id == asked.id
    assert queue.get(first.id).state is State.REPLACED
    begun = queue.next()
    assert begun.id == asked.id
    assert queue.next() is None
    queue.cancel(begun.id)
    assert not queue.progress(begun, 0, 0)
    queue.finish(begun, State.CANCELLED)
    for number in (1, 2, 3):
        begun = queue.next()
        assert (begun.id, begun.tries) == (newer.id, number)
        state = queue.put_back(begun, "no luck", 0.0)
    assert state is State.FAILED
    assert time.time() - queue.get(newer.id).ended < 60


@pytest.mark.slow
def test_killed_workers_lose_no_submission_and_record_none_twice(tmp_path: Path):
    """However often the worker is killed, each student ends with one recorded mark, a page, and one graded attempt."""
    watched = make_watched(tmp_path, "c.Watch.release = 'everything'")
    secrets = {f"s{number}": watched.submit(f"s{number}", **WRONG) for number in range(8)}
    words = [sys.executable, "-m", "nbseal.cli", "watch", "mini", "--jobs", "2", "--course", str(watched.root)]
    for seconds in (1.5, 2.0, 2.5):
        worker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        worker.kill()
        worker.wait()
    watched.watch_once()
    for student, secret in secrets.items():
        assert states(watched, student) == [State.DONE]
        assert recorded(watched, student) == 5
        assert HIDDEN in watched.page(secret)
