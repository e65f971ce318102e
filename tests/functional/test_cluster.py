"""Grading on a Dask cluster: the same marks as here, and nothing that a worker sends runs on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.errors import ClusterError
from nbseal.gradebook.ledger import Ledger
from nbseal.grading import ClassOptions, ClassResult, Grader, grade_class
from nbseal.grading.cluster import executor
from nbseal.grading.cluster.address import Address
from nbseal.grading.cluster.connection import connect
from nbseal.grading.messages import task_bytes
from tests.clusters import Cluster
from tests.courses import grades, run
from tests.mini import SECRET, Watching, hand_in, make_course

ANSWERS = [{}, {"double_answer": "def double(x):\n    return int(2 * x)"}, {"number_answer": "answer = 41"}]


class Noting(Watching):
    """Keeps what is said during a run."""

    def __init__(self) -> None:
        super().__init__(lambda one: None)
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep what is said."""
        self.notes.append(text)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler without any worker."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of six, with a file whose name is no UTF-8, and one who handed in nothing that can be read."""
    root = make_course(tmp_path_factory.mktemp("class") / "course")
    (root / "source" / "mini" / "table.csv").write_text("1,2\n")
    for number in range(6):
        hand_in(root, f"student{number}", **ANSWERS[number % 3])
    (root / "submitted" / "student1" / "mini" / os.fsdecode(b"caf\xe9.txt")).write_text("notes")
    (root / "submitted" / "student2" / "mini" / "mini.ipynb").write_text("{")
    return root


def grade(root: Path, address: Address | None = None, watcher: Noting | None = None) -> ClassResult:
    """Grade the class here or on a cluster."""
    return grade_class(Course(root), "mini", ClassOptions(jobs=None if address else 2, cluster=address), watcher)


def ledger(root: Path) -> dict[str, tuple[str, object]]:
    """Digest and scorecard of each student, without what takes another time in each run."""
    found = {}
    for entry in Ledger.of(Course(root), "mini").entries():
        card = replace(entry.scorecard, seconds=0.0, slowest=())
        found[entry.student] = (entry.digest, card.to_dict())
    return found


def test_a_cluster_makes_the_same_marks_and_digests(cluster: Cluster, untouched: Path, tmp_path: Path) -> None:
    """Marks, scorecards, digests and folders are those of a local run, which then finds nothing to regrade."""
    here, there = (shutil.copytree(untouched, tmp_path / name) for name in ("here", "there"))
    grade(here)
    worker = cluster.start_worker()
    result = grade(there, Address(cluster.address))
    cluster.stop_worker(worker)
    assert result.troubles == []
    assert len(result.done) == 6
    assert grades(there, "mini") == grades(here, "mini")
    assert ledger(there) == ledger(here)
    assert files(there) == files(here)
    assert all(one.unchanged for one in grade(there).done)


def files(root: Path) -> dict[str, object]:
    """What is in autograded/, notebooks without the times at which cells ran."""
    found: dict[str, object] = {}
    for path in (root / "autograded").rglob("*"):
        if path.is_file():
            found[str(path.relative_to(root))] = path.read_bytes()
    return found


def test_a_scheduler_that_is_not_there_is_named(untouched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the address: the error says where, and that this machine can grade."""
    monkeypatch.setattr("nbseal.grading.cluster.connection.CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:9 can't be reached.*Without --scheduler"):
        grade(untouched, Address("tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["nonsense", "tcp://:x", "ftp://127.0.0.1:9", " "])
def test_an_address_that_is_none_is_one_error_and_nothing_else(address: str, untouched: Path) -> None:
    """The command says what is wrong with it, and Dask adds nothing; an empty one doesn't mean this machine."""
    done = run("nbseal", "grade", "mini", "--scheduler", address, cwd=untouched)
    assert done.returncode != 0
    assert "can't be reached" in done.stderr or "--scheduler is empty" in done.stderr
    assert "Warning" not in done.stderr


def test_a_scheduler_s_file_that_is_none_is_named(untouched: Path, tmp_path: Path) -> None:
    """A file that isn't there, or has something else in it, is named with what would write it."""
    for text in (None, "[]", "{"):
        path = tmp_path / "scheduler.json"
        if text is not None:
            path.write_text(text)
        with pytest.raises(ClusterError, match=r"scheduler\.json doesn't say where .*dask scheduler --scheduler-file"):
            asyncio.run(connect(Address(scheduler_file=path)))


def test_the_secret_stays_here(untouched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a bundle nor a task holds the course's secret, and each submission has a seed of its own."""
    course = Course(untouched)
    with Grader(course, "mini") as grader:
        students = [f"student{number}" for number in range(4)]
        tasks = [grader.task(student, course.folder("submitted", student, "mini")) for student in students]
        sent = [grader.bundle().to_bytes(), *map(task_bytes, tasks)]
    assert all(SECRET not in data and SECRET.hex().encode() not in data for data in sent)
    assert len({task.seed for task in tasks}) == 3  # two have handed in the same


HOSTILE = """
import os
from nbseal.grading.cluster import remote

class Hostile({base}):
    def __reduce__(self):
        return exec, ("with open({log!r}, 'a') as log: log.write(str(__import__('os').getpid()) + chr(10))",)

def prepare(data):
    {act}

remote.prepare = prepare
"""
ACTS = {
    "returns it": ("object", "return Hostile()"),
    "raises it": ("Exception", "raise Hostile()"),
    "warns of it": ("Exception", "from distributed import get_worker; get_worker().log_event('warn', {'message': "
                    "__import__('pickle').dumps(Hostile())}); return b''"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "guarded"),
    # what is raised is made anew by the scheduler, or not at all: nothing shows there without a guard
    [(act, guarded) for act in ACTS for guarded in (True, False) if guarded or act != "raises it"],
)
def test_a_worker_s_pickle_runs_nothing_here(
    act: str, guarded: bool, untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hostile worker's result, exception or warning runs nothing in the process that records; unguarded it would."""
    if not guarded:
        monkeypatch.setattr(executor, "no_pickle_runs", nullcontext)
        monkeypatch.setattr("nbseal.grading.cluster.connection.PLAIN", None)
    log = tmp_path / "ran"
    base, done = ACTS[act]
    watcher = Noting()
    with Cluster(tmp_path) as cluster:
        cluster.start_worker(HOSTILE.format(base=base, act=done, log=str(log)))
        with pytest.raises(ClusterError, match="none of the cluster's workers can grade"):
            grade(untouched, Address(cluster.address), watcher)
    ran = log.read_text().split() if log.exists() else []
    assert (str(os.getpid()) in ran) is not guarded
    assert [note for note in watcher.notes if "gets no work" in note]


@pytest.mark.parametrize(("level", "stands"), [("landlock", True), ("namespaces", True), ("none", False)])
def test_a_mark_of_any_accepted_level_stands(level: str, stands: bool, untouched: Path, tmp_path: Path) -> None:
    """What a worker has graded at another accepted level is not graded again here; what ran without walls is."""
    root = shutil.copytree(untouched, tmp_path / "course")
    course = Course(root)
    options = ClassOptions(students=["student0"], jobs=1)
    grade_class(course, "mini", options)
    found = Ledger.of(course, "mini")
    (entry,) = found.entries()
    with Grader(course, "mini") as grader:
        digest = grader.digest(entry.handed_in, level=level)
    found.announce(replace(entry, digest=digest, scorecard=replace(entry.scorecard, seal=level)))
    found.publish("student0")
    assert [one.unchanged for one in grade_class(course, "mini", options).done] == [stands]
