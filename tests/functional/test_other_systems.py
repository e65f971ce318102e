"""What becomes of each command off Linux: it works, or one line says where to run it. See `tests.elsewhere`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbseal.cli.app import COMMANDS
from tests.courses import environment, run
from tests.mini import hand_in, make_course
from tests.samples import ROOT

PLUGIN = """
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"
"""
WHERE = (
    "needs Linux, whose kernel seals student code: run it in WSL 2 on Windows, in a Linux container or machine, "
    "or on the course's JupyterHub."
)
HUB_COMMANDS = {
    "demo": (),
    "run": ("hub.toml",),
    "setup": ("hub.toml",),
    "backup": ("hub.toml", "archive.tar.gz"),
    "restore": ("hub.toml", "archive.tar.gz"),
    "install-proxy": (),
}
LOOK = """
import os, sys
sys.path.insert(0, sys.argv[1])
from tests.elsewhere import go_to
go_to("win32")
for code in ("import fcntl", "import os; os.getuid", "import signal; signal.SIGKILL", "open('/proc/self/stat')",
             "import subprocess; subprocess.run(['true'])", "import sys; print(sys.platform)"):
    try:
        exec(code, {"__name__": "nbseal.anything"})
    except (Exception, AssertionError) as error:
        print(type(error).__name__)
print(sys.platform, os.getuid() >= 0)
"""
pytestmark = pytest.mark.slow  # a whole course on two systems, for no mark that differs

Give = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that was built and graded on Linux."""
    root = make_course(tmp_path_factory.mktemp("elsewhere") / "course")
    hand_in(root, "ada")
    hand_in(root, "alan", number_answer="answer = 41")
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(PLUGIN)
    for arguments in (("build",), ("grade", "mini")):
        done = run("nbseal", *arguments, cwd=root)
        assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(params=["darwin", "win32"])
def there(request: pytest.FixtureRequest, root: Path) -> Give:
    """Gives a command in the course on another system."""

    def give(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.elsewhere", request.param, *map(str, words)]
        given = environment(PYTHONPATH=str(ROOT))
        return subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, timeout=300, check=False)

    return give


def test_these_tests_hide_what_other_systems_lack() -> None:
    """Our modules can't reach it, and libraries still can."""
    done = subprocess.run([sys.executable, "-c", LOOK, str(ROOT)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "ModuleNotFoundError", "AttributeError", "AttributeError", "FileNotFoundError", "AssertionError", "win32",
        "linux", "True",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS), ("export", "canvas"), ("export", "otter")])
def test_help_is_there(there: Give, words: tuple[str, ...]) -> None:
    """Every command explains itself, also those that need Linux."""
    done = there("nbseal", *words, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: {' '.join(['nbseal', *words])} ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ("grade", "nothing"),
        ("grade", "mini", "--unsealed"),
        ("check", "submitted/ada/mini/mini.ipynb"),
        ("resolve", "mini", "ada", "--nothing"),
        ("export", "otter", "mini"),
        ("export", "gradescope", "mini"),
    ],
    ids=" ".join,
)
def test_what_needs_linux_says_so_before_anything_else(there: Give, root: Path, words: tuple[str, ...]) -> None:
    """One line with the command and where to run it, exit code 1, and nothing is written."""
    before = sorted(root.rglob("*"))
    done = there("nbseal", *words)
    command = " ".join(words[: 2 if words[0] == "export" else 1])
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"nbseal: nbseal {command} {WHERE}\n")
    assert sorted(root.rglob("*")) == before


def test_nbgraders_autograde_says_so_and_removes_nothing(there: Give, root: Path) -> None:
    """nbgrader stops at once: what was graded on Linux stays."""
    graded = root / "autograded" / "ada" / "mini" / "mini.ipynb"
    before = graded.read_bytes()
    done = there("nbgrader", "autograde", "mini", "--force")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"nbgrader autograde {WHERE}")
    assert "Traceback" not in done.stderr
    assert graded.read_bytes() == before


def test_feedback_pages_are_made(there: Give, root: Path) -> None:
    """nbgrader makes our pages of what was graded on Linux, and nbseal finds them up to date or makes the same."""
    done = there("nbgrader", "generate_feedback", "mini", "--force")
    assert done.returncode == 0, done.stderr
    page = root / "feedback" / "alan" / "mini" / "mini.html"
    before = page.read_bytes()
    assert "Look again: it is not 42." in before.decode("utf-8")
    for said in ("0 pages made", "1 page made"):
        done = there("nbseal", "feedback", "mini", "--student", "alan")
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout
        assert page.read_bytes() == before
        page.unlink()
    page.write_bytes(before)


