"""The template is the instructor's notebook as nbgrader would save it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from nbseal.errors import CourseError, OtherLanguage
from nbseal.notebook import Question, make_template, nbgrader_steps, questions
from nbseal.notebook.nbgrader_steps import prepare

HIDDEN = "assert x\n### BEGIN HIDDEN TESTS\nassert x == 42\n### END HIDDEN TESTS"


def mark(grade_id: str, **flags: Any) -> dict[str, Any]:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **flags}}


def source_cells() -> list[Any]:
    answer = "def f():\n    ### BEGIN SOLUTION\n    return 42\n    ### END SOLUTION"
    task = "Draw.\n=== BEGIN MARK SCHEME ===\n2 points for axes\n=== END MARK SCHEME ==="
    return [
        new_markdown_cell("# Title", id="title"),
        new_code_cell(answer, id="q-answer", metadata=mark("q-answer", solution=True)),
        new_code_cell(HIDDEN, id="q", metadata=mark("q", grade=True, locked=True, points=3)),
        new_code_cell(HIDDEN, id="r", metadata=mark("r", grade=True, locked=True, points=2)),
        new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION", id="why"),
        new_markdown_cell(task, id="draw", metadata=mark("draw", task=True, locked=True, points=2)),
    ]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    cells = source_cells()
    cells[4]["metadata"] = mark("why", grade=True, solution=True, points=1.5)
    cells[2]["outputs"] = [new_output("stream", text="old")]
    return save(tmp_path / "a.ipynb", cells)


def save(path: Path, cells: list[Any], **fields: Any) -> Path:
    nb = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}, **fields)
    nbformat.write(nb, path)
    return path


def cell(nb: dict[str, Any], cell_id: str) -> dict[str, Any]:
    return next(cell for cell in nb["cells"] if cell["id"] == cell_id)


def test_solutions_become_stubs(source: Path) -> None:
    """No line of a solution is left; the course's own stub stands in its place."""
    config = Config({"ClearSolutions": {"code_stub": {"python": "raise NotImplementedError('Your turn')"}}})
    nb = make_template(source, config)
    assert cell(nb, "q-answer")["source"] == "def f():\n    raise NotImplementedError('Your turn')"
    assert cell(nb, "why")["source"] == "YOUR ANSWER HERE"


def test_hidden_tests_stay_where_nbgrader_needs_them(source: Path) -> None:
    """Without a hidden grader, a question is graded by the regions in its cell, so they are kept."""
    nb = make_template(source)
    assert cell(nb, "q")["source"] == cell(nb, "r")["source"] == HIDDEN


def test_hidden_tests_are_removed_from_sealed_questions(source: Path) -> None:
    """With a hidden grader, nothing hidden is in the cell, for student code can read it there."""
    nb = make_template(source, sealed={"q"})
    assert cell(nb, "q")["source"] == "assert x"
    assert cell(nb, "r")["source"] == HIDDEN


def test_marking_schemes_stay_for_the_person_who_marks(source: Path) -> None:
    """A task cell keeps its marking scheme, as nbgrader keeps it in autograded notebooks."""
    assert "2 points for axes" in cell(make_template(source), "draw")["source"]


def test_checksums_are_nbgraders(source: Path) -> None:
    """Every managed cell has the checksum that nbgrader computes for it."""
    nb = make_template(source, sealed={"q"})
    managed = [cell for cell in nb["cells"] if "nbgrader" in cell["metadata"]]
    assert len(managed) == 5
    for cell in managed:
        node = nbformat.from_dict(cell)
        assert cell["metadata"]["nbgrader"]["checksum"] == compute_checksum(node)
        assert cell["metadata"]["nbgrader"]["cell_type"] == cell["cell_type"]


def test_outputs_are_cleared(source: Path) -> None:
    """No output of the instructor's gets into the template."""
    assert all(not cell.get("outputs") for cell in make_template(source)["cells"])


def test_the_template_is_plain_data(source: Path) -> None:
    """Dicts, lists and texts only, valid for nbformat."""
    nb = make_template(source)
    nbformat.validate(nbformat.from_dict(nb))
    assert type(nb) is type(nb["cells"][0]) is type(nb["cells"][1]["metadata"]["nbgrader"]) is dict


def test_a_release_is_used_as_it_is(source: Path, tmp_path: Path) -> None:
    """A released notebook isn't cleared again, which would empty the answer cells that keep a given part."""
    template = make_template(source)
    release = tmp_path / "release.ipynb"
    nbformat.write(nbformat.from_dict(template), release)
    assert make_template(release) == template


def test_header_and_footer_are_found_from_the_course_root(source: Path, tmp_path: Path) -> None:
    """The course's header notebook is taken in wherever the process runs."""
    save(tmp_path / "header.ipynb", [new_markdown_cell("# Welcome", id="welcome")])
    config = Config({"IncludeHeaderFooter": {"header": "header.ipynb"}, "CourseDirectory": {"root": str(tmp_path)}})
    assert make_template(source, config)["cells"][0]["source"] == "# Welcome"
    assert config.IncludeHeaderFooter.header == "header.ipynb"


def test_cells_without_ids_get_the_same_ids_every_time(source: Path) -> None:
    """A notebook from before cell ids gives the same template twice."""
    nb = nbformat.read(source, as_version=4)
    for cell in nb.cells:
        del cell["id"]
    nb.nbformat_minor = 4
    source.write_text(nbformat.v4.writes(nb))
    first = make_template(source)
    assert [cell["id"] for cell in first["cells"]][:2] == ["given-1", "given-2"]
    assert make_template(source) == first


