"""What is open in an assignment: why, what there is to choose from, and the command that settles it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbseal.course import Course
from nbseal.gradebook.decisions import Decision
from nbseal.gradebook.lateness import STAMP_MEND
from nbseal.gradebook.times import TIMESTAMP_FILE
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.recognition import UNSURE_MEND
from nbseal.grading.scoring import ANSWER_IS_FOUND
from nbseal.notebook import answer_cell
from nbseal.notebook.matching import bound_names, code_in, match
from nbseal.notebook.reading import Cell
from nbseal.resolve.desk import Desk, Folder
from nbseal.results import TEST_ITSELF_FAILED, UNCLEAR_TIME, Outcome, QuestionResult
from nbseal.text import command, one_line

MOST_CHOICES = 12  # files or cells to choose from
SHOWN = 70  # characters of a cell's first line


@dataclass(frozen=True)
class Choice:
    """One way to settle something: the command, and what it is about in ``words``, if the command doesn't say it."""

    command: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True)
class OpenCase:
    """Something of a student's that a person must decide; ``about`` is a notebook, a question, or the time.

    ``points`` are those of the questions that hang on it.
    """

    student: str
    about: str
    reason: str
    choices: tuple[Choice, ...]
    points: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        choices = [{"words": one.words, "command": list(one.command)} for one in self.choices]
        found = {"student": self.student, "about": self.about, "reason": self.reason}
        return {**found, "points": self.points, "choices": choices}


@dataclass(frozen=True)
class Standing:
    """What is open in an assignment, and what was decided.

    ``outdated`` decisions are about another submission than the one that lies there now. ``again`` are students who
    handed in again since grading, ``not_graded`` those who were not graded yet; ``to_read`` counts submissions with
    texts that a person reads in the formgrader.
    """

    assignment: str
    cases: tuple[OpenCase, ...]
    decided: tuple[Decision, ...]
    outdated: tuple[Decision, ...]
    again: tuple[str, ...]
    not_graded: tuple[str, ...]
    to_read: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "assignment": self.assignment,
            "open": [case.to_dict() for case in self.cases],
            "decided": [one.to_dict() for one in self.decided],
            "outdated": [one.to_dict() for one in self.outdated],
            "handed_in_again": list(self.again),
            "not_graded": list(self.not_graded),
            "to_read": self.to_read,
        }


def standing(course: Course, assignment: str, student: str | None = None) -> Standing:
    """What is open and what was decided, of all who have handed something in, or of one student.

    UnknownName for an assignment or a student that there isn't; RecordError or CourseError if what is recorded can't be
    read.
    """
    desk = Desk(course, assignment)
    chosen = course.choose_students(assignment, [student] if student else None)
    cases: list[OpenCase] = []
    decided: list[Decision] = []
    outdated: list[Decision] = []
    again: list[str] = []
    for one in chosen:
        own = desk.decisions.by_student.get(one, [])
        is_open = one in desk.entries and (desk.open_questions(one) or desk.entries[one].scorecard.has_unclear_time)
        if not own and not is_open:
            continue
        folder = Folder(desk, one)
        decided += [decision for decision in own if decision.handed_in == folder.digest]
        outdated += [decision for decision in own if decision.handed_in != folder.digest]
        if is_open and not folder.is_recorded:
            again.append(one)
        elif is_open:
            cases += _cases(desk, folder)
    return Standing(
        desk.assignment,
        cases=tuple(cases),
        decided=tuple(decided),
        outdated=tuple(outdated),
        again=tuple(again),
        not_graded=tuple(one for one in chosen if one not in desk.entries),
        to_read=sum(any(desk.questions_to_read(one)) for one in chosen if one in desk.entries),
    )


def _cases(desk: Desk, folder: Folder) -> Iterator[OpenCase]:
    """What is open in one submission."""
    left = {question.grade_id: question for question in desk.open_questions(folder.student)}
    for plan in desk.plan.notebooks:
        own = [left[question.name] for question in plan.questions if question.name in left]
        if own and plan.name in folder.submission.notebooks and not folder.problem:
            yield from _questions(desk, folder, plan, own)
        elif own:
            yield _notebook(desk, folder, plan, own)
    for problem in desk.entries[folder.student].scorecard.problems:
        if problem.endswith(UNCLEAR_TIME):
            yield _time(desk, folder.student, problem)


def _notebook(desk: Desk, folder: Folder, plan: NotebookPlan, own: Sequence[QuestionResult]) -> OpenCase:
    """A notebook that wasn't found, or can't be read."""
    called = f"{plan.name}.ipynb"
    reason = folder.problem or folder.submission.not_judged.get(plan.name, f"{called} was not judged")
    reason = reason.removeprefix(f"{called} is ").removeprefix("not judged: ").removesuffix(UNSURE_MEND)
    paths = () if folder.problem else folder.submission.candidates.get(plan.name, ())
    named = ["--notebook", plan.name] if len(desk.plan.notebooks) > 1 else []
    choices = [Choice(_command(desk, folder.student, "--file", path, *named)) for path in paths[:MOST_CHOICES]]
    return OpenCase(
        folder.student, called, reason, tuple(choices or _by_points(desk, folder.student, own)), _points(own)
    )


