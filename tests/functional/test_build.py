"""Releases and solutions are built from the sources, the same every time."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from nbseal.build import build, stale
from nbseal.build.assignment_files import source_files
from nbseal.build.solutions import without_metadata
from nbseal.cli.app import app
from nbseal.course import Course
from nbseal.errors import CourseError, OtherLanguage, UnknownName
from nbseal.files import digest_of
from nbseal.gradebook.connection import open_gradebook
from nbseal.grading import ClassOptions, grade_class
from nbseal.notebook import make_template

ROOT = Path(__file__).resolve().parents[2]
ANSWER = "### BEGIN SOLUTION\nx = 42  # the secret\n### END SOLUTION"
CHECK = "assert x\n### BEGIN HIDDEN TESTS\nassert x == 42  # behind the scenes\n### END HIDDEN TESTS"
MODEL = "### BEGIN SOLUTION\nBecause of the model answer.\n### END SOLUTION"
FIGURE = "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.plot([0, 1], [x, help_me()]);"


def mark(grade_id: str, **flags: Any) -> dict[str, Any]:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **flags}}


def write_source(root: Path, *changes: tuple[int, Any], name: str = "first") -> Path:
    cells = [
        new_markdown_cell("# First", id="title"),
        new_code_cell(ANSWER, id="q-answer", metadata=mark("q-answer", solution=True)),
        new_code_cell("from helper import help_me\n" + FIGURE, id="figure"),
        new_code_cell(CHECK, id="q", metadata=mark("q", grade=True, locked=True, points=2)),
        new_markdown_cell(MODEL, id="why", metadata=mark("why", grade=True, solution=True, points=1)),
        new_code_cell("open('kept.txt', 'w').write('trained');", id="train", metadata={"tags": ["skip-execution"]}),
    ]
    for index, cell in changes:
        cells[index] = cell
    folder = root / "source" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "helper.py").write_text("def help_me():\n    return 1\n")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that has been built once."""
    root = tmp_path_factory.mktemp("course")
    write_source(root)
    build(Course(root))
    return root


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A copy of the built course."""
    return shutil.copytree(finished, tmp_path / "course")


@pytest.fixture
def course(root: Path) -> Course:
    return Course(root)


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    found = [path for folder in ("release", "solution") for path in (root / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_a_release_holds_no_solution_and_no_hidden_test(root: Path) -> None:
    """Students get the stub, the visible check and the support files, and nothing of the answer."""
    text = (root / "release/first/first.ipynb").read_text()
    assert (root / "release/first/helper.py").exists()
    assert "raise NotImplementedError()" in text
    assert "assert x" in text
    for secret in ("the secret", "behind the scenes", "model answer", "BEGIN SOLUTION", "BEGIN HIDDEN"):
        assert secret not in text


def test_a_second_build_changes_no_byte(course: Course, root: Path) -> None:
    """Nothing is written when nothing changed, and executing again gives the same bytes."""
    before = contents(root)
    assert [(b.release, b.solutions) for b in build(course)] == [((), ())]
    assert [(b.release, b.solutions) for b in build(course, force=True)] == [((), ())]
    assert contents(root) == before


def test_a_solution_is_executed_with_its_figures(course: Course, root: Path) -> None:
    """Every cell is run, those tagged skip-execution too, and what they write is kept."""
    nb = json.loads((root / "solution/first/first.ipynb").read_text())
    figure = next(cell for cell in nb["cells"] if cell["id"] == "figure")
    assert [list(output["data"]) for output in figure["outputs"]] == [["image/png", "text/plain"]]
    assert (root / "solution/first/kept.txt").read_text() == "trained"
    assert nb["metadata"]["nbseal"] == {"source_sha256": digest_of(source_files(course, "first"))}
    nbformat.validate(nbformat.from_dict(nb))


NEEDS = 'c = get_config()\nc.Sources.solution_needs = {"first": "helper:missing"}\n'


def test_a_solution_that_lacks_something_is_kept(root: Path) -> None:
    """Where a support function says what is missing, the committed solution stays, and a note tells why."""
    (root / "nbgrader_config.py").write_text(NEEDS)
    write_source(root, (0, new_markdown_cell("# New title", id="title")))
    helper = root / "source/first/helper.py"
    helper.write_text(helper.read_text() + "def missing():\n    return 'There is no data set.'\n")
    before = (root / "solution/first/first.ipynb").read_bytes()
    (built,) = build(Course(root))
    assert "There is no data set." in built.notes[0]
    assert "kept" in built.notes[0]
    assert (built.solutions, (root / "solution/first/first.ipynb").read_bytes()) == ((), before)
    assert "New title" in (root / "release/first/first.ipynb").read_text()
    helper.write_text(helper.read_text().replace("There is no data set.", ""))
    assert build(Course(root))[0].solutions == ("first.ipynb", "helper.py")
    assert "New title" in (root / "solution/first/first.ipynb").read_text()


def test_a_function_that_cannot_say_what_is_missing_is_an_error(root: Path) -> None:
    """A misspelt function in c.Sources.solution_needs is named with Python's reason, and nothing is written."""
    (root / "nbgrader_config.py").write_text(NEEDS)
    with pytest.raises(CourseError, match=r"helper:missing of .*source/first.*no attribute 'missing'"):
        build(Course(root), force=True)


