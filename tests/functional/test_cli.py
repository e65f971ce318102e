"""The command line: what it prints and where, its exit codes, and that every error is one line with the mend."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from nbseal import cli
from nbseal.course import Seal
from nbseal.gradebook.mark_output import feedback_html
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from nbseal.sandbox.launch import Launched
from nbseal.terminal import print_table, scorecard_text
from nbseal.text import without_controls
from tests.courses import (
    adopting_orphans,
    command,
    end,
    engine_processes,
    environment,
    heed_interrupts,
    run,
    wait_until,
)
from tests.mini import GRADER, hand_in, make_course, mini_cells

COMMANDS = (
    "build",
    "grade",
    "check",
    "doctor",
    "lint",
    "queue",
    "report",
    "resolve",
    "similarity",
    "feedback",
    "watch",
)
TEXT = {
    "build": ["mini"],
    "check": ["submitted/ada/mini/mini.ipynb"],
    "doctor": [],
    "feedback": ["mini"],
    "grade": ["mini"],
    "lint": [],
    "resolve": ["mini"],
}
PAGES = {"report": ["mini"], "similarity": ["mini"]}
WRONG = {"number_answer": "answer = 41"}
FORCED_COLOUR = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "COLUMNS", "TERM", "NO_COLOR")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests changes what is printed."""
    for name in FORCED_COLOUR:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nbseal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    """Gives a command in this process; its output, its complaints and its exit code."""

    def give(*arguments: str | Path) -> SimpleNamespace:
        monkeypatch.setattr("sys.argv", ["nbseal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    return give


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with three submissions, already graded once."""
    folder = make_course(tmp_path_factory.mktemp("cli") / "course")
    hand_in(folder, "ada")
    hand_in(folder, "alan", **WRONG)
    hand_in(folder, "grace", double_answer="def double(x):\n    raise ValueError('[red]\\x1b[31m evil\\nada')")
    done = run("nbseal", "grade", "mini", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert sorted(re.sub(r"\(.*\)", "", line).strip() for line in done.stdout.splitlines()[:-1]) == [
        "ada: 7/7", "alan: 5/7", "grace: 3/7",
    ]  # fmt: skip
    return folder


def one_line(text: str) -> str:
    """The one line that was printed."""
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text[:-1]


def test_a_pipe_gets_plain_lines_and_no_escape_codes(root: Path) -> None:
    """Not on a terminal: a line for each student, one summary, notes on the other stream, nothing else."""
    done = run("nbseal", "grade", "mini", "--force", "--verbose", cwd=root)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "mini: 3 graded in" in done.stdout.splitlines()[-1]
    assert one_line(done.stderr).startswith("note: mini: no hidden tests for plain")


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_stop_nothing(tmp_path: Path, closed: str) -> None:
    """A scheduler that gives a command no streams gets its marks all the same."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    words = " ".join(command("nbseal", "grade", "mini", "--json", "--output", "cards.json"))
    done = subprocess.run(["bash", "-c", f"{words} {closed}"], cwd=root, env=environment(), check=False, timeout=60)
    assert done.returncode == 0
    assert json.loads((root / "cards.json").read_text())[0]["score"] == 7


def test_verbose_shows_a_table_and_why_marks_were_lost(nbseal, root: Path) -> None:
    """A row a student, a line for each question that lost marks, and nothing of a student's that a terminal obeys."""
    done = nbseal("grade", "mini", "--verbose", "-c", root)
    table = [line.split() for line in done.out.splitlines()]
    assert ["ada", "4", "2", "1", "7"] in [[word for word in words if word not in "│┃"] for words in table]
    lost = [line for line in done.out.splitlines() if " · " in line]
    assert len(lost) == 2
    assert lost[0] == "alan · number 0/2: Look again: it is not 42."
    assert lost[1].startswith("grace · double 0/4: ")
    assert "[red]" in lost[1]
    assert "\x1b" not in done.out


def test_a_wide_table_is_not_cut_in_a_pipe(nbseal, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no terminal, no column is squeezed to the width of one."""
    monkeypatch.setenv("COLUMNS", "20")
    done = nbseal("grade", "mini", "--verbose", "-c", root)
    header = next(line for line in done.out.splitlines() if "double" in line)
    assert "number" in header
    assert "total" in header


def test_a_second_run_says_that_there_is_nothing_to_do(nbseal, root: Path) -> None:
    """Unchanged submissions aren't graded again; --force grades them."""
    again = nbseal("grade", "mini", "-c", root)
    assert again.code == 0
    assert again.out.count("(unchanged)") == 3
    assert "0 graded" in again.out
    assert "nothing to regrade" in again.out
    forced = nbseal("grade", "mini", "--force", "--jobs", "1", "-c", root)
    assert "(unchanged)" not in forced.out
    assert "3 graded" in forced.out


def test_single_students_can_be_named(nbseal, root: Path) -> None:
    """--student can be given more than once, and nobody else is graded."""
    done = nbseal("grade", "mini", "--student", "ada", "--student", "grace", "-c", root)
    assert sorted(line.split(":")[0] for line in done.out.splitlines()) == ["ada", "grace", "mini"]


def test_scorecards_are_written_as_json(nbseal, root: Path, tmp_path: Path) -> None:
    """The file holds every scorecard of the run in the published form, each in a line of its own."""
    file = tmp_path / "cards.json"
    assert nbseal("grade", "mini", "--json", "--output", file, "-c", root).code == 0
    first, *lines, last = file.read_text("utf-8").splitlines()
    cards = [Scorecard.from_dict(json.loads(line.removesuffix(","))) for line in lines]
    assert (first, last) == ("[", "]")
    assert {card.student: card.score for card in cards} == {"ada": 7.0, "alan": 5.0, "grace": 3.0}
    assert cards[1].question("number").tests[0].message == "Look again: it is not 42."


@pytest.mark.parametrize("name", [*TEXT, *PAGES])
def test_json_goes_to_standard_output_or_to_a_file(
    nbseal, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With --json standard output is JSON and nothing else; with --output it is empty, and the file holds the JSON."""
    monkeypatch.chdir(root)
    words, file = [name, *(TEXT | PAGES)[name], "--json"], tmp_path / "result.json"
    printed = nbseal(*words)
    written = nbseal(*words, "--output", file)
    assert written.out == ""
    assert type(json.loads(printed.out)) is type(json.loads(file.read_text("utf-8")))
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize("name", [*TEXT, *PAGES])
def test_a_file_that_can_not_be_written_is_told_before_the_work(nbseal, root: Path, name: str) -> None:
    """JSON for a folder that doesn't exist is wrong usage, and nobody waits for that news."""
    done = nbseal(name, *(TEXT | PAGES)[name], "--json", "-o", "/nowhere/cards.json", "-c", root)
    assert done.code == 2
    assert done.out == ""
    assert "--output: the folder /nowhere doesn't exist" in done.err


@pytest.mark.parametrize("name", TEXT)
def test_text_is_not_written_to_a_file(nbseal, root: Path, tmp_path: Path, name: str) -> None:
    """--output without --json is wrong usage where the result is text, so that nobody looks for a file in vain."""
    done = nbseal(name, *TEXT[name], "-o", tmp_path / "file", "-c", root)
    assert done.code == 2
    assert "give --json, too" in done.err


def test_check_shows_every_test_and_leaves_no_gradebook(nbseal, tmp_path: Path) -> None:
    """One notebook's scorecard, as text and as JSON; nothing is recorded."""
    root = make_course(tmp_path / "course")
    path = hand_in(root, "alan", **WRONG)
    text = nbseal("check", path, "-c", root)
    assert text.code == 0
    assert text.out.startswith("mini: 5 of 7 (seal: ")
    assert "    ✓ It doubles a number.\n" in text.out
    assert "    ✗ The number is 42.\n      Look again: it is not 42.\n" in text.out
    data = json.loads(nbseal("check", path, "--json", "-c", root).out)
    assert Scorecard.from_dict(data).score == 5.0
    assert not (root / "gradebook.db").exists()
    assert not (root / "autograded").exists()


def test_check_finds_the_assignment_under_any_name(nbseal, root: Path, tmp_path: Path) -> None:
    """A copy under another name is known by its questions; what has none of them is never a zero."""
    copy = tmp_path / "mini (1).ipynb"
    copy.write_bytes((root / "submitted" / "ada" / "mini" / "mini.ipynb").read_bytes())
    assert nbseal("check", copy, "-c", root).out.startswith("mini: 7 of 7 ")
    copy.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', encoding="utf-8")
    strange = nbseal("check", copy, "-c", root)
    assert strange.code == 1
    assert one_line(strange.err).endswith("name the assignment with --assignment (known: mini).")
    assert nbseal("check", copy, "-a", "mini", "-c", root).out.startswith("mini: not judged (")


def test_doctor_tells_levels_limits_and_versions(nbseal, root: Path) -> None:
    """Text for people, JSON for programs, with the same findings and every limit."""
    text = nbseal("doctor", "-c", root)
    data = json.loads(nbseal("doctor", "--json", "-c", root).out)
    assert text.code == 0
    assert data["Seal"]["level"].startswith(("namespaces", "landlock"))
    assert data["Versions"]["nbgrader"].startswith("0.9")
    assert data["Course"]["assignments"] == "mini"
    for title, findings in data.items():
        assert f"{title}\n" in text.out
        for name, value in findings.items():
            assert f"  {name}: {value}\n" in text.out
    for name in Seal.class_trait_names(config=True):
        assert f"  {name}: " in text.out


@pytest.mark.parametrize("address", ["sqlite:///marks.db", "sqlite:///{root}/marks.db"])
@pytest.mark.parametrize("there", [True, False])
def test_doctor_finds_the_gradebook_from_anywhere(nbseal, tmp_path: Path, address: str, there: bool) -> None:
    """A relative address starts at the course's folder, wherever the command is given."""
    settings = f"c = get_config()\nc.CourseDirectory.db_url = {address.format(root=tmp_path)!r}\n"
    (tmp_path / "nbgrader_config.py").write_text(settings)
    if there:
        (tmp_path / "marks.db").touch()
    said = json.loads(nbseal("doctor", "--json", "-c", tmp_path).out)["Course"]["gradebook"]
    assert said.startswith(f"sqlite:///{tmp_path}/marks.db (")
    assert said.endswith("(exists)" if there else "(not made yet: nbseal build makes it)")


def test_doctor_shows_no_password(nbseal, tmp_path: Path) -> None:
    """What is printed about a database server may be shown to others."""
    settings = "c = get_config()\nc.CourseDirectory.db_url = 'postgresql+psycopg://me:hidden@db.example.org/marks'\n"
    (tmp_path / "nbgrader_config.py").write_text(settings)
    done = nbseal("doctor", "-c", tmp_path)
    assert "postgresql+psycopg://me:***@db.example.org/marks (" in done.out
    assert "hidden@" not in done.out


def test_doctor_names_what_is_wrong_with_a_course(nbseal, tmp_path: Path) -> None:
    """Settings that can't be loaded don't keep the rest from being told."""
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Seal.memory_mib = = 3\n")
    done = nbseal("doctor", "-c", tmp_path)
    assert "Versions" in done.out
    assert "nbgrader_config.py can't be loaded: SyntaxError" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(nbseal, name: str) -> None:
    """--help explains all options and ends with an example."""
    done = nbseal(name, "--help")
    assert done.code == 0
    assert re.search(rf"Example: nbseal {name} ?", done.out)
    assert "--course" in done.out


def test_help_lists_every_command(nbseal) -> None:
    """The overview names the commands; the version can be asked for."""
    done = nbseal("--help")
    assert all(re.search(rf"\b{name}\b", done.out) for name in COMMANDS)
    assert re.fullmatch(r"nbseal \d+\.\d+\.\d+\S*\n", nbseal("--version").out)


def test_the_overview_tells_the_exit_codes(nbseal) -> None:
    """What a script must know stands at the end of the overview."""
    text = " ".join(nbseal("--help").out.split())
    assert "Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, 3 done but some marks" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [("nbseal rep", {"report"}), ("nbseal grade m", {"mini"}), ("nbseal grade mini --student a", {"ada", "alan"})],
)
def test_the_shell_completes_commands_assignments_and_students(root: Path, words: str, expected: set[str]) -> None:
    """What completion scripts ask for is answered without loading the course's settings."""
    count = str(len(words.split()) - 1)
    completing = {"_NBSEAL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    done = subprocess.run(["nbseal"], cwd=root, env=environment(**completing), capture_output=True, text=True)
    assert set(done.stdout.split()) == {f"plain,{name}" for name in expected}


@pytest.mark.parametrize("asked", [True, False])
def test_colours_are_off_when_asked(root: Path, asked: bool) -> None:
    """On a terminal help has colours, with NO_COLOR it has none."""
    more = {"NO_COLOR": "1"} if asked else {}
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb") as terminal:
        process = subprocess.Popen(
            command("nbseal", "report", "--help"), cwd=root, env=environment(TERM="xterm-256color", **more),
            stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while chunk := _read(terminal.fileno()):
            shown += chunk
        assert process.wait(30) == 0
    colours = re.findall(rb"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;[\d;]+)m", shown)
    assert bool(colours) is not asked


def _read(descriptor: int) -> bytes:
    """What comes next; nothing when the other side has hung up."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def test_progress_goes_to_the_other_stream_with_json(nbseal, root: Path) -> None:
    """With --json the lines for people are on standard error."""
    done = nbseal("grade", "mini", "--json", "-c", root)
    assert [card["student"] for card in json.loads(done.out)] == ["ada", "alan", "grace"]
    assert "mini: 0 graded" in done.err


def test_the_report_is_a_page_or_json(nbseal, root: Path, tmp_path: Path) -> None:
    """A page for its owner alone, the same numbers as JSON, and names or pseudonyms as asked."""
    page = tmp_path / "folder" / "page.html"
    assert nbseal("report", "mini", "-o", page, "-c", root).out == f"mini: 3 submissions in {page}\n"
    assert page.stat().st_mode & 0o777 == 0o600
    assert "alan" in page.read_text("utf-8")
    data = json.loads(nbseal("report", "mini", "--json", "--anonymous", "-c", root).out)
    assert [mistake["message"] for mistake in data["mistakes"]][1:] == ["Look again: it is not 42."]
    assert data["measured"] == {"the answer": [41.0, 42.0, 42.0]}
    assert all(one["student"].startswith("student-") for one in data["students"])
    assert sorted(one["score"] for one in data["students"]) == [3.0, 5.0, 7.0]


def test_alike_answers_as_a_page_or_json(nbseal, root: Path) -> None:
    """The page lies in reports/ unless a file is named."""
    text = nbseal("similarity", "mini", "-c", root).out
    assert (root / "reports" / "mini-similarity.html").is_file()
    assert "pairs to look at in" in text
    data = json.loads(nbseal("similarity", "mini", "--json", "--threshold", "0.9", "-c", root).out)
    assert data["threshold"] == 0.9
    assert data["students"] == 3


BROKEN_GRADER = GRADER + '\n@pytest.mark.question("trouble")\ndef test_t(student):\n    """A line."""\n'
ERRORS = {
    "nothing graded": (["report", "mini"], "nothing of mini has been graded yet: run nbseal grade mini first"),
    "unknown assignment": (["grade", "mimi"], "no assignment called 'mimi': did you mean mini?"),
    "unknown student": (["grade", "mini", "--student", "adda"], "no student called 'adda': did you mean ada?"),
    "nothing submitted": (["grade", "mini"], "no submissions of mini in .*: collect them first"),
    "broken settings": (["grade", "mini"], "nbgrader_config.py can't be loaded: NameError: .*'this'"),
    "wrong setting": (["grade", "mini"], "a setting in nbgrader_config.py doesn't fit: .*cell_seconds"),
    "grader that doesn't fit": (["grade", "mini"], "test_mini.py has hidden tests for 'trouble'.*no such question"),
    "no such folder": (["grade", "mini", "-c", "/nowhere"], "/nowhere is not a folder: give the course's folder"),
    "no such notebook": (["check", "no.ipynb"], "no.ipynb doesn't exist: give the notebook"),
    "damaged gradebook": (["grade", "mini"], "gradebook.db: the gradebook is damaged; put a backup copy"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_is_one_line_with_cause_and_mend(what: str, tmp_path: Path) -> None:
    """What the instructor can mend is one line on stderr and exit code 1, without a traceback."""
    root = make_course(tmp_path / "course", BROKEN_GRADER if what == "grader that doesn't fit" else GRADER)
    if what == "nothing submitted":
        (root / "submitted").mkdir()
    else:
        hand_in(root, "ada")
    if what == "broken settings":
        (root / "nbgrader_config.py").write_text("c = get_config()\nc.Seal.memory_mib = this\n")
    if what == "wrong setting":
        (root / "nbgrader_config.py").write_text("c = get_config()\nc.Seal.cell_seconds = 'ten'\n")
    if what == "damaged gradebook":
        (root / "gradebook.db").write_bytes(b"not a database" * 100)
    arguments, words = ERRORS[what]
    done = run("nbseal", *arguments, cwd=root)
    assert done.returncode == 1
    assert done.stdout == ""
    line = one_line(done.stderr)
    assert line.startswith("nbseal: ")
    assert re.search(words, line), line
    assert not (root / "autograded").exists()


@pytest.mark.parametrize(("name", "said"), [("", "a file's name is wanted"), (".", "is a directory")])
@pytest.mark.parametrize("words", [("grade", "mini"), ("compare", "mini"), ("verify",)], ids=" ".join)
def test_a_page_that_can_not_be_written_is_refused_before_the_work(
    nbseal, words: tuple[str, ...], name: str, said: str
) -> None:
    """A folder, or no name at all, is wrong usage, and nothing was graded for it."""
    done = nbseal(*words, "--html", name)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    "arguments",
    [["grade"], ["grade", "mini", "--jobs", "0"], ["grade", "mini", "--fast"], ["check"], ["greade"], []],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(nbseal, arguments: list[str]) -> None:
    """A wrong option or a missing argument is told with how to get help."""
    done = nbseal(*arguments)
    assert done.code == 2
    assert "Usage:" in done.out + done.err


def test_marks_that_can_not_be_recorded_are_exit_code_3(nbseal, tmp_path: Path) -> None:
    """One student's trouble is named on stderr with the mend; the others are recorded, and the next run goes on."""
    root = make_course(tmp_path / "course")
    for student in ("ada", "alan"):
        hand_in(root, student)
    (root / "autograded").mkdir()
    (root / "autograded" / "ada").write_text("in the way")
    done = nbseal("grade", "mini", "-c", root)
    assert done.code == 3
    trouble = next(line for line in done.err.splitlines() if line.startswith("not recorded: "))
    assert trouble.startswith("not recorded: ada: ")
    assert "autograded/ada" in trouble
    assert "run again" in trouble
    (root / "autograded" / "ada").unlink()
    again = nbseal("grade", "mini", "-c", root)
    assert again.code == 0
    assert "alan: 7/7 (unchanged)" in again.out
    assert "1 graded" in again.out


def test_the_course_can_be_elsewhere(root: Path, tmp_path: Path) -> None:
    """With --course everything is read and written there, and nothing where the command was given."""
    here = tmp_path / "elsewhere"
    here.mkdir()
    done = run("nbseal", "grade", "mini", "--course", os.path.relpath(root, here), cwd=here)
    assert done.returncode == 0, done.stderr
    assert list(here.iterdir()) == []


def test_no_compiled_module_is_left_in_a_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graders and helpers of a course are imported without a trace, whatever Python is told about bytecode."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    root = make_course(tmp_path / "course")
    (root / "source" / "mini" / "helper.py").write_text("HELP = 42\n")
    (root / "graders" / "conftest.py").write_text("# nothing\n")
    path = hand_in(root, "ada", number_answer="from helper import HELP\nanswer = HELP")
    done = run("nbseal", "check", path, "-a", "mini", cwd=root)
    assert done.stdout.startswith("mini: 7 of 7"), done.stdout + done.stderr
    assert not list(root.rglob("__pycache__"))


@pytest.mark.parametrize("whole_group", [True, False], ids=["Ctrl-C", "kill -INT"])
def test_an_interrupted_run_leaves_no_process_behind(whole_group: bool, tmp_path: Path) -> None:
    """Ctrl-C ends everything with exit code 130 and begins nothing more; what was recorded stays for the next run."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    for number in range(6):
        hand_in(root, f"slow{number}", number_answer="import time\ntime.sleep(1.5)\nanswer = 42")
    others = engine_processes()
    grade = command("nbseal", "grade", "mini", "--jobs", "2")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with adopting_orphans():
        process = subprocess.Popen(
            grade, cwd=root, env=environment(), start_new_session=True, preexec_fn=heed_interrupts, **pipes
        )
        try:
            assert process.stdout.readline().startswith("ada: 7/7")
            (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
            assert wait_until(lambda: engine_processes() <= others, seconds=30)
        finally:
            end(process)
    assert process.returncode == 130
    assert out.count("slow") <= 2  # what two jobs had in work
    assert one_line(err) == "nbseal: stopped. What is recorded is kept, and the next run continues from there."
    again = run("nbseal", "grade", "mini", "--student", "ada", "--student", "slow5", cwd=root)
    assert "ada: 7/7 (unchanged)" in again.stdout
    assert "slow5: 7/7" in again.stdout


def test_helpers_that_cannot_be_started_are_explained(nbseal, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, when the process of sealed forks is to start, is one sentence."""

    def full() -> Launched:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/nbseal-run")

    monkeypatch.setattr("nbseal.sandbox.warm.launch_worker", full)
    done = nbseal("grade", "mini", "--course", root)
    assert done.code == 1
    assert one_line(done.err) == "nbseal: /tmp/nbseal-run: No space left on device; fix that and run again."
    assert "Usage" in nbseal("grade", "--help").out


def test_a_table_is_no_wider_than_its_terminal(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """With many questions and long names every mark is still there, in parts below each other."""
    questions = tuple(QuestionResult(f"cell-f2803ba7c42d03{n:02}", n / 10, 9.0, Status.GRADED) for n in range(1, 20))
    cards = [Scorecard("ps1", "ada.lovelace@example.org", "landlock", 0.1, questions)]
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    print_table("ps1", cards)
    lines = without_controls(re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)).splitlines()
    assert max(map(len, lines)) <= 60
    marks = [float(word) for line in lines if "19" in line for word in line.split() if re.fullmatch(r"[\d.]+", word)]
    assert {question.score for question in questions} <= set(marks)


def test_partial_credit_is_not_called_a_failure(nbseal, tmp_path: Path) -> None:
    """A check that gives a part of its points is told as that."""
    cells = mini_cells()
    cells[-1]["source"] = "0.5 if flag == 'half' else 1.0"
    root = make_course(tmp_path / "course", cells=cells)
    hand_in(root, "ada", plain_answer="flag = 'half'")
    done = nbseal("grade", "mini", "--verbose", "-c", root)
    assert "ada · plain 0.5/1: partial credit, by the notebook's own check" in done.out
    test = TestResult("It reads digits.", Outcome.FAILED, "It reads 98 of 100.", credit=0.5)
    shown = scorecard_text(
        Scorecard("mini", "ada", "landlock", 0.1, (QuestionResult("q", 1.0, 2.0, Status.GRADED, (test,)),))
    )
    assert "~ It reads digits." in shown
    assert "passed in part (50%):</strong> It reads digits." in feedback_html(
        QuestionResult("q", 1.0, 2.0, Status.GRADED, (test,))
    )
