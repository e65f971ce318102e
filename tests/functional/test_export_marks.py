"""Marks on their way out: files in the forms of Canvas and Moodle with awkward names, and what pandas reads again."""

import ast
import io
import json
import re
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from nbgrader.plugins import FileNameCollectorPlugin
from sqlalchemy.exc import SAWarning

from nbseal.cli.export import export as exports
from nbseal.course import Course
from nbseal.errors import CourseError, UnknownName
from nbseal.export.marks import read_marks
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.grading.submission import handed_in, resubmitted
from nbseal.results import Scorecard
from tests.courses import run
from tests.samples import ROOT

BOM = "\ufeff"
# id, first name, last name, email, marks of q1, q2, why, q3 (None: nobody has given one)
STUDENTS = [
    ("ann", "Ann", "O'Neil, Jr.", "ann@example.org", (2, 3, 4, 1)),
    ("bob", "Bob", "Waits", "bob@example.org", (2, None, None, 1)),
    ("cid", 'Zoë "Fox" 🦊', "Ångström", "Cid@Example.org", (1, 3, 0.5, 1)),
    ("dan", "Dan", "Nothing", "dan@example.org", None),
    ("eve", "=cmd|' /C calc'!A0", "+Plus", "eve@example.org", (0.75, 1.5, 1, 0)),
    ("gus", "Gus", "Elsewhere", "gus@example.org", (2, 3, 4, 0)),
    ("hal", "Hal", "Excused", "hal@example.org", (2, 3, 4, 1)),
]
CANVAS = BOM + "\r\n".join(
    [
        "Student,ID,SIS User ID,SIS Login ID,Integration ID,Section,"
        "ps1 (4711),ps1 bonus (4712),ps2 (4713),Current Score",
        ",,,,,,Manual Posting,,,",
        "    Points Possible,,,,,,10.00,5.00,20.00,(read only)",
        '"O\'Neil, Jr., Ann",101,s-1,ann,i-1,"One, and Two",,1.00,7.50,88.5',
        '"Waits, Bob",102,s-2,bob,i-2,One,4.00,,7.50,12',
        '"Ångström, Zoë ""Fox"" 🦊",103,s-3,cid,i-3,One,"3.00",,,',
        '"Nothing, Dan",104,s-4,dan,i-4,One,,,,',
        '"=""=cmd|\' /C calc\'!A0""",105,s-5,eve,i-5,One,1.00,,,',
        '"Excused, Hal",107,s-7,hal,i-7,One,EX,,,',
        '"Last, Zed",108,s-8,zed,i-8,One,,,,',
        '"Student, Test",999,,a1b2c3,,One,,,,',
        "",
    ]
)
MOODLE = "\n".join(
    [
        'Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
        '"Last modified (submission)","Last modified (grade)","Feedback comments"',
        'Participant 21,"Ann O\'Neil, Jr.",ann,ann@example.org,"Submitted - ",,10.00,Yes,"Monday, 2 March",-,',
        'Participant 22,Bob Waits,bob,bob@example.org,"Submitted - ",-,10.00,Yes,-,-,',
        'Participant 23,"Zoë ""Fox"" 🦊 Ångström",cid,cid@example.org,"Submitted - ",,10.00,Yes,-,-,"so, so"',
        "Participant 25,=cmd|' /C calc'!A0 +Plus,eve,eve@example.org,\"Submitted - \",,10.00,Yes,-,-,",
        'Participant 27,Hal Excused,hal,hal@example.org,"Submitted - ",9.00,10.00,No,-,-,',
        "",
    ]
)