def test_a_solution_sees_what_grading_preloads(root: Path) -> None:
    """A support function that c.Seal.preload_calls names has been called before the solution's cells run."""
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.Seal.preload_calls = {"first": ["helper:load"]}\n')
    cell = new_code_cell("import helper\nprint(helper.loaded)", id="figure")
    helper = write_source(root, (2, cell)).with_name("helper.py")
    helper.write_text(helper.read_text() + "loaded = []\ndef load():\n    loaded.append('data')\n")
    build(Course(root))
    nb = json.loads((root / "solution/first/first.ipynb").read_text())
    assert next(cell for cell in nb["cells"] if cell["id"] == "figure")["outputs"][0]["text"] == ["['data']\n"]


def test_a_release_rebuilds_like_its_source(course: Course, root: Path) -> None:
    """Release and source give templates with the same cells, so that either can serve for grading."""
    sealed = {"q"}
    source = make_template(root / "source/first/first.ipynb", course.config, sealed)
    assert make_template(root / "release/first/first.ipynb", course.config, sealed) == source


def test_building_registers_the_assignment(course: Course) -> None:
    """The gradebook knows the questions and their points, as after nbgrader generate_assignment."""
    with Gradebook(course.db_url, course.coursedir.course_id) as gradebook:
        found = gradebook.find_assignment("first")
        assert [notebook.name for notebook in found.notebooks] == ["first"]
        assert found.max_score == 3


