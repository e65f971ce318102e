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

from nbseal.feedback.handing_out import HandingOut
from nbseal.feedback.hidden_regions import Regions, without_hidden
from nbseal.feedback.shown_outputs import Judged, Shown, show_outputs
from nbseal.feedback.typesetting import markdown
from nbseal.gradebook.mark_output import feedback_html, shows_release, told_in
from nbseal.gradebook.queries import NotebookMarks
from nbseal.results import BY_A_PERSON, Outcome, QuestionResult, Status, TestResult
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
    status: Status
    told: str
    withheld: bool = False

    @property
    def judged(self) -> tuple[TestResult, ...]:
        """Its tests that have an outcome of their own: neither one that was not judged, nor a person's decision."""
        return tuple(test for test in self.tests if test.outcome is not Outcome.NOT_JUDGED and test.name != BY_A_PERSON)

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """Its tests that were tried and failed."""
        return tuple(test for test in self.judged if test.outcome is Outcome.FAILED and not test.blocked)

    @property
    def untried(self) -> int:
        """How many of its tests wait until another one passes."""
        return sum(test.blocked for test in self.judged)

    @property
    def result(self) -> str:
        """How it went in one word: waiting, none, part or full."""
        if self.score is None:
            return "waiting"
        if self.score >= self.points:
            return "full"
        return "part" if self.score > 0 else "none"

    @property
    def passed(self) -> int:
        """How many of its tests passed."""
        return sum(test.outcome is Outcome.PASSED for test in self.judged)


@dataclass(frozen=True)
class PageCell:
    """One cell; ``folded`` code is the instructor's own, to be opened by those who want to see it.

    ``opens``: it has a heading, under which something new begins.
    """

    body: Markup
    code: bool
    answer: bool = False
    folded: bool = False
    opens: bool = False
    outputs: tuple[Shown, ...] = ()
    question: OverviewLine | None = None
    block: Markup = field(default_factory=Markup)
    comment: Markup = field(default_factory=Markup)


@dataclass(frozen=True)
class Part:
    """The cells up to a question and what is said of it up to the next heading; the last part may have no question.

    ``answers`` are the cells in which the student answered it, of this part or, for one answer with two marks, of an
    earlier one.
    """

    cells: tuple[PageCell, ...]
    answers: tuple[PageCell, ...] = ()

    @property
    def question(self) -> OverviewLine | None:
        """The question that it is about."""
        return next((cell.question for cell in self.cells if cell.question), None)

    @property
    def pictures(self) -> tuple[Shown, ...]:
        """What cells between answer and question drew of it; an answer's own outputs stand with the answer."""
        first = next((number for number, cell in enumerate(self.cells) if cell.answer), 0)
        last = next((number for number, cell in enumerate(self.cells) if cell.question), len(self.cells))
        behind = (cell for cell in self.cells[first : last + 1] if not cell.answer)
        return tuple(output for cell in behind for output in cell.outputs if output.kind == "picture")

    @property
    def comments(self) -> tuple[Markup, ...]:
        """What a person wrote to its cells."""
        return tuple(cell.comment for cell in self.cells if cell.comment)

    @property
    def to_fix(self) -> bool:
        """Whether marks were lost, or a test failed of a question that has no mark yet."""
        one = self.question
        return one is not None and (one.result in ("none", "part") or (one.score is None and bool(one.failed)))

    @property
    def is_folded(self) -> bool:
        """Whether it is closed at first: what is to be read of it stands on top, or there is nothing to say."""
        one = self.question
        return self.to_fix or (one is not None and one.result == "full" and not self.comments)


@dataclass(frozen=True)
class View:
    """A whole page; ``made_from`` is the digest of all that it was made from.

    ``shows_release``: the cells are those that were released, for the student's own were not run.
    """

    title: str
    marks: NotebookMarks
    questions: tuple[OverviewLine, ...]
    parts: tuple[Part, ...]
    colours: Markup
    shows_release: bool = False
    made_from: str = ""
    handing_out: HandingOut = field(default_factory=HandingOut)

    @property
    def withheld(self) -> int:
        """How many questions are not shown yet."""
        return sum(question.withheld for question in self.questions)

    @property
    def to_fix(self) -> list[Part]:
        """The parts whose questions come first on the page."""
        return [part for part in self.parts if part.to_fix]

    @property
    def told(self) -> dict[str, list[OverviewLine]]:
        """What the student is told of questions that could not be judged: each sentence with its questions."""
        found: dict[str, list[OverviewLine]] = {}
        for question in self.questions:
            if question.told:
                found.setdefault(question.told, []).append(question)
        return found

    @property
    def is_not_judged(self) -> bool:
        """Whether no question has a mark, because some could not be judged."""
        lost = any(question.status is Status.NOT_JUDGED for question in self.questions)
        return lost and self.marks.waiting == len(self.marks.scores)


@dataclass(frozen=True)
class _About:
    """What all cells of a page are shown with."""

    marks: NotebookMarks
    told: dict[str, str]
    folder: Path
    hidden: Regions
    withheld: frozenset[str]


