"""Settings of nbgrader's mean what they mean there: steps, delimiters, folders, extra credit, plugins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from nbseal.build import build
from nbseal.cli.app import app
from nbseal.compare import compare
from nbseal.course import Course
from nbseal.doctor import examine
from nbseal.grading import ClassOptions, grade_class
from tests.mini import code, keep_secret, notebook, write
from tests.nbgrader_commands import give

CONFIG = """
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.plugins.export import ExportPlugin
from nbgrader.preprocessors import (
    CheckCellMetadata, ClearHiddenTests, ClearOutput, ClearSolutions, ComputeChecksums, LockCells, NbGraderPreprocessor,
    SaveCells,
)

c = get_config()


class Stricter(NbGraderPreprocessor):
    def preprocess_cell(self, cell, resources, index):
        cell.source = cell.source.replace("TOLERANCE", "1e-6")
        return cell, resources


class Gentle(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5


class Names(ExportPlugin):
    def export(self, gradebook):
        with open(self.to, "w") as file:
            for one in gradebook.assignment_submissions("mini"):
                file.write(f"{one.student.id} {one.score:g}\\n")


c.GenerateAssignment.preprocessors = [
    LockCells, Stricter, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells,
    ClearHiddenTests, ComputeChecksums, CheckCellMetadata,
]
c.ClearSolutions.begin_solution_delimeter = "ANSWER FROM HERE"
c.ClearSolutions.end_solution_delimeter = "ANSWER TO HERE"
c.ClearSolutions.code_stub = {"python": "pass  # yours"}
c.ClearHiddenTests.begin_test_delimeter = "SECRET FROM HERE"
c.ClearHiddenTests.end_test_delimeter = "SECRET TO HERE"
c.CourseDirectory.source_directory = "teacher"
c.CourseDirectory.release_directory = "handout"
c.CourseDirectory.submitted_directory = "received"
c.CourseDirectory.autograded_directory = "marked"
c.CourseDirectory.directory_structure = "{nbgrader_step}/{assignment_id}/{student_id}"
c.AssignLatePenalties.plugin_class = Gentle
c.ExportApp.plugin_class = Names
"""
CELLS = [
    code("third-answer", "# ANSWER FROM HERE\nthird = 1 / 3\n# ANSWER TO HERE", solution=True),
    code("third", "assert abs(third - 1 / 3) < TOLERANCE", grade=True, locked=True, points=2),
    code("half-answer", "# ANSWER FROM HERE\nhalf = lambda x: x / 2\n# ANSWER TO HERE", solution=True),
    code(
        "half",
        "assert half(4) == 2\n# SECRET FROM HERE\nassert half(5) == 2.5\n# SECRET TO HERE",
        grade=True,
        locked=True,
        points=3,
    ),
]
ANSWERS = {
    "ada": {"third-answer": "third = 1 / 3", "half-answer": "half = lambda x: x / 2"},
    "bob": {"third-answer": "third = 0.333", "half-answer": "half = lambda x: x // 2"},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with all of these settings, built and handed in."""
    root = tmp_path_factory.mktemp("settings") / "course"
    source = root / "teacher" / "mini" / "."
    source.mkdir(parents=True)
    write(source / "mini.ipynb", notebook(CELLS))
    (root / "nbgrader_config.py").write_text(CONFIG)
    keep_secret(root)
    (built,) = build(Course(root))
    assert built.notes == ()
    released = json.loads((root / "handout" / "mini" / "mini.ipynb").read_text())
    for student, answers in ANSWERS.items():
        folder = root / "received" / "mini" / student
        folder.mkdir(parents=True)
        cells = [{**cell, "source": answers.get(cell["id"], cell["source"])} for cell in released["cells"]]
        write(folder / "mini.ipynb", notebook(cells))
        (folder / "timestamp.txt").write_text("2026-01-02 12:00:00 UTC")
    return root


@pytest.fixture(scope="module")
def graded(built: Path) -> Path:
    """The same, graded; the due date was a day before."""
    with Gradebook(f"sqlite:///{built}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate="2026-01-01 12:00:00 UTC")
    assert grade_class(Course(built), "mini", ClassOptions(jobs=1)).troubles == []
    return built


def test_steps_and_delimiters_make_the_release(built: Path) -> None:
    """The release has what the course's own steps make, between its own delimiters, with its own stub."""
    released = (built / "handout" / "mini" / "mini.ipynb").read_text()
    assert "< 1e-6" in released
    assert "pass  # yours" in released
    assert "1 / 3\\n# ANSWER" not in released
    assert "half(5)" not in released


def test_marks_are_nbgraders_in_folders_of_another_kind(graded: Path) -> None:
    """What steps change and delimiters hide counts for the marks, and nbgrader itself gives the same."""
    found = compare(Course(graded), "mini", jobs=1, stock=True)
    assert {row.question: (row.same, row.not_in_gradebook) for row in found.questions} == {
        "third": (2, 0),
        "half": (2, 0),
    }
    assert (found.differences, found.problems) == ([], [])
    assert (graded / "marked" / "mini" / "ada" / "mini.ipynb").exists()


def test_extra_credit_and_late_plugins_count(graded: Path, tmp_path: Path) -> None:
    """A late plugin of the course takes its penalty, extra credit survives a regrade, and an exporter sees both."""
    root = shutil.copytree(graded, tmp_path / "course")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.find_grade("third", "mini", "mini", "ada").extra_credit = 1.5
        gradebook.db.commit()
    grade_class(Course(root), "mini", ClassOptions(jobs=1, force=True))
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("mini", "ada")
        assert (submission.score, submission.late_submission_penalty) == (6.5, 0.5)
    exit_code, said = give("export", "--to", "names.txt", cwd=root)
    assert exit_code == 0, said[-2000:]
    assert sorted((root / "names.txt").read_text().splitlines()) == ["ada 6.5", "bob 0"]


STEPS = """
class Own(NbGraderPreprocessor):
    pass


c.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.Execute", Own]
c.Execute.kernel_name = "other"
"""


def test_what_has_no_effect_is_named_once(built: Path, tmp_path: Path) -> None:
    """Steps of nbgrader's autograde aren't run here: `doctor` and `init --adopt` name what is set for them."""
    root = shutil.copytree(built, tmp_path / "course")
    with (root / "nbgrader_config.py").open("a") as settings:
        settings.write(STEPS)
    (said,) = [text for name, text in examine(root)["Course"].items() if "no effect" in name]
    assert said.count("c.Autograde.autograde_preprocessors") == said.count("c.Execute.kernel_name") == 1
    shown = CliRunner().invoke(app, ["init", "--adopt", str(root)], input="n\n").output
    assert "have no effect then: c.Autograde.autograde_preprocessors, c.Execute.kernel_name" in shown
    plain = CliRunner().invoke(app, ["init", "--adopt", str(built)], input="n\n").output
    assert "no effect" not in plain
