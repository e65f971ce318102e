"""What strangers wrote is read in processes that may hang, grow and end, at no cost for anybody else."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from nbseal.course import Course
from nbseal.grading import ClassOptions, Grader, grade_class, grader, processes, readers
from nbseal.grading.executors import LocalExecutor
from nbseal.results import Scorecard
from nbseal.sandbox.cgroups import PREFIX, Homes, homes
from tests.courses import command_line, descendants, wait_until
from tests.mini import hand_in, make_course

PLUGIN = """
from nbgrader.plugins import LateSubmissionPlugin


class Gentle(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5


c.AssignLatePenalties.plugin_class = Gentle
c.AssignLatePenalties.made = Gentle()
c.AssignLatePenalties.asked = lambda: 0.5
"""
HONEST = ("ann", "bob", "cy")
LIMIT = 1


def spin(_: Path) -> None:
    """Read for ever."""
    while True:
        pass


def hash_on(_: Path) -> None:
    """Read for ever, deaf to everything but the kernel."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)


def grow(_: Path) -> None:
    """Take more and more memory."""
    held = []
    while True:
        held.append(bytearray(16 << 20))


def leave(_: Path) -> None:
    """End the whole process."""
    os._exit(3)


def fall_once(folder: Path) -> None:
    """End the process the first time."""
    if not (folder / "fallen").exists():
        (folder / "fallen").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def wait(_: Path) -> None:
    """Take a moment."""
    time.sleep(1.0)


def tell_files(folder: Path) -> None:
    """Write down which files are open."""
    open_files = (os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _is_open(name))
    (folder / "open").write_text("\n".join(open_files))


def _is_open(name: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{name}")


TRICKS = {one.__name__: one for one in (spin, hash_on, grow, leave, fall_once, wait, tell_files)}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A class in which finding a student's notebook does what the student is called."""
    recognise = grader.recognise

    def trapped(handed_in: Any, *rest: Any) -> Any:
        for name, trick in TRICKS.items():
            if f"trick = {name}".encode() in handed_in.files["mini.ipynb"]:
                trick(tmp_path)
        return recognise(handed_in, *rest)

    monkeypatch.setattr(grader, "recognise", trapped)
    monkeypatch.setattr(processes, "can_fork", lambda: True)  # whatever threads other tests have left
    monkeypatch.setattr(readers, "READ_SECONDS", LIMIT)
    monkeypatch.setattr(readers, "SLACK_SECONDS", 0)
    monkeypatch.setattr(readers, "READ_MIB", 256)
    root = make_course(tmp_path / "course")
    for student in HONEST:
        hand_in(root, student)
    return Course(root)


@pytest.fixture
def with_trick(course: Course) -> Callable[[str], Course]:
    """Add a student whose notebook does something to who reads it."""

    def add(trick: str) -> Course:
        hand_in(course.root, trick, number_answer=f"answer = 42  # trick = {trick}")
        return course

    return add


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """When a run is over, so are all its processes and their control groups."""
    before, groups = set(descendants(os.getpid())), groups_now()
    ours, over = set[int](), Event()

    def look() -> None:
        while not over.wait(0.05):
            ours.update(descendants(os.getpid()))

    beside_others = not readers.can_fork()  # in pytest's parallel runs, where other tests kill runs, which leave groups
    looking = [Thread(target=look)] if beside_others else []
    for thread in looking:
        thread.start()
    yield
    over.set()
    for thread in looking:
        thread.join()
    assert wait_until(lambda: not set(descendants(os.getpid())) - before, 10.0)
    left = {one: int(one.name.split("-")[1]) for one in groups_now() - groups}
    assert not [one for one, pid in left.items() if pid in ours or not beside_others]


def groups_now() -> set[Path]:
    """Control groups of processes that have ended, where they may be made."""
    found = homes()
    if not isinstance(found, Homes):
        return set()
    there = {one for home in (found.memory, found.pids or found.memory) for one in home.glob(f"{PREFIX}-*-*")}
    return {one for one in there if not Path("/proc", one.name.split("-")[1]).exists()}


def graded(course: Course, *students: str) -> dict[str, Scorecard]:
    """Scorecards by student."""
    result = grade_class(course, "mini", ClassOptions(list(students) or None, jobs=2))
    assert not result.troubles
    return {card.student: card for card in result.scorecards}


def scores(cards: dict[str, Scorecard]) -> dict[str, float]:
    """Marks of those who have some."""
    return {name: card.score for name, card in cards.items() if not card.is_unjudged}


@pytest.mark.parametrize(
    ("trick", "said"),
    [
        ("spin", "more than"),
        ("hash_on", "has ended"),
        ("grow", "more memory"),
        ("leave", "the process that read the submission has ended"),
    ],
)
def test_who_ends_its_reader_is_not_judged_and_all_others_are(
    trick: str, said: str, with_trick: Callable[[str], Course]
) -> None:
    """A submission that can't be read within limits waits for a person, and costs nobody a mark."""
    cards = graded(with_trick(trick))
    assert cards[trick].is_unjudged
    assert said in " ".join(cards[trick].problems)
    assert len(set(scores(cards).values())) == 1
    assert sorted(scores(cards)) == sorted(HONEST)


def test_who_took_too_long_is_not_read_again_until_something_changes(with_trick: Callable[[str], Course]) -> None:
    """What would take as long again waits for a person, not for the next run; other accidents are tried again."""
    course = with_trick("spin")
    graded(course)
    again = grade_class(course, "mini", ClassOptions(jobs=2))
    assert {one.student for one in again.done if one.unchanged} == {"spin", *HONEST}


def test_an_accident_of_a_reader_costs_no_mark(with_trick: Callable[[str], Course]) -> None:
    """Where a reader ends for no reason of its submission's, another one grades it."""
    cards = graded(with_trick("fall_once"))
    assert len(set(scores(cards).values())) == 1
    assert len(scores(cards)) == 1 + len(HONEST)


def test_readers_are_replaced_where_their_parent_is_gone(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killing the parent of readers, busy ones beside it or not, costs no mark."""
    folders = {name: course.folder("submitted", name, "mini") for name in HONEST}
    with Grader(course, "mini") as one:
        before = set(descendants(os.getpid()))
        first = one.grade("ann", folders["ann"]).scorecard.score
        for process in set(descendants(os.getpid())) - before:
            if "pytest" in command_line(process):  # a fork of ours
                os.kill(process, signal.SIGKILL)
        monkeypatch.setattr(processes, "can_fork", readers.can_fork)  # not while the pool's threads run
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(one.grade, folders, folders.values()))
    assert [each.scorecard.score for each in found] == [first] * len(HONEST)


def test_a_reader_holds_no_file_of_who_grades(with_trick: Callable[[str], Course], tmp_path: Path) -> None:
    """Neither gradebook nor locks of the class are open where strangers' bytes are read."""
    kept = (tmp_path / "kept.txt").open("w")
    with kept:
        graded(with_trick("tell_files"), "tell_files")
    opened = (tmp_path / "open").read_text()
    assert "/dev/null" in opened
    assert not [line for line in opened.splitlines() if str(tmp_path) in line]


def test_closing_ends_what_is_being_read(with_trick: Callable[[str], Course]) -> None:
    """A grader that is closed waits for no reader; what was being read is not judged."""
    course = with_trick("wait")
    with Grader(course, "mini") as one, LocalExecutor(one, 1) as executor:
        waiting = executor.submit("wait", course.folder("submitted", "wait", "mini"))
        time.sleep(0.3)
        started = time.monotonic()
        one.close()
        assert waiting.result().scorecard.is_unjudged
    assert time.monotonic() - started < 0.6


def test_a_reader_takes_one_submission_after_the_other(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers are kept, up to a number of submissions."""
    monkeypatch.setattr(readers, "SUBMISSIONS", 2)
    folder = course.folder("submitted", "ann", "mini")
    with Grader(course, "mini") as one:
        there = []
        for _ in range(4):
            one.grade("ann", folder)
            there.append(len(one.readers()._free))
    assert there == [1, 0, 1, 0]


def test_who_has_threads_starts_a_program_in_the_place_of_a_fork(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that another thread holds would be held for ever in a fork."""
    folder = course.folder("submitted", "ann", "mini")
    with Grader(course, "mini") as one:
        forked = one.grade("ann", folder).scorecard
    monkeypatch.setattr(processes, "can_fork", readers.can_fork)
    with Grader(course, "mini") as one, ThreadPoolExecutor(1) as pool:
        launched = pool.submit(one.grade, "ann", folder).result().scorecard
        assert any("nbseal.reading" in command_line(pid) for pid in descendants(os.getpid()))
    assert [question.score for question in launched.questions] == [question.score for question in forked.questions]


def test_what_the_settings_define_stands_in_no_readers_way(course: Course) -> None:
    """A plugin that nbgrader_config.py defines can't be sent to a program, which doesn't need it."""
    config = course.root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\n{PLUGIN}")
    one = Course(course.root)
    with Grader(one, "mini") as grading, ThreadPoolExecutor(1) as pool:
        assert pool.submit(grading.grade, "ann", one.folder("submitted", "ann", "mini")).result().scorecard.score == 7


def test_readers_know_no_secret_that_they_are_not_forked_with(course: Course) -> None:
    """What is sent to a program holds neither the course's secret nor anything of other submissions."""
    with Grader(course, "mini") as one:
        assert course.secret not in pickle.dumps(one)
