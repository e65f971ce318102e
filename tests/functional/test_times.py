"""Late penalties by stamps, due dates and extensions, the same by nbseal grade and by nbgrader autograde."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from nbseal.cli.app import app
from nbseal.course import Course, load_config
from nbseal.errors import CourseError
from nbseal.export.csv_columns import ExportResult
from nbseal.export.marks import read_marks
from nbseal.gradebook import Recorder
from nbseal.gradebook.extensions import read_extensions
from nbseal.grading import ClassOptions, ClassResult, grade_class
from nbseal.report import collect, report_page
from nbseal.results import Scorecard
from nbseal.terminal import lost_marks, summary
from tests.mini import hand_in, make_course
from tests.nbgrader_commands import give
from tests.samples import ROOT

# What nbgrader 0.9.6 itself does to SQLAlchemy 2.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

SETTINGS = """
c.LateSubmissionPlugin.penalty_method = "zero"
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
DUE = "2026-05-04 21:00:00 UTC"
FULL = 7.0
# stamp, the moment that it is in UTC (None: nobody can tell), and what is taken off
STAMPS = {
    "utc": ("2026-05-04 20:59:59 UTC", datetime(2026, 5, 4, 20, 59, 59), None),
    "late": ("2026-05-04 21:00:01.000000 UTC\n", datetime(2026, 5, 4, 21, 0, 1), FULL),
    "cest": ("2026-05-04 22:30:00.000000 CEST", datetime(2026, 5, 4, 20, 30), None),
    "pdt": ("2026-05-04 15:30:00 PDT", datetime(2026, 5, 4, 22, 30), FULL),
    "offset": ("2026-05-04 22:30:00 +0200", datetime(2026, 5, 4, 20, 30), None),
    "bom": ("\ufeff2026-05-04 20:30:00 UTC", datetime(2026, 5, 4, 20, 30), None),
    "ist": ("2026-05-05 02:15:00 IST", None, None),
    "epoch": ("1777926600", None, None),
    "dotted": ("05.05.2026 10:00", None, None),
    "future": ("2196-05-04 20:30:00 UTC", None, None),
    "empty": ("", None, None),
}
UNCLEAR = {name for name, (_, moment, _) in STAMPS.items() if moment is None}


@dataclass(frozen=True)
class Row:
    """What the gradebook says of one submission's time."""

    timestamp: datetime | None
    extension: timedelta | None
    seconds_late: float
    penalty: float | None


def make(root: Path, settings: str = "") -> Path:
    """A course with a due date after which everything is taken off."""
    make_course(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(SETTINGS)
    with Recorder(Course(root)) as recorder:
        recorder.prepare("mini")
    set_due(root, "mini", DUE)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"{settings}\n")
    return root


def set_due(root: Path, assignment: str, due: str | None) -> None:
    """What the formgrader does."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(assignment, duedate=due)


def stamp(root: Path, student: str, text: str) -> None:
    """Hand in what is right, with this stamp."""
    shutil.rmtree(root / "submitted" / student, ignore_errors=True)
    hand_in(root, student).with_name("timestamp.txt").write_text(text, encoding="utf-8")


def grade(root: Path, force: bool = False) -> ClassResult:
    """What nbseal grade does."""
    result = grade_class(Course(root), "mini", ClassOptions(jobs=2, force=force))
    assert result.troubles == []
    return result


def rows(root: Path, assignment: str = "mini") -> dict[str, Row]:
    """Each student's row as nbgrader itself reads it, with the penalty on the first notebook."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {
            one.student.id: Row(one.timestamp, one.extension, one.total_seconds_late, penalties_of(one)[0])
            for one in gradebook.assignment_submissions(assignment)
        }


def penalties_of(submission: Any) -> list[float | None]:
    """What is taken off each notebook."""
    return [one.late_submission_penalty for one in sorted(submission.notebooks, key=lambda one: str(one.name))]


def extend(root: Path, *arguments: str) -> Result:
    """What nbseal extend does."""
    return CliRunner().invoke(app, ["extend", *arguments, "-c", str(root)])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, ClassResult, str]:
    """The same class graded by nbseal grade and by nbgrader autograde; what both said."""
    root = make(tmp_path_factory.mktemp("faces") / "nbseal")
    for name, (text, _, _) in STAMPS.items():
        stamp(root, name, text)
    (hand_in(root, "link").with_name("timestamp.txt")).symlink_to("/etc/hostname")
    hand_in(root, "none")
    other = Path(shutil.copytree(root, root.with_name("nbgrader"), symlinks=True))
    result = grade(root)
    code, said = give("autograde", "mini", cwd=other)
    assert code == 0, said
    return root, other, result, said


