"""A person decides what the engine could not: each kind of decision, in both faces, through regrades."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from nbseal.cli.app import app
from nbseal.course import Course, load_config
from nbseal.errors import CourseError
from nbseal.export.marks import read_marks
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, ClassResult, grade_class
from nbseal.report import collect, report_page
from nbseal.resolve import Answer, Choice, decide, standing, take_back
from nbseal.results import BY_A_PERSON, Scorecard, Status
from nbseal.similarity.answer_cells import read_answers
from nbseal.terminal import done_line, lost_marks, scorecard_text, summary
from tests.courses import grades
from tests.mini import code, hand_in, make_course, mini_cells, notebook
from tests.nbgrader_commands import give

# What nbgrader 0.9.6 itself does to SQLAlchemy 2.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

SETTINGS = """
c.LateSubmissionPlugin.penalty_method = "zero"
c.Grading.timezone = "Europe/Berlin"
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
PDF = b"%PDF-1.7\n"
FULL = {"double": 4.0, "number": 2.0, "plain": 1.0}
# Two answers were deleted, and of three cells in their place none says which of them it gives.
OWN_CELLS = [
    code("own-1", "numbers = {'a': 42}"),
    code("own-2", "globals()['answer'] = numbers['a']"),
    code("own-3", "globals().update(flag=True)"),
]
ANSWERS = {
    "file": Answer(file="mini final.ipynb", reason="said so by mail"),
    "cell": Answer(question="number", cell=5),
    "points": Answer(question="double", points=1.5),
    "nothing": Answer(nothing=True),
    "time": Answer(time="2026-05-04 20:30"),
}
SAID = {
    "file": "`mini final.ipynb` counts as mini.ipynb: decided by ann, ",
    "cell": "cell 5 of `mini.ipynb` is the answer to number: decided by ann, ",
    "points": "double gets 1.5 points: decided by ann, ",
    "nothing": "double, number, plain count as nothing: decided by ann, ",
    "time": "handed in at 2026-05-04 18:30:00 UTC: decided by ann, ",
}
MARKS: dict[str, dict[str, float | None]] = {
    "as asked": FULL,
    "file": FULL,
    "cell": FULL,
    "points": {"double": 1.5, "number": None, "plain": None},
    "nothing": {"double": 0.0, "number": 0.0, "plain": 0.0},
    "time": FULL,
}


def write(root: Path, student: str, files: dict[str, bytes]) -> None:
    """Hand in these files."""
    folder = root / "submitted" / student / "mini"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def solved(root: Path, student: str, name: str, **answers: str) -> None:
    """Hand in a notebook under another name."""
    path = hand_in(root, student, **answers)
    path.rename(root / "submitted" / student / name)
    path.parent.rmdir()
    write(root, student, {name: (root / "submitted" / student / name).read_bytes()})
    (root / "submitted" / student / name).unlink()


def make(root: Path) -> Path:
    """A course with a due date, and a class in which each student left something else open."""
    make_course(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(SETTINGS)
    with Recorder(Course(root)) as recorder:
        recorder.prepare("mini")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate="2026-05-04 20:00:00 UTC")
    hand_in(root, "as asked")
    hand_in(root, "time").with_name("timestamp.txt").write_text("04.05.2026 20:30")
    solved(root, "file", "mini final.ipynb")
    content = (root / "submitted" / "file" / "mini" / "mini final.ipynb").read_bytes()
    write(root, "file", {"mini old.ipynb": content.replace(b"answer = 42", b"answer = 7")})
    given = mini_cells()
    own = notebook([*given[:3], *OWN_CELLS, given[6]])
    write(root, "cell", {"mini.ipynb": json.dumps(own).encode()})
    write(root, "points", {"mini.pdf": PDF})
    write(root, "nothing", {"mini.pdf": PDF})
    return root


def grade(root: Path, force: bool = False) -> ClassResult:
    """What nbseal grade does."""
    result = grade_class(Course(root), "mini", ClassOptions(jobs=2, force=force))
    assert result.troubles == []
    return result


