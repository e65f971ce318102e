"""Collects what was recorded about an assignment and renders the report."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.queries import names as names_in_gradebook
from nbseal.gradebook.queries import submission_states
from nbseal.grading.submission import resubmitted
from nbseal.pages import render
from nbseal.report import figures
from nbseal.report.pseudonyms import Names, Pseudonyms
from nbseal.report.summary import Student, Summary, summarise


def collect(course: Course, assignment: str, anonymous: bool = False) -> Summary:
    """Summarise what is recorded; CourseError when nothing of the assignment is."""
    name = course.assignment(assignment).name
    cards = [entry.scorecard for entry in Ledger.of(course, name).entries()]
    if not cards:
        raise CourseError(f"nothing of {name} has been graded yet: run nbseal grade {name} first.")
    submitted = course.students(name)
    names = Names()
    if anonymous:
        everybody = {*submitted, *(card.student for card in cards)}
        names = Pseudonyms(course.secret, everybody, names_in_gradebook(course))
    return summarise(cards, submission_states(course, name), submitted, names, resubmitted(course, name))


def report_page(summary: Summary, anonymous: bool = False) -> str:
    """The report as one HTML page that needs nothing else."""
    scores = [student.score for student in summary.students]
    measured = {name: figures.histogram(values, name) for name, values in summary.measured.items()}
    return render(
        "nbseal.report",
        "report.html.j2",
        summary=summary,
        anonymous=anonymous,
        made=datetime.datetime.now(datetime.UTC),
        scores=figures.histogram(scores, "marks", 0.0, summary.max_score),
        shares=figures.shares(summary.questions),
        times=figures.histogram([student.seconds for student in summary.students], "seconds per submission", 0.0),
        measured=measured,
        facts=_facts(summary, scores),
        waiting=[student for student in summary.students if student.not_judged],
        damaged=[student for student in summary.students if student.problems],
        decided=[student for student in summary.students if student.decisions],
        late=[student for student in summary.students if student.seconds_late],
        unclear=[student.student for student in summary.students if student.unclear_time],
    )


def _facts(summary: Summary, scores: Sequence[float]) -> list[tuple[str, str]]:
    """What an instructor wants to know first: a number or a word, and what it is."""
    ordered = sorted(scores)
    half = len(ordered) // 2
    median = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return [
        (str(len(scores)), "submissions graded"),
        (f"{sum(scores) / len(scores):.1f} of {summary.max_score:g}", "mean marks so far"),
        (f"{median:g}", "median"),
        (str(_count(summary.students, "not_judged")), "not judged completely"),
        (str(_count(summary.students, "waiting")), "with marks still to be made"),
        (str(_count(summary.students, "seconds_late")), "late"),
        (", ".join(f"{level} ({count})" for level, count in summary.seals.items()), "seal level"),
    ]


def _count(students: Sequence[Student], what: str) -> int:
    return sum(bool(getattr(student, what)) for student in students)
