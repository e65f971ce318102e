"""What a student gets back: a receipt at once, and the feedback page as far as it may be shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import CourseError, SubmissionError
from nbseal.feedback.class_pages import Outcome, make_class_pages
from nbseal.feedback.handing_out import HandingOut
from nbseal.feedback.hidden_regions import hidden_regions
from nbseal.feedback.page_source import PageSource
from nbseal.gradebook.autograded import notebook_bytes
from nbseal.gradebook.queries import NotebookMarks, class_notebook_marks
from nbseal.gradebook.times import stamp_in, zones_of
from nbseal.grading.submission import read_submission
from nbseal.pages import render
from nbseal.results import GradedSubmission, of_notebook
from nbseal.watch.rules import in_words
from nbseal.watch.tasks import Task

SECRETS = ("submission_secret.txt",)  # whoever knows it can read the student's feedback


@dataclass(frozen=True)
class Arrived:
    """What is said of a submission: when it arrived, as what, as which attempt of how many, and when it is due."""

    identity: str
    moment: datetime | None
    attempt: int
    attempts: int
    due: datetime | None
    note: str = ""

    @property
    def receipt(self) -> Mapping[str, str]:
        """The lines of the receipt."""
        of = f" of {self.attempts}" if self.attempts else ""
        lines = {
            "Arrived": in_words(self.moment),
            "SHA-256 of its files": self.identity,
            "Attempt": f"{self.attempt}{of}" if self.attempt else "",
            "Due": in_words(self.due),
            "Note": self.note,
        }
        return {name: text for name, text in lines.items() if text}


@dataclass(frozen=True)
class Withheld:
    """Questions that aren't shown yet, and until when, in words."""

    questions: frozenset[str] = field(default_factory=frozenset)
    until: str = ""


def arrived(course: Course, task: Task, folder: Path, attempt: int, due: datetime | None, note: str = "") -> Arrived:
    """What is said of the submission of a task, which lies in ``folder``."""
    stamp = stamp_in(folder, zones_of(course.config))
    moment = stamp.moment.astimezone(UTC) if stamp and stamp.moment else datetime.fromtimestamp(task.asked, UTC)
    return Arrived(task.identity, moment, attempt, course.watch.attempts, due, note)


def receipt_pages(course: Course, task: Task, folder: Path, about: Arrived, standing: str) -> dict[str, str]:
    """The page that stands in feedback's place until there is some, for each notebook of the assignment."""
    files: list[tuple[str, int, str]] = []
    with suppress(SubmissionError):  # what can't be read is told with the marks
        handed_in = read_submission(course, task.assignment, folder).files
        files = [
            (name, len(data), hashlib.sha256(data).hexdigest())
            for name, data in sorted(handed_in.items())
            if name not in SECRETS
        ]
    page = render(
        "nbseal.watch",
        "receipt.html.j2",
        sorting=False,
        assignment=task.assignment,
        standing=standing,
        receipt=about.receipt,
        files=files,
    )
    return dict.fromkeys(course.assignment(task.assignment).notebooks, page)


def make_feedback(course: Course, assignment: str, student: str) -> None:
    """Make a student's pages in feedback/; CourseError if that can't be done."""
    made = make_class_pages(course, assignment, [student], jobs=1)
    for page in made.pages:
        if page.outcome is Outcome.FAILED:
            raise CourseError(f"{page.student}, {page.notebook}.html: {page.problem}")


def recorded_pages(course: Course, assignment: str, student: str, about: Arrived, withheld: Withheld) -> dict[str, str]:
    """The pages of the submission that is recorded, as far as they may be shown."""
    found = class_notebook_marks(course, assignment, student)
    folder = course.folder("autograded", student, assignment)
    notebooks = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.ipynb")) if path.name[0] != "."}
    marks = {name: found[student, name] for name in notebooks if (student, name) in found}
    return dict(_pages(course, {name: notebooks[name] for name in marks}, marks, folder, about, withheld))


def attempt_pages(
    course: Course, graded: GradedSubmission, folder: Path, about: Arrived, withheld: Withheld
) -> dict[str, str]:
    """The pages of a submission that doesn't count and so isn't recorded; ``folder`` is where it lies."""
    results = {question.grade_id: question for question in graded.scorecard.questions}
    marks = {}
    for name, notebook in graded.notebooks.items():
        ids = [(cell["metadata"].get("nbgrader") or {}).get("grade_id", "") for cell in notebook["cells"]]
        there = of_notebook(results, name)
        own = [there[one] for one in ids if one in there]
        marks[name] = NotebookMarks(
            {one.cell: one.score for one in own},
            {one.cell: one.max_score for one in own},
            student=graded.scorecard.student,
        )
    notebooks = {name: notebook_bytes(notebook) for name, notebook in graded.notebooks.items()}
    return dict(_pages(course, notebooks, marks, folder, about, withheld))


def _pages(
    course: Course,
    notebooks: Mapping[str, bytes],
    marks: Mapping[str, NotebookMarks],
    folder: Path,
    about: Arrived,
    withheld: Withheld,
) -> Iterator[tuple[str, str]]:
    handing_out = HandingOut(about.receipt, withheld.questions, withheld.until)
    hidden = hidden_regions(course.config)
    for name, notebook in notebooks.items():
        yield name, PageSource(notebook, name, marks[name], folder, hidden, handing_out).page()
