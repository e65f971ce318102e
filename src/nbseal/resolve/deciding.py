"""Checks what a person wants to decide, and records it; whoever grades next applies it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import CourseError, SubmissionError, UnknownName
from nbseal.gradebook.decisions import Decision, Kind, decider, record, withdraw
from nbseal.gradebook.times import TIMESTAMP_FILE, Zones, read_stamp
from nbseal.grading.archives import unpack
from nbseal.grading.submission import is_ignored_notebook
from nbseal.notebook import answer_cell, read
from nbseal.resolve.desk import Desk, Folder
from nbseal.results import Status, cell_of
from nbseal.text import command, first_of, one_line, shell

NAMED = 5  # files in a sentence


@dataclass(frozen=True)
class Answer:
    """What a person says: one of ``file``, ``cell``, ``points``, ``nothing`` and ``time``, and what it is about."""

    file: str | None = None
    notebook: str | None = None
    question: str | None = None
    cell: int | None = None
    points: float | None = None
    nothing: bool = False
    time: str | None = None
    reason: str = ""


def decide(course: Course, assignment: str, student: str, answer: Answer) -> Decision:
    """Record an answer to what is open in a student's submission; CourseError if it doesn't fit, and nothing is."""
    course.choose_students(assignment, [student])
    desk = Desk(course, assignment)
    folder = Folder(desk, student)
    grade = shell(command("grade", desk.assignment, options=("--student", student)))
    again = f"run {grade}, and see what is open then"
    if student not in desk.entries:
        raise CourseError(f"{desk.assignment} of {student} has not been graded yet: {again}.")
    if not folder.is_recorded:
        raise CourseError(f"{student} has handed in {desk.assignment} again since it was graded: {again}.")
    decision = _Check(desk, folder, answer).decision()
    record(course, desk.assignment, decision)
    return decision


def take_back(course: Course, assignment: str, student: str, question: str | None = None) -> list[Decision]:
    """Take back what was decided about a student, or about one question only; CourseError if that is nothing."""
    course.choose_students(assignment, [student])
    taken = withdraw(course, assignment, student, question)
    if not taken:
        about = f" about {question}" if question else ""
        raise CourseError(f"nothing was decided{about} for {student} in {assignment}: there is nothing to take back.")
    return taken


@dataclass(frozen=True)
class _Check:
    """One answer about one submission."""

    desk: Desk
    folder: Folder
    answer: Answer

    def decision(self) -> Decision:
        """What is to be recorded; CourseError if the answer doesn't fit."""
        answer = self.answer
        if answer.file is not None:
            return self._file(answer.file)
        if answer.cell is not None:
            return self._cell(answer.cell)
        if answer.points is not None:
            return self._points(answer.points)
        if answer.time is not None:
            return self._time(answer.time)
        return self._nothing()

    def _made(self, kind: Kind) -> Decision:
        now = datetime.now(UTC).replace(microsecond=0)
        return Decision(self.folder.student, kind, self.folder.digest, decider(), now, one_line(self.answer.reason))

    def _file(self, given: str) -> Decision:
        if self.folder.problem:
            raise CourseError(f"{self.folder.problem} So no file of it can be taken; give points, or --nothing.")
        unpacked = unpack(self.folder.handed_in.files, self.folder.limit)
        files = unpacked.files
        path = self._inside(given, files)
        if path in unpacked.opened:
            inside = [name for name in files if name.startswith(f"{path}/")]
            raise CourseError(
                f"{path} is an archive: say which file in it is the notebook. There is {first_of(inside, NAMED)}."
            )
        try:
            read(files[path], name=path)
        except SubmissionError as error:
            raise CourseError(f"it can't be taken: {error}") from error
        notebook = self._notebook(path)
        questions = next(plan.questions for plan in self.desk.plan.notebooks if plan.name == notebook)
        names = tuple(question.name for question in questions)
        return replace(self._made(Kind.FILE), file=path, notebook=notebook, questions=names)

    def _inside(self, given: str, files: Collection[str]) -> str:
        """A file's path as it counts from the submission's folder; it may have been given as the shell completes it."""
        below = os.path.relpath(Path(given).absolute(), self.folder.top)
        for path in (given.removeprefix("./"), below):
            if path in files:
                return path
        if why := self.folder.handed_in.left_out.get(given):
            raise CourseError(f"{given} {why}, so it isn't read: have the student hand in the file itself.")
        if any(is_ignored_notebook(path) and (self.folder.path / path).is_file() for path in (given, below)):
            raise CourseError(f"{given} isn't read while another notebook is there: copy it beside that, and grade.")
        known = list(files)
        near = difflib.get_close_matches(given, known, n=1)
        hint = (
            f"did you mean {near[0]}?" if near else f"there is {first_of(known, NAMED)}." if known else "it is empty."
        )
        raise CourseError(f"{self.folder.top} has no file {given}: {hint}")

    def _notebook(self, path: str) -> str:
        """Which notebook a file is to be."""
        names = [plan.name for plan in self.desk.plan.notebooks]
        if given := self.answer.notebook:
            name = given.removesuffix(".ipynb")
            if name not in names:
                raise UnknownName(f"{self.desk.assignment} has no notebook {name}: it has {', '.join(names)}.")
            return name
        submission = self.folder.submission
        likely = [name for name in names if path in submission.candidates.get(name, ())]
        lost = [name for name in names if name in submission.not_judged]
        for found in (names, likely, lost):
            if len(found) == 1:
                return found[0]
        raise CourseError(
            f"say which notebook {path} is: --notebook {' or --notebook '.join(likely or lost or names)}."
        )

    def _cell(self, number: int) -> Decision:
        question = self._question()
        plan = self.desk.notebook_of(question)
        assert plan is not None
        reading = None if self.folder.problem else self.folder.submission.notebooks.get(plan.name)
        if reading is None:
            raise CourseError(f"it isn't known which file is {plan.name}.ipynb: decide that first, with --file.")
        if answer_cell(plan.template, cell_of(question)) is None:
            raise CourseError(f"{question} has no answer cell in {plan.name}.ipynb: give its points.")
        path, cells = self.folder.submission.paths[plan.name], reading.nb["cells"]
        if not 1 <= number <= len(cells):
            raise CourseError(f"{path} has cells 1 to {len(cells)}, and no cell {number}.")
        if not cells[number - 1]["source"].strip():
            raise CourseError(f"cell {number} of {path} is empty.")
        return replace(self._made(Kind.CELL), file=path, notebook=plan.name, cell=number, questions=(question,))

    def _points(self, points: float) -> Decision:
        question = self._question()
        self._must_be_open(question)
        entry = self.desk.entries[self.folder.student]
        most = entry.scorecard.question(question).max_score
        if not 0 <= points <= most:
            raise CourseError(f"{question} gives 0 to {most:g} points, and not {points:g}.")
        return replace(self._made(Kind.POINTS), points=points, questions=(question,))

    def _nothing(self) -> Decision:
        if self.answer.question:
            question = self._question()
            self._must_be_open(question)
            return replace(self._made(Kind.NOTHING), questions=(question,))
        names = tuple(question.grade_id for question in self.desk.open_questions(self.folder.student))
        if not names:
            raise CourseError(f"no question of {self.folder.student} is open in {self.desk.assignment}.")
        return replace(self._made(Kind.NOTHING), questions=names)

    def _time(self, given: str) -> Decision:
        stamp = self.folder.stamp
        if stamp is None or not stamp.problem:
            says = f"says {stamp.moment:%Y-%m-%d %H:%M:%S} UTC" if stamp and stamp.moment else "is not there"
            raise CourseError(
                f"{TIMESTAMP_FILE} of {self.folder.student} {says}, so there is nothing to decide. To give more time: "
                f"{shell(command('extend', self.desk.assignment, self.folder.student, 'YYYY-MM-DD'))}."
            )
        zone = self.desk.zones.course
        time = read_stamp(given, Zones(zone, zone))
        if time.moment is None:
            said = (time.problem or "").removeprefix(f"{TIMESTAMP_FILE} ").removeprefix("says ")
            raise CourseError(f"{said}; write the time as '2026-05-04 20:30', in {zone}, or with a zone.")
        return replace(self._made(Kind.TIME), time=time.moment)

    def _question(self) -> str:
        known = self.desk.questions
        question = self.answer.question or ""
        if question not in known:
            near = difflib.get_close_matches(question, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}."
            raise UnknownName(f"{self.desk.assignment} has no question {question!r}: {hint}")
        return question

    def _must_be_open(self, question: str) -> None:
        """CourseError for a question that has a mark which no decision made: that is changed in the formgrader."""
        student = self.folder.student
        open_ones = {one.grade_id for one in self.desk.open_questions(student)}
        if question in open_ones or question in self.folder.decided.points:
            return
        result = self.desk.entries[student].scorecard.question(question)
        if result.status is Status.GRADED:
            has = f"has {result.score:g} of {result.max_score:g} points"
        else:
            has = "waits for a person to read it" if result.status is Status.MANUAL else "has a person's mark"
        raise CourseError(f"{question} of {student} is not open, it {has}: give its mark in the formgrader.")
