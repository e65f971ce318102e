"""A very small course with an exchange of nbgrader's, and students who hand in through it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from nbseal.course import Course
from nbseal.gradebook.connection import open_gradebook
from nbseal.watch.exchange import Exchange
from nbseal.watch.queue import Queue
from nbseal.watch.worker import Worker
from tests.mini import hand_in, make_course

COURSE_ID = "small"


@dataclass(frozen=True)
class Watched:
    """A course, its exchange, and the folder of students' own copies."""

    root: Path
    exchange: Path
    homes: Path

    @property
    def course(self) -> Course:
        """The course with its settings as they are now."""
        return Course(self.root)

    @property
    def queue(self) -> Queue:
        """Its queue."""
        return Queue(self.course.private)

    def settings(self, *lines: str) -> None:
        """Add lines to its settings."""
        with (self.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def due(self, date: str) -> None:
        """Set the due date of the assignment."""
        gradebook = open_gradebook(self.course)
        gradebook.update_or_create_assignment("mini", duedate=date)
        gradebook.close()

    def submit(self, student: str, **answers: str) -> str:
        """Hand in as ``nbgrader submit`` does; the secret by which nbgrader finds the feedback."""
        home = self.homes / student
        shutil.rmtree(home / "mini", ignore_errors=True)
        made = hand_in(home / "made", student, **answers)
        shutil.move(made.parent, home / "mini")
        shutil.rmtree(home / "made")
        config = Config()
        config.Exchange.root, config.Exchange.cache = str(self.exchange), str(home / "cache")
        config.Exchange.assignment_dir = str(home)
        about = CourseDirectory(config=config, course_id=COURSE_ID, assignment_id="mini", student_id=student)
        factory = ExchangeFactory(config=config)
        submit = factory.Submit(coursedir=about, authenticator=Authenticator(config=config), assignment_dir=str(home))
        submit.start()
        return Path(
            submit.cache_path, submit.assignment_filename.rsplit("+", 1)[0], "submission_secret.txt"
        ).read_text()

    def page(self, secret: str) -> str:
        """What a student gets back by now; "" if there is nothing."""
        path = self.exchange / COURSE_ID / "feedback" / f"{notebook_hash(secret=secret, notebook_id='mini')}.html"
        return path.read_text("utf-8") if path.exists() else ""

    def worker(self, said: list[str] | None = None, jobs: int = 1) -> Worker:
        """A worker that watches the exchange."""
        lines = [] if said is None else said
        return Worker(self.root, lambda course: Exchange(course, []), jobs, lines.append)

    def watch_once(self) -> list[str]:
        """Have everything graded that is there; what the worker said."""
        said: list[str] = []
        self.worker(said).run(once=True)
        return said


def make_watched(folder: Path, *settings: str) -> Watched:
    """Make the course and its exchange, from which one assignment is released."""
    exchange = folder / "exchange"
    (exchange / COURSE_ID / "inbound").mkdir(parents=True)
    exchange.chmod(0o777)
    watched = Watched(make_course(folder / "course"), exchange, folder / "homes")
    shutil.copytree(watched.root / "source" / "mini", exchange / COURSE_ID / "outbound" / "mini")
    watched.settings(f"c.CourseDirectory.course_id = {COURSE_ID!r}", f"c.Exchange.root = {str(exchange)!r}")
    watched.settings("c.ExchangeCollect.check_owner = False  # all accounts are one here", *settings)
    return watched


def now_and(seconds: float) -> str:
    """A time so many seconds from now, as nbgrader reads it."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