def test_checking_touches_nothing(tmp_path: Path) -> None:
    """Asking what is stale makes no gradebook and writes no file."""
    write_source(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert stale(Course(tmp_path)) == [
        "first: first.ipynb in the release differs from what the sources give",
        "first: helper.py in the release differs from what the sources give",
        "first: the solution of first.ipynb was made from other sources",
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_built_is_fresh_until_a_source_changes(course: Course, root: Path) -> None:
    """A changed support file makes the solution stale; a superfluous file in the release is named."""
    assert stale(course) == []
    (root / "source/first/helper.py").write_text("def help_me():\n    return 2\n")
    (root / "release/first/extra.txt").write_text("left behind")
    assert stale(course) == [
        "first: extra.txt in the release differs from what the sources give",
        "first: helper.py in the release differs from what the sources give",
        "first: the solution of first.ipynb was made from other sources",
    ]
    assert build(course)[0].release == ("extra.txt", "helper.py")
    assert stale(course) == []


def test_cells_without_ids_are_built_the_same_twice(root: Path, course: Course) -> None:
    """A source from before cell ids doesn't get other ids at every build."""
    path = root / "source/first/first.ipynb"
    nb = json.loads(path.read_text())
    for cell in nb["cells"]:
        del cell["id"]
    path.write_text(json.dumps({**nb, "nbformat_minor": 4}))
    build(course)
    assert build(course, force=True)[0].release == ()


def test_a_failing_solution_is_released_and_names_the_cell(root: Path, course: Course) -> None:
    """As nbgrader runs no solution, one that raises is no reason not to release; what JupyterLab shows is named."""
    write_source(root, (2, new_code_cell("# a figure\n1 / 0", id="figure")))
    (built,) = build(course)
    assert "first.ipynb" in built.release
    assert (
        "first.ipynb: cell [2], '# a figure', fails in the solution: ZeroDivisionError: division by zero" in built.notes
    )


def test_a_strict_build_refuses_a_failing_solution_and_changes_nothing(root: Path, course: Course) -> None:
    """With ``strict``, a solution that raises is not released: the error says where and what."""
    before = contents(root)
    write_source(root, (2, new_code_cell("1 / 0", id="figure")))
    with pytest.raises(CourseError, match=r"first: first\.ipynb: cell \[2\], '1 / 0', fails .*: ZeroDivisionError"):
        build(course, strict=True)
    assert contents(root) == before


@pytest.mark.parametrize("tag", ["raises-exception", "skip-execution"])
def test_a_cell_that_may_raise_is_no_finding(root: Path, course: Course, tag: str) -> None:
    """A tag says that an error belongs to the lesson, or that the cell is not for grading."""
    write_source(root, (2, new_code_cell("1 / 0", id="figure", metadata={"tags": [tag]})))
    assert build(course, strict=True)[0].notes == ()


@pytest.mark.parametrize(
    ("source", "reason"),
    [("while True: pass", "TimeoutError|KeyboardInterrupt"), ("import os; os._exit(3)", "its solution is not made")],
)
def test_a_solution_that_never_ends_is_released_with_a_note(root: Path, source: str, reason: str) -> None:
    """An endless cell is stopped, and one that ends the process leaves no solution: both are named."""
    config = root / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.Sources.cell_seconds = 0.5\nc.Seal.cell_seconds = 0.5\n")
    write_source(root, (2, new_code_cell(source, id="figure")))
    (built,) = build(Course(root))
    assert "first.ipynb" in built.release
    assert any(re.search(reason, note) for note in built.notes), built.notes
    config.unlink()


def test_a_repeated_grade_id_is_named(root: Path, course: Course) -> None:
    """Two questions of one name are refused with the file and the cells."""
    write_source(root, (2, new_code_cell("1", id="twin", metadata=mark("q", grade=True, points=1))))
    with pytest.raises(CourseError, match=r"first\.ipynb: grade_id 'q' is used by cells 3 \(twin\) and 4 \(q\)"):
        build(course)


def test_nbgraders_refusal_is_passed_on(root: Path, course: Course) -> None:
    """What nbgrader refuses is in the error: here a solution region outside a solution cell."""
    write_source(root, (2, new_code_cell("### BEGIN SOLUTION\n1\n### END SOLUTION", id="figure")))
    with pytest.raises(CourseError, match=r"first\.ipynb can't be .*: Solution region detected in a non-solution"):
        build(course)


def test_an_unreadable_source_is_named(root: Path, course: Course) -> None:
    """A damaged source notebook is a course error with its path."""
    (root / "source/first/first.ipynb").write_text('{"cells": [')
    with pytest.raises(CourseError, match=r"source/first/first\.ipynb can't be read as a notebook"):
        build(course)


def test_an_unknown_assignment_is_named(course: Course) -> None:
    """A misspelt name gets the nearest one as a hint."""
    with pytest.raises(UnknownName, match="did you mean first"):
        build(course, ["frist"])


def test_an_assignment_without_sources_is_not_built(root: Path, course: Course) -> None:
    """Where only the release is at hand, there is nothing to build from, and it's left alone."""
    shutil.rmtree(root / "source")
    assert build(course) == []
    with pytest.raises(CourseError, match=r"first has no notebook in .*source/first"):
        build(course, ["first"])


def test_caches_in_a_release_are_not_its_files(root: Path, course: Course) -> None:
    """Opening a release in Jupyter, or importing its helper, doesn't make it stale."""
    for cache in ("__pycache__", ".ipynb_checkpoints"):
        (root / "release/first" / cache).mkdir()
        (root / "release/first" / cache / "first.ipynb").write_text("old")
    assert stale(course) == []


def test_authors_are_told_what_differs_from_run_to_run(root: Path, course: Course) -> None:
    """Warnings and memory addresses in a solution's output are reported."""
    source = "import sys\nprint('careful', file=sys.stderr)\nobject()"
    write_source(root, (2, new_code_cell(source, id="figure")))
    notes = build(course)[0].notes
    assert notes == (
        "first.ipynb, cell 'figure' writes to stderr: careful",
        "first.ipynb, cell 'figure' shows a memory address, which differs from run to run",
    )


def test_pictures_lose_only_texts_and_times() -> None:
    """A PNG keeps its pixels and loses the drawing program's version; other data is left alone."""

    def chunk(kind: bytes, data: bytes = b"") -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + b"CRC4"

    head, tail = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"13bytes"), chunk(b"IDAT", b"pixels") + chunk(b"IEND")
    whole = base64.b64encode(head + chunk(b"tEXt", b"Software\0x 3.1") + chunk(b"tIME", b"now") + tail).decode()
    assert base64.b64decode(without_metadata(whole)) == head + tail
    assert without_metadata("aGVsbG8=") == "aGVsbG8="
    assert without_metadata("no base64!") == "no base64!"


OURS = sorted(path.parent.name for path in ROOT.glob("source/*/*.ipynb"))


@pytest.mark.parametrize("assignment", OURS)
def test_the_committed_builds_are_fresh(assignment: str) -> None:
    """release/ is what nbgrader makes of source/, and solutions/ was executed from these very sources."""
    assert stale(Course(ROOT), [assignment]) == []


def write_r_source(root: Path) -> None:
    """An assignment in R beside the others."""
    write_source(root, name="statistics")
    path = root / "source" / "statistics" / "statistics.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    nbformat.write(nb, path)


def test_an_assignment_in_r_is_left_out_and_the_others_are_built(tmp_path: Path) -> None:
    """One sentence says that only Python is graded; asked for by its name, the assignment is an error."""
    write_r_source(tmp_path)
    write_source(tmp_path)
    first, statistics = build(Course(tmp_path))
    assert (first.assignment, first.notes) == ("first", ())
    assert not (tmp_path / "release" / "statistics").exists()
    (note,) = statistics.notes
    assert "statistics.ipynb is written in R, and nbseal grades Python" in note
    with pytest.raises(OtherLanguage, match="no mark of statistics is touched"):
        build(Course(tmp_path), ["statistics"])


def test_an_assignment_in_r_is_not_graded(tmp_path: Path) -> None:
    """No submission in another language gets a recorded zero."""
    write_r_source(tmp_path)
    shutil.copytree(tmp_path / "source" / "statistics", tmp_path / "submitted" / "ada" / "statistics")
    with pytest.raises(OtherLanguage, match="written in R"):
        grade_class(Course(tmp_path), "statistics", ClassOptions())
    assert not (tmp_path / "autograded").exists()
    gradebook = open_gradebook(Course(tmp_path))
    assert gradebook.assignments == []
    gradebook.close()


def test_a_source_of_an_older_nbgrader_is_released_with_todays_metadata(tmp_path: Path) -> None:
    """The release is what `nbgrader update` and a build would give, and the source stays as it is."""
    path = write_source(tmp_path)
    path.write_text(path.read_text().replace('"schema_version": 3', '"schema_version": 1'))
    before = path.read_bytes()
    build(Course(tmp_path))
    released = nbformat.read(tmp_path / "release" / "first" / "first.ipynb", as_version=4)
    marks = [cell.metadata.nbgrader for cell in released.cells if "nbgrader" in cell.metadata]
    assert {one.schema_version for one in marks} == {3}
    assert path.read_bytes() == before


def test_a_comparison_that_nobody_asserts_is_named(root: Path, course: Course) -> None:
    """A check that only shows False gives full marks: its author is told, unless hidden tests judge the question."""
    mark = {"grade": True, "locked": True, "points": 1, "schema_version": 3, "solution": False, "task": False}
    checks = {"shown": "1 + 1 == 2", "both": "not (1 < 2 and 2 < 3)", "asserted": "assert 1 == 1", "value": "1 + 1"}
    cells = [
        new_code_cell(check, id=name, metadata={"nbgrader": {**mark, "grade_id": name}})
        for name, check in checks.items()
    ]
    write_source(root, *zip((2, 3, 4, 5), cells, strict=True))
    (built,) = build(course)
    assert [note.partition(",")[0] for note in built.notes if "nobody asserts" in note] == [
        "first.ipynb: shown ends with '1 + 1 == 2'",
        "first.ipynb: both ends with 'not (1 < 2 and 2 < 3)'",
    ]
    (root / "graders").mkdir(exist_ok=True)
    grader = root / "graders" / "test_first.py"
    grader.write_text(f"{grader.read_text() if grader.exists() else ''}\n# question('shown')\n")
    write_source(root, (3, new_code_cell("1 == 2", id="shown", metadata={"nbgrader": {**mark, "grade_id": "shown"}})))
    assert not any("nobody asserts" in note for note in build(course)[0].notes)


def test_folders_are_called_what_the_course_calls_them(tmp_path: Path) -> None:
    """What was written is told with the course's own names of its folders."""
    write_source(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.release_directory = 'handout'\n"
        "c.CourseDirectory.solution_directory = 'answers'\n"
    )
    done = CliRunner().invoke(app, ["build", "--course", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "handout/ (first.ipynb" in done.output
    assert "answers/ (first.ipynb" in done.output
    assert (tmp_path / "handout" / "first" / "first.ipynb").exists()