def make_view(
    nb: Any, marks: NotebookMarks, name: str, folder: Path, hidden: Regions, handing_out: HandingOut | None = None
) -> View:
    """The page of an executed and marked notebook; ``folder`` holds the files beside it.

    ``hidden`` are the regions that students don't see; ``handing_out`` says what is withheld, too.
    """
    handing_out = handing_out or HandingOut()
    cells: list[PageCell] = []
    label, title, about = "", "", _About(marks, told_in(nb), folder, hidden, handing_out.withheld)
    for number, cell in enumerate(nb["cells"], 1):
        answer = (cell["metadata"].get("nbgrader") or {}).get("solution")
        if cell["cell_type"] == "markdown" and not answer:
            headings = _headings(cell["source"])
            label = _plain(headings[-1]) if headings else label
            title = title or (_plain(headings[0]) if headings else "")
        cells.append(_cell(cell, number, label, about))
    colours = HtmlFormatter(style=STYLE).get_style_defs(".code")
    questions = tuple(cell.question for cell in cells if cell.question)
    return View(
        title or name, marks, questions, _parts(cells), Markup(colours), shows_release(nb), handing_out=handing_out
    )


def _parts(cells: list[PageCell]) -> tuple[Part, ...]:
    parts: list[Part] = []
    begin, answers = 0, ()  # type: int, tuple[PageCell, ...]
    for number, cell in enumerate(cells):
        if cell.question:
            end = _end_of_part(cells, number)
            inside = tuple(cells[begin:end])
            answers = tuple(one for one in inside if one.answer) or answers
            parts.append(Part(inside, answers))
            begin = end
    rest = tuple(cells[begin:])
    return (*parts, Part(rest)) if rest else tuple(parts)


def _end_of_part(cells: list[PageCell], number: int) -> int:
    """Where a question's part ends: at the next heading, or right after it if an answer or a question comes first."""
    behind = range(number + 1, len(cells))
    first = next((one for one in behind if cells[one].opens or cells[one].answer or cells[one].question), None)
    return first if first is not None and cells[first].opens else number + 1


def _cell(cell: Any, number: int, label: str, about: _About) -> PageCell:
    mark = cell["metadata"].get("nbgrader") or {}
    grade_id = mark.get("grade_id", "")
    is_code, is_answer = cell["cell_type"] == "code", bool(mark.get("solution"))
    source, comments = printable_source(cell["source"]), about.marks.comments
    hides = False
    if not is_answer and mark:
        bare = without_hidden(source, about.hidden)
        source, hides = bare, bare != source
    outputs, found = show_outputs(cell.get("outputs", []), about.folder, hides)
    question = None
    if grade_id in about.marks.scores and (mark.get("grade") or mark.get("task")):
        question = _line(grade_id, f"question-{number}", label or grade_id, found, about)
    return PageCell(
        body=_body(cell, source, about.folder),
        code=is_code,
        answer=is_answer,
        folded=is_code and not is_answer and bool(mark),
        opens=cell["cell_type"] == "markdown" and not is_answer and bool(_headings(source)),
        outputs=outputs,
        question=question,
        block=_block(question, grade_id in about.marks.by_person) if question and not question.withheld else Markup(),
        comment=Markup(markdown(comments[grade_id], about.folder)) if grade_id in comments else Markup(),
    )


def _line(grade_id: str, anchor: str, label: str, found: Judged | None, about: _About) -> OverviewLine:
    """A question's line; ``found`` is what its cell says of it."""
    points = about.marks.points[grade_id]
    if grade_id in about.withheld:
        told = about.told.get(grade_id, "")
        return OverviewLine(grade_id, anchor, label, None, points, (), False, Status.MANUAL, told, withheld=True)
    score = about.marks.scores[grade_id]
    told = about.told.get(grade_id, "") if score is None else ""
    status, tests = found or (Status.NOT_JUDGED if told else Status.MANUAL, ())
    commented = grade_id in about.marks.comments
    return OverviewLine(grade_id, anchor, label, score, points, tests, commented, status, told)


def _body(cell: Any, source: str, folder: Path) -> Markup:
    if cell["cell_type"] == "code":
        return _coloured(source)
    if cell["cell_type"] == "markdown":
        return Markup(markdown(source, folder, cell.get("attachments")))
    return Markup("<pre>{}</pre>").format(source)


@lru_cache(REMEMBERED)
def _coloured(code: str) -> Markup:
    return Markup(highlight(code, get_lexer_by_name("ipython3"), HtmlFormatter(nowrap=True)))


def _block(question: OverviewLine, by_person: bool) -> Markup:
    """The marks and a line for each test, with the mark that counts now."""
    status = question.status if question.score is None else Status.GRADED
    result = QuestionResult(question.grade_id, question.score, question.points, status, question.tests, question.told)
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


def _headings(text: str) -> list[str]:
    """The headings of a text, with their markup; what stands in a fenced block is none."""
    return HEADING.findall(FENCE.sub("", text))
