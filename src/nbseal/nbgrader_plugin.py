"""Lets nbgrader's own autograde (its command and the formgrader's button) go through the sealed engine.

nbgrader converts each submitted notebook twice: it sanitizes submitted/ into autograded/, and then grades what lies
in autograded/. Here the first pass only has to survive every notebook; the second one takes no notice of its result,
grades the whole submission folder, records the marks, and gives nbgrader the executed notebook to write.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor
from nbgrader.utils import find_all_files
from traitlets import Bool, Type

from nbseal.course import MB, Course
from nbseal.errors import CourseError
from nbseal.notebook import make_template, questions
from nbseal.record import Recorder
from nbseal.results import GradedSubmission

# What nbgrader chose for this run, and not for the course.
RUN_TRAITS = ("student_id", "student_id_exclude", "assignment_id", "notebook_id")


class SealedExporter(NotebookExporter):  # type: ignore[misc]
    """nbgrader's notebook exporter, with the engine for one run of autograde behind it."""

    grader_class = Type(
        "nbseal.grade.Grader", klass=object, help="context manager that grades the submissions of an assignment"
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._course: Course | None = None
        self._grader: tuple[str, Any] | None = None
        self._graded: tuple[tuple[str, str], GradedSubmission] | None = None
        # The engine's processes end with the exporter, whatever becomes of the run.
        self._closing: weakref.finalize[Any, Any] | None = None

    @property
    def course(self) -> Course:
        """The course of nbgrader's run, with the settings that are in force there."""
        if self._course is None:
            coursedir = self.parent.coursedir
            config = self.config.copy()
            for name in coursedir.trait_names(config=True):
                if name not in RUN_TRAITS:
                    config.CourseDirectory[name] = getattr(coursedir, name)
            self._course = Course(coursedir.root, config)
        return self._course

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Convert a notebook; in place of a submitted one that can't be converted the assignment's own is taken."""
        if not getattr(self.parent, "_sanitizing", False):
            return _writable(*super().from_filename(filename, resources=resources, **kwargs))
        try:
            self._check_readable(filename)
            return _writable(*super().from_filename(filename, resources=resources, **kwargs))
        except Exception as error:
            self.log.warning("%s can't be read (%s); its empty form is used.", filename, type(error).__name__)
            names = resources["nbgrader"]
            notebook = _empty_form(self.course, names["assignment"], names["notebook"])
            resources["metadata"] = {"name": names["notebook"], "path": os.path.dirname(filename)}
            return _writable(*self.from_notebook_node(notebook, resources=resources))

    def _check_readable(self, filename: str) -> None:
        """Refuse what must not be followed or held in memory."""
        if os.path.islink(filename) or not os.path.isfile(filename):
            raise ValueError("not a regular file")
        if os.path.getsize(filename) > self.course.seal.submission_mb * MB:
            raise ValueError("too large")

    def grade(self, assignment: str, student: str) -> GradedSubmission:
        """Grade and record one submission; once, however many notebooks it has."""
        if self._graded is None or self._graded[0] != (assignment, student):
            graded = self._open_grader(assignment).grade(
                student, self.course.folder("submitted", student, assignment)
            )
            with Recorder(self.course) as recorder:
                recorder.prepare(assignment)
                recorder.save_marks(graded)
            self._graded = ((assignment, student), graded)
        return self._graded[1]

    def _open_grader(self, assignment: str) -> Any:
        if self._grader is None or self._grader[0] != assignment:
            self.close()
            context = self.grader_class(self.course, assignment)
            self._grader = (assignment, context.__enter__())
            self._closing = weakref.finalize(self, context.__exit__, None, None, None)
        return self._grader[1]

    def close(self) -> None:
        """End the engine's processes."""
        if self._closing is not None:
            self._closing()
        self._closing = self._grader = None

    def is_last(self, assignment: str, student: str, notebook: str) -> bool:
        """Whether nbgrader's run ends with this notebook."""
        folder = self.parent.coursedir.format_path(self.parent.coursedir.submitted_directory, student, assignment)
        last_folder = max(self.parent.assignments)
        last_notebook = os.path.basename(max(self.parent.notebooks))
        last = (os.path.normpath(last_folder), last_notebook)
        return (os.path.normpath(folder), f"{notebook}.ipynb") == last


class RebuildNotebook(Preprocessor):  # type: ignore[misc]
    """The sanitize pass: nothing to do, since the engine rebuilds the notebook from the submitted file."""

    enabled = Bool(True, help="whether to use this preprocessor").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook without its outputs."""
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return nb, resources


class SealedAutograde(Preprocessor):  # type: ignore[misc]
    """The autograde pass: the executed notebook with its marks, recorded in the gradebook."""

    enabled = Bool(True, help="whether to use this preprocessor").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return what the engine made of the submitted notebook."""
        exporter = self.parent
        if not isinstance(exporter, SealedExporter):
            raise CourseError(
                "SealedAutograde needs c.Autograde.exporter_class = 'nbseal.nbgrader_plugin.SealedExporter' "
                "in nbgrader_config.py."
            )
        names = resources["nbgrader"]
        assignment, student, notebook = names["assignment"], names["student"], names["notebook"]
        try:
            graded = exporter.grade(assignment, student)
            _drop_followed_links(exporter.course, assignment, student)
        finally:
            if exporter.is_last(assignment, student, notebook):
                exporter.close()
        for problem in graded.scorecard.problems:
            self.log.warning("%s, %s: %s", student, assignment, problem)
        if notebook not in graded.notebooks:
            raise CourseError(f"{assignment} has no notebook {notebook}; its notebooks are in source/{assignment}.")
        return nbformat.from_dict(graded.notebooks[notebook]), resources


def _empty_form(course: Course, assignment: str, notebook: str) -> Any:
    """The notebook as students get it: no solutions and no hidden tests, should the run end here."""
    path = course.assignment(assignment).template_path(notebook)
    names = [question.grade_id for question in questions(make_template(path, course.config))]
    return nbformat.from_dict(make_template(path, course.config, names))


def _writable(text: str, resources: Any) -> tuple[str, Any]:
    """Half characters, which have no UTF-8, become question marks, as in our own autograded folders."""
    return text.encode("utf-8", "replace").decode("utf-8"), resources


def _drop_followed_links(course: Course, assignment: str, student: str) -> None:
    """Remove copies that nbgrader made through a submission's symbolic links: what they show isn't the student's."""
    submitted = course.folder("submitted", student, assignment)
    autograded = course.folder("autograded", student, assignment)
    source = course.folder("source", assignment=assignment)
    ours = {os.path.relpath(path, source) for path in find_all_files(str(source), course.coursedir.ignore)}
    for folder, _, names in os.walk(submitted):
        for name in names:
            path = Path(folder, name)
            relative = os.path.relpath(path, submitted)
            if path.is_symlink() and relative not in ours:
                (autograded / relative).unlink(missing_ok=True)
