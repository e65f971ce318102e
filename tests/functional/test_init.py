"""A course is started, or an nbgrader course is adopted and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nbseal.build import build
from nbseal.build.lint import lint
from nbseal.build.starting import BEGIN, END
from nbseal.cli.app import app
from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from nbseal.verify import VerifyOptions, verify
from tests.mini import hand_in, make_course


def init(*words: str | Path, answer: str = "") -> tuple[int, str]:
    """The command's exit code and what it says; ``answer`` is typed."""
    done = CliRunner().invoke(app, ["init", *map(str, words)], input=answer)
    return done.exit_code, done.output


def test_a_new_course_is_built_and_its_grader_is_right(tmp_path: Path) -> None:
    """One command makes a course that lints, builds, and whose known cases are judged as they say."""
    root = tmp_path / "course"
    code, said = init(root)
    assert code == 0, said
    assert "nbseal build" in said
    assert lint(root / "source" / "first" / "first.ipynb") == []
    (built,) = build(Course(root))
    assert "first.ipynb" in built.release
    found = verify(Course(root), "first", VerifyOptions(sample=3, draws=2))
    assert [finding.said for one in found.questions for finding in one.findings if finding.counts] == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written over, and the message says what to do."""
    (tmp_path / "mine.txt").write_text("mine")
    code, said = init(tmp_path)
    assert code == 1
    assert "not empty" in said
    assert "--adopt" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_repository_that_was_begun_is_no_hindrance(tmp_path: Path) -> None:
    """Who begins with `git init` starts a course there all the same."""
    (tmp_path / ".git").mkdir()
    assert init(tmp_path)[0] == 0
    assert (tmp_path / "source" / "first" / "first.ipynb").exists()


def test_settings_in_another_encoding_are_named(tmp_path: Path) -> None:
    """The file, the cause and the mend, and nothing is changed."""
    root = make_course(tmp_path / "course", grader=None)
    settings = root / "nbgrader_config.py"
    settings.write_bytes(settings.read_bytes() + "# caf\u00e9\n".encode("latin-1"))
    before = settings.read_bytes()
    code, said = init("--adopt", "--yes", root)
    assert code == 1
    assert "is not written in UTF-8" in said
    assert settings.read_bytes() == before


def test_an_nbgrader_course_is_adopted_only_if_somebody_says_so(tmp_path: Path) -> None:
    """The lines are shown, and added only after a yes; once they are there, the command says so."""
    root = make_course(tmp_path / "course", grader=None)
    settings = root / "nbgrader_config.py"
    before = settings.read_text()
    code, said = init("--adopt", root, answer="n\n")
    assert code == 0
    assert "SealedAutograde" in said
    assert settings.read_text() == before
    assert init("--adopt", root, answer="y\n")[0] == 0
    assert settings.read_text().startswith(before.rstrip())
    hand_in(root, "ada")
    (done,) = grade_class(Course(root), "mini", ClassOptions()).done
    assert done.scorecard.score == 7.0
    assert "has nbseal's lines already" in init("--adopt", root)[1]


def test_an_adopted_course_is_taken_back_by_taking_the_lines_out(tmp_path: Path) -> None:
    """What stands between the two marks is all that was added."""
    root = make_course(tmp_path / "course", grader=None)
    settings = root / "nbgrader_config.py"
    before = settings.read_text()
    init("--adopt", "--yes", root)
    start, _, rest = settings.read_text().partition(BEGIN)
    assert (start + rest.partition(END)[2]).strip() == before.strip()


@pytest.mark.parametrize("words", [["--adopt"], ["--adopt", "--yes"]])
def test_a_folder_that_is_no_course_is_not_adopted(tmp_path: Path, words: list[str]) -> None:
    """A wrong folder is named before anything is asked."""
    code, said = init(*words, tmp_path)
    assert code == 1
    assert "is not an nbgrader course" in said
    assert not any(tmp_path.iterdir())
