"""otter-grader as its people use it: the student notebook in a kernel, `otter run` on the autograder, its plugin."""

import json
import pickle
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbclient
import nbformat
import pytest

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.otter import export_otter
from nbseal.grading import Grader
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from tests.courses import environment
from tests.otters import ASSIGNMENT, NotJudged, SealedGrader, both_sides, export_gates, marks_of
from tests.samples import ROOT, SAMPLES, Sample, load_sample

SPY = "import pathlib\npathlib.Path({marker!r}).write_text('ran')\n"


class Bomb:
    """Something whose unpickling leaves a trace."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one assignment, exported into its folder ``dist``."""
    return export_gates(tmp_path_factory.mktemp("otter") / "course")


@pytest.fixture(scope="module")
def sides(exported: Path) -> Iterator[tuple[Grader, Grader]]:
    """The plugin's grader and that of `nbseal check`."""
    with both_sides(exported) as graders:
        yield graders


@pytest.fixture(scope="module")
def inside(sides: tuple[Grader, Grader]) -> Grader:
    """The grader that the plugin starts in its container."""
    return sides[0]


@pytest.fixture(scope="module")
def outside(sides: tuple[Grader, Grader]) -> Grader:
    """The grader that `nbseal check` starts in the course."""
    return sides[1]


def sample(name: str) -> Sample:
    """A sample submission of the assignment."""
    return load_sample(SAMPLES / ASSIGNMENT / name)


def otter_run(exported: Path, submission: Path) -> tuple[dict, str]:
    """results.json of `otter run`, and what it printed."""
    folder = submission.parent / "results"
    folder.mkdir()
    zipped = str(exported / "dist" / "autograder" / "autograder.zip")
    command = [sys.executable, "-m", "otter", "run", "-a", zipped, "-o", str(folder), "--no-logo", str(submission)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    path = folder / "results.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}, done.stdout + done.stderr


def as_otter_notebook(exported: Path, of: Sample) -> nbformat.NotebookNode:
    """The exported student notebook, filled in with a sample's answers."""
    path = exported / "dist" / "student" / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    solution = nbformat.read(exported / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in solution.cells}
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {})
        if mark.get("solution"):
            cell.source = of.cells.get(mark["grade_id"], answers[mark["grade_id"]])
    return notebook


def test_an_otter_notebook_is_graded_as_ours(exported: Path, inside: Grader, outside: Grader, tmp_path: Path):
    """Its cells for otter change no mark, and nothing is noted as strange about them."""
    one = sample("fail_nor_instead_of_nand")
    for folder in ("ours", "otters"):
        one.write(tmp_path / folder)
    nbformat.write(as_otter_notebook(exported, one), tmp_path / "otters" / f"{ASSIGNMENT}.ipynb")
    ours = outside.grade("", tmp_path / "ours").scorecard
    otters = SealedGrader.grade(inside, tmp_path / "otters")
    assert marks_of(ours) == marks_of(otters)
    assert (ours.problems, otters.problems) == ((), ())


@pytest.fixture(scope="module")
def spied(exported: Path, outside: Grader, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """`otter run` on a filled-in student notebook, in a zip with all that otter's processes could be made to run."""
    folder = tmp_path_factory.mktemp("spied")
    work, marker = folder / "work", folder / "marker"
    one = sample("fail_nor_instead_of_nand")
    one.write(work)
    card = outside.grade("", work).scorecard
    notebook = as_otter_notebook(exported, one)
    spy = SPY.format(marker=str(marker))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(spy, id="spy"))
    nbformat.write(notebook, work / f"{ASSIGNMENT}.ipynb")
    for name in ("otter", "pickle", "logging", "dill", "nbseal", "sitecustomize", "IPython", "ipykernel"):
        (work / f"{name}.py").write_text(spy)
    (work / ".OTTER_LOG").write_bytes(pickle.dumps(Bomb(marker)))
    (work / "tests").mkdir()
    (work / "tests" / "nand.py").write_text(spy)
    submission = Path(shutil.make_archive(str(folder / "ada"), "zip", work))
    found, printed = otter_run(exported, submission)
    assert found, printed
    return SimpleNamespace(card=card, found=found, printed=printed, marker=marker)


@pytest.mark.slow
def test_otter_run_grades_an_otter_notebook(spied: SimpleNamespace):
    """The marks and the words of the engine, every line to be seen."""
    found = spied.found
    assert {test["name"]: test["score"] for test in found["tests"]} == marks_of(spied.card)
    assert {test["name"]: test["max_score"] for test in found["tests"]}["nand"] == 3
    assert {test["visibility"] for test in found["tests"]} == {"visible"}
    nand = next(test for test in found["tests"] if test["name"] == "nand")
    assert "NOR" in nand["output"]
    assert found["output"] == f"Graded at seal level {spied.card.seal}.\nMarked by a person: reflect."
    assert "Total Score: 16.000 / 19.000" in spied.printed


@pytest.mark.slow
def test_nothing_of_a_submission_runs_outside_the_walls(spied: SimpleNamespace):
    """Modules, a log to unpickle and startup files in a zip don't reach otter's processes, and cost no mark."""
    assert not spied.marker.exists()
    assert {test["name"]: test["score"] for test in spied.found["tests"]} == marks_of(spied.card)


