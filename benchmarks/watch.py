"""Deadline night: ``python -m benchmarks.watch --students 200`` hands 01-gates in, and prints how long feedback took.

One student hands in to a warm worker, ten times; then a class does within a minute. The clock runs from the end of
``nbgrader submit`` until the student's page is in the exchange. Meanwhile the gradebook's list of submissions is read
as the formgrader's page reads it, and compared with how long that takes when nothing is graded.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from nbgrader.apps.api import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from benchmarks.classes import sealed_course
from nbseal.course import Course

ASSIGNMENT = "01-gates"
COURSE_ID = "nn101"
WINDOW = 60.0  # seconds in which a class hands in
PATIENCE = 600.0
LOOK = 0.02


@dataclass
class Handed:
    """One submission: the page to wait for, when it was handed in, and when the page came."""

    page: Path
    at: float
    seen: float = 0.0

    def look(self) -> bool:
        """Whether the feedback is there: the receipt says nothing of marks."""
        if not self.seen and self.page.exists() and 'id="overview"' in self.page.read_text("utf-8"):
            self.seen = time.monotonic()
        return bool(self.seen)


class Class:
    """A course with an exchange, and students with their answers."""

    def __init__(self, folder: Path, students: int) -> None:
        self.root, self.exchange, self.homes = folder / "course", folder / "exchange", folder / "homes"
        sealed_course(self.root, ASSIGNMENT, students)
        shutil.move(self.root / "submitted", self.homes)
        self.students = sorted(path.name for path in self.homes.iterdir())
        (self.exchange / COURSE_ID / "inbound").mkdir(parents=True)
        self.exchange.chmod(0o777)
        release = self.exchange / COURSE_ID / "outbound" / ASSIGNMENT
        shutil.copytree(self.root / "source" / ASSIGNMENT, release)
        with (self.root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
            settings.write(f"\nc.Exchange.root = {str(self.exchange)!r}\nc.Watch.release = 'everything'\n")
            settings.write("c.ExchangeCollect.check_owner = False\n")

    def submit(self, student: str) -> Handed:
        """Hand in as nbgrader does."""
        config, home = Config(), self.homes / student
        config.Exchange.root, config.Exchange.cache = str(self.exchange), str(home / "cache")
        about = CourseDirectory(config=config, course_id=COURSE_ID, assignment_id=ASSIGNMENT, student_id=student)
        factory = ExchangeFactory(config=config)
        submit = factory.Submit(coursedir=about, authenticator=Authenticator(config=config), assignment_dir=str(home))
        submit.start()
        copy = Path(submit.cache_path, submit.assignment_filename.rsplit("+", 1)[0], "submission_secret.txt")
        name = notebook_hash(secret=copy.read_text(), notebook_id=ASSIGNMENT)
        return Handed(self.exchange / COURSE_ID / "feedback" / f"{name}.html", time.monotonic())

    def page_seconds(self) -> float:
        """How long the formgrader's list of submissions takes, in nbgrader's own code."""
        course = Course(self.root)
        started = time.monotonic()
        NbGraderAPI(course.coursedir, config=course.config).get_submissions(ASSIGNMENT)
        return time.monotonic() - started


def wait_for(handed: list[Handed], until: float) -> None:
    """Look for pages until all are there."""
    while missing := sum(not one.look() for one in handed):
        if time.monotonic() > until:
            raise SystemExit(f"{missing} pages did not come within {PATIENCE:g} s")
        time.sleep(LOOK)


def one_by_one(people: Class, count: int) -> list[float]:
    """Seconds from submitting to the page, for one student after the other."""
    found = []
    for student in people.students[:count]:
        handed = people.submit(student)
        wait_for([handed], time.monotonic() + PATIENCE)
        found.append(handed.seen - handed.at)
        time.sleep(0.5)
    return found


def all_at_once(people: Class) -> tuple[list[float], list[float]]:
    """The same for a class within a minute, and what the formgrader's list took meanwhile."""
    handed: list[Handed] = []
    lists: list[float] = []

    def hand_in() -> None:
        begun = time.monotonic()
        for number, student in enumerate(people.students):
            time.sleep(max(0.0, begun + WINDOW * number / len(people.students) - time.monotonic()))
            handed.append(people.submit(student))

    def read_list() -> None:
        while thread.is_alive():
            lists.append(people.page_seconds())
            time.sleep(3)

    thread = threading.Thread(target=hand_in)
    reader = threading.Thread(target=read_list)
    thread.start()
    reader.start()
    until = time.monotonic() + PATIENCE
    while thread.is_alive():
        for one in list(handed):
            one.look()
        time.sleep(LOOK)
    reader.join()
    wait_for(handed, until)
    return [one.seen - one.at for one in handed], lists


def main() -> None:
    """Measure, and print a table and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--warm", type=int, default=10, help="students who hand in one after the other first")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        people = Class(Path(folder), given.students)
        words = [sys.executable, "-m", "nbseal.cli", "watch", ASSIGNMENT, "--course", str(people.root)]
        with Path(folder, "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as worker:
            try:
                wait_for([people.submit(people.students[0])], time.monotonic() + PATIENCE)
                warm = one_by_one(people, given.warm)
                many, lists = all_at_once(people)
                idle = statistics.median(people.page_seconds() for _ in range(5))
            finally:
                worker.terminate()
                worker.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    graded = 1 + given.warm + given.students
    figures = {
        "one student, warm: median s": statistics.median(warm),
        "one student, warm: longest s": max(warm),
        f"{given.students} students: median s": statistics.median(many),
        f"{given.students} students: p95 s": statistics.quantiles(many, n=20)[-1],
        f"{given.students} students: longest s": max(many),
        "processor seconds for each submission": (used.ru_utime + used.ru_stime) / graded,
        "list of submissions meanwhile: median s": statistics.median(lists),
        "list of submissions, idle: median s": idle,
    }
    for name, value in figures.items():
        print(f"| {name} | {value:.2f} |")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
