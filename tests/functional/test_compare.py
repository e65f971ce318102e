"""What would change if nbseal graded: marks beside the gradebook's, and nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from nbseal.cli.app import app
from nbseal.compare import compare, compared_page
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import digest_of
from tests.mini import code, hand_in, make_course, notebook, solution, write
from tests.nbgrader_commands import give

CELLS = [
    code("double-answer", solution("def double(x):\n    return 2 * x"), solution=True),
    code("double", "assert double(2) == 4", grade=True, locked=True, points=4),
    code("credit-answer", solution("credit = 1.5"), solution=True),
    code("credit", "credit", grade=True, locked=True, points=2),
]
ANSWERS = {
    "ada": {},
    "alan": {"double-answer": "def double(x):\n    return 3 * x"},
    "kurt": {"credit-answer": "credit = 'full marks please'"},
}


@pytest.fixture(scope="module")
def graded_by_nbgrader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course without hidden tests that nbgrader itself has graded."""
    root = make_course(tmp_path_factory.mktemp("compare") / "course", grader=None, cells=CELLS)
    for student, answers in ANSWERS.items():
        cells = [{**cell, "source": answers.get(cell["id"], cell["source"])} for cell in CELLS]
        folder = root / "submitted" / student / "mini"
        folder.mkdir(parents=True)
        write(folder / "mini.ipynb", notebook(cells))
    for words in (("generate_assignment", "mini"), ("autograde", "mini")):
        done, log = give(*words, cwd=root)
        assert done == 0, log[-3000:]
    return root


def contents(root: Path) -> str:
    """Identifies every file of a course."""
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return digest_of(files)


def test_marks_stand_beside_those_of_the_gradebook(graded_by_nbgrader: Path) -> None:
    """Marks that are alike are counted, and one that differs is named with its student and its reason."""
    before = contents(graded_by_nbgrader)
    found = compare(Course(graded_by_nbgrader), "mini", jobs=2)
    assert contents(graded_by_nbgrader) == before
    double, credit = found.questions
    assert (double.same, double.more, double.less, double.no_mark) == (3, 0, 0, 0)
    assert (credit.same, credit.more, credit.less, credit.no_mark) == (2, 0, 0, 1)
    (one,) = found.differences
    assert (one.change.student, one.change.question) == ("kurt", "credit")
    assert (one.change.before, one.change.after) == (2.0, None)
    assert "no number of points" in one.reason
    assert "kurt" in compared_page([found])


def test_nbgrader_itself_grades_a_copy(graded_by_nbgrader: Path) -> None:
    """With ``stock`` the marks and the errors of cells are those of nbgrader's own run, and its time is told."""
    before = contents(graded_by_nbgrader)
    found = compare(Course(graded_by_nbgrader), "mini", jobs=2, stock=True)
    assert contents(graded_by_nbgrader) == before
    assert [row.same for row in found.questions] == [3, 2]
    assert found.cells == []
    assert found.stock_seconds is not None
    assert found.stock_seconds > found.seconds > 0


def test_the_command_prints_a_table_and_records_nothing(graded_by_nbgrader: Path, tmp_path: Path) -> None:
    """The command has the same figures as text, as JSON and as a page."""
    course = ["--course", str(graded_by_nbgrader)]
    page = tmp_path / "compared.html"
    done = CliRunner().invoke(app, ["compare", "mini", *course, "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert "kurt · credit: 2 → no mark" in done.output
    assert "3 submissions compared, nothing recorded" in done.output
    assert "what would change?" in page.read_text()
    (found,) = json.loads(CliRunner().invoke(app, ["compare", "--json", *course]).stdout)
    assert found["differences"][0]["change"]["student"] == "kurt"


def test_a_course_that_nobody_graded_is_compared_with_nothing(tmp_path: Path) -> None:
    """Without a gradebook each mark is counted as missing there; without submissions there is nothing to compare."""
    root = make_course(tmp_path / "course")
    with pytest.raises(CourseError, match="no submissions of mini"):
        compare(Course(root), "mini")
    hand_in(root, "ada")
    found = compare(Course(root), "mini")
    assert {row.not_in_gradebook for row in found.questions} == {1}
    assert not (root / "gradebook.db").exists()


def test_what_can_not_be_compared_stops_no_other_assignment(graded_by_nbgrader: Path, tmp_path: Path) -> None:
    """An assignment in another language is named and left out; asked for by its name, it is an error."""
    root = shutil.copytree(graded_by_nbgrader, tmp_path / "course")
    source = root / "source" / "statistics"
    source.mkdir()
    kernel = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    write(source / "statistics.ipynb", {**notebook(CELLS), "metadata": kernel})
    shutil.copytree(source, root / "submitted" / "ada" / "statistics")
    done = CliRunner().invoke(app, ["compare", "--course", str(root)])
    assert done.exit_code == 0, done.output
    assert "left out: " in done.stderr
    assert "statistics.ipynb is written in R" in done.stderr
    assert "mini: 3 submissions compared" in done.stdout
    assert CliRunner().invoke(app, ["compare", "statistics", "--course", str(root)]).exit_code == 1


def test_a_mark_that_differs_has_a_reason(graded_by_nbgrader: Path, tmp_path: Path) -> None:
    """Where no test says why a mark is another one, what the check did here is said."""
    root = shutil.copytree(graded_by_nbgrader, tmp_path / "course")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.find_grade("double", "mini", "mini", "alan").auto_score = 4
        gradebook.db.commit()
    found = {one.change.student: one for one in compare(Course(root), "mini", jobs=1).differences}
    assert (found["alan"].change.after, found["alan"].reason) == (0.0, "its check raises AssertionError here")
