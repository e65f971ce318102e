"""Makes the feedback pages of a class that are out of date, as ``nbgrader generate_feedback`` would make them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from nbgrader.utils import find_all_files
from traitlets.config import Config

from nbseal.course import Course, unknown
from nbseal.errors import CourseError, UnknownName
from nbseal.feedback import page_process
from nbseal.feedback.hidden_regions import Regions, hidden_regions
from nbseal.feedback.page_source import PageSource
from nbseal.files import read_regular, write_whole
from nbseal.gradebook.queries import NotebookMarks, class_notebook_marks
from nbseal.text import command, shell

OURS = ("nbseal.feedback.FeedbackExporter", "nbseal.feedback.exporter.FeedbackExporter")
# Settings by which nbgrader's command would make another page, or do more.
CHANGING = {
    "GenerateFeedback": ("preprocessors", "pre_convert_hook", "post_convert_hook"),
    "BaseConverter": ("pre_convert_hook", "post_convert_hook"),
    "Exporter": ("preprocessors", "default_preprocessors"),
    "FeedbackExporter": ("preprocessors", "default_preprocessors", "file_extension"),
}
FEW = 100  # pages: 12 ms each here, and other processes need a second of processor time until they make the first one
LARGEST = 1 << 30  # bytes of a file beside a notebook


class Outcome(StrEnum):
    """What became of a page."""

    MADE = "made"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class Page:
    """One page, and why it could not be made if it ``FAILED``."""

    student: str
    notebook: str
    path: Path
    outcome: Outcome
    problem: str = ""


@dataclass
class ClassPages:
    """What a run did: its pages in the order of students, and what the instructor should know besides."""

    pages: list[Page] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, outcome: Outcome) -> int:
        """How many pages came out so."""
        return sum(page.outcome is outcome for page in self.pages)


class Watcher(Protocol):
    """Who wants to know how far a run has come."""

    def start(self, total: int) -> None:
        """Be told how many pages there are."""

    def done(self, one: Page) -> None:
        """Be told of a page."""


@dataclass(frozen=True)
class _Order:
    """A page that is to be there: whose, of which file, with which marks, where, and with which permissions."""

    student: str
    notebook: Path
    marks: NotebookMarks | None
    page: Path
    mode: int
    hidden: Regions

    def source(self) -> PageSource:
        """What the page is to be made from, as it lies there now."""
        if self.marks is None:
            raise CourseError("the gradebook has no such notebook of this student: run nbseal grade.")
        name = self.notebook.stem
        return PageSource(self.notebook.read_bytes(), name, self.marks, self.notebook.parent, self.hidden)

    def came_out(self, outcome: Outcome, problem: str = "") -> Page:
        """The page that it came to."""
        return Page(self.student, self.notebook.stem, self.page, outcome, problem)

    def failed(self, error: BaseException) -> Page:
        """The page that could not be made."""
        return self.came_out(Outcome.FAILED, _why(error))


def make_class_pages(
    course: Course,
    assignment: str,
    students: list[str] | None = None,
    jobs: int | None = None,
    watcher: Watcher | None = None,
) -> ClassPages:
    """Make the pages of ``assignment`` that are out of date, of all ``students`` or some, ``jobs`` at a time.

    A page that can't be made doesn't stop the others. Pages whose notebook isn't in autograded/ now are left as they
    are. CourseError where nothing was graded, or where settings ask for other pages than ours.
    """
    started = time.monotonic()
    name = course.assignment(assignment).name
    _check_settings(course.config)
    result = ClassPages()
    orders = _orders(course, name, _choose(course, name, students, result.notes))
    for student in sorted(set(students or ()) - {order.student for order in orders}):
        if course.folder("autograded", student, name).is_dir():
            result.notes.append(f"{student}: nothing was handed in, so there is no page")
    if watcher:
        watcher.start(len(orders))
    for page in _pages(course, orders, jobs):
        result.pages.append(page)
        if watcher:
            watcher.done(page)
    result.pages.sort(key=lambda page: (page.student, page.notebook))
    result.seconds = time.monotonic() - started
    return result


def _check_settings(config: Config) -> None:
    """CourseError where nbgrader's command would make other pages than these."""
    for section in ("GenerateFeedback", "BaseConverter"):
        chosen = config.get(section, {}).get("exporter_class", OURS[0])
        called = chosen if isinstance(chosen, str) else f"{chosen.__module__}.{chosen.__qualname__}"
        if called not in OURS:
            raise CourseError(
                f"c.{section}.exporter_class = {called!r} makes another page than nbseal feedback: use nbgrader "
                f"generate_feedback, or name {OURS[0]} in nbgrader_config.py."
            )
        if "exporter_class" in config.get(section, {}):
            break
    for section, names in CHANGING.items():
        for name in names:
            if name in config.get(section, {}):
                raise CourseError(
                    f"nbseal feedback ignores c.{section}.{name}: use nbgrader generate_feedback, which follows it, or "
                    "take the setting out of nbgrader_config.py."
                )


