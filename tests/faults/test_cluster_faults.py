"""Whatever happens to a cluster, each submission is recorded exactly once, with the marks of a local run."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbseal.course import Course
from nbseal.errors import ClusterError
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, ClassResult, Done, grade_class
from nbseal.grading.cluster import executor
from nbseal.grading.cluster.address import Address
from nbseal.results import Status
from tests.clusters import Cluster, Host, can_make_hosts
from tests.courses import Row, command, end, environment, grades, heed_interrupts, is_whole, wait_until
from tests.faults.conftest import STUDENTS
from tests.mini import GRADER

pytestmark = pytest.mark.slow
DATA = """

def depends_on(settings):
    import os
    return os.environ.get("XDG_CACHE_HOME", "no data")
"""
KILLED = """
import os
from nbseal.grading import messages
from nbseal.grading.cluster import remote
if remote.grade.__module__ == remote.__name__:  # Dask loads this file twice
    grades = remote.grade
    def grade(digest, data):
        if messages.read_task(data).student in {students!r}:
            os._exit(9)
        return grades(digest, data)
    remote.grade = grade
"""
OLD = "import nbseal\nnbseal.__version__ = '0.0.9'\n"
UNSEALED = """
from nbseal.errors import SealUnavailable
from nbseal.sandbox import warm
def choose_level(*_):
    raise SealUnavailable("student code can't be sealed on this machine")
warm.choose_level = choose_level
"""


@pytest.fixture(scope="module")
def grader() -> str:
    """Hidden tests that depend on a folder of the machine."""
    return GRADER + DATA


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without any worker."""
    with Cluster(tmp_path) as one:
        yield one


class Disturbing:
    """Watches a run, and does something once so many students' turns are over."""

    def __init__(self, after: int = len(STUDENTS) + 1, act: Callable[[], Any] = lambda: None) -> None:
        self.after = after
        self.act = act
        self.turns: Counter[str] = Counter()
        self.notes: list[str] = []

    def start(self, total: int) -> None:
        """Take no notice of how many there are."""

    def note(self, text: str) -> None:
        """Keep what is said."""
        self.notes.append(text)

    def done(self, one: Done) -> None:
        """Count a student's turn."""
        self.turns[one.student] += 1
        if sum(self.turns.values()) == self.after:
            self.act()


def grade(root: Path, cluster: Cluster, watcher: Disturbing) -> ClassResult:
    """Grade the class on the cluster; each student has one turn, and all are recorded."""
    result = grade_class(Course(root), "mini", ClassOptions(cluster=Address(cluster.address)), watcher)
    assert watcher.turns == Counter(STUDENTS)
    assert result.troubles == []
    return result


def assert_recorded(root: Path, undisturbed: dict[str, dict[str, Row]]) -> None:
    """The marks are those of a local run, and every submission counts as recorded."""
    assert grades(root, "mini") == undisturbed
    assert is_whole(root)
    with Recorder(Course(root)) as recorder:
        assert sorted(recorder.recorded("mini")) == STUDENTS


def test_a_worker_that_is_killed_loses_nothing(cluster: Cluster, root: Path, undisturbed: Any) -> None:
    """One of two workers is killed in the middle of its submissions: others grade them, and it comes back."""
    first, _ = cluster.start_worker(), cluster.start_worker()
    watcher = Disturbing(3, lambda: cluster.kill(first))
    result = grade(root, cluster, watcher)
    assert_recorded(root, undisturbed)
    assert not any("set aside" in note for note in result.notes)
    assert any("has ended: others take its submissions" in note for note in watcher.notes)


def test_the_only_worker_may_come_back(cluster: Cluster, root: Path, undisturbed: Any) -> None:
    """The only worker is killed, and started again by what watches it: the run waits for it."""
    only = cluster.start_worker()
    grade(root, cluster, Disturbing(3, lambda: cluster.kill(only)))
    assert_recorded(root, undisturbed)


def test_a_scheduler_may_be_restarted(cluster: Cluster, root: Path, undisturbed: Any) -> None:
    """The scheduler is killed and comes back at its address: workers and the run find it again."""
    cluster.start_worker()

    def restart() -> None:
        end(cluster.scheduler)
        cluster.start_scheduler()

    watcher = Disturbing(3, restart)
    grade(root, cluster, watcher)
    assert_recorded(root, undisturbed)
    assert watcher.notes  # the scheduler is gone, or the worker, which connects anew


