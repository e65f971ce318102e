"""Reads the answer cells of all submissions of an assignment, as they were handed in; nothing is run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from nbseal.course import Course
from nbseal.errors import SubmissionError
from nbseal.gradebook.decisions import read_decisions
from nbseal.grading.recognition import fingerprint, recognise
from nbseal.grading.submission import read_submission
from nbseal.notebook import make_template, rebuild, with_chosen_cells
from nbseal.notebook.grade_cells import nbgrader_mark
from nbseal.notebook.reading import Notebook
from nbseal.results import full_name, of_notebook

LENGTH_LIMIT = 20_000  # characters; a longer answer is no answer to a question of a course


@dataclass(frozen=True)
class Answer:
    """One student's answer cell: ``given`` is what the release had in this cell.

    ``question`` is its grade_id, with its notebook where two have it.
    """

    student: str
    question: str
    source: str
    given: str
    is_code: bool


@dataclass(frozen=True)
class Answers:
    """What was read: the answers, the code that everybody was given, and what was left out, with the reason."""

    answers: tuple[Answer, ...]
    given: tuple[str, ...]
    notes: tuple[str, ...]


def read_answers(course: Course, assignment: str) -> Answers:
    """The answer cells that differ from the release, of every student who has handed something in."""
    found = course.assignment(assignment)
    students = course.choose_students(assignment, None)
    templates = {name: make_template(found.template_path(name), course.config) for name in found.notebooks}
    known = {name: fingerprint(template) for name, template in templates.items()}
    counts = Counter(name for mark in known.values() for name in mark.answers)
    limit = course.seal.submission_mib
    decisions = read_decisions(course.private, assignment)
    answers: list[Answer] = []
    notes: list[str] = []
    for student in students:
        try:
            folder = course.folder("submitted", student, assignment)
            handed_in = read_submission(course, assignment, folder)
            decided = decisions.about(student, handed_in.digest)
            submission = recognise(handed_in, known, {}, limit << 20, decided)
            notes += [f"{student}: {reason.removeprefix('not judged: ')}" for reason in submission.not_judged.values()]
            for name, reading in submission.notebooks.items():
                own = with_chosen_cells(templates[name], reading.nb, of_notebook(decided.cells, name))
                nb = rebuild(templates[name], own).nb
                for one in _of_notebook(student, nb, templates[name], notes):
                    is_shared = counts[one.question] > 1
                    answers.append(replace(one, question=full_name(name, one.question)) if is_shared else one)
        except SubmissionError as error:
            notes.append(f"{student}: {error}")
    given = tuple(
        cell["source"] for nb in templates.values() for cell in nb["cells"] if cell["cell_type"] == "code"
    )  # fmt: skip
    return Answers(tuple(answers), given, tuple(notes))


def _of_notebook(student: str, nb: Notebook, template: Notebook, notes: list[str]) -> list[Answer]:
    given = {mark["grade_id"]: cell["source"] for cell in template["cells"] if (mark := nbgrader_mark(cell))}
    answers = []
    for cell in nb["cells"]:
        mark = nbgrader_mark(cell)
        if mark is None or not mark.get("solution"):
            continue
        source, released = clean(cell["source"]), clean(given[mark["grade_id"]])
        if len(source) > LENGTH_LIMIT:
            notes.append(f"{student}: the answer {mark['grade_id']} is too long to be compared")
        elif source and source != released:
            answers.append(Answer(student, mark["grade_id"], source, released, cell["cell_type"] == "code"))
    return answers


def clean(source: str) -> str:
    """A source with plain line ends and without empty lines around it, as the tokeniser reads it."""
    return source.replace("\r\n", "\n").replace("\r", "\n").strip("\n\ufeff")
