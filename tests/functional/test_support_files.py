"""A released notebook starts wherever a student opens it: with its folder, alone, on Colab, and in grading."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.courses import environment
from tests.samples import ROOT

RELEASES = sorted((ROOT / "release").glob("*/*.ipynb"))
COLAB = "import sys; sys.modules['google.colab'] = sys\n"
ADDRESS = re.search(r'course="([^"]+)"', (ROOT / "source" / "support_files.py").read_text(encoding="utf-8"))[1]
each_release = pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)


def cells(path: Path, *names: str) -> str:
    """The code of some cells of a notebook, in their order."""
    found = {cell["id"]: "".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
    return "\n".join(found[name] for name in names)


def start(code: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run code in a folder as a kernel would that was started there."""
    own = {name: value for name, value in environment().items() if name not in ("PYTHONPATH", "NBGRADER_EXECUTION")}
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "MPLBACKEND": "agg"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**own, **settings, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def redirected(target: Path) -> dict[str, str]:
    """Settings of git that lead from the course's address to a folder of this machine."""
    base = f"url.{target.as_uri()}.insteadOf"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": base, "GIT_CONFIG_VALUE_0": ADDRESS}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the releases, as a teacher publishes them."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(ROOT / "release", folder / "release", ignore=shutil.ignore_patterns("__pycache__"))
    author = ["-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "Released"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder


@each_release
def test_a_release_from_a_zip_runs_its_first_cells(path: Path, tmp_path: Path) -> None:
    """With its folder's files beside it, and without a network, a notebook gets past its imports and prints nothing."""
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", path.parent.parent, path.parent.name)
    shutil.unpack_archive(packed, tmp_path / "unpacked")
    folder = tmp_path / "unpacked" / path.stem
    unreachable = redirected(tmp_path / "nowhere")
    done = start(cells(folder / path.name, "support-files", "imports"), folder, **unreachable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@each_release
def test_a_notebook_alone_says_what_to_do(path: Path, tmp_path: Path) -> None:
    """Without its folder's files a notebook names the folder that they are in, and fetches nothing."""
    done = start(cells(path, "support-files"), tmp_path)
    assert done.returncode == 1
    assert f"Unpack the whole folder {path.stem} that you were given" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@each_release
def test_on_colab_a_notebook_fetches_its_files(path: Path, tmp_path: Path, published: Path) -> None:
    """A notebook that was uploaded alone gets all of its folder's files from the course."""
    done = start(COLAB + cells(path, "support-files"), tmp_path, **redirected(published))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    there = {file.relative_to(path.parent) for file in path.parent.rglob("*") if "__pycache__" not in file.parts}
    fetched = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if "__pycache__" not in file.parts}
    assert fetched == there - {Path(path.name)}


def test_colab_leaves_the_students_notebook_alone(tmp_path: Path, published: Path) -> None:
    """A notebook that lies in the folder, as in a mounted drive, keeps its answers."""
    work = tmp_path / "01-gates.ipynb"
    work.write_text("my answers")
    start(COLAB + cells(RELEASES[0], "support-files"), tmp_path, **redirected(published))
    assert (tmp_path / "self_check.py").exists()
    assert work.read_text() == "my answers"


def test_on_colab_without_a_published_course_the_student_learns_what_to_do(tmp_path: Path) -> None:
    """Where the course's address leads nowhere, the notebook says where to drop the files."""
    done = start(COLAB + cells(RELEASES[0], "support-files"), tmp_path, **redirected(tmp_path / "nowhere"))
    assert "drop all files of your folder 01-gates there" in done.stderr.splitlines()[-1]


def test_grading_fetches_nothing(tmp_path: Path, published: Path) -> None:
    """Where a notebook is graded, the cell does nothing, whatever is missing."""
    code = COLAB + cells(RELEASES[0], "support-files")
    done = start(code, tmp_path, NBGRADER_EXECUTION="autograde", **redirected(published))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_placeholder_is_nobodys_account() -> None:
    """The owner that the documentation tells teachers to replace can't exist: no account's name has an underscore."""
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    owner = re.search(r"replace `([^`/]+)/[^`]+` in `source/support_files.py`", page)[1]
    assert not re.fullmatch(r"[A-Za-z0-9-]+", owner)