def test_a_worker_that_hangs_is_left_alone(
    cluster: Cluster, root: Path, undisturbed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that gives no sign of life any more loses its submissions to the other one."""
    monkeypatch.setattr(executor, "SILENT_SECONDS", 3.0)
    first, _ = cluster.start_worker(), cluster.start_worker()
    watcher = Disturbing(3, lambda: cluster.kill(first, signal.SIGSTOP))
    grade(root, cluster, watcher)
    assert_recorded(root, undisturbed)
    assert any("has been silent for 3 s" in note for note in watcher.notes)


def test_a_submission_that_ends_three_workers_is_set_aside(cluster: Cluster, root: Path, undisturbed: Any) -> None:
    """It is not judged, named, and tried again in the next run; the submissions beside it get their marks."""
    worker = cluster.start_worker(KILLED.format(students={"student05"}), jobs=2)
    result = grade(root, cluster, Disturbing())
    cluster.stop_worker(worker)
    assert [one.student for one in result.done if one.scorecard.is_unjudged] == ["student05"]
    card = next(card for card in result.scorecards if card.student == "student05")
    assert {question.score for question in card.questions} == {None}
    assert {question.status for question in card.questions} == {Status.NOT_JUDGED}
    assert [note.rpartition(": ")[2] for note in result.notes if "set aside" in note] == ["student05"]
    others = {student: rows for student, rows in grades(root, "mini").items() if student != "student05"}
    assert others == {student: rows for student, rows in undisturbed.items() if student != "student05"}
    again = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert [one.student for one in again.done if not one.unchanged] == ["student05"]
    assert_recorded(root, undisturbed)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on(cluster: Cluster, root: Path, undisturbed: Any, number: int) -> None:
    """The command is killed, or stopped by Ctrl-C, half-way: what is recorded stays, the next run does the rest."""
    cluster.start_worker()
    arguments = command("nbseal", "grade", "mini", "--scheduler", cluster.address)
    with (root / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            arguments, cwd=root, env=environment(), stdout=said, stderr=said, preexec_fn=heed_interrupts
        )
    folder = root / ".nbseal" / "scorecards" / "mini"
    assert wait_until(lambda: len(list(folder.glob("*.json"))) >= 3, 60), (root / "said.txt").read_text()
    process.send_signal(number)
    code = process.wait(20)
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL)
    with Recorder(Course(root)) as recorder:
        kept = set(recorder.recorded("mini"))
    assert 3 <= len(kept) < len(STUDENTS)
    result = grade(root, cluster, Disturbing())
    assert {one.student for one in result.done if one.unchanged} == kept
    assert_recorded(root, undisturbed)


@pytest.mark.parametrize(
    ("preload", "more", "said"),
    [
        (OLD, {}, r"nbseal 0\.0\.9 \(\w{8}\) in place of 0\.1\.0"),
        (UNSEALED, {}, "can't be sealed on this machine"),
        ("", {"XDG_CACHE_HOME": "/tmp/another"}, "depend on /tmp/another in place of no data"),
    ],
    ids=["another version", "no seal", "another data set"],
)
def test_a_worker_that_can_t_grade_gets_no_work(
    cluster: Cluster, root: Path, undisturbed: Any, monkeypatch: pytest.MonkeyPatch, preload: str, more: Any, said: str
) -> None:
    """It is named with what stands against it; alone it ends the run before any mark, and beside it others grade."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    cluster.start_worker(preload, **more)
    with pytest.raises(ClusterError, match=rf"none of the cluster's workers can grade:\nworker tcp://.*{said}"):
        grade(root, cluster, Disturbing())
    cluster.start_worker()
    watcher = Disturbing()
    grade(root, cluster, watcher)
    assert_recorded(root, undisturbed)
    assert len([note for note in watcher.notes if "gets no work" in note]) == 1


def test_workers_that_all_leave_end_the_run(
    cluster: Cluster, root: Path, undisturbed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no worker comes back, the run ends with an error; what is recorded stays, and this machine does the rest."""
    monkeypatch.setattr(executor, "NOBODY_SECONDS", 3.0)
    only = cluster.start_worker()
    watcher = Disturbing(3, lambda: cluster.stop_worker(only))
    with pytest.raises(ClusterError, match="has had no worker that can grade for 3 s"):
        grade(root, cluster, watcher)
    rest = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert sum(one.unchanged for one in rest.done) == sum(watcher.turns.values())
    assert_recorded(root, undisturbed)


@pytest.mark.skipif(not can_make_hosts(), reason="needs root, ip and network namespaces")
def test_the_network_may_be_away_for_ten_seconds(tmp_path: Path, root: Path, undisturbed: Any) -> None:
    """Of two workers on hosts of their own, one is cut off for ten seconds: it goes on afterwards, nothing is lost."""
    with Host(1) as first, Host(2) as second, Cluster(tmp_path, host="0.0.0.0") as cluster:
        for host in (first, second):
            cluster.address = f"tcp://{host.other_end}:{cluster.port}"
            cluster.start_worker(host=host)
        cut = threading.Thread(target=first.cut, args=(10.0,))
        watcher = Disturbing(3, cut.start)
        grade(root, cluster, watcher)
        cut.join()
    assert_recorded(root, undisturbed)
    assert not any("others take its submissions" in note for note in watcher.notes)


def certificates(folder: Path, name: str) -> dict[str, Path]:
    """An authority's certificate that is our own, too, and its key."""
    folder.mkdir()
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*request, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return {"ca-file": cert, "cert": cert, "key": key}


def test_a_cluster_with_tls(root: Path, tmp_path: Path, undisturbed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cluster's certificates it grades; with others, or with none, the error names the scheduler."""
    monkeypatch.setattr("nbseal.grading.cluster.connection.CONNECT_SECONDS", 3.0)
    right, wrong = certificates(tmp_path / "right", "cluster"), certificates(tmp_path / "wrong", "stranger")

    def address(cluster: Cluster, files: dict[str, Path]) -> Address:
        return Address(cluster.address, None, files.get("ca-file"), files.get("cert"), files.get("key"))

    with Cluster(tmp_path, right) as cluster:
        cluster.start_worker()
        for files in (wrong, {}):
            options = ClassOptions(cluster=address(cluster, files))
            with pytest.raises(ClusterError, match=rf"{cluster.address} can't be reached: .*certificate"):
                grade_class(Course(root), "mini", options)
        grade_class(Course(root), "mini", ClassOptions(cluster=address(cluster, right)))
    assert_recorded(root, undisturbed)
