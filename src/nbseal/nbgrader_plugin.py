"""Lets nbgrader's own autograde (its command and the formgrader's button) go through the sealed engine.

nbgrader converts each submitted notebook twice: it sanitizes submitted/ into autograded/, and then grades what lies
in autograded/. Here the first pass reads nothing of the student's: it writes the assignment's empty notebooks. The
second one grades the whole folder, whatever the files in it are called, records the marks, and gives nbgrader the
executed notebook to write.
"""

from __future__ import annotations

import fnmatch
import os
import re
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor
from nbgrader.converters import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, Type

from nbseal.course import Course
from nbseal.errors import CourseError, SealUnavailable
from nbseal.gradebook import Recorder
from nbseal.gradebook.autograded import contents, notebook_bytes
from nbseal.gradebook.formgrader import read_times_as_recorded
from nbseal.gradebook.lateness import stamp_on_record
from nbseal.gradebook.times import naive, stamp_in, zones_of
from nbseal.notebook import make_template, questions
from nbseal.patches import autograde_notebooks
from nbseal.results import GradedSubmission
from nbseal.sandbox import require_linux

# What nbgrader chose for this run, and not for the course.
EVERYTHING = ["*", ".*"]
RUN_TRAITS = ("student_id", "student_id_exclude", "assignment_id", "notebook_id")


class Engine:
    """The grader and the recorder of one assignment, kept open from one student to the next."""

    def __init__(self, grader_class: Any, course: Course, assignment: str) -> None:
        self.course = course
        self.assignment = assignment
        with ExitStack() as stack:
            self._recorder = stack.enter_context(Recorder(course))
            self._recorder.prepare(assignment)
            self._grader = stack.enter_context(grader_class(course, assignment))
            self._stack = stack.pop_all()

    def grade(self, student: str) -> GradedSubmission:
        """Grade one submission and record its marks; nbgrader itself writes its autograded folder."""
        folder = self.course.folder("submitted", student, self.assignment)
        graded: GradedSubmission = self._grader.grade(student, folder)
        return self._recorder.save_marks(graded)

    def notes(self) -> tuple[str, ...]:
        """What the instructor should know of, besides what is said about single students."""
        return self._recorder.notes()

    def close(self) -> None:
        """End what was opened; a second time does nothing."""
        self._stack.close()


class PatientCourseDirectory(CourseDirectory):  # type: ignore[misc]
    """nbgrader's course directory, for submissions whose time it would misread or stop at."""

    def get_existing_timestamp(self, dest_path: str) -> Any:
        """The time of a submission in UTC, without a zone; None, with a warning, if nobody can tell."""
        stamp = stamp_in(Path(dest_path), zones_of(self.config))
        names = self.format_path(self.submitted_directory, "(?P<student>.+)", "(?P<assignment>[^/]+)", escape=True)
        if found := re.fullmatch(names, dest_path):
            private = Path(self.root, ".nbseal")
            stamp = stamp_on_record(private, found["assignment"], found["student"], stamp)
        if stamp and stamp.problem:
            self.log.warning("%s: %s: the submission counts as on time.", dest_path, stamp.problem)
        return naive(stamp.moment) if stamp else None


