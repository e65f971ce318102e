"""Collects what was recorded about an assignment and renders the report."""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.queries import class_notebook_marks, submission_states
from nbseal.gradebook.queries import names as names_in_gradebook
from nbseal.grading.submission import resubmitted
from nbseal.pages import render
from nbseal.report import figures
from nbseal.report.pseudonyms import Names, Pseudonyms
from nbseal.report.summary import Student, Summary, summarise
from nbseal.text import command, shell


def collect(course: Course, assignment: str, anonymous: bool = False) -> Summary:
    """Summarise what is recorded; CourseError when nothing of the assignment is."""
    name = course.assignment(assignment).name
    cards = [entry.scorecard for entry in Ledger.of(course, name).entries()]
    if not cards:
        raise CourseError(f"nothing of {name} has been graded yet: run {shell(command('grade', name))} first.")
    submitted = course.students(name)
    names = Names()
    if anonymous:
        everybody = {*submitted, *(card.student for card in cards)}
        names = Pseudonyms(course.secret, everybody, names_in_gradebook(course))
    return summarise(cards, submission_states(course, name), submitted, names, resubmitted(course, name))


@dataclass(frozen=True)
class PageLinks:
    """Where feedback pages lie, seen from the report: addresses by student and notebook, and questions' notebooks."""

    pages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notebooks: Mapping[str, str] = field(default_factory=dict)

    def of(self, student: str) -> Mapping[str, str]:
        """A student's pages: addresses by notebook."""
        return self.pages.get(student, {})

    def about(self, student: str, question: str) -> str | None:
        """The page on which a student's question stands."""
        return self.of(student).get(self.notebooks.get(question, ""))


def find_pages(course: Course, assignment: str, folder: Path) -> PageLinks:
    """The feedback pages that are there, for a report in ``folder``."""
    pages: dict[str, dict[str, str]] = {}
    for student in course.students(assignment, "feedback"):
        for path in sorted(course.folder("feedback", student, assignment).glob("*.html")):
            address = quote(os.fsencode(Path(os.path.relpath(path, folder.absolute())).as_posix()))
            pages.setdefault(student, {})[path.stem] = address
    marks = class_notebook_marks(course, assignment)
    return PageLinks(pages, {question: name for (_, name), one in marks.items() for question in one.points})


def report_page(summary: Summary, anonymous: bool = False, links: PageLinks | None = None) -> str:
    """The report as one HTML page that needs nothing else; ``links`` lead to feedback pages, never from pseudonyms."""
    shares = [100 * student.share for student in summary.students if student.share is not None]
    times = [student.seconds for student in summary.students if student.seconds]
    measured = {name: figures.histogram(values, name) for name, values in summary.measured.items()}
    return render(
        "nbseal.report",
        "report.html.j2",
        summary=summary,
        anonymous=anonymous,
        made=datetime.datetime.now(datetime.UTC),
        links=PageLinks() if anonymous or links is None else links,
        marked=len(shares),
        scores=figures.histogram(shares, "percent of the points marked", 0.0, 100.0) if shares else None,
        shares=figures.shares(summary.questions),
        times=figures.histogram(times, "seconds per submission", 0.0) if times else None,
        measured=measured,
        facts=_facts(summary, shares),
        waiting=[student for student in summary.students if student.not_judged],
        damaged=[student for student in summary.students if student.problems],
        decided=[student for student in summary.students if student.decisions],
        late=[student for student in summary.students if student.seconds_late],
        unclear=[student.student for student in summary.students if student.unclear_time],
    )


def _facts(summary: Summary, shares: Sequence[float]) -> list[tuple[str, str]]:
    """What an instructor wants to know first: a number or a word, and what it is."""
    counted = f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{len(shares)}"
    return [
        (str(len(summary.students)), "submissions graded"),
        (f"{statistics.fmean(shares):.0f} %" if shares else "–", f"mean of the points marked ({counted})"),
        (f"{statistics.median(shares):.0f} %" if shares else "–", f"median ({counted})"),
        (str(_count(summary.students, "not_judged")), "not judged completely"),
        (str(_count(summary.students, "waiting")), "still waiting for marks"),
        (str(_count(summary.students, "seconds_late")), "late"),
        (", ".join(f"{level} ({count})" for level, count in summary.seals.items()), "seal level"),
    ]


def _count(students: Sequence[Student], what: str) -> int:
    return sum(bool(getattr(student, what)) for student in students)
