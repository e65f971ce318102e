"""Source notebooks are clean before they are committed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nbseal.build.lint import lint, lint_copies
from nbseal.build.shared_cells import lint_cells
from nbseal.cli.app import app
from nbseal.course import Course

SOLUTION = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"


def code(cell_id: str, source: str, **fields: Any) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {
        **{
            "cell_type": "code",
            "execution_count": None,
            "id": cell_id,
            "metadata": {},
            "outputs": [],
            "source": lines,
        },
        **fields,
    }


def text(cell_id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source.splitlines(keepends=True)}


def marked(grade_id: str, **flags: Any) -> dict[str, Any]:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **flags}}


def cells() -> list[dict[str, Any]]:
    return [
        text("title", "# Title\n![a neuron](neuron.svg)\n<img src='a.svg' alt='the same'>"),
        code("q-answer", SOLUTION, metadata=marked("q-answer", solution=True)),
        code("q", "assert x == 1", metadata=marked("q", grade=True, locked=True, points=2)),
    ]


def save(folder: Path, cells: list[dict[str, Any]], **fields: Any) -> Path:
    path = folder / "a.ipynb"
    nb = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}
    path.write_text(json.dumps(nb, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path


def test_a_clean_notebook_has_no_findings(tmp_path: Path) -> None:
    """What Jupyter saves of a well-made notebook passes."""
    assert lint(save(tmp_path, cells()), named_cells=True) == []


def test_ids_that_jupyterlab_gives_are_no_findings_unless_a_course_wants_names(tmp_path: Path) -> None:
    """Who writes notebooks with the sidebar alone has nothing to mend."""
    made = cells()
    made[0]["id"] = "4fbe21c0"
    assert lint(save(tmp_path, made)) == []
    assert "random cell id" in lint(save(tmp_path, made), named_cells=True)[0]


OUTPUT = {"name": "stdout", "output_type": "stream", "text": ["hi"]}
SOLVED = marked("q-answer", solution=True)


@pytest.mark.parametrize(
    ("index", "change", "finding"),
    [
        (1, {"outputs": [OUTPUT]}, "cell 'q-answer' has outputs"),
        (1, {"execution_count": 3}, "cell 'q-answer' has outputs or an execution count"),
        (1, {"source": ["x = 1"]}, "solution cell without a solution region"),
        (1, {"source": ["### BEGIN SOLUTION"]}, "1 beginnings and 0 ends"),
        (1, {"metadata": {}}, "solution region but is not a solution cell"),
        (1, {"metadata": marked("q", solution=True)}, "has 2 cells with grade_id 'q'"),
        (1, {"metadata": {"nbgrader": {**SOLVED["nbgrader"], "schema_version": 2}}}, "schema 2, not 3"),
        (1, {"metadata": marked("q-answer")}, "of no nbgrader kind"),
        (1, {"source": ["%timeit f()\n", *SOLUTION.splitlines(keepends=True)]}, "measures time"),
        (2, {"metadata": marked("q", grade=True)}, "is graded but has no points"),
        (2, {"source": [f"x = {number}\n" for number in range(20)]}, "median code cell of 10.5 lines"),
        (0, {"id": "q"}, "has 2 cells with id 'q'"),
        (0, {"id": "Title_1"}, "not made of a-z"),
        (0, {"id": "4fbe21c0"}, "random cell id '4fbe21c0'"),
        (0, {"id": "0b0f4d43-6f4c-4d43-9f3a-0123456789ab"}, "random cell id"),
        (0, {"source": ["![](neuron.svg)"]}, "cell 'title' shows a picture without alt text"),
        (0, {"source": ["<IMG src='a.svg' alt=''>"]}, "picture without alt text"),
        (0, {"cell_type": "heading"}, "is not valid"),
    ],
)
def test_findings(tmp_path: Path, index: int, change: dict[str, Any], finding: str) -> None:
    """Each thing that doesn't belong into a source notebook is found and named."""
    broken = cells()
    broken[index] = {**broken[index], **change}
    findings = lint(save(tmp_path, broken), named_cells=True)
    assert any(finding in line for line in findings), findings