def test_build_gives_what_it_gives_on_linux(there: Give, root: Path) -> None:
    """Release and solution, executed in a Jupyter kernel, are byte by byte those of Linux."""
    built = {path: path.read_bytes() for kind in ("release", "solution") for path in (root / kind).rglob("*.ipynb")}
    assert len(built) == 2
    for path in built:
        path.unlink()
    done = there("nbseal", "build")
    assert (done.returncode, done.stdout) == (0, "mini: release/ (mini.ipynb); solution/ (mini.ipynb)\n"), done.stderr
    assert {path: path.read_bytes() for path in built} == built


def test_a_mistake_in_the_solution_is_told(there: Give, root: Path, tmp_path: Path) -> None:
    """With --strict the cell that raises is named, and nothing is built; so is a notebook that ends its kernel."""
    path = root / "source" / "mini" / "mini.ipynb"
    before = path.read_text("utf-8")
    try:
        for wrong, words in (
            ("1 / 0", "ZeroDivisionError"),
            ("import os; os._exit(3)", "the notebook can't be executed"),
        ):
            path.write_text(before.replace("answer = 42", wrong), encoding="utf-8")
            done = there("nbseal", "build", "--strict")
            assert done.returncode == 1
            assert words in done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
    finally:
        path.write_text(before, encoding="utf-8")


def test_pages_and_marks_are_made(there: Give, root: Path, tmp_path: Path) -> None:
    """Reports, pairs of similar answers and files with marks need no seal."""
    report, pairs, marks, moodle = (
        tmp_path / name for name in ("report.html", "pairs.html", "marks.csv", "moodle.csv")
    )
    for words in (
        ("report", "mini", "--anonymous", "--output", report),
        ("similarity", "mini", "--output", pairs),
        ("resolve", "mini"),
        ("export", "csv", "--output", marks),
        ("export", "moodle", "mini", "--output", moodle),
    ):
        done = there("nbseal", *words)
        assert done.returncode == 0, done.stderr
        assert "handed in again" not in done.stderr  # submissions are read and recognised as they are on Linux
    assert "<html" in report.read_text("utf-8")
    assert "<html" in pairs.read_text("utf-8")
    found = {line["student_id"]: float(line["score"]) for line in csv.DictReader(marks.read_text("utf-8").splitlines())}
    assert found == {"ada": 7.0, "alan": 5.0}
    assert "ada" in moodle.read_text("utf-8")


def test_the_first_report_makes_a_secret(there: Give, root: Path, tmp_path: Path) -> None:
    """Where nothing was graded yet there is no secret, and it is made there as it is on Linux."""
    secret = root / ".nbseal" / "secret"
    before = secret.read_bytes()
    secret.unlink()
    try:
        done = there("nbseal", "report", "mini", "--anonymous", "--output", tmp_path / "report.html")
        assert done.returncode == 0, done.stderr
        assert len(secret.read_bytes()) == 32
    finally:
        secret.write_bytes(before)


def test_lint_finds_what_it_finds_on_linux(there: Give, root: Path) -> None:
    """The findings, and the exit code for them, are the same."""
    here, elsewhere = run("nbseal", "lint", cwd=root), there("nbseal", "lint")
    assert here.returncode == elsewhere.returncode == 1
    assert here.stdout == elsewhere.stdout


def test_doctor_says_what_is_missing(there: Give) -> None:
    """It names the system, says that nothing can be sealed there, and tells the rest all the same."""
    done = there("nbseal", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["Seal"]["level"] == f"none: grading {WHERE}"
    assert found["Seal"]["landlock"] == "needs Linux"
    assert found["Course"]["assignments"] == "mini"
    assert found["Course"]["gradebook"].endswith("(exists)")


@pytest.mark.parametrize("name", HUB_COMMANDS)
def test_a_hub_needs_linux(there: Give, name: str) -> None:
    """One line says where to run it."""
    done = there("nbseal-hub", name, *HUB_COMMANDS[name])
    where = "needs Linux: run it there, or in WSL 2 on Windows; a hub can be a container."
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"nbseal-hub: {name} {where}\n")


def test_what_only_prints_about_a_hub_works_everywhere(there: Give) -> None:
    """Help, and links to a release."""
    done = there("nbseal-hub", "run", "--help")
    assert done.returncode == 0
    assert "Run the hub of a settings file" in done.stdout
    done = there("nbseal-hub", "link", "https://hub.example.org", "https://git.example.org/release.git")
    assert done.returncode == 0
    assert done.stdout.startswith("https://hub.example.org/")