def cards(result: ClassResult) -> dict[str, Scorecard]:
    """Scorecards by student."""
    return {card.student: card for card in result.scorecards}


def marks(result: ClassResult) -> dict[str, dict[str, float | None]]:
    """Marks by student and question."""
    return {name: {one.grade_id: one.score for one in card.questions} for name, card in cards(result).items()}


def resolve(root: Path, *arguments: str) -> Result:
    """What nbseal resolve does."""
    return CliRunner().invoke(app, ["resolve", "mini", *arguments, "--course", str(root)])


@pytest.fixture(scope="module", autouse=True)
def ann() -> Any:
    """Decisions are ann's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTERHUB_USER", "ann")
        yield


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class, graded once."""
    root = make(tmp_path_factory.mktemp("undecided") / "course")
    grade(root)
    return root


@pytest.fixture(scope="module")
def decided(undecided: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClassResult]:
    """A copy of it in which a person decided something of each student, graded again."""
    root = tmp_path_factory.mktemp("decided") / "course"
    shutil.copytree(undecided, root)
    for student, answer in ANSWERS.items():
        decide(Course(root), "mini", student, answer)
    return root, grade(root)


@pytest.fixture
def copy(undecided: Path, tmp_path: Path) -> Path:
    """A copy of the graded class."""
    return Path(shutil.copytree(undecided, tmp_path / "course"))


@pytest.fixture
def settled(decided: tuple[Path, ClassResult], tmp_path: Path) -> Path:
    """A copy of the class with its decisions."""
    return Path(shutil.copytree(decided[0], tmp_path / "course"))


def test_what_is_open_is_listed_with_its_commands(undecided: Path) -> None:
    """Each open thing has its reason, what there is to choose from, and commands that a shell takes as they stand."""
    found = standing(Course(undecided), "mini")
    assert [(case.student, case.about) for case in found.cases] == [
        *[("cell", "number"), ("cell", "plain"), ("file", "mini.ipynb"), ("nothing", "mini.ipynb")],
        *[("points", "mini.ipynb"), ("time", "time")],
    ]
    listed = resolve(undecided).stdout
    assert listed.startswith("mini: 6 open for 5 students\n")
    assert "`mini old.ipynb` and `mini final.ipynb` differ" in listed
    assert "no file is this notebook (`mini.pdf` is a PDF)" in listed
    assert "cell 4: numbers = {'a': 42}" in listed
    commands = [line.strip() for line in listed.splitlines() if line.strip().startswith("nbseal resolve mini ")]
    assert [shlex.split(line) for line in commands] == [
        [*choice.command, "--course", str(undecided)] for case in found.cases for choice in case.choices
    ]
    assert json.loads(resolve(undecided, "--json").stdout) == json.loads(json.dumps(found.to_dict()))
    assert resolve(undecided, "as asked").stdout == "mini: nothing is open for as asked\n"


@pytest.mark.parametrize("student", ["-ann", "--help", "o'hara $HOME", "eve\x1b[1m"])
def test_every_command_that_is_printed_works(tmp_path: Path, student: str) -> None:
    """Ids and names of files may begin with hyphens, or hold what a shell would obey: the commands work as pasted."""
    root = make_course(tmp_path / "course", grader=None)
    solved(root, student, "--file.ipynb")
    content = (root / "submitted" / student / "mini" / "--file.ipynb").read_bytes()
    write(root, student, {"-c `x` mini.ipynb": content.replace(b"answer = 42", b"answer = 7")})
    (root / "submitted" / student / "mini" / "timestamp.txt").write_text("04.05.2026 20:30")
    grade(root)
    printed = [line.strip() for line in resolve(root).stdout.splitlines() if line.strip().startswith("nbseal ")]
    files, times = printed[:2], printed[2:]
    for line in (*files, times[0].replace("YYYY-MM-DD HH:MM", "2026-05-04 20:30")):
        words = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
        name, *arguments = words.decode().split("\0")[:-1]
        done = CliRunner().invoke(app, arguments)
        assert (name, done.exit_code) == ("nbseal", 0), done.output
    assert "nothing is open" in resolve(root).stdout
    written = (root / ".nbseal" / "decisions" / "mini.json").read_text()
    assert {one["kind"] for one in json.loads(written)["decisions"]} == {"file", "time"}


