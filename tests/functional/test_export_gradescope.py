"""Gradescope's autograder, laid out in an imitation of its folders and run as in its container."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.export.bundle import pinned_requirements, plan_of
from nbseal.export.containers import grade_folder, grader_of
from nbseal.export.gradescope import Visibility, make_gradescope_zip, results
from nbseal.grading import grade_notebook
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from nbseal.sandbox import probe
from tests.courses import copy_course, environment
from tests.hostile.container import __file__ as CONTAINER
from tests.samples import ROOT

VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
SPY = """
found = []
for path in {paths!r}:
    for look in (lambda: open(path).read(), lambda: __import__("os").listdir(path), lambda: open(path, "a")):
        try:
            look()
            found.append("GOT")
        except OSError as error:
            found.append(str(error.errno))
raise ValueError(" ".join(found))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of the worked example, as an instructor makes it."""
    root = Path(shutil.copytree(ROOT / "docs" / "examples", tmp_path_factory.mktemp("gradescope") / "course"))
    (root / "graders" / "test_other.py").write_text("secret of another assignment")
    path = root / "temperature.zip"
    path.write_bytes(make_gradescope_zip(Course(root), "temperature", Visibility.AFTER_DUE_DATE))
    return path


@pytest.fixture
def autograder(archive: Path, tmp_path: Path) -> Path:
    """Gradescope's folder /autograder, made as its image and its harness make it."""
    if probe()["landlock"]:
        pytest.skip(f"landlock: {probe()['landlock']}")
    top = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (top / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as file:
        file.extractall(top / "source")
    shutil.copy(top / "source" / "run_autograder", top)
    (top / "run_autograder").chmod(0o755)
    return top


@pytest.fixture
def grade(autograder: Path) -> Callable[..., tuple[dict, str]]:
    """Runs run_autograder in a container's limits; results.json, and what the instructor sees."""

    def run(**more: str) -> tuple[dict, str]:
        inside = [sys.executable, CONTAINER] if os.getuid() == 0 else []
        paths = {"NBSEAL_AUTOGRADER": str(autograder), "NBSEAL_ENVIRONMENT": sys.prefix, **more}
        done = subprocess.run(
            [*inside, str(autograder / "run_autograder")],
            cwd=autograder,
            env=environment(**paths),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads((autograder / "results" / "results.json").read_text("utf-8")), done.stdout + done.stderr

    return run


def hand_in(autograder: Path, name: str = "temperature.ipynb", **answers: str) -> Path:
    """Put the solution, with other answers in some cells, where Gradescope unpacks a submission."""
    notebook = json.loads((ROOT / "docs/examples/source/temperature/temperature.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "").replace("-", "_")
        cell["source"] = answers.get(grade_id, cell["source"])
    path = autograder / "submission" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def check_form(found: dict) -> None:
    """What Gradescope's specification asks of results.json."""
    assert isinstance(found["execution_time"], float)
    assert found["stdout_visibility"] in VISIBILITIES
    assert found["output_format"] in FORMATS
    assert found["tests"]
    for test in found["tests"]:
        assert isinstance(test["name"], str)
        assert isinstance(test["output"], str)
        assert test.get("status", "passed") in ("passed", "failed")
        if "score" in test:
            assert 0 <= test["score"] <= test["max_score"]
    if "score" in found:
        whole = sum(test.get("score", 0) for test in found["tests"])
        assert found["score"] == pytest.approx(whole, abs=0.01)


def test_the_zip_holds_what_grading_needs_and_no_more(archive: Path):
    """Programs at the top that may be run, pinned versions, no solution, no other assignment's tests."""
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in file.infolist()}
        texts = {name: file.read(name).decode("utf-8", "replace") for name in names if not name.endswith(".whl")}
    assert {"setup.sh", "run_autograder", "requirements.txt", "nbseal-0.1.0-py3-none-any.whl"} <= names
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert "course/graders/test_temperature.py" in names
    assert not any("test_other" in name for name in names)
    assert "NotImplementedError" in texts["course/source/temperature/temperature.ipynb"]
    assert not any("BEGIN SOLUTION" in text for text in texts.values())
    locked = (ROOT / "requirements.txt").read_text().split()
    pinned = texts["requirements.txt"].split()
    names = {line.partition("==")[0] for line in pinned}
    assert "numpy" in names
    assert not names & {"opencv-python-headless", "scikit-learn", "jupyterhub"}  # nothing here imports them
    assert set(pinned) <= set(locked)
    assert Visibility(json.loads(texts["nbseal.json"])["visibility"]) is Visibility.AFTER_DUE_DATE


def test_the_container_has_what_the_course_uses(tmp_path: Path):
    """An answer may import what only another assignment of the course needs, but cloud clients aren't fetched."""
    course = Course(copy_course(tmp_path, ["01-gates", "05-mnist", "09-cloud"]))
    names = {line.partition("==")[0] for line in pinned_requirements(course, plan_of(course, "01-gates"))}
    assert {"opencv-python-headless", "scikit-learn"} <= names
    assert not names & {"boto3", "google-cloud-vision", "starlette"}


def test_the_zip_is_the_same_for_the_same_course(archive: Path):
    """Made again, byte for byte the same; its secret isn't the course's."""
    root = archive.parent
    assert make_gradescope_zip(Course(root), "temperature", Visibility.AFTER_DUE_DATE) == archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        secret = file.read("course/.nbseal/secret")
    assert len(secret) == 32
    assert secret != Course(root).secret


def test_the_scripts_are_sound(autograder: Path):
    """bash and shellcheck find nothing in setup.sh and run_autograder."""
    for name in ("setup.sh", "run_autograder"):
        path = str(autograder / "source" / name)
        for checker in (["bash", "-n"], [str(Path(sys.executable).with_name("shellcheck"))]):
            done = subprocess.run([*checker, path], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.slow
def test_the_engine_in_the_zip_is_this_one(autograder: Path, tmp_path: Path):
    """pip accepts the wheel, and what it installs is this code with its templates."""
    wheel = next((autograder / "source").glob("*.whl"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, timeout=120)
    kinds = {".py", ".j2", ".ini", ".sh", ".typed"}
    ours = ROOT / "src" / "nbseal"
    for path in ours.rglob("*"):
        if path.suffix in kinds:
            assert (tmp_path / "nbseal" / path.relative_to(ours)).read_bytes() == path.read_bytes()


def test_marks_are_those_of_nbseal_check(autograder: Path, grade: Callable):
    """One entry for each hidden test, in Gradescope's form, at the level landlock, from a folder in a zip."""
    answer = "def to_celsius(fahrenheit):\n    return (fahrenheit - 32) * 5 / 9"
    path = hand_in(autograder, "Ada's work/temperature (1).ipynb", convert_answer=answer)
    found, shown = grade()
    check_form(found)
    card = grade_notebook(path, "temperature", ROOT / "docs" / "examples")
    assert found["score"] == card.score == 4.0
    assert found["extra_data"]["seal"] == "landlock"
    assert found["visibility"] == "after_due_date"
    third = found["tests"][2]
    assert (third["score"], third["max_score"], third["status"]) == (0.0, 1.0, "failed")
    assert third["name"] == "convert: to_celsius refuses temperatures below absolute zero."
    assert third["output"] == card.question("convert").tests[2].message
    assert "score" not in found["tests"][-1]
    assert "waits for a person" in found["tests"][-1]["name"]
    assert "convert: 3 of 4" in shown


def test_a_student_is_told_where_a_notebook_is_cut_off(autograder: Path):
    """A file that was saved in part names its line and the mend in Gradescope's output, and is no zero."""
    path = hand_in(autograder, "temperature.ipynb")
    lines = json.dumps(json.loads(path.read_text()), indent=1).splitlines(keepends=True)
    path.write_text("".join(lines[:20])[:-3])
    with grader_of(autograder / "source") as grader:
        found = results(grade_folder(grader, autograder / "submission"), "visible", 0.1)
    assert "is cut off at line 20: save it again" in found["output"]
    assert "score" not in found


def test_partial_credit_is_no_failure():
    """A test that earns a part of its weight has its score, and no word that calls it failed."""
    test = TestResult("It reads digits.", Outcome.FAILED, credit=0.25)
    question = QuestionResult("digits", 1.0, 4.0, Status.GRADED, (test,))
    (entry,) = results(Scorecard("ps1", "ada", "landlock", 0.1, (question,)), "visible", 0.1)["tests"]
    assert (entry["score"], entry["output"]) == (1.0, "~ passed in part (25%)")
    assert "status" not in entry


def test_notebooks_are_found_where_students_put_them(autograder: Path):
    """In folders and under other names; two that differ, or a link to elsewhere, wait for a person; none is a zero."""
    places = {
        "temperature.ipynb": 5,
        "a/b/temperature.ipynb": 5,
        "work/my solution.ipynb": 5,
        "one.ipynb two.ipynb": 5,
        "": 0,
    }
    with grader_of(autograder / "source") as grader:
        for place, score in places.items():
            shutil.rmtree(autograder / "submission")
            (autograder / "submission").mkdir()
            for name in place.split(" ") if place.startswith("one") else [place] if place else []:
                hand_in(autograder, name)
            card = grade_folder(grader, autograder / "submission")
            assert card.score == score, place
        assert card.problems == ("temperature.ipynb was not submitted",)
        assert not card.is_unjudged
        (autograder / "submission" / "temperature (2).ipynb").symlink_to(ROOT / "docs/examples/source/temperature")
        card = grade_folder(grader, autograder / "submission")
        assert card.is_unjudged
        assert "`temperature (2).ipynb` is a link" in results(card, "visible", 0.1)["output"]
        (told,) = card.told
        assert told.endswith("Hand in the notebook itself.")
        assert told in results(card, "visible", 0.1)["output"].splitlines()
        hand_in(autograder, "one.ipynb")
        hand_in(autograder, "two.ipynb", convert_answer="to_celsius = None")
        assert grade_folder(grader, autograder / "submission").is_unjudged
        for number in range(2001):
            (autograder / "submission" / f"{number}.txt").touch()
        assert grade_folder(grader, autograder / "submission").is_unjudged


def test_a_submission_cannot_read_the_graders(autograder: Path, grade: Callable):
    """A submission that looks for hidden tests, secret, settings and results finds nothing and changes nothing."""
    names = ["source/course/graders/test_temperature.py", "source/course/graders", "source/course/.nbseal/secret"]
    names += ["source/nbseal.json", "source", "results", "run_autograder", "submission/temperature.ipynb"]
    hand_in(autograder, convert_answer=SPY.format(paths=[str(autograder / name) for name in names]))
    before = {path: path.read_bytes() for path in (autograder / "source").rglob("*") if path.is_file()}
    found, _ = grade()
    check_form(found)
    assert found["score"] == 1.0  # the question that isn't about to_celsius
    told = found["tests"][0]["output"]
    tries = re.search(r"stopped with ValueError: ([\w ]+)", told)
    assert tries, told
    refused = {str(errno.EACCES), str(errno.EISDIR), str(errno.ENOTDIR)}
    assert len(tries[1].split()) == 3 * len(names)
    assert set(tries[1].split()) == refused
    assert [path.name for path in (autograder / "results").iterdir()] == ["results.json"]
    assert before == {path: path.read_bytes() for path in before}


def test_without_a_seal_there_is_no_mark(autograder: Path, grade: Callable):
    """Where the walls can't be had, nothing is run and nothing is scored, and the student reads why in plain words."""
    settings = autograder / "source" / "course" / "nbgrader_config.py"
    settings.write_text("c = get_config()\nc.Seal.level = 'namespaces'\n")
    marker = autograder.parent / "ran"
    hand_in(autograder, convert_answer=f"open({str(marker)!r}, 'w')")
    if os.getuid() != 0:
        pytest.skip("only root can imitate a container that forbids namespaces")
    found, shown = grade()
    check_form(found)
    assert "score" not in found
    assert all("score" not in test for test in found["tests"])
    assert "isn't a zero" in found["output"]
    assert "SealUnavailable" in shown
    assert "SealUnavailable" not in json.dumps(found)
    assert not marker.exists()


def test_an_environment_that_was_not_built_is_no_zero(autograder: Path, grade: Callable):
    """Even where nbseal can't be started there is a results.json, without a score."""
    hand_in(autograder)
    found, _ = grade(NBSEAL_ENVIRONMENT=str(autograder / "nowhere"))
    assert "score" not in found
    assert "isn't a zero" in found["output"]
    assert all("score" not in test for test in found["tests"])


def test_a_hidden_test_that_stumbles_leaves_its_question_without_a_score(autograder: Path, grade: Callable):
    """The rest is scored; the reason is for the instructor alone."""
    grader = autograder / "source" / "course" / "graders" / "test_temperature.py"
    grader.write_text(grader.read_text().replace('degrees = student.number("same_on_both")', "raise KeyError('oops')"))
    hand_in(autograder)
    found, shown = grade()
    check_form(found)
    assert found["score"] == 4.0
    assert "Not judged, and so without a mark that a person must give: same (1 point)." in found["output"]
    (entry,) = [test for test in found["tests"] if test["name"].startswith("same")]
    assert (entry["name"], "score" in entry) == ("same (1 point): not judged", False)
    assert "oops" in shown
    assert "oops" not in json.dumps(found)


def test_shares_of_a_question_are_shown_and_its_mark_is_the_engine_s():
    """Thirds are rounded in the entries, never in the total; texts of students can't make markup."""
    tests = tuple(TestResult(f"<b>{n}</b>", Outcome.FAILED if n else Outcome.PASSED, "no\x1b[2J") for n in range(3))
    card = Scorecard("a", "", "landlock", 1.0, (QuestionResult("q", 0.67, 2.0, Status.GRADED, tests),), ("odd\x1b[2J",))
    found = results(card, "visible", 1.0)
    check_form(found)
    assert found["score"] == 0.67
    assert [test["score"] for test in found["tests"]] == [0.6667, 0.0, 0.0]
    assert {found["output_format"], found["test_output_format"], found["test_name_format"]} == {"text"}
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)