@pytest.mark.slow
def test_a_submission_that_cannot_be_judged_has_no_results(exported: Path, tmp_path: Path):
    """`otter run` fails with a plain sentence instead of a zero."""
    path = tmp_path / f"{ASSIGNMENT}.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    settings = "c = get_config()\nc.Seal.submission_mib = 0\n"
    broken = tmp_path / "broken"
    shutil.copytree(exported / "dist", broken / "dist")
    archive = broken / "dist" / "autograder" / "autograder.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as file:
        warnings.simplefilter("ignore", UserWarning)  # the second one counts
        file.writestr("course/nbgrader_config.py", settings)
    found, printed = otter_run(broken, path)
    assert found == {}
    assert "has no mark yet, which isn't a zero" in printed


def test_what_has_no_mark_is_left_out_of_otters_results():
    """A question that waits or was not judged is named and has no entry; otter's failure is no result at all."""
    lost = TestResult("It is judged.", Outcome.NOT_JUDGED, "KeyError")
    questions = (
        QuestionResult(
            "made", 1.0, 2.0, Status.GRADED, (TestResult("One", Outcome.PASSED), TestResult("Two", Outcome.FAILED))
        ),
        QuestionResult("lost", None, 3.0, Status.NOT_JUDGED, (lost,), "Save it again."),
        QuestionResult("text", None, 4.0, Status.MANUAL),
        QuestionResult("bare", 1.0, 1.0, Status.GRADED),
    )
    plugin = SealedGrader("x.ipynb", {}, {})
    plugin.card = Scorecard("a", "", "landlock", 1.0, questions, ("not judged (lost): KeyError", "was late"))
    from otter.test_files import GradingResults

    results = GradingResults([])
    plugin.after_grading(results)
    assert {name: (test.score, test.possible) for name, test in results.results.items()} == {
        "made": (1.0, 2.0),
        "bare": (1.0, 1.0),
    }
    assert results.output.splitlines() == [
        "Graded at seal level landlock.",
        "Not judged, so without a mark: lost.",
        "Marked by a person: text.",
        "lost: Save it again.",
        "was late",
    ]
    with pytest.raises(NotJudged, match="no mark yet"):
        plugin.after_grading(GradingResults.without_results(ValueError("kernel died")))


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The worked example's student notebook, run untouched and solved with one mistake, as JupyterLab would run it."""
    root = Path(shutil.copytree(ROOT / "docs" / "examples", tmp_path_factory.mktemp("student") / "course"))
    export_otter(Course(root), "temperature", root / "dist", [])
    path = root / "dist" / "student" / "temperature.ipynb"
    untouched = nbformat.read(path, as_version=4)
    for cell in untouched.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "convert-answer":
            cell.source = "def to_celsius(fahrenheit):\n    return (fahrenheit - 32) * 5 / 9"
    nbformat.write(untouched, path)  # otter's client reads the file beside the notebook
    client = nbclient.NotebookClient(untouched, resources={"metadata": {"path": str(path.parent)}}, allow_errors=True)
    client.execute()
    return SimpleNamespace(nb=untouched, folder=path.parent)


@pytest.mark.slow
def test_grader_check_works_with_otters_own_client(notebooks: SimpleNamespace):
    """A right answer passes, a missing one fails with the self-check's own hint, and the export makes a zip."""
    outputs = {}
    for cell in notebooks.nb.cells:
        if cell.cell_type == "code":
            texts = [output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            outputs[cell.source] = "".join(texts)
    assert "convert results: All test cases passed!" in outputs['grader.check("convert")']
    assert "got 100.0 expected 100" in outputs['grader.check("convert")']
    assert "NameError" in outputs['grader.check("same")']
    assert outputs["import otter\n\ngrader = otter.Notebook('temperature.ipynb')"] == ""
    (archive,) = notebooks.folder.glob("temperature*.zip")
    assert "temperature.ipynb" in zipfile.ZipFile(archive).namelist()


def test_public_tests_are_in_otters_exception_based_format(exported: Path):
    """One file a question, with its points, its check readable as it stood in the notebook, and no hidden test."""
    tests = {path.stem: path.read_text("utf-8") for path in (exported / "dist" / "student" / "tests").glob("*.py")}
    points = {"perceptron": 4, "football": 3, "or": 1, "and": 1, "not": 1, "nand": 3, "bias": 2, "learn": 4}
    values: dict = {}
    for name, text in tests.items():
        exec(text, values)
        assert (values["name"], values["points"], values["OK_FORMAT"]) == (name, points[name], False)
    assert tests.keys() == points.keys()
    assert '\n    hint="If the first of five outputs is right' in tests["nand"]
    assert not any("student.call" in text for text in tests.values())


def test_mistakes_are_explained(exported: Path, tmp_path: Path):
    """A folder with something in it isn't written into, unless it is asked for."""
    with pytest.raises(CourseError, match="already exists: give another folder with --output, or --force"):
        export_otter(Course(exported), ASSIGNMENT, exported / "dist", [])
    (tmp_path / "notes.txt").write_text("mine")
    export_otter(Course(exported), ASSIGNMENT, tmp_path, [], force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