def _choose(course: Course, assignment: str, wanted: Sequence[str] | None, notes: list[str]) -> list[str]:
    """The students who have something in autograded/, all or those who are ``wanted``."""
    graded = course.students(assignment, "autograded")
    if not graded:
        raise CourseError(
            f"nothing of {assignment} has been graded yet: run {shell(command('grade', assignment))} first."
        )
    if not wanted:
        return graded
    submitted = course.students(assignment)
    for student in sorted(set(wanted) - set(graded)):
        if student not in submitted:
            raise UnknownName(unknown("student", student, sorted({*graded, *submitted})))
        notes.append(f"{student}: not graded yet, so there is no page: run {shell(command('grade', assignment))}")
    return sorted(set(wanted) & set(graded))


def _orders(course: Course, assignment: str, students: Sequence[str]) -> list[_Order]:
    marks = class_notebook_marks(course, assignment, students[0] if len(students) == 1 else None)
    mode, hidden = _permissions(course), hidden_regions(course.config)
    return [
        _Order(
            student,
            notebook,
            marks.get((student, notebook.stem)),
            course.folder("feedback", student, assignment) / f"{notebook.stem}.html",
            mode,
            hidden,
        )
        for student in students
        for notebook in sorted(course.folder("autograded", student, assignment).glob("*.ipynb"))
        if not notebook.name.startswith(".")
    ]


def _permissions(course: Course) -> int:
    """The mode of files in feedback/, as nbgrader's settings have it."""
    for section in ("GenerateFeedback", "BaseConverter"):
        if "permissions" in course.config.get(section, {}):
            return int(str(course.config[section].permissions), 8)
    return 0o664 if course.coursedir.groupshared else 0o644


def _pages(course: Course, orders: Sequence[_Order], jobs: int | None) -> Iterator[Page]:
    """Each page as it is known: first those that are there and up to date."""
    out_of_date = []
    for order in orders:
        try:
            _copy_files(course, order)
            if order.source().is_of(order.page):
                yield order.came_out(Outcome.UNCHANGED)
            else:
                out_of_date.append(order)
        except (CourseError, OSError) as error:
            yield order.failed(error)
    jobs = jobs or _processors()
    if jobs == 1 or len(out_of_date) <= FEW:
        yield from map(_make, out_of_date)
    else:
        yield from _in_parallel(out_of_date, jobs)


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_parallel(orders: Sequence[_Order], jobs: int) -> Iterator[Page]:
    # Not forks of this process: it may show its progress in a thread, whose locks they would hold for ever.
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), page_process.begin)
    try:
        futures = {executor.submit(_make, order): order for order in orders}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool as error:
                yield futures[future].failed(error)
    finally:
        executor.shutdown(cancel_futures=True)


def _make(order: _Order) -> Page:
    """Make a page, whole or not at all."""
    try:
        write_whole(order.page, order.source().page().encode(), order.mode)
    except Exception as error:  # whatever a notebook holds, it costs its own page and no other
        return order.failed(error)
    return order.came_out(Outcome.MADE)


def _why(error: BaseException) -> str:
    """Why a page could not be made, and what to do, where that can be told."""
    if isinstance(error, CourseError):
        return str(error)
    if not isinstance(error, OSError) or not error.filename:
        return f"{type(error).__name__}: {error}"
    path = Path(os.fsdecode(error.filename))
    if isinstance(error, (NotADirectoryError, FileExistsError)):
        blocking = [one for one in (path, *path.parents) if one.is_file() or one.is_symlink()]
        if blocking:
            return f"{blocking[-1]} is where a folder must go: move it away and run again."
    return f"{path}: {error.strerror}; fix that and run again."


def _copy_files(course: Course, order: _Order) -> None:
    """Put beside the page what nbgrader puts there: the files that lie beside the notebook, as far as they differ."""
    source, folder = order.notebook.parent, order.page.parent
    _make_folder(course, folder, folder)
    for name in find_all_files(str(source), [*course.coursedir.ignore, "*.ipynb"]):
        content = read_regular(Path(name), LARGEST)
        copy = folder / Path(name).relative_to(source)
        if content is not None and not _holds(copy, content):
            _make_folder(course, copy.parent, folder)
            write_whole(copy, content, order.mode)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_regular(path, len(content) + 1) == content
    except OSError:
        return False


def _make_folder(course: Course, folder: Path, top: Path) -> None:
    """Make a folder in ``top``, with the rights that nbgrader gives where a group shares a course."""
    folder.mkdir(parents=True, exist_ok=True)
    if not course.coursedir.groupshared:
        return
    inside = [folder, *(one for one in folder.parents if one.is_relative_to(top))]
    for one in (*inside, course.folder("feedback")):
        mode = one.stat().st_mode
        if mode & 0o2770 != 0o2770:
            os.chmod(one, (mode | 0o2770) & 0o2777)
