"""The files that say what has been recorded."""

import os

import pytest

from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from tests.work import counted_calls

CALLS = 300  # for an entry of twenty tests


def entry(student: str = "ann", digest: str = "digest", tests: int = 1) -> Entry:
    """An entry with one question."""
    results = tuple(TestResult(f"Line {number} “é”", Outcome.PASSED, "ok\ud800") for number in range(tests))
    question = QuestionResult("nand", 2.0, 3.0, Status.GRADED, results)
    return Entry(digest, Scorecard("01-gates", student, "namespaces", 0.25, (question,)), {"01-gates": 100})


def publish(ledger: Ledger, one: Entry) -> None:
    """Record an entry to its end."""
    ledger.announce(one)
    ledger.publish(one.student)


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    """A new ledger, whose folder isn't there yet."""
    return Ledger(tmp_path / "scorecards" / "01-gates")


def test_a_new_ledger_is_empty(ledger):
    """Without a folder there are no entries."""
    assert ledger.entries() == []


@pytest.mark.parametrize(
    "student", ["ann", "Zoë 学生", ".json", "a.json", "a.json.new", "x" * 255, "é" * 127, "\udcff"]
)
def test_entries_come_back_as_they_were(ledger, student):
    """Whatever the student's name, digest, scorecard and sizes are read as they were written."""
    publish(ledger, entry(student))
    assert ledger.entries() == [entry(student)]


def test_an_announced_entry_hides_the_old_one(ledger):
    """While a submission is being recorded, or after a kill on the way, it doesn't count as recorded."""
    publish(ledger, entry())
    publish(ledger, entry("bob"))
    ledger.announce(entry(digest="new"))
    assert ledger.is_pending("ann")
    assert [one.student for one in ledger.entries()] == ["bob"]


def test_a_withdrawn_entry_leaves_the_old_one(ledger):
    """When recording fails before anything has changed, the old entry stands."""
    publish(ledger, entry())
    ledger.announce(entry(digest="new"))
    ledger.withdraw("ann")
    assert ledger.entries() == [entry()]


def test_a_published_entry_replaces_the_old_one(ledger):
    """There is one entry for each student."""
    publish(ledger, entry())
    publish(ledger, entry(digest="new"))
    assert ledger.entries() == [entry(digest="new")]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"digest": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_counts_as_none(ledger, text):
    """Somebody's edit of one file doesn't hide the others."""
    publish(ledger, entry())
    (ledger.folder / "bob.json").write_bytes(text)
    assert ledger.entries() == [entry()]


def test_entries_are_for_their_owner_only(ledger):
    """Others on the machine can't read a class's marks."""
    publish(ledger, entry())
    assert (ledger.folder / "ann.json").stat().st_mode & 0o777 == 0o600


def test_looking_at_entries_opens_each_file_once(ledger):
    """Looking at what is done costs little beside grading: one file an entry, and some calls for each of its tests."""
    ledger.announce(entry(tests=20))
    text = (ledger.folder / "ann.json.new").read_bytes()
    for number in range(1000):
        (ledger.folder / f"s{number}.json").write_bytes(text)
    with counted_calls() as calls:
        assert len(ledger.entries()) == 1000
    assert calls["open"] == 1000
    assert calls.total() < 1000 * CALLS
    assert len(os.listdir(ledger.folder)) == 1001
