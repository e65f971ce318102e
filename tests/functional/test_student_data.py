"""``nbseal student``: one student's data are exported or deleted, and nobody else's are touched."""

from __future__ import annotations

import json
import shutil
import sqlite3
import warnings
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash
from sqlalchemy.exc import SAWarning

from nbseal.cli.student import student as command
from nbseal.course import Course
from nbseal.errors import UnknownName
from nbseal.gradebook.decisions import Decision, record
from nbseal.gradebook.decisions import Kind as DecisionKind
from nbseal.gradebook.extensions import grant
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.results import Scorecard
from nbseal.student_data import deleting, find
from nbseal.watch.queue import Queue
from nbseal.watch.tasks import Kind

NAMES = ("ann", "-x", "ann b", "a", "[ann]", "Zoë")
COMMENT = "a comment about "
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def handed_in(folder: Path, student: str) -> None:
    """A submission's files."""
    folder.mkdir(parents=True)
    (folder / "part1.ipynb").write_text(f"work of {student}")
    (folder / "submission_secret.txt").write_text(f"secret of {student}")


def feedback_name(student: str) -> str:
    """What the student's released feedback is called in the exchange."""
    return f"{notebook_hash(secret=f'secret of {student}', notebook_id='part1')}.html"


@pytest.fixture
def course(released: Path, tmp_path: Path) -> Path:
    """The small course with traces of several students everywhere; one was never graded."""
    root = Path(shutil.copytree(released, tmp_path / "course"))
    exchange = tmp_path / "exchange" / "small"
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{root}/gradebook.db", "small") as gradebook:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's add_submission
        for name in NAMES:
            gradebook.add_student(name, last_name=f"last name of {name}")
            for notebook in gradebook.add_submission("ps1", name).notebooks:
                for comment in notebook.comments:
                    comment.manual_comment = COMMENT + name
        gradebook.db.commit()
    (exchange / "feedback").mkdir(parents=True)
    opened = Course(root)
    for name in NAMES:
        for kind in ("submitted", "autograded", "feedback"):
            handed_in(root / kind / name / "ps1", name)
        handed_in(exchange / "inbound" / f"{name}+ps1+2026-03-02 10:00:00.000000 UTC+abc", name)
        (exchange / "feedback" / feedback_name(name)).write_text(f"feedback of {name}")
        ledger = Ledger.of(opened, "ps1")
        ledger.announce(Entry("digest", Scorecard("ps1", name, "none", 0.1, ()), {}))
        ledger.publish(name)
        grant(opened, "ps1", name, "2027-01-01")
        Queue(opened.private).add(Kind.SUBMISSION, "ps1", name, f"identity of {name}")
        for kind in ("taken", "pages"):
            handed_in(opened.private / "watch" / kind / name / "ps1", name)
        record(opened, "ps1", Decision(name, DecisionKind.POINTS, "hash", "me", NOW, questions=("q1",), points=1.0))
    handed_in(exchange / "inbound" / "a+b+ps1+2026-03-02 10:00:00.000000 UTC+abc", "a+b")
    handed_in(root / "submitted" / "late" / "ps1", "late")
    return root


def give(course: Path, *words: str, answer: str = "") -> Result:
    """Give ``nbseal student``; errors that the command line would explain are raised."""
    result = CliRunner().invoke(command, [words[0], "--course", str(course), *words[1:]], input=answer)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def snapshot(course: Path) -> dict[str, bytes]:
    """Every file of the course and its exchange but for locks, with the gradebook as text."""
    top = course.parent
    files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    with closing(sqlite3.connect(course / "gradebook.db")) as gradebook:
        files["course/gradebook.db"] = "\n".join(sorted(gradebook.iterdump())).encode()
    return {name: content for name, content in files.items() if not name.endswith(".lock")}


def without(files: dict[str, bytes], student: str) -> dict[str, bytes]:
    """What should be left without a student of whom every file and row says whose it is."""
    changed = {}
    for name, content in files.items():
        parts = name.split("/")
        owner = parts[2] if len(parts) > 3 and parts[1] in ("submitted", "autograded", "feedback") else ""
        watched = len(parts) > 4 and parts[2] == "watch" and parts[4] == student
        own = owner == student or watched or parts[-1] in (f"{student}.json", feedback_name(student))
        if not own and not any(part.startswith(f"{student}+ps1+") for part in parts):
            changed[name] = content
    return changed


@pytest.mark.parametrize("name", NAMES)
def test_deleting_leaves_nothing_of_one_and_everything_of_the_others(course: Path, name: str):
    """Files, rows, records and copies in the exchange are gone, and every other file and row is as it was."""
    before = snapshot(course)
    done = give(course, "delete", "--yes", "--", name)
    assert done.exit_code == 0, done.output
    after = snapshot(course)
    shared = (
        "course/.nbseal/queue.sqlite",
        "course/gradebook.db",
        "course/extensions.csv",
        "course/.nbseal/decisions/ps1.json",
    )
    left = without(before, name)
    assert {key: after[key] for key in after if key not in shared} == {k: v for k, v in left.items() if k not in shared}
    with pytest.raises(UnknownName):
        find(Course(course), name)
    for other in set(NAMES) - {name}:
        data = find(Course(course), other)
        assert len(data.folders) == 5
        assert [task.identity for task in data.tasks] == [f"identity of {other}"]
        assert data.scorecards
        assert data.decisions
        assert data.extensions
        assert len(data.exchange.submissions) == len(data.exchange.feedback) == 1
        assert {row["manual_comment"] for row in data.rows["comments"]} == {COMMENT + other}
    assert not set(after["course/gradebook.db"].splitlines()) - set(before["course/gradebook.db"].splitlines())