def _questions(desk: Desk, folder: Folder, plan: NotebookPlan, own: Sequence[QuestionResult]) -> Iterator[OpenCase]:
    """Questions of a notebook that was found; those that are open for one reason together."""
    failed = desk.entries[folder.student].digest == ""
    by_reason: dict[str, list[QuestionResult]] = {}
    for question in own:
        by_reason.setdefault(_reason(question, desk.entries[folder.student].scorecard.problems), []).append(question)
    for reason, questions in by_reason.items():
        grade = command("grade", desk.assignment)
        choices = [Choice(grade, "it was no fault of the student's: try it again")] if failed else []
        if reason.startswith(TEST_ITSELF_FAILED):
            choices.append(Choice(grade, "fix the hidden test and grade again"))
        for question in questions:
            if any(test.name == ANSWER_IS_FOUND for test in question.tests):
                choices += _by_cells(desk, folder, plan, question)
        choices = choices or _by_points(desk, folder.student, questions)
        yield OpenCase(folder.student, ", ".join(_points(questions)), reason, tuple(choices), _points(questions))


def _reason(question: QuestionResult, problems: Iterable[str]) -> str:
    """Why a question wasn't judged."""
    tests = [test for test in question.tests if test.outcome is Outcome.NOT_JUDGED and not test.blocked]
    messages = dict.fromkeys(test.message or test.name for test in tests)
    return "; ".join(messages) or next((one for one in problems if one.startswith("not judged: ")), "it was not judged")


def _by_cells(desk: Desk, folder: Folder, plan: NotebookPlan, question: QuestionResult) -> list[Choice]:
    """The student's own cells, which may be the answer; those of its kind or with code for it, if there are any."""
    nb = folder.submission.notebooks[plan.name].nb
    answer = answer_cell(plan.template, question.cell)
    if answer is None:
        return []
    ours = plan.template["cells"]
    matching = match(ours, nb["cells"])
    partner = matching.student_of.get(ours.index(answer))
    own = [
        (index, cell)
        for index, cell in enumerate(nb["cells"])
        if cell["source"].strip() and (matching.is_free(index) or _is_turned(index == partner, cell, answer))
    ]
    alike = [one for one in own if one[1]["cell_type"] == answer["cell_type"] or _is_code_for(one[1], answer)]
    return [
        Choice(
            _command(desk, folder.student, "--question", question.grade_id, "--cell", str(index + 1)),
            f"cell {index + 1}: {_first_line(cell)}",
        )
        for index, cell in (alike or own)[:MOST_CHOICES]
    ]


def _is_turned(is_partner: bool, cell: Cell, answer: Cell) -> bool:
    """Whether a cell is the answer's, and of another kind."""
    return is_partner and bool(cell["cell_type"] != answer["cell_type"])


def _is_code_for(cell: Cell, answer: Cell) -> bool:
    """Whether a cell for text has code where code is asked for."""
    return bool(answer["cell_type"] == "code" and bound_names(code_in(cell)))


def _by_points(desk: Desk, student: str, own: Sequence[QuestionResult]) -> list[Choice]:
    """Points for each question, or nothing for all."""
    commands = [_command(desk, student, "--question", one.grade_id, "--points", "P") for one in own]
    return [Choice(command) for command in (*commands, _command(desk, student, "--nothing"))]


def _time(desk: Desk, student: str, problem: str) -> OpenCase:
    reason = problem.removesuffix(UNCLEAR_TIME).strip().removesuffix(f"; {STAMP_MEND}")
    if problem.startswith(TIMESTAMP_FILE):
        words = f"the time, in {desk.zones.course} unless you name a zone"
        choice = Choice(_command(desk, student, "--time", "YYYY-MM-DD HH:MM"), words)
    else:
        choice = Choice(command("extend", desk.assignment, student, "YYYY-MM-DD HH:MM"), "the new date")
    return OpenCase(student, "time", reason, (choice,))


def _command(desk: Desk, student: str, *words: str) -> tuple[str, ...]:
    return command("resolve", desk.assignment, student, options=words)


def _points(questions: Iterable[QuestionResult]) -> dict[str, float]:
    return {question.grade_id: question.max_score for question in questions}


def _first_line(cell: Cell) -> str:
    line = one_line(next(line for line in cell["source"].splitlines() if line.strip()))
    return f"{line[:SHOWN]}…" if len(line) > SHOWN else line