@pytest.mark.parametrize("layout", [{"indent": 2}, {"indent": 1, "ensure_ascii": True}, {}])
def test_a_file_not_written_as_jupyter_does_is_found(tmp_path: Path, layout: dict[str, Any]) -> None:
    """Another indent, escaped letters or a single line would make every later diff unreadable."""
    path = save(tmp_path, [*cells(), text("end", "naïve")])
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, **layout) + "\n")
    assert len(lint(path)) == 1
    assert "not written as Jupyter writes" in lint(path)[0]


def test_a_missing_last_newline_is_found(tmp_path: Path) -> None:
    """The file ends in a newline."""
    path = save(tmp_path, cells())
    path.write_text(path.read_text().rstrip("\n"))
    assert "newline at the end" in lint(path)[0]


def test_widget_state_is_found(tmp_path: Path) -> None:
    """Saved widgets don't belong into a source notebook."""
    assert lint(save(tmp_path, cells(), metadata={"widgets": {}})) == ["holds widget state: clear it"]


def test_an_old_format_is_found(tmp_path: Path) -> None:
    """Before format 4.5 there are no cell ids."""
    assert "format 4.5" in lint(save(tmp_path, cells(), nbformat_minor=4))[0]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'])
def test_what_is_no_notebook_is_one_finding(tmp_path: Path, content: str) -> None:
    """An unreadable file is a finding, not a crash."""
    path = tmp_path / "a.ipynb"
    path.write_text(content)
    assert len(lint(path)) == 1


def test_the_command_prints_a_line_for_each_finding(tmp_path: Path) -> None:
    """What a commit hook calls with the names of files: findings with these names, and the exit code tells."""
    path = str(save(tmp_path, cells()))
    clean = CliRunner().invoke(app, ["lint", path])
    assert (clean.exit_code, clean.output) == (0, "")
    save(tmp_path, cells(), metadata={"widgets": {}})
    found = CliRunner().invoke(app, ["lint", path, str(tmp_path / "absent.ipynb")])
    assert found.exit_code == 1
    assert [line.split(": ")[0] for line in found.stdout.splitlines()] == [path, str(tmp_path / "absent.ipynb")]
    assert found.stderr == ""


def test_without_names_the_course_s_sources_are_looked_at(tmp_path: Path) -> None:
    """All notebooks below source/ are looked at, and nothing else."""
    for place in ("source/first", "source/second", "release/first"):
        (tmp_path / place).mkdir(parents=True)
        save(tmp_path / place, cells(), metadata={"widgets": {}})
    found = CliRunner().invoke(app, ["lint", "--course", str(tmp_path)])
    names = [line.split(": ")[0] for line in found.stdout.splitlines()]
    assert names == [str(tmp_path / "source" / name / "a.ipynb") for name in ("first", "second")]


def course_that_shares(folder: Path, **copies: str) -> Path:
    """A course of clean notebooks with these copies of a shared file."""
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.Sources.shared_files = ["show.py"]\n')
    for assignment, text in copies.items():
        (folder / "source" / assignment).mkdir(parents=True)
        save(folder / "source" / assignment, cells())
        (folder / "source" / assignment / "show.py").write_text(text)
    return folder


def test_a_shared_file_that_differs_is_found(tmp_path: Path) -> None:
    """A copy that isn't that of the first assignment is named with it; equal ones and assignments without aren't."""
    course = course_that_shares(tmp_path, first="x = 1\n", second="x = 1\n", third="x = 2\n")
    (course / "source" / "fourth").mkdir()
    save(course / "source" / "fourth", cells())
    found = CliRunner().invoke(app, ["lint", "--course", str(course)])
    first, third = (course / "source" / name / "show.py" for name in ("first", "third"))
    assert found.stdout == f"{third}: is not the same as {first}: copy the right one over the other\n"
    assert found.exit_code == 1
    third.write_text("x = 1\n")
    assert CliRunner().invoke(app, ["lint", "--course", str(course)]).exit_code == 0