def test_questions_are_listed_with_their_points(source: Path) -> None:
    """Grade cells, text answers and tasks are questions; the last two wait for a person."""
    assert questions(make_template(source)) == [
        Question("q", 3.0, False, 2),
        Question("r", 2.0, False, 3),
        Question("why", 1.5, True, 4),
        Question("draw", 2.0, True, 5),
    ]


def test_a_repeated_grade_id_is_refused_with_file_and_cells(tmp_path: Path) -> None:
    """The marks of two questions can't be kept apart by one name."""
    cells = [
        new_code_cell("1", id="one", metadata=mark("q", grade=True, points=1)),
        new_code_cell("2", id="two", metadata=mark("q", solution=True)),
    ]
    path = save(tmp_path / "twice.ipynb", cells)
    with pytest.raises(CourseError, match=r"twice\.ipynb: grade_id 'q' is used by cells 1 \(one\) and 2 \(two\)"):
        make_template(path)
    with pytest.raises(CourseError, match="the notebook: grade_id 'q'"):
        questions(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3, "nbformat": 4}', '{"nbformat": 999, "cells": []}'])
def test_an_unreadable_source_is_named(tmp_path: Path, text: str) -> None:
    """A broken source notebook is a course error that names the file."""
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    with pytest.raises(CourseError, match=r"broken\.ipynb"):
        make_template(path)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    """A notebook that isn't there is a course error too."""
    with pytest.raises(CourseError, match=r"absent\.ipynb"):
        make_template(tmp_path / "absent.ipynb")


@pytest.mark.parametrize("version", [0, 1, 2])
def test_old_nbgrader_metadata_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """Metadata of an older nbgrader is read as `nbgrader update` would write it; the file stays as it is."""
    mark = {"grade": True, "grade_id": "q", "points": 1, "solution": False, "locked": True, "schema_version": version}
    path = save(tmp_path / "old.ipynb", [new_code_cell("1", id="q", metadata={"nbgrader": mark})])
    before = path.read_bytes()
    template = make_template(path)
    assert template["cells"][0]["metadata"]["nbgrader"]["schema_version"] == 3
    assert [question.grade_id for question in questions(template)] == ["q"]
    assert path.read_bytes() == before


def test_newer_nbgrader_metadata_is_refused(tmp_path: Path) -> None:
    """Nobody knows what metadata of a later nbgrader means."""
    metadata = mark("q", grade=True, points=1)
    metadata["nbgrader"]["schema_version"] = 10
    path = save(tmp_path / "new.ipynb", [new_code_cell("1", id="q", metadata=metadata)])
    with pytest.raises(CourseError, match=r"new\.ipynb: cell 'q' has nbgrader metadata of version 10, and 3 is"):
        make_template(path)


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "R"),
        ({"kernelspec": {"name": "ir", "display_name": "R"}}, "R"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}, None),
        ({"kernelspec": {"name": "my-env", "display_name": "Mine"}}, None),
        ({}, None),
    ],
)
def test_only_python_is_graded(tmp_path: Path, metadata: dict[str, Any], language: str | None) -> None:
    """A notebook in another language is refused before anything of it is graded, in one sentence."""
    nb = nbformat.v4.new_notebook(cells=[new_code_cell("1", id="q", metadata=mark("q", grade=True, points=1))])
    nb.metadata.update(metadata)
    nbformat.write(nb, tmp_path / "it.ipynb")
    if language is None:
        assert make_template(tmp_path / "it.ipynb")["cells"]
    else:
        with pytest.raises(OtherLanguage, match=f"it.ipynb is written in {language}, and nbseal grades Python"):
            make_template(tmp_path / "it.ipynb")


@pytest.mark.parametrize(
    "region", ["### BEGIN SOLUTION\n1", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"]
)
def test_a_broken_region_is_named(tmp_path: Path, region: str) -> None:
    """A solution region that doesn't end, or begins twice, is a course error."""
    path = save(tmp_path / "region.ipynb", [new_code_cell(region, id="q", metadata=mark("q", solution=True))])
    with pytest.raises(CourseError, match=r"region\.ipynb can't be prepared for grading: .*solution statement"):
        make_template(path)


def test_a_kept_template_serves_until_something_changes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made anew when the notebook or a setting differs, and for nothing else."""
    made: list[Path] = []

    def count(path: Path, *rest: Any) -> Any:
        made.append(path)
        return prepare(path, *rest)

    monkeypatch.setattr(nbgrader_steps, "prepare", count)
    config, template_cache = Config(), tmp_path / "template_cache"
    first = make_template(source, config, {"q"}, template_cache)
    assert config.IncludeHeaderFooter == {}  # looking at a section of Config makes it
    assert make_template(source, config, {"q"}, template_cache) == first
    assert make_template(source, Config(), {"q"}, template_cache) == first
    assert len(made) == 1
    assert "r" in [question.grade_id for question in questions(make_template(source, config, {"r"}, template_cache))]
    config.ClearSolutions.text_stub = "Say why."
    assert make_template(source, config, {"r"}, template_cache) != first
    source.write_text(source.read_text().replace("Title", "Another title"))
    assert make_template(source, config, {"r"}, template_cache)["cells"][0]["source"] == "# Another title"
    assert len(made) == 4


def test_two_threads_may_ask_for_a_template_at_once(source, tmp_path, monkeypatch):
    """A class's grader and its recorder do; it is made once, and both get it."""
    made = []

    def slow(path: Path, *rest: Any) -> Any:
        made.append(path)
        time.sleep(0.2)
        return prepare(path, *rest)

    monkeypatch.setattr(nbgrader_steps, "prepare", slow)
    with ThreadPoolExecutor(2) as pool:
        first, second = [
            pool.submit(make_template, source, Config(), (), tmp_path / "template_cache") for _ in range(2)
        ]
        assert first.result() == second.result()
    assert len(made) == 1