def test_both_faces_read_the_same_times(both) -> None:
    """Each stamp is the right moment or none in the gradebook, and only what surely came late loses marks."""
    root, other, _, _ = both
    found = rows(root)
    assert found == rows(other)
    for name, (_, moment, penalty) in STAMPS.items():
        assert (found[name].timestamp, found[name].penalty) == (moment, penalty), name
    assert (found["link"].timestamp, found["link"].penalty) == (None, None)
    assert (found["none"].timestamp, found["none"].penalty) == (None, None)


def test_nbgrader_can_read_what_is_in_autograded(both) -> None:
    """Its own course directory finds the same moments there, and no stamp where nobody can tell."""
    for root in both[:2]:
        for name, (text, moment, _) in STAMPS.items():
            folder = root / "autograded" / name / "mini"
            assert CourseDirectory().get_existing_timestamp(str(folder)) == moment, name
            assert (folder / "timestamp.txt").exists() == (moment is not None)
            if moment and text.rstrip().endswith("UTC") and text[0] == "2":
                assert (folder / "timestamp.txt").read_text("utf-8") == text
        assert not (root / "autograded" / "link" / "mini" / "timestamp.txt").exists()


def test_the_formgrader_shows_all_of_them_as_graded(both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its list has the recorded times and marks, whatever nbgrader would read in the stamps."""
    monkeypatch.setattr(NbGraderAPI, "get_submitted_timestamp", NbGraderAPI.get_submitted_timestamp)  # put back after
    load_config(ROOT)  # as the formgrader's server does
    for root in both[:2]:
        course = Course(root)
        shown = {
            one["student"]: one for one in NbGraderAPI(course.coursedir, config=course.config).get_submissions("mini")
        }
        for name, (_, moment, _) in STAMPS.items():
            assert shown[name]["autograded"], name
            assert shown[name]["score"] == FULL
            assert shown[name]["timestamp"] == (moment.isoformat() if moment else None), name
        assert shown["link"]["autograded"]
        assert shown["none"]["autograded"]


def test_what_is_unclear_is_named(both) -> None:
    """The line about the run counts those submissions, their scorecards say why, and so does nbgrader's log."""
    root, _, result, said = both
    assert f"{len(UNCLEAR) + 1} with an unclear time: no late penalty" in summary("mini", result)
    problems = {card.student: card.problems for card in result.scorecards}
    assert {name for name, found in problems.items() if any("time is unclear" in one for one in found)} == UNCLEAR | {
        "link"
    }
    (problem,) = problems["ist"]
    assert problem.startswith('timestamp.txt says "2026-05-05 02:15:00 IST": IST means different times')
    assert problem.endswith(
        "write the time like 2026-05-04 20:30:00 UTC. Until then the time is unclear: no late penalty."
    )
    assert f"ist · {problem}" in list(lost_marks(result.scorecards))
    assert f"ist, mini: {problem}" in said
    stored = json.loads((root / ".nbseal" / "scorecards" / "mini" / "ist.json").read_text("utf-8"))
    assert stored["scorecard"]["problems"] == [problem]


def test_report_and_exports_name_what_is_unclear(both) -> None:
    """Whoever looks at the marks later learns whose penalty is missing perhaps."""
    course = Course(both[0])
    names = ", ".join(sorted(UNCLEAR | {"link"}))
    found = collect(course, "mini")
    assert {one.student for one in found.students if one.unclear_time} == UNCLEAR | {"link"}
    assert f"without a penalty: {names}." in report_page(found)
    delivery = ExportResult.of(read_marks(course, "mini"), Path("marks.csv"))
    assert delivery.notes == [f"mini: the time is unclear and no late penalty is taken off: {names}"]


@pytest.mark.parametrize("face", ["nbseal", "nbgrader"])
def test_an_older_stamp_does_not_count_for_an_unclear_one(tmp_path: Path, face: str) -> None:
    """Who was late, and hands in again at an unclear time, has no stamp and no penalty; without any stamp both stay."""
    root = make(tmp_path / "course")
    for name in ("ann", "bob"):
        stamp(root, name, "2026-05-04 22:00:00 UTC")
    grade(root)
    assert [one.penalty for one in rows(root).values()] == [FULL, FULL]
    stamp(root, "ann", "1777926600")
    stamp(root, "bob", "")
    (root / "submitted" / "bob" / "mini" / "timestamp.txt").unlink()
    if face == "nbseal":
        grade(root)
    else:
        assert give("autograde", "mini", "--force", cwd=root)[0] == 0
    found = rows(root)
    assert found["ann"] == Row(None, None, 0, None)
    assert found["bob"] == Row(datetime(2026, 5, 4, 22), None, 3600.0, FULL)


def test_the_course_s_zone_makes_an_abbreviation_clear(tmp_path: Path) -> None:
    """With another zone in the settings the same submission has a time, without being graded again."""
    root = make(tmp_path / "course")
    stamp(root, "ann", "2026-05-05 02:45:00 IST")
    grade(root)
    assert rows(root)["ann"] == Row(None, None, 0, None)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.Exchange.timezone = "Asia/Kolkata"\n')
    (done,) = grade(root).done
    assert (done.unchanged, done.renewed, done.scorecard.problems) == (True, True, ())
    assert rows(root)["ann"] == Row(datetime(2026, 5, 4, 21, 15), None, 900.0, FULL)
    written = CourseDirectory().get_existing_timestamp(str(root / "autograded" / "ann" / "mini"))
    assert written == datetime(2026, 5, 4, 21, 15)


def test_a_zone_that_is_none_is_said_before_anybody_is_graded(tmp_path: Path) -> None:
    """A setting that can't be used is the instructor's error."""
    root = make(tmp_path / "course", 'c.Grading.timezone = "Berlin"')
    stamp(root, "ann", DUE)
    with pytest.raises(CourseError, match=r"c\.Grading\.timezone = 'Berlin'"):
        grade(root)
    assert rows(root) == {}


def test_an_extension_may_come_later_move_and_go(tmp_path: Path) -> None:
    """The penalty follows extensions.csv without the work being graded again; nbgrader's own rows say the same."""
    root = make(tmp_path / "course")
    stamp(root, "ann", "2026-05-06 10:00:00 UTC")
    stamp(root, "bob", "2026-05-06 10:00:00 UTC")
    grade(root)
    moment, late = datetime(2026, 5, 6, 10), 37 * 3600.0
    assert rows(root)["ann"] == Row(moment, None, late, FULL)
    steps = [
        ("2026-05-07", Row(moment, timedelta(days=3, hours=2, minutes=59, seconds=59), 0, None)),
        ("2026-05-06 10:00", Row(moment, timedelta(hours=37), 0, None)),
        ("2026-05-06 09:00", Row(moment, timedelta(hours=36), 3600.0, FULL)),
    ]
    for date, row in steps:
        assert extend(root, "mini", "ann", date).exit_code == 0
        result = grade(root)
        assert [(one.unchanged, one.renewed) for one in sorted(result.done, key=lambda one: one.student)] == [
            (True, True),
            (True, False),
        ]
        assert "1 with another due date or time than before" in summary("mini", result)
        assert rows(root) == {"ann": row, "bob": Row(moment, None, late, FULL)}
        assert not any(one.renewed for one in grade(root).done)
    assert "nobody has more time" in extend(root, "mini", "ann", "--remove").output
    assert "has no line for ann in mini" in extend(root, "mini", "ann", "--remove").output
    assert (root / "extensions.csv").read_text() == "id,assignment,new date\n"
    assert sum(one.renewed for one in grade(root).done) == 1
    assert rows(root)["ann"] == Row(moment, None, late, FULL)
    assert not any(one.renewed for one in grade(root).done)


@pytest.mark.slow
def test_a_due_date_may_move(tmp_path: Path) -> None:
    """The penalty follows the due date without grading; a run that finds the same one does nothing."""
    root = make(tmp_path / "course")
    stamp(root, "ann", "2026-05-06 10:00:00 UTC")
    grade(root)
    for due, penalty in (("2026-05-07 00:00:00 UTC", None), ("2026-05-06 09:00:00 UTC", FULL)):
        with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
            gradebook.update_or_create_assignment("mini", duedate=due)
        (done,) = grade(root).done
        assert (done.unchanged, done.renewed, done.penalty) == (True, True, penalty or 0.0)
        assert rows(root)["ann"].penalty == penalty
        assert not any(one.renewed for one in grade(root).done)


def test_an_extension_counts_for_a_submission_that_is_graded_now(tmp_path: Path) -> None:
    """Both faces follow a line that is there before the first grading, and report what is late beyond it."""
    root = make(tmp_path / "course", 'c.Grading.timezone = "Europe/Berlin"')
    stamp(root, "ann", "2026-05-06 20:00:00 UTC")
    stamp(root, "bob", "2026-05-06 23:00:00 UTC")
    (root / "extensions.csv").write_text(
        "Student;Assignment;Due date\nann;mini;2026-05-06\nbob;mini;2026-05-07 00:30\n"
    )
    other = Path(shutil.copytree(root, tmp_path / "other"))
    grade(root)
    assert rows(root) == {
        "ann": Row(datetime(2026, 5, 6, 20), timedelta(days=2, minutes=59, seconds=59), 0, None),
        "bob": Row(datetime(2026, 5, 6, 23), timedelta(days=2, hours=1, minutes=30), 1800.0, FULL),
    }
    assert give("autograde", "mini", cwd=other)[0] == 0
    assert rows(other) == rows(root)
    assert {one.student: one.seconds_late for one in collect(Course(root), "mini").students} == {"ann": 0, "bob": 1800}


# The same on the way to the gradebook alone, without student code.

MOMENT, LATE, PART1 = datetime(2026, 5, 6, 10), 37 * 3600.0, 5.0


@pytest.fixture
def late(course: Course, graded) -> Course:
    """The small course with a penalty, in which ann, bob and cyd were late and are recorded."""
    course.config.LateSubmissionPlugin.penalty_method = "zero"
    set_due(course.root, "ps1", DUE)
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        for name in ("ann", "bob", "cyd"):
            path = course.folder("submitted", name, "ps1") / "timestamp.txt"
            path.parent.mkdir(parents=True)
            path.write_text(f"{MOMENT} UTC")
            recorder.save(graded(name, timestamp=f"{MOMENT} UTC"))
    return course


def look_again(course: Course) -> tuple[dict[str, Scorecard], tuple[str, ...]]:
    """What the next run does with submissions that haven't changed: whose time it records anew, and what it notes."""
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        renewed = {name: recorder.renew_times("ps1", name) for name in recorder.recorded("ps1")}
        return {name: found[0] for name, found in renewed.items() if found}, recorder.notes()


def taken(course: Course) -> list[float | None]:
    """What was taken off each student's first notebook."""
    return [row.penalty for row in rows(course.root, "ps1").values()]


def write_lines(course: Course, *lines: str) -> None:
    """Have these lines in extensions.csv."""
    (course.root / "extensions.csv").write_text("\n".join(["id,assignment,new date", *lines, ""]), encoding="utf-8")


def test_an_extension_of_nbgrader_s_own_stays(late: Course, graded) -> None:
    """What was granted elsewhere is left alone for whoever never stood in extensions.csv."""
    with Gradebook(late.db_url) as gradebook:
        gradebook.grant_extension("ps1", "ann", days=3)
    write_lines(late, "bob,ps1,2026-05-07")
    assert set(look_again(late)[0]) == {"bob"}
    with Recorder(late) as recorder:
        for name in ("ann", "bob"):
            recorder.save(graded(name, timestamp=f"{MOMENT} UTC"))
    found = rows(late.root, "ps1")
    assert found["ann"] == Row(MOMENT, timedelta(days=3), 0, None)
    assert found["bob"] == Row(MOMENT, timedelta(days=3, hours=2, minutes=59, seconds=59), 0, None)


def test_all_notebooks_and_a_person_s_marks_count_for_a_new_penalty(late: Course) -> None:
    """What is taken off is computed as a regrade would: from a person's marks where there are any."""
    write_lines(late, "ann,ps1,2026-05-07")
    look_again(late)
    with Gradebook(late.db_url) as gradebook:
        gradebook.find_grade("q1", "part1", "ps1", "ann").manual_score = 0.5
        gradebook.db.commit()
        assert penalties_of(gradebook.find_submission("ps1", "ann")) == [None, None]
    write_lines(late)
    assert set(look_again(late)[0]) == {"ann"}
    with Gradebook(late.db_url) as gradebook:
        assert penalties_of(gradebook.find_submission("ps1", "ann")) == [3.5, 1.0]
        assert gradebook.find_grade("q1", "part1", "ps1", "ann").manual_score == 0.5


def test_a_notebook_that_was_not_handed_in_has_no_penalty(late: Course, graded) -> None:
    """Nothing can be taken off it, as when it is graded."""
    with Recorder(late) as recorder:
        recorder.save(graded("ann", {"q3": 0.0}, missing=("part2",), timestamp=f"{MOMENT} UTC"))
    write_lines(late, "ann,ps1,2026-05-06 09:00")
    look_again(late)
    with Gradebook(late.db_url) as gradebook:
        assert penalties_of(gradebook.find_submission("ps1", "ann")) == [PART1, None]


def test_the_due_date_may_move_below_an_extension(late: Course) -> None:
    """The date in extensions.csv stays what it is: the extension in the gradebook changes with the due date."""
    write_lines(late, "ann,ps1,2026-05-06 12:00 UTC")
    look_again(late)
    assert rows(late.root, "ps1")["ann"].extension == timedelta(hours=39)
    set_due(late.root, "ps1", "2026-05-05 21:00:00 UTC")
    assert set(look_again(late)[0]) == {"ann", "bob", "cyd"}
    assert rows(late.root, "ps1")["ann"] == Row(MOMENT, timedelta(hours=15), 0, None)


def test_an_extension_without_a_due_date_waits_for_one(late: Course) -> None:
    """Nothing is late and nbgrader's own rows can be read; once there is a due date, the extension counts."""
    set_due(late.root, "ps1", None)
    write_lines(late, "ann,ps1,2026-05-07 00:00 UTC")
    look_again(late)
    assert rows(late.root, "ps1")["ann"] == Row(MOMENT, None, 0, None)
    set_due(late.root, "ps1", DUE)
    look_again(late)
    assert rows(late.root, "ps1")["ann"] == Row(MOMENT, timedelta(hours=51), 0, None)


BAD_LINES = [
    ("ann,ps1,11.05.2026", "11.05.2026", True),
    ("ann,ps1", "the date is missing", True),
    ("ann,ps1,2026-05-03", "2026-05-03 is before the due date, 2026-05-04 21:00 UTC", True),
    ("ann,ps1,2026-05-08\nann,ps1,2026-05-09", "another line has another date for ann", True),
    (",ps1,2026-05-08", "the student's id is missing", False),
    ("ann,,2026-05-08", "the assignment is missing", False),
    ("anne,ps1,2026-05-08", "no student is called anne: did you mean ann?", False),
    ("ann,ps2,2026-05-08", "no assignment is called ps2: did you mean ps1?", False),
]


@pytest.mark.parametrize(("line", "cause", "about_ann"), BAD_LINES, ids=[line for line, _, _ in BAD_LINES])
def test_a_bad_line_is_named_and_costs_nobody_marks(late: Course, line: str, cause: str, about_ann: bool) -> None:
    """File, line and cause are said; whose extension is unclear has no penalty, and everybody else's stands."""
    assert taken(late) == [PART1, PART1, PART1]
    write_lines(late, "cyd,ps1,2026-05-07", "", line)
    renewed, notes = look_again(late)
    assert set(renewed) == ({"ann", "cyd"} if about_ann else {"cyd"})
    said = [*notes, *(problem for card in renewed.values() for problem in card.problems)]
    assert any("extensions.csv, line 4: " in text and cause in text for text in said)
    assert taken(late) == [None if about_ann else PART1, PART1, None]
    assert about_ann == ("ann" in renewed and renewed["ann"].has_unclear_time)
    assert look_again(late) == ({}, notes)
    (late.root / "extensions.csv").unlink()
    look_again(late)
    assert taken(late) == [PART1, PART1, PART1]
    assert look_again(late) == ({}, ())


def test_an_extension_that_became_unclear_stays_on_record(late: Course) -> None:
    """Until the line is mended there is no penalty, and nbgrader's rows have the extension that was clear."""
    write_lines(late, "ann,ps1,2026-05-05 21:00 UTC")
    look_again(late)
    write_lines(late, "ann,ps1,next week")
    look_again(late)
    assert rows(late.root, "ps1")["ann"] == Row(MOMENT, timedelta(days=1), LATE - 24 * 3600, None)
    write_lines(late, "ann,ps1,2026-05-05 22:00 UTC")
    look_again(late)
    assert rows(late.root, "ps1")["ann"] == Row(MOMENT, timedelta(hours=25), LATE - 25 * 3600, PART1)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "no column id"),
        (b"id,assignment\n", "no column new date"),
        (b"ann,ps1,2026-05-07\n", "no column id"),
        ("id,assignment,new date\nzoë,ps1,2026-05-07\n".encode("latin-1"), "not in UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_an_error(late: Course, content: bytes, cause: str) -> None:
    """Nobody knows who has more time then: it is said, and nothing is recorded."""
    (late.root / "extensions.csv").write_bytes(content)
    with pytest.raises(CourseError, match=rf"extensions\.csv .*{cause}"):
        look_again(late)


@pytest.mark.parametrize(
    "content",
    [
        "id,assignment,new date\nann,mini,2026-05-07\n",
        "\ufeffStudent ID;Assignment;New_Date\r\nann;mini;2026-05-07\r\n",
        'comment\tuntil\tstudent\tassignment_id\n"ill, with a note"\t2026-05-07\tann\tmini\n',
        "ID , ASSIGNMENT , Deadline\n ann , mini , 2026-05-07",
    ],
)
def test_a_line_is_put_beside_the_others(tmp_path: Path, content: str) -> None:
    """Whatever its columns are called and parted by, the file keeps every byte but the line that is about it."""
    root = make(tmp_path / "course")
    path = root / "extensions.csv"
    path.write_bytes(content.encode())
    for name in ("ann", "zoë"):
        stamp(root, name, DUE)
    assert [(one.student, one.assignment, one.until) for one in read_extensions(Course(root)).lines] == [
        ("ann", "mini", datetime(2026, 5, 7, 23, 59, 59, tzinfo=UTC))
    ]
    assert extend(root, "mini", "zoë", "2026-05-08 10:00").output == "mini: zoë until 2026-05-08 10:00:00 UTC\n"
    assert path.read_bytes().startswith(content.encode())
    added = path.read_bytes()
    assert extend(root, "mini", "zoë", "2026-05-09 10:00").exit_code == 0
    assert path.read_bytes() == added.replace(b"2026-05-08", b"2026-05-09")
    assert extend(root, "mini", "ann", "2026-05-10 10:00").exit_code == 0
    data = json.loads(extend(root, "--json").output)
    assert [(one["student"], one["until"]) for one in data] == [
        ("ann", "2026-05-10T10:00:00+00:00"),
        ("zoë", "2026-05-09T10:00:00+00:00"),
    ]
    if "comment" in content:
        assert b"ill, with a note\t2026-05-10" in path.read_bytes()


def test_extend_shows_the_list_and_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    """A sentence says what is wrong, and the file stays as it is; who is unknown is named and gets a line."""
    root = make(tmp_path / "course")
    stamp(root, "ann", DUE)
    path = root / "extensions.csv"
    assert extend(root).output == "nobody has more time\n"
    for arguments, words in {
        ("minni", "ann", "2026-05-07"): "no assignment called 'minni': did you mean mini?",
        ("mini", "ann", "07.05.2026"): "write the date as 2026-05-11",
        ("mini", "ann", "2026-05-04 20:00"): "is before the due date of mini, 2026-05-04 21:00 UTC: give a later one",
        ("mini", "a\nb", "2026-05-07"): "can't be written to extensions.csv",
    }.items():
        done = extend(root, *arguments)
        assert (done.exit_code, words in done.output) == (1, True), done.output
    assert extend(root, "mini", "ann").exit_code == 2
    assert not path.exists()
    assert "did you mean ann?" in extend(root, "mini", "anna", "2026-05-07").output
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text() + "bob,mini,soon\n")
    assert extend(root).output.splitlines() == [
        "mini: anna until 2026-05-07 23:59:59 UTC",
        'extensions.csv, line 3: "soon": a date is read only as year-month-day with a time, or with the month\'s name; '
        "write the date as 2026-05-11 or 2026-05-11 23:00 UTC.",
    ]
    assert extend(root, "other").output == "nobody has more time for other\n"
    set_due(root, "mini", None)
    assert "mini has no due date in the gradebook" in extend(root, "mini", "ann", "2026-05-07").output


def test_doctor_says_how_times_are_read(tmp_path: Path) -> None:
    """Zone, due dates in it, and what is wrong with extensions are there to be looked over."""
    root = make(tmp_path / "course", 'c.Exchange.timezone = "Europe/Berlin"')
    (root / "extensions.csv").write_text("id,assignment,new date\nann,mini,soon\n")
    text = CliRunner().invoke(app, ["doctor", "-c", str(root)]).output
    assert "time zone (c.Grading.timezone): Europe/Berlin" in text
    assert "mini is due: 2026-05-04 23:00 CEST" in text
    assert "takes no notice of CEST" in text
    assert "extensions.csv, line 2" in text
