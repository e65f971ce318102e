"""What stands on a feedback page: the questions with their marks, and the notebook's cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from nbseal.feedback.hidden_regions import Regions, without_hidden
from nbseal.feedback.shown_outputs import Shown, show_outputs
from nbseal.feedback.typesetting import markdown
from nbseal.gradebook.mark_output import feedback_html
from nbseal.gradebook.queries import NotebookMarks
from nbseal.results import Outcome, QuestionResult, Status, TestResult
from nbseal.text import printable, without_controls

HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.{0,199})", re.MULTILINE)
MARKUP = re.compile(r"[`*_$]|<[^>]*>|!?\[|\]\([^)]*\)")
REMEMBERED = 256  # cells: most of a notebook's are the instructor's, the same for the whole class
SOURCE_LIMIT = 60_000  # characters of one cell
STYLE = "xcode"  # the built-in style whose colours all have enough contrast on white
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class OverviewLine:
    """One line of the overview."""

    grade_id: str
    anchor: str
    label: str
    score: float | None
    points: float
    tests: tuple[TestResult, ...]
    commented: bool

    @property
    def passed(self) -> int:
        """How many of its tests passed."""
        return sum(test.outcome is Outcome.PASSED for test in self.tests)


@dataclass(frozen=True)
class PageCell:
    """One cell; ``folded`` code is the instructor's own, to be opened by those who want to see it."""

    body: Markup
    code: bool
    answer: bool = False
    folded: bool = False
    outputs: tuple[Shown, ...] = ()
    question: OverviewLine | None = None
    block: Markup = field(default_factory=Markup)
    comment: Markup = field(default_factory=Markup)


@dataclass(frozen=True)
class View:
    """A whole page; ``made_from`` is the digest of all that it was made from."""

    title: str
    marks: NotebookMarks
    questions: tuple[OverviewLine, ...]
    cells: tuple[PageCell, ...]
    colours: Markup
    made_from: str = ""


def make_view(nb: Any, marks: NotebookMarks, name: str, folder: Path, hidden: Regions) -> View:
    """The page of an executed and marked notebook; ``folder`` holds the files beside it.

    ``hidden`` are the regions that students don't see.
    """
    cells: list[PageCell] = []
    label, title = "", ""
    for number, cell in enumerate(nb["cells"], 1):
        answer = (cell["metadata"].get("nbgrader") or {}).get("solution")
        if cell["cell_type"] == "markdown" and not answer:
            headings = HEADING.findall(FENCE.sub("", cell["source"]))
            label = _plain(headings[-1]) if headings else label
            title = title or (_plain(headings[0]) if headings else "")
        cells.append(_cell(cell, number, label, marks, folder, hidden))
    colours = HtmlFormatter(style=STYLE).get_style_defs(".code")
    questions = tuple(cell.question for cell in cells if cell.question)
    return View(title or name, marks, questions, tuple(cells), Markup(colours))


def _cell(cell: Any, number: int, label: str, marks: NotebookMarks, folder: Path, hidden: Regions) -> PageCell:
    mark = cell["metadata"].get("nbgrader") or {}
    grade_id = mark.get("grade_id", "")
    is_code, is_answer = cell["cell_type"] == "code", bool(mark.get("solution"))
    source = printable_source(cell["source"])
    hides = False
    if not is_answer and mark:
        bare = without_hidden(source, hidden)
        source, hides = bare, bare != source
    outputs, found = show_outputs(cell.get("outputs", []), folder, hides)
    status, tests = found or (Status.MANUAL, ())
    question = None
    if grade_id in marks.scores and (mark.get("grade") or mark.get("task")):
        commented = grade_id in marks.comments
        question = OverviewLine(
            grade_id, f"question-{number}", label or grade_id, marks.scores[grade_id], marks.points[grade_id],
            tests, commented,
        )  # fmt: skip
    return PageCell(
        body=_body(cell, source, folder),
        code=is_code,
        answer=is_answer,
        folded=is_code and not is_answer and bool(mark),
        outputs=outputs,
        question=question,
        block=_block(question, status, grade_id in marks.by_person) if question else Markup(),
        comment=Markup(markdown(marks.comments[grade_id], folder)) if grade_id in marks.comments else Markup(),
    )  # fmt: skip


def _body(cell: Any, source: str, folder: Path) -> Markup:
    if cell["cell_type"] == "code":
        return _coloured(source)
    if cell["cell_type"] == "markdown":
        return Markup(markdown(source, folder, cell.get("attachments")))
    return Markup("<pre>{}</pre>").format(source)


@lru_cache(REMEMBERED)
def _coloured(code: str) -> Markup:
    return Markup(highlight(code, get_lexer_by_name("ipython3"), HtmlFormatter(nowrap=True)))


def _block(question: OverviewLine, status: Status, by_person: bool) -> Markup:
    """The marks and a line for each test, with the mark that counts now."""
    status = status if question.score is None else Status.GRADED
    result = QuestionResult(question.grade_id, question.score, question.points, status, question.tests)
    note = Markup("<p>A person gave these marks.</p>") if by_person and question.tests else Markup()
    return Markup(feedback_html(result)) + note


def printable_source(source: str) -> str:
    """A source as long as anybody reads, without characters that would show something else than what is there."""
    if len(source) > SOURCE_LIMIT:
        source = f"{source[:SOURCE_LIMIT]}\n… (the rest is not shown)"
    return without_controls(source)


def _plain(heading: str) -> str:
    """A heading's words without its markup."""
    return printable(MARKUP.sub("", heading.rstrip(" \t#")))