def test_what_many_have_open_for_one_reason_is_listed_once(undecided: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hidden test that fails itself leaves the same open for a whole class: one paragraph, and one command."""
    found = standing(Course(undecided), "mini")
    one = replace(found.cases[0], choices=(Choice(("nbseal", "grade", "mini"), "fix the hidden test and grade again"),))
    many = replace(found, cases=tuple(replace(one, student=str(number)) for number in range(9)))
    monkeypatch.setattr("nbseal.resolve.standing", lambda *_: many)
    listed = resolve(undecided).stdout
    assert "\n0, 1, 2, 3, 4 and 4 more: number (2 points)\n" in listed
    assert listed.count("nbseal grade mini") == 1


def test_one_command_settles_and_grades(copy: Path) -> None:
    """A command as it was listed records the decision, grades the student, and leaves nothing of theirs open."""
    (case,) = standing(Course(copy), "mini", "file").cases
    done = CliRunner().invoke(app, [*case.choices[0].command[1:], "--reason", "by mail", "--course", str(copy)])
    assert done.exit_code == 0, done.output
    sentence, turn, total = done.stdout.splitlines()
    assert re.fullmatch(
        r"`mini final\.ipynb` counts as mini\.ipynb: decided by ann, \d{4}-\d\d-\d\d \d\d:\d\d UTC \(by mail\)",
        sentence,
    )
    assert turn.startswith("file: 7/7 (")
    assert total.startswith("mini: 1 graded in ")
    listed = resolve(copy, "file").stdout
    assert listed.startswith("mini: nothing is open for file\n")
    assert f"  file: {sentence}\n" in listed
    partly = resolve(copy, "cell", "--question", "number", "--points", "2").stdout
    assert "still open:" in partly
    assert "nbseal resolve mini cell --question plain --cell 6" in partly


def test_each_decision_makes_the_mark(decided: tuple[Path, ClassResult]) -> None:
    """Marks are those of the file, cell, points and nothing that were decided; others aren't graded again."""
    root, result = decided
    assert marks(result) == MARKS
    assert {one.student for one in result.done if one.unchanged} == {"as asked", "time"}
    for student, said in SAID.items():
        (decision,) = cards(result)[student].decisions
        assert decision.startswith(said)
    nothing = cards(result)["nothing"].question("number")
    assert (nothing.status, nothing.tests[0].name) == (Status.GRADED, BY_A_PERSON)
    assert cards(result)["as asked"].decisions == ()
    compared = {one.question: one.source for one in read_answers(Course(root), "mini").answers if one.student == "cell"}
    assert compared["number-answer"] == OWN_CELLS[1]["source"]


def test_a_decided_time_counts_for_the_late_penalty(decided: tuple[Path, ClassResult]) -> None:
    """The time is in the course's zone, and takes the place of the stamp that nobody can read."""
    root, _ = decided
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        assert gradebook.find_submission("mini", "time").timestamp == datetime(2026, 5, 4, 18, 30)
    late = decide(Course(root), "mini", "time", Answer(time="2026-05-04 22:30 CEST"))
    assert late.what == "handed in at 2026-05-04 20:30:00 UTC"
    (done,) = grade_class(Course(root), "mini", ClassOptions(["time"])).done
    assert done_line(done) == "time: 7/7 (unchanged, but its time or due date is another one: 7 off for being late)"
    assert (done.unchanged, done.renewed, done.scorecard.decisions) == (True, True, (late.sentence,))
    assert read_marks(Course(root), "mini").by_student["time"].score == 0.0
    decide(Course(root), "mini", "time", ANSWERS["time"])
    grade(root)


def test_both_faces_give_the_same_marks_again_and_again(
    decided: tuple[Path, ClassResult], settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions hold in nbgrader autograde, in forced regrades, and for what the formgrader lists."""
    root, _ = decided
    exit_code, said = give("autograde", "mini", "--force", cwd=settled)
    assert exit_code == 0, said[-3000:]
    assert "counts as on time" not in said
    assert "No submitted file" not in said
    assert grades(settled, "mini") == grades(root, "mini")
    assert marks(grade(settled)) == MARKS
    again = grade(settled, force=True)
    assert marks(again) == MARKS
    assert grades(settled, "mini") == grades(root, "mini")
    monkeypatch.setattr(NbGraderAPI, "get_submitted_timestamp", NbGraderAPI.get_submitted_timestamp)  # put back after
    load_config(settled)
    from nbseal.gradebook.formgrader import read_times_as_recorded

    read_times_as_recorded()
    course = Course(settled)
    shown = NbGraderAPI(course.coursedir, config=course.config).get_submissions("mini")
    assert {one["student"]: one["autograded"] for one in shown} == dict.fromkeys(MARKS, True)


def test_what_was_decided_is_shown(decided: tuple[Path, ClassResult]) -> None:
    """Scorecard, lost marks, report and export say or know it; nothing else is said to be open."""
    root, result = decided
    found = cards(result)
    assert f"  = {found['file'].decisions[0]}" in scorecard_text(found["file"])
    lost = list(lost_marks(result.scorecards))
    assert f"points · double 1.5/4: {BY_A_PERSON}" in lost
    assert f"time · {found['time'].decisions[0]}" in lost
    assert "1 not judged completely: a person must look (nbseal resolve mini)" in summary("mini", result)
    assert "unclear time" not in summary("mini", result)
    report = collect(Course(root), "mini", anonymous=True)
    page = report_page(report, anonymous=True)
    assert "Decided by a person" in page
    assert "counts as mini.ipynb: decided by ann" in page
    assert report.mistakes == ()
    exported = read_marks(Course(root), "mini")
    assert {name for name, mark in exported.by_student.items() if mark.score is None} == {"points"}
    assert exported.by_student["points"].reason == "not judged: number, plain"
    assert exported.unclear_times == ()
    assert found["nothing"].problems == ()


def test_another_submission_is_another_question(settled: Path) -> None:
    """What was decided isn't applied to what is handed in later, as the list says, and is if the first comes back."""
    folder = settled / "submitted" / "nothing" / "mini"
    (folder / "more.txt").write_text("Sorry, here it is.")
    listed = resolve(settled, "nothing").stdout
    assert (
        "Decided about an earlier submission, and not applied to this one:\n  nothing: double, number, plain" in listed
    )
    result = grade(settled)
    assert {one.student for one in result.done if not one.unchanged} == {"nothing"}
    assert marks(result)["nothing"] == dict.fromkeys(FULL)
    assert cards(result)["nothing"].decisions == ()
    assert standing(Course(settled), "mini", "nothing").cases
    (folder / "more.txt").unlink()
    assert marks(grade(settled)) == MARKS


def test_decisions_can_be_taken_back(settled: Path) -> None:
    """For one question, or for all; the student is graded at once, as if nothing had been decided."""
    done = resolve(settled, "nothing", "--withdraw", "--question", "plain")
    assert done.exit_code == 0, done.output
    assert "taken back: plain counts as nothing" in done.stdout
    for student in ("nothing", "time", "file"):
        for one in take_back(Course(settled), "mini", student):
            assert one.student == student
    result = grade(settled)
    assert marks(result)["nothing"] == marks(result)["file"] == dict.fromkeys(FULL)
    assert cards(result)["time"].has_unclear_time
    assert {name for name, card in cards(result).items() if card.decisions} == {"cell", "points"}
    with pytest.raises(CourseError, match="nothing was decided"):
        take_back(Course(settled), "mini", "nothing")


def test_a_mark_of_the_formgrader_goes_before(settled: Path) -> None:
    """A question that a person has marked there isn't open, and keeps that mark."""
    with Gradebook(f"sqlite:///{settled}/gradebook.db") as gradebook:
        gradebook.find_grade("number", "mini", "mini", "points").manual_score = 2.0
        gradebook.db.commit()
    (case,) = standing(Course(settled), "mini", "points").cases
    assert case.points == {"plain": 1.0}
    with pytest.raises(CourseError, match="number of points is not open, it has a person's mark"):
        decide(Course(settled), "mini", "points", Answer(question="number", points=1.0))


def test_what_a_person_has_settled_is_counted_no_more(settled: Path) -> None:
    """After marks in the formgrader and --nothing for the rest, nothing waits; a part that is nothing is no sum."""
    course = Course(settled)
    assert "points: not judged (" in resolve(settled, "points", "--question", "double", "--points", "0").stdout
    with Gradebook(f"sqlite:///{settled}/gradebook.db") as gradebook:
        gradebook.find_grade("number", "mini", "mini", "points").manual_score = 2.0
        gradebook.db.commit()
    said = resolve(settled, "points", "--nothing").stdout
    assert "points: 2/7 (" in said
    assert "still open" not in said
    result = grade(settled)
    assert "not judged" not in summary("mini", result)
    assert course.students("mini") == [card.student for card in result.standings]
    assert [card.question("number").score for card in result.scorecards if card.student == "points"] == [None]


REFUSED = {
    "a student who isn't there": ("nobody", Answer(nothing=True), "no student called 'nobody'"),
    "a file that isn't there": ("file", Answer(file="x.ipynb"), r"has no file x\.ipynb"),
    "a file that is no notebook": ("points", Answer(file="mini.pdf"), r"it can't be taken: mini\.pdf is a PDF"),
    "another notebook": ("file", Answer(file="mini old.ipynb", notebook="maxi"), "has no notebook maxi: it has mini"),
    "a question that isn't there": ("points", Answer(question="duble", points=1), "did you mean double"),
    "too many points": ("points", Answer(question="double", points=4.5), "double gives 0 to 4 points, and not 4.5"),
    "points that are no number": ("points", Answer(question="double", points=float("nan")), "0 to 4 points"),
    "a mark that was made": ("time", Answer(question="double", points=1), "double of time is not open, it has 4 of 4"),
    "nothing where nothing is open": ("as asked", Answer(nothing=True), "no question of as asked is open"),
    "a cell that isn't there": ("cell", Answer(question="number", cell=8), "has cells 1 to 7, and no cell 8"),
    "a cell of no notebook": ("points", Answer(question="number", cell=1), "decide that first, with --file"),
    "a time that can't be told": ("time", Answer(time="04.05.2026"), "a date is read only as year-month-day"),
    "a time that is to come": ("time", Answer(time="2099-05-04 20:30"), "still to come"),
    "a time that is clear": ("as asked", Answer(time="2026-05-04 20:30"), "there is nothing to decide"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(undecided: Path, name: str) -> None:
    """The error says what is wrong, and nothing is recorded."""
    student, answer, words = REFUSED[name]
    with pytest.raises(CourseError, match=words):
        decide(Course(undecided), "mini", student, answer)
    assert not (undecided / ".nbseal" / "decisions").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["file", "--nothing", "--points", "1"], "one at a time: --points or --nothing"),
        (["file", "--points", "1"], "--points needs --question ID"),
        (["file", "--question", "double"], "what is decided?"),
        (["--nothing"], "whose?"),
        (["file", "--file", "x", "--question", "double"], "leave --question out"),
        (["file", "--nothing", "--notebook", "mini"], "--notebook belongs to --file"),
    ],
)
def test_options_that_do_not_belong_together_are_wrong_usage(undecided: Path, arguments: list[str], words: str) -> None:
    """Nobody's mark hangs on which of two options is looked at first."""
    done = resolve(undecided, *arguments)
    assert done.exit_code == 2
    assert words in done.output


def test_who_was_not_graded_or_handed_in_again_is_graded_first(copy: Path) -> None:
    """A decision is about a submission whose marks a person has seen."""
    hand_in(copy, "new")
    write(copy, "nothing", {"more.txt": b"Sorry"})
    for student, words in (("new", "has not been graded yet"), ("nothing", "again since it was graded")):
        with pytest.raises(CourseError, match=f"{words}: run nbseal grade mini --student {student}"):
            decide(Course(copy), "mini", student, Answer(nothing=True))
    listed = resolve(copy).stdout
    assert "not graded yet: new. First: nbseal grade mini " in listed
    assert "handed in again since grading: nothing. First: nbseal grade mini " in listed


def test_an_assignment_of_several_notebooks(tmp_path: Path) -> None:
    """A file is said to be one of them; points for another one stay, even if no file is left that it could be."""
    root = make_course(tmp_path / "course", grader=None)
    second = [code("s", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", solution=True)]
    second += [code("x", "assert x", grade=True, locked=True, points=3)]
    (root / "source" / "mini" / "second.ipynb").write_text(json.dumps(notebook(second)))
    write(root, "ada", {"odd.ipynb": json.dumps(notebook([code("own", "x = 1")])).encode()})
    assert marks(grade(root)) == {"ada": dict.fromkeys([*FULL, "x"])}
    commands = {case.about: case.choices[0].command for case in standing(Course(root), "mini").cases}
    assert commands["second.ipynb"][4:] == ("--file", "odd.ipynb", "--notebook", "second")
    with pytest.raises(CourseError, match=r"say which notebook odd\.ipynb is: --notebook mini or --notebook second"):
        decide(Course(root), "mini", "ada", Answer(file="odd.ipynb"))
    for question in FULL:
        decide(Course(root), "mini", "ada", Answer(question=question, points=1))
    grade(root)
    path = root / "submitted" / "ada" / "mini" / "odd.ipynb"
    decide(Course(root), "mini", "ada", Answer(file=str(path), notebook="second.ipynb"))
    result = grade(root)
    assert marks(result) == {"ada": {**dict.fromkeys(FULL, 1.0), "x": 3.0}}
    assert read_marks(Course(root), "mini").by_student["ada"].score == 6.0
    assert not any("not judged" in problem or "submitted" in problem for problem in cards(result)["ada"].problems)


def test_a_damaged_file_stops_grading_before_anybody(settled: Path) -> None:
    """As long as nobody can tell what was decided, nobody gets another mark."""
    (settled / ".nbseal" / "decisions" / "mini.json").write_text("{")
    before = grades(settled, "mini")
    with pytest.raises(CourseError, match=r"mini\.json is damaged"):
        grade(settled, force=True)
    assert grades(settled, "mini") == before


def test_an_archive_is_not_taken_for_the_file_in_it(tmp_path: Path) -> None:
    """Whoever names a zip is told which files it holds; one of these is taken."""
    root = make_course(tmp_path / "course", grader=None)
    path = hand_in(root, "ada")
    with zipfile.ZipFile(path.with_name("w.zip"), "w") as archive:
        archive.write(path, "a.ipynb")
        archive.writestr("b.ipynb", path.read_bytes().replace(b"answer = 42", b"answer = 7"))
    path.unlink()
    grade(root)
    with pytest.raises(
        CourseError, match=r"w\.zip is an archive: say which file .* There is w\.zip/a\.ipynb, w\.zip/b"
    ):
        decide(Course(root), "mini", "ada", Answer(file="w.zip"))
    decide(Course(root), "mini", "ada", Answer(file="w.zip/a.ipynb"))
    assert marks(grade(root))["ada"] == FULL