def test_a_shared_file_that_nobody_has_is_found(tmp_path: Path) -> None:
    """A misspelt name among the shared files is a finding, since it would check nothing."""
    course = course_that_shares(tmp_path, first="x = 1\n")
    (course / "source" / "first" / "show.py").unlink()
    found = CliRunner().invoke(app, ["lint", "--course", str(course)])
    assert "has no show.py in any assignment, though c.Sources.shared_files names it" in found.stdout
    assert found.exit_code == 1


def course_with_shared_cell(folder: Path, **sources: str) -> Path:
    """A course whose settings name a shared cell, with one notebook an assignment that has it in this form."""
    setting = 'c.Sources.shared_cells = {"welcome": "source/welcome.md"}'
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\n{setting}\n")
    for assignment, source in sources.items():
        (folder / "source" / assignment).mkdir(parents=True)
        save(folder / "source" / assignment, [text("welcome", source), *cells()])
    (folder / "source" / "welcome.md").write_text("This is <assignment>.\n")
    return folder


def test_a_shared_cell_that_differs_is_found_and_written(tmp_path: Path) -> None:
    """A cell that isn't the shared text, with the assignment's own name, is named until the text is written into it."""
    course = course_with_shared_cell(tmp_path, first="This is first.", second="This is first.")
    found = CliRunner().invoke(app, ["lint", "--course", str(course)])
    second = course / "source" / "second" / "a.ipynb"
    assert found.stdout == f"{second}: cell 'welcome' is not the text of source/welcome.md: nbseal lint --write-cells\n"
    assert found.exit_code == 1
    before = (course / "source" / "first" / "a.ipynb").stat().st_mtime_ns
    written = CliRunner().invoke(app, ["lint", "--write-cells", "--course", str(course)])
    assert (written.exit_code, written.stdout) == (0, "")
    assert "This is second." in second.read_text()
    assert (course / "source" / "first" / "a.ipynb").stat().st_mtime_ns == before


def test_a_notebook_without_the_shared_cell_is_found(tmp_path: Path) -> None:
    """A notebook that lacks a shared cell is named, and writing the texts doesn't hide that."""
    course = course_with_shared_cell(tmp_path, first="This is first.")
    (course / "source" / "second").mkdir()
    save(course / "source" / "second", cells())
    found = CliRunner().invoke(app, ["lint", "--write-cells", "--course", str(course)])
    assert "source/welcome.md: add a cell with the id 'welcome'" in found.stdout
    assert found.exit_code == 1


def test_a_shared_text_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """A setting that names no file says so, instead of proving nothing."""
    course = course_with_shared_cell(tmp_path, first="This is first.")
    (course / "source" / "welcome.md").unlink()
    found = CliRunner().invoke(app, ["lint", "--course", str(course)])
    assert "c.Sources.shared_cells" in found.stderr
    assert found.exit_code == 1


ROOT = Path(__file__).resolve().parents[2]


def test_the_courses_own_cells_are_alike() -> None:
    """Each notebook of this course says where to run it, and has the cell that looks for its files."""
    course = Course(ROOT)
    assert course.sources.shared_cells.keys() == {"where-to-run", "support-files"}
    assert lint_cells(course) == {}


def test_the_courses_own_copies_are_alike() -> None:
    """Each assignment of this course has the same self-check."""
    course = Course(ROOT)
    assert course.sources.shared_files == ["self_check.py"]
    assert lint_copies(course.folder("source"), course.sources.shared_files) == {}
    assert len(list(ROOT.glob("source/*/self_check.py"))) == len(list(ROOT.glob("source/*/*.ipynb")))


@pytest.mark.parametrize("path", sorted(ROOT.glob("source/*/*.ipynb")), ids=lambda path: path.stem)
def test_the_courses_own_notebooks_are_clean(path: Path) -> None:
    """Every source notebook of this course passes."""
    assert lint(path) == []