@pytest.fixture(scope="module")
def graded_course(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course with a class in its gradebook, and one submission that nobody has graded."""
    root = Path(shutil.copytree(released, tmp_path_factory.mktemp("export") / "course"))
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{root}/gradebook.db", "small") as gradebook:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's add_submission
        for name, first, last, email, marks in STUDENTS:
            gradebook.add_student(name, first_name=first, last_name=last, email=email, lms_user_id=f"lms-{name}")
            if marks is None:
                continue
            gradebook.add_submission("ps1", name)
            given = dict(zip(("q1", "q2", "why", "q3"), marks, strict=True))
            for notebook in gradebook.find_submission("ps1", name).notebooks:
                for grade in notebook.grades:
                    kind = "manual_score" if grade.name == "why" else "auto_score"
                    setattr(grade, kind, given[grade.name])
                    grade.needs_manual_grade = given[grade.name] is None
                if name == "gus" and notebook.name == "part1":
                    notebook.late_submission_penalty = 2.5
        gradebook.db.commit()
    for student in ("ann", "fay"):
        (root / "submitted" / student / "ps1").mkdir(parents=True)
    return root


@pytest.fixture
def at(graded_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what was downloaded, in which commands are given for the graded course."""
    (tmp_path / "canvas.csv").write_bytes(CANVAS.encode())
    (tmp_path / "moodle.csv").write_bytes(MOODLE.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(graded_course: Path, *words: str) -> Result:
    """Give ``nbseal export``; errors that the command line would explain are raised."""
    result = CliRunner().invoke(exports, [*words, "--course", str(graded_course)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_marks_are_final_or_say_why_not(graded_course: Path):
    """What waits for a person, wasn't graded or was never handed in has no score; penalties are taken off."""
    marks = read_marks(Course(graded_course), "ps1")
    assert marks.max_score == 10
    assert {name: mark.score for name, mark in marks.by_student.items() if mark.score is not None} == {
        "ann": 10,
        "cid": 5.5,
        "eve": 3.25,
        "gus": 6.5,
        "hal": 10,
    }
    assert {name: mark.reason for name, mark in marks.by_student.items() if mark.score is None} == {
        "bob": "waits for a person: q2, why",
        "dan": "nothing was handed in",
        "fay": "handed in, but not graded yet: run nbseal grade",
    }
    assert marks.by_student["bob"].partial == 3


def test_a_resubmission_since_grading_is_said(at: Path, graded_course: Path, tmp_path: Path):
    """The mark of the older submission is given, and whose it is and what to do stands on stderr and in the JSON."""
    root = Path(shutil.copytree(graded_course, tmp_path / "course"))
    (root / "submitted" / "cid" / "ps1").mkdir(parents=True)
    submitted = {name: root / "submitted" / name / "ps1" for name in ("ann", "cid", "fay")}
    ledger = Ledger(root / ".nbseal" / "scorecards" / "ps1")
    for name in ("ann", "cid"):
        (submitted[name] / "part1.ipynb").write_text("first")
        before = handed_in(Course(root), "ps1", name)
        ledger.announce(Entry("digest", Scorecard("ps1", name, "none", 0.1, ()), {}, before))
        ledger.publish(name)
    assert resubmitted(Course(root), "ps1") == []
    (submitted["cid"] / "part1.ipynb").write_text("second")
    (submitted["fay"] / "part1.ipynb").write_text("first")
    said = export(root, "canvas", "ps1", "canvas.csv", "--output", "a.csv")
    assert "handed in again after grading, the mark is that of the older submission: cid;" in said.stderr
    assert "run nbseal grade ps1 and export again" in said.stderr
    for words in (("moodle", "ps1", "--output", "b.csv"), ("csv", "ps1", "--output", "c.csv")):
        found = json.loads(export(root, *words, "--json").stdout)
        assert (found["handed_in_again"], "5.5" in (at / words[-1]).read_text()) == ({"ps1": ["cid"]}, True)


def test_an_interrupted_recording_is_no_mark(graded_course: Path, tmp_path: Path):
    """While the ledger says that a recording was not finished, the gradebook's mark isn't given away."""
    root = Path(shutil.copytree(graded_course, tmp_path / "course"))
    pending = root / ".nbseal" / "scorecards" / "ps1" / "ann.json.new"
    pending.parent.mkdir(parents=True)
    pending.touch()
    mark = read_marks(Course(root), "ps1").by_student["ann"]
    assert (mark.score, "was stopped" in mark.reason) == (None, True)


def test_canvas_gets_its_file_back_with_one_column_changed(at: Path, graded_course: Path):
    """Every other byte is as it was: BOM, line ends, quotes, formulas that Canvas has made harmless, other columns."""
    result = export(graded_course, "canvas", "ps1", "canvas.csv")
    expected = (
        CANVAS.replace('"One, and Two",,1.00', '"One, and Two",10,1.00')
        .replace('cid,i-3,One,"3.00"', 'cid,i-3,One,"5.5"')
        .replace("eve,i-5,One,1.00", "eve,i-5,One,3.25")
    )
    assert (at / "canvas-ps1.csv").read_bytes() == expected.encode()
    assert result.exit_code == 4
    assert result.stdout == "canvas-ps1.csv: 3 marks of ps1\n"
    assert result.stderr.splitlines() == [
        "not in the gradebook, left as they are: Last, Zed; Student, Test",
        "handed nothing in, no mark given: dan",
        "left out: bob: waits for a person: q2, why",
        "left out: gus: no row in canvas.csv",
        "left out: hal: excused in Canvas: its cell is left as it is",
        "left out: fay: handed in, but not graded yet: run nbseal grade",
    ]


def test_canvas_file_is_read_by_pandas_as_before(at: Path, graded_course: Path):
    """Names, ids and other marks come back the same, and the new marks are numbers."""
    result = export(graded_course, "canvas", "ps1", "canvas.csv", "--output", "new.csv", "--zero-missing", "--partial")
    assert "left out: fay: handed in, but not graded yet" in result.stderr
    assert "note: bob: only the sum so far: waits for a person: q2, why" in result.stderr
    before, after = (pd.read_csv(at / name, dtype=str) for name in ("canvas.csv", "new.csv"))
    pd.testing.assert_frame_equal(before.drop(columns="ps1 (4711)"), after.drop(columns="ps1 (4711)"))
    assert after["Student"][4] == 'Ångström, Zoë "Fox" 🦊'
    marks = after.set_index("SIS Login ID")["ps1 (4711)"]
    assert marks[["ann", "bob", "cid", "dan", "eve", "hal"]].to_list() == ["10", "3", "5.5", "0", "3.25", "EX"]
    assert marks.isna()[["zed", "a1b2c3"]].all()


def test_canvas_in_a_language_with_decimal_commas(at: Path, graded_course: Path):
    """Where columns are parted by semicolons, marks have a comma too; names may be in two columns."""
    lines = ["LastName;FirstName;ID;SIS Login ID;Section;ps1 (4711)", "    Points Possible;;;;;10,00"]
    lines += ["O'Neil, Jr.;Ann;101;ann;One;", "Ångström;Zoë;103;cid;One;1,50", "Last;Zed;108;zed;One;"]
    (at / "de.csv").write_text("\n".join(lines), encoding="utf-8")
    result = export(graded_course, "canvas", "ps1", "de.csv")
    assert (at / "de-ps1.csv").read_text(encoding="utf-8") == "\n".join(
        [*lines[:2], "O'Neil, Jr.;Ann;101;ann;One;10", "Ångström;Zoë;103;cid;One;5,5", lines[4]]
    )
    assert "left as they are: Last, Zed" in result.stderr


@pytest.mark.parametrize(
    ("column", "match", "titles"),
    [
        ("4712", "login", ["ps1 bonus (4712)"]),
        ("PS1 (4711)", "canvas", ["ps1 (4711)"]),
        ("ps1", "integration", ["ps1 (4711)"]),
    ],
)
def test_column_and_identity_can_be_chosen(at: Path, graded_course: Path, column: str, match: str, titles: list[str]):
    """A column by title or id, a student by any of Canvas's identities."""
    text = CANVAS.replace("101,s-1,ann,i-1", "lms-ann,s-1,ann,ann").replace("103,s-3,cid,i-3", "lms-cid,s-3,cid,cid")
    (at / "other.csv").write_bytes(text.encode())
    export(graded_course, "canvas", "ps1", "other.csv", "--column", column, "--match-by", match)
    before, after = (pd.read_csv(at / name, dtype=str) for name in ("other.csv", "other-ps1.csv"))
    assert [title for title in before if not before[title].equals(after[title])] == titles
    assert after[titles[0]][[2, 4]].to_list() == ["10", "5.5"]


@pytest.mark.parametrize(
    ("change", "words", "complaint"),
    [
        (("Student,ID", "Name,Nr"), [], "is not a gradebook from Canvas"),
        (("ps1 (4711)", "Quiz (4711)"), [], r"has no column for ps1: name one with --column \(its assignments: Quiz"),
        (("ps1 bonus (4712)", "ps1 (4712)"), [], "several columns ps1: choose by the number in brackets"),
        (("    Points Possible", "Points"), [], "no line Points Possible"),
        (("10.00,5.00", "(read only),5.00"), [], "Canvas makes the column"),
        (
            ("Integration ID", "Root Account"),
            ["--match-by", "integration"],
            "has no column Integration ID: choose --match-by",
        ),
        (("", ""), ["--match-by", "sis"], "no row belongs to a student of the gradebook.*'s-1'.*'ann'"),
        (("", ""), ["--output", "canvas.csv"], "is the file that was downloaded"),
        (("", ""), ["--output", "moodle.csv"], "already exists"),
        (("", ""), ["--output", "no/where.csv"], "the folder .* doesn't exist"),
    ],
)
def test_canvas_mistakes_are_explained(at: Path, graded_course: Path, change, words: list[str], complaint: str):
    """The error names the file, the cause and the mend, and nothing is written."""
    (at / "canvas.csv").write_bytes(CANVAS.replace(*change).encode() if change[0] else CANVAS.encode())
    with pytest.raises(CourseError, match=complaint):
        export(graded_course, "canvas", "ps1", "canvas.csv", *words)
    assert sorted(path.name for path in at.iterdir()) == ["canvas.csv", "moodle.csv"]
    assert (at / "moodle.csv").read_bytes() == MOODLE.encode()


def test_two_rows_of_one_student_and_other_points_are_said(at: Path, graded_course: Path):
    """A mark that could go into two rows goes into none, and different points are pointed out."""
    text = CANVAS.replace("108,s-8,zed", "108,s-8,ann").replace("10.00,5.00", "100.00,5.00")
    (at / "canvas.csv").write_bytes(text.encode())
    result = export(graded_course, "canvas", "ps1", "canvas.csv")
    assert "left out: ann: two rows in canvas.csv (4 and 10): write the mark there by hand" in result.stderr
    assert "ps1 (4711) has 100 points in Canvas and 10 in the gradebook" in result.stderr


def test_formulas_of_the_download_are_said(at: Path, graded_course: Path):
    """What the download has is kept, and where a spreadsheet would compute it stands on stderr; a minus sign isn't."""
    said = export(graded_course, "moodle", "ps1", "--worksheet", "moodle.csv").stderr
    assert "a spreadsheet would compute a text in row 5 of the new file" in said


def test_json_says_what_became_of_each_mark(at: Path, graded_course: Path):
    """A script reads the same as a person."""
    found = json.loads(export(graded_course, "canvas", "ps1", "canvas.csv", "--json").stdout)
    assert found["written"] == {"ann": 10, "cid": 5.5, "eve": 3.25}
    assert found["file"] == "canvas-ps1.csv"
    assert {entry["student"] for entry in found["left_out"]} == {"bob", "gus", "hal", "fay"}
    assert (found["nothing_handed_in"], found["rows_without_a_student"][0]) == (["dan"], "Last, Zed")


@pytest.mark.parametrize("match", ["id", "email", "participant"])
def test_moodle_worksheet_has_its_grades_filled_in(at: Path, graded_course: Path, match: str):
    """Only the column Grade changes; a locked grade and a mark that isn't final stay out."""
    text = MOODLE if match != "participant" else MOODLE.replace("Participant 21", "Participant ann")
    (at / "moodle.csv").write_bytes(text.encode())
    result = export(graded_course, "moodle", "ps1", "--worksheet", "moodle.csv", "--match-by", match)
    after = (at / "moodle-ps1.csv").read_text(encoding="utf-8")
    if match == "participant":
        assert after == text.replace('Submitted - ",,10.00,Yes,"Monday', 'Submitted - ",10,10.00,Yes,"Monday')
        return
    before, table = (pd.read_csv(io.StringIO(one), dtype=str) for one in (text, after))
    pd.testing.assert_frame_equal(before.drop(columns="Grade"), table.drop(columns="Grade"))
    assert table["Grade"].to_list() == ["10", "-", "5.5", "3.25", "9.00"]
    assert "left out: hal: Moodle doesn't let its grade be changed" in result.stderr
    assert result.exit_code == 4


def test_moodle_worksheet_in_another_language(at: Path, graded_course: Path):
    """Titles can be named; without that the error lists those that are there."""
    text = MOODLE.replace("ID number", "ID-Nummer").replace(",Grade,", ",Bewertung,")
    (at / "moodle.csv").write_bytes(text.encode())
    with pytest.raises(CourseError, match=r"no column Grade: choose another with --grade-column .*Bewertung"):
        export(graded_course, "moodle", "ps1", "--worksheet", "moodle.csv")
    names = ["--grade-column", "Bewertung", "--match-column", "ID-Nummer"]
    export(graded_course, "moodle", "ps1", "--worksheet", "moodle.csv", *names)
    assert pd.read_csv(at / "moodle-ps1.csv")["Bewertung"][2] == "5.5"


def test_moodle_import_file_has_a_line_for_each_mark(at: Path, graded_course: Path):
    """Moodle would empty a grade without a number and refuse a file with a stranger: such lines aren't there."""
    result = export(graded_course, "moodle", "ps1", "--match-by", "email", "--output", "import.csv")
    table = pd.read_csv(at / "import.csv")
    assert list(table) == ["First name", "Last name", "Email address", "ps1"]
    assert dict(zip(table["Email address"], table["ps1"], strict=True)) == {
        "ann@example.org": 10,
        "Cid@Example.org": 5.5,
        "eve@example.org": 3.25,
        "gus@example.org": 6.5,
        "hal@example.org": 10,
    }
    assert table["First name"][1:3].to_list() == ['Zoë "Fox" 🦊', "'=cmd|' /C calc'!A0"]
    assert "left out: bob: waits for a person: q2, why" in result.stderr


def test_csv_leaves_out_what_is_not_final(at: Path, graded_course: Path):
    """A waiting mark is an empty cell and a warning, names keep their signs, and no name is a formula."""
    result = export(graded_course, "csv", "ps1", "--output", "marks.csv")
    table = pd.read_csv(at / "marks.csv").set_index("student_id")
    assert table["score"][["ann", "cid", "dan", "eve", "gus"]].to_list() == [10, 5.5, 0, 3.25, 6.5]
    assert pd.isna(table["score"]["bob"])
    assert table["last_name"][["ann", "eve"]].to_list() == ["O'Neil, Jr.", "'+Plus"]
    assert table["first_name"]["eve"] == "'=cmd|' /C calc'!A0"
    assert "left out: bob: ps1: waits for a person: q2, why" in result.stderr
    assert result.exit_code == 4
    export(graded_course, "csv", "--output", "marks.csv", "--force", "--partial")
    assert pd.read_csv(at / "marks.csv").set_index("student_id")["score"]["bob"] == 3


def test_without_a_gradebook_nothing_is_made(at: Path, tmp_path: Path, released: Path):
    """An export neither creates a gradebook nor guesses; an unknown assignment is named with the nearest one."""
    root = Path(shutil.copytree(released, tmp_path / "bare"))
    (root / "gradebook.db").unlink()
    with pytest.raises(CourseError, match=r"gradebook.db doesn't exist: grade first \(nbseal grade ps1\)"):
        export(root, "canvas", "ps1", "canvas.csv")
    assert not (root / "gradebook.db").exists()
    with pytest.raises(UnknownName, match="did you mean ps1"):
        export(root, "canvas", "ps2", "canvas.csv")


def test_the_command_line_offers_it(at: Path, graded_course: Path):
    """`nbseal --help` lists it, each command has an example, and an error is one sentence with exit code 1."""
    assert "export" in run("nbseal", "--help", cwd=at).stdout
    runner = CliRunner()
    for name in ("canvas", "moodle", "csv", "gradescope", "otter"):
        assert f"Example: nbseal export {name}" in runner.invoke(exports, [name, "--help"]).stdout
    done = run("nbseal", "export", "canvas", "ps1", "none.csv", "--course", str(graded_course), cwd=at)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "none.csv can't be read" in done.stderr


@pytest.mark.parametrize(
    ("name", "student", "file"),
    [
        ("lovelaceada_1234_5678_01-gates.ipynb", "1234", "01-gates"),
        ("lovelaceada_LATE_1234_5678_01-gates-1.ipynb", "1234", "01-gates"),
        ("van_der_berg_12_34_02-xor-11.ipynb", "12", "02-xor"),
        ("lovelaceada_1234_5679_mnist_mlp-2.npz", "1234", "mnist_mlp"),
    ],
)
def test_canvas_file_names_are_read_as_the_docs_say(name: str, student: str, file: str):
    """The expression for nbgrader's zip_collect finds Canvas's number of the student and the notebook's name."""
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    collector = FileNameCollectorPlugin(
        named_regexp=re.findall(r'named_regexp = r"(.*)"', page)[0],
        valid_ext=ast.literal_eval(re.findall(r"valid_ext = (\[.*\])", page)[0]),
    )
    found = collector.collect(f"/course/downloaded/ps1/extracted/{name}")
    assert (found["student_id"], found["file_id"]) == (student, file)


def test_a_student_without_an_email_is_named(graded_course: Path, at: Path):
    """Where the gradebook has nothing to compare, the mark is left out with that reason."""
    root = Path(shutil.copytree(graded_course, at / "course"))
    with Gradebook(f"sqlite:///{root}/gradebook.db", "small") as gradebook:
        gradebook.update_or_create_student("ann", email=None)
    result = export(root, "moodle", "ps1", "--worksheet", "moodle.csv", "--match-by", "email")
    assert "left out: ann: the gradebook has nothing to compare: choose another --match-by" in result.stderr
    result = export(root, "moodle", "ps1", "--match-by", "email", "--output", "import.csv")
    assert "left out: ann: the gradebook has no email: choose another --match-by" in result.stderr
