"""The student version of an assignment, made by nbgrader's own converter in a folder of its own."""

from __future__ import annotations

import copy
import json
import logging
import tempfile
from pathlib import Path

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import InstantiateTests, SaveCells
from traitlets import import_item

from nbseal.build.assignment_files import Files, copy_out, read_files, source_files
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.connection import check_course_id, gradebook_url, open_gradebook
from nbseal.notebook.autotests import MadeTests
from nbseal.notebook.grade_cells import check_grade_ids
from nbseal.notebook.nbgrader_steps import load_source


def make_release(course: Course, assignment: str, register: bool = False) -> Files:
    """Return the files of the release; with ``register``, also enter the assignment in the course's gradebook.

    CourseError with nbgrader's reason if it refuses. Nothing else of the course is written.
    """
    with tempfile.TemporaryDirectory(prefix="nbseal-release-") as scratch:
        stage = Path(scratch)
        source = stage / "source" / assignment
        copy_out(source, source_files(course, assignment))
        for path in sorted(source.glob("*.ipynb")):
            _settle(path, course.assignment(assignment).source / path.name)
        log = _CollectedLog()
        converter = _converter(course, assignment, stage, log)
        if register:
            with open_gradebook(course) as gradebook:
                if all(one.name != assignment for one in gradebook.assignments):
                    check_course_id(course)
        else:
            converter.no_database = True
            converter.preprocessors = [step for step in converter.preprocessors if step is not SaveCells]
        try:
            converter.start()
        except NbGraderException as error:
            raise CourseError(f"{assignment} can't be released: {log.reason(str(error))}") from error
        return read_files(stage / "release" / assignment)


def _settle(path: Path, origin: Path) -> None:
    """Check a notebook, and bring it up to date: its cells' ids, which would be drawn at every build, and metadata."""
    nb = load_source(origin)
    check_grade_ids(nb, origin)
    raw = json.loads(path.read_text(encoding="utf-8-sig"))
    cells = [(cell.get("id"), cell.get("metadata", {}).get("nbgrader")) for cell in raw.get("cells", [])]
    if cells != [(cell["id"], cell["metadata"].get("nbgrader")) for cell in nb["cells"]]:
        path.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")


def _converter(course: Course, name: str, stage: Path, log: _CollectedLog) -> GenerateAssignment:
    config = copy.deepcopy(course.config)
    config.CourseDirectory.update(
        root=str(course.root),
        source_directory=str(stage / "source"),
        release_directory=str(stage / "release"),
        directory_structure="{nbgrader_step}/{student_id}/{assignment_id}",
        db_url=gradebook_url(course).render_as_string(hide_password=False),
        assignment_id=name,
        notebook_id="*",
    )
    logger = logging.Logger(f"nbseal.build.{name}")
    logger.addHandler(log)
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=logger)
    steps = [import_item(step) if isinstance(step, str) else step for step in converter.preprocessors]
    converter.preprocessors = [MadeTests if step is InstantiateTests else step for step in steps]
    return converter


class _CollectedLog(logging.Handler):
    """Keeps nbgrader's error log, the only place where it says why it refused."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def reason(self, default: str) -> str:
        """The exception line of the logged traceback, or ``default``."""
        for message in self.messages:
            if message.startswith("Traceback"):
                return message.strip().splitlines()[-1]
        return default