class SealedExporter(NotebookExporter):  # type: ignore[misc]
    """nbgrader's notebook exporter, with the engine for one run of autograde behind it."""

    grader_class = Type(
        "nbseal.grading.Grader", klass=object, help="context manager that grades the submissions of an assignment"
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._course: Course | None = None
        self._engine: Engine | None = None
        self._graded: tuple[tuple[str, str], GradedSubmission] | None = None
        self._ignored: list[str] = []
        self._forms: dict[tuple[str, str], Any] = {}
        self._placeholders: list[Path] = []
        if self.parent is not None:
            self._check_system()
            read_times_as_recorded()
            self._take_over()

    def _check_system(self) -> None:
        """Where nothing can be graded, say so before nbgrader removes what was graded elsewhere."""
        try:
            require_linux("nbgrader autograde")
        except SealUnavailable as error:
            self.log.error("%s", error)
            raise NbGraderException(str(error)) from error

    def _take_over(self) -> None:
        """Have nbgrader copy nothing, for it follows links: the engine's files are written; and clear up in the end."""
        before = self.parent.coursedir
        self._ignored = list(before.ignore)
        traits = {name: getattr(before, name) for name in before.trait_names(config=True)}
        traits["ignore"] = EVERYTHING
        self.parent.coursedir = PatientCourseDirectory(parent=before.parent, config=self.config, **traits)
        self.parent.post_convert_hook = self._clearing_up(self.parent.post_convert_hook)

    def _clearing_up(self, hook: Callable[..., Any] | None) -> Callable[..., None]:
        """A hook that removes the empty forms of notebooks that weren't handed in, and calls the course's own hook."""

        def run(**names: Any) -> None:
            while self._placeholders:
                self._placeholders.pop().unlink(missing_ok=True)
            if hook:
                hook(**names)

        return run

    @property
    def course(self) -> Course:
        """The course of nbgrader's run, with the settings that are in force there."""
        if self._course is None:
            self._course = _course_of(self.parent.coursedir, self.config, ignore=self._ignored)
        return self._course

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Convert a notebook; nbgrader's first pass gets the assignment's own, whatever was handed in."""
        if not getattr(self.parent, "_sanitizing", False):
            return _writable(*super().from_filename(filename, resources=resources, **kwargs))
        names = resources["nbgrader"]
        key = names["assignment"], names["notebook"]
        if key not in self._forms:
            self._forms[key] = _empty_form(self.course, *key)
        resources["metadata"] = {"name": names["notebook"], "path": os.path.dirname(filename)}
        return _writable(*self.from_notebook_node(self._forms[key], resources=resources))

    def grade(self, assignment: str, student: str) -> GradedSubmission:
        """Grade and record one submission; once, however many notebooks it has."""
        if self._graded is None or self._graded[0] != (assignment, student):
            self._graded = ((assignment, student), self._grade(assignment, student))
        return self._graded[1]

    def _grade(self, assignment: str, student: str) -> GradedSubmission:
        if self._engine is None or self._engine.assignment != assignment:
            self.close()
            self._engine = Engine(self.grader_class, self.course, assignment)
            # Its processes end with this exporter, whatever becomes of nbgrader's run.
            weakref.finalize(self, self._engine.close)
            for note in self._engine.notes():
                self.log.warning("%s", note)
        graded = self._engine.grade(student)
        self._write_files(graded)
        for problem in graded.scorecard.problems:
            self.log.warning("%s, %s: %s", student, assignment, problem)
        return graded

    def _write_files(self, graded: GradedSubmission) -> None:
        """Write what lies beside the notebooks, as our own recording does."""
        folder = self.course.folder("autograded", graded.scorecard.student, graded.scorecard.assignment)
        notebooks = {f"{name}.ipynb" for name in graded.notebooks}
        for name, content in contents(graded.files, dict.fromkeys(graded.notebooks, b"")).items():
            if str(name) not in notebooks:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).unlink(missing_ok=True)
                (folder / name).write_bytes(content)
        self._placeholders = [folder / f"{name}.ipynb" for name in graded.missing_notebooks]

    def close(self) -> None:
        """End the engine's processes, and forget what was graded."""
        if self._engine is not None:
            self._engine.close()
        self._engine = self._graded = None

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
        except BaseException:
            exporter.close()
            raise
        if exporter.is_last(assignment, student, notebook):
            exporter.close()
        if notebook in graded.missing_notebooks:  # cleared up when all are written
            return nb, resources
        if notebook not in graded.notebooks:
            there = exporter.course.shown("source", assignment)
            raise CourseError(f"{assignment} has no notebook {notebook}; its notebooks are in {there}.")
        return nbformat.from_dict(graded.notebooks[notebook]), resources


def _course_of(coursedir: CourseDirectory, config: Any, **more: Any) -> Course:
    """The course of a run of nbgrader's, with the settings that are in force there, and ``more`` of its directory's."""
    config = config.copy()
    for name in coursedir.trait_names(config=True):
        if name not in RUN_TRAITS:
            config.CourseDirectory[name] = getattr(coursedir, name)
    config.CourseDirectory.update(more)
    return Course(coursedir.root, config)


def _course_of_run(converter: Any) -> Course | None:
    """The course of a run of autograde; None where another exporter is chosen, or the assignment isn't known."""
    if not issubclass(converter.exporter_class, SealedExporter):
        return None
    try:
        course = _course_of(converter.coursedir, converter.config)
        course.assignment(converter.coursedir.assignment_id)
    except CourseError:
        return None
    return course


def _notebooks_of(converter: Any) -> list[str]:
    """The notebooks that a run is about."""
    course, names = _course_of_run(converter), converter.coursedir
    return fnmatch.filter(course.assignment(names.assignment_id).notebooks, names.notebook_id) if course else []


def _students_of(converter: Any) -> list[str]:
    """The students of a run who handed something in, but not in the assignment's folder."""
    course, names = _course_of_run(converter), converter.coursedir
    return fnmatch.filter(course.misplaced(names.assignment_id), names.student_id) if course else []


autograde_notebooks.install(_notebooks_of, _students_of)


def _empty_form(course: Course, assignment: str, notebook: str) -> Any:
    """The notebook as students get it: no solutions and no hidden tests, should the run end here."""
    path = course.assignment(assignment).template_path(notebook)
    names = [question.grade_id for question in questions(make_template(path, course.config))]
    return nbformat.from_dict(make_template(path, course.config, names))


def _writable(text: str, resources: Any) -> tuple[str, Any]:
    """The notebook's file as our own recording writes it: the ledger knows it by its size."""
    return notebook_bytes(nbformat.v4.reads(text)).decode("utf-8"), resources