def test_deleted_rows_are_overwritten(course: Path):
    """What was said about a deleted student can't be found in the gradebook's file."""
    said = {"gradebook.db": f"{COMMENT}Zoë".encode(), ".nbseal/queue.sqlite": "identity of Zoë".encode()}
    assert all(text in (course / file).read_bytes() for file, text in said.items())
    give(course, "delete", "Zoë", "--yes")
    assert not any(text in (course / file).read_bytes() for file, text in said.items())


def test_a_dry_run_and_a_no_delete_nothing(course: Path):
    """--dry-run lists all that would go, the question can be answered by no, and both leave everything."""
    before = snapshot(course)
    done = give(course, "delete", "ann", "--dry-run")
    assert done.exit_code == 0
    places = ["submitted/ann", "autograded/ann", "feedback/ann", "scorecards/ps1/ann.json", "inbound/ann+ps1+"]
    for part in (*places, feedback_name("ann"), "extensions.csv, line", "gradebook: 1 of student, 1 of submissions"):
        assert part in done.output
    assert "nothing was deleted" in done.output
    assert give(course, "delete", "ann", answer="n\n").exit_code == 1
    assert snapshot(course) == before


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/ps1", "ps1/../ann", "*", "an", "b", "a+"])
def test_an_unknown_student_is_refused(course: Path, name: str):
    """Who isn't there, and names that lead elsewhere, are errors that change nothing."""
    before = snapshot(course)
    for words in (["delete", "--yes"], ["export", "--output", str(course.parent / "out.zip")]):
        with pytest.raises(UnknownName, match="no student called"):
            give(course, *words, "--", name)
    assert snapshot(course) == before


@pytest.mark.parametrize("step", range(8))
def test_an_interrupted_deletion_can_be_repeated(course: Path, step: int, monkeypatch: pytest.MonkeyPatch):
    """Stopped after any step, the student is still known, and the same command finishes it."""
    removed: list[Path] = []
    remove = deleting._remove

    def stop(path: Path) -> None:
        if len(removed) == step:
            raise KeyboardInterrupt
        removed.append(path)
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(deleting, "_remove", stop)
        with pytest.raises(KeyboardInterrupt):
            deleting.delete(Course(course), find(Course(course), "ann"))
    assert find(Course(course), "ann").rows["student"]
    assert give(course, "delete", "ann", "--yes").exit_code == 0
    with pytest.raises(UnknownName):
        find(Course(course), "ann")


def test_who_was_never_graded_is_deleted_too(course: Path):
    """A folder in submitted/ is enough to be known, and links and closed folders don't stop its deletion."""
    folder = course / "submitted" / "late" / "ps1"
    (folder / "closed").mkdir()
    (folder / "closed" / "file").write_text("")
    (folder / "closed").chmod(0o500)
    (folder / "link").symlink_to(course / "submitted" / "ann")
    assert give(course, "delete", "late", "--yes").exit_code == 0
    assert not folder.parent.exists()
    assert (course / "submitted" / "ann" / "ps1" / "part1.ipynb").exists()


def test_an_export_has_everything_and_nothing_of_others(course: Path, tmp_path: Path):
    """The zip has the files, the rows and what was decided; it is private, links are left out, nothing is replaced."""
    (course / "submitted" / "ann b" / "ps1" / "link").symlink_to(course / "gradebook.db")
    (course / "gradebook.db.2026").write_text("")
    path = tmp_path / "out.zip"
    done = give(course, "export", "ann b", "--output", str(path))
    assert done.exit_code == 0
    assert "left out, no regular file" in done.output
    assert f"backup, not changed: {course}/gradebook.db.2026" in done.output
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        rows, about = (json.loads(archive.read(name)) for name in ("gradebook.json", "about.json"))
        texts = [archive.read(name).decode() for name in names if name.endswith((".ipynb", ".txt", ".html"))]
    inbound = "exchange/inbound/ann b+ps1+2026-03-02 10:00:00.000000 UTC+abc"
    assert names == {
        *(f"{kind}/ann b/ps1/{file}" for kind in ("submitted", "autograded", "feedback")
          for file in ("part1.ipynb", "submission_secret.txt")),
        *(f".nbseal/watch/{kind}/ann b/ps1/{file}" for kind in ("taken", "pages")
          for file in ("part1.ipynb", "submission_secret.txt")),
        f"{inbound}/part1.ipynb", f"{inbound}/submission_secret.txt", "scorecards/ps1/ann b.json",
        f"exchange/feedback/{feedback_name('ann b')}", "about.json", "gradebook.json",
    }  # fmt: skip
    assert all("ann b" in text for text in texts)
    assert [row["id"] for row in rows["student"]] == ["ann b"]
    assert {row["manual_comment"] for row in rows["comments"]} == {f"{COMMENT}ann b"}
    assert about["decisions"]["ps1"][0]["points"] == 1.0
    assert [task["identity"] for task in about["tasks"]] == ["identity of ann b"]
    assert about["extensions"][0]["assignment"] == "ps1"
    with pytest.raises(Exception, match="is there already"):
        give(course, "export", "ann", "--output", str(path))


def test_an_exchange_that_is_no_folder_is_said(course: Path):
    """Where the exchange is a service, or the settings name no course, the rest is found and that is said."""
    with (course / "nbgrader_config.py").open("a") as file:
        file.write('\nc.CourseDirectory.course_id = ""\n')
    assert "the exchange was not looked at" in give(course, "delete", "ann", "--dry-run").output
