"""What students really hand in: each kind of file, and what becomes of it in every face of the engine."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter

from nbseal.course import Course
from nbseal.export.marks import decide, read_marks
from nbseal.feedback.class_pages import make_class_pages
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, ClassResult, Done, Grader, grade_class, grade_notebook
from nbseal.notebook import make_template
from nbseal.report import collect
from nbseal.resolve import Answer, standing
from nbseal.resolve import decide as settle
from nbseal.results import Scorecard, Status
from nbseal.terminal import done_line, scorecard_text, summary
from tests.courses import grades
from tests.mini import code, make_course, mini_cells, notebook, solution
from tests.nbgrader_commands import give
from tests.samples import ROOT

SETTINGS = """
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
HELPER = b"number = 42\n"
ANSWERS = {
    "double-answer": "def double(x):\n    return 2 * x",
    "number-answer": "answer = 42",
    "plain-answer": "flag = True",
    "why": "Because twice a number is the number added to itself.",
}
READS_A_FILE = "answer = int(open('number.txt').read())"
FULL = {"double": 4.0, "number": 2.0, "plain": 1.0, "why": None}
UNTOUCHED = {"double": 0.0, "number": 0.0, "plain": 0.0, "why": 0.0}
NOT_JUDGED = dict.fromkeys(FULL)
MISSING = UNTOUCHED
Files = dict[str, bytes]


def text(cell_id: str, source: str, **mark: Any) -> dict[str, Any]:
    """A Markdown cell; ``mark`` is its nbgrader metadata."""
    cell = code(cell_id, source, **mark)
    return {name: cell[name] for name in ("id", "metadata", "source")} | {"cell_type": "markdown"}


def cells() -> list[dict[str, Any]]:
    """The instructor's cells: those of the small course, words around them, and a question for a person."""
    title = text("title", "# Doubling\n\nEach question has a cell for your answer.\n\nThe check below it gives marks.")
    why = text("why", solution(ANSWERS["why"]), grade=True, solution=True, points=2)
    return [title, *mini_cells(), text("ask", "Say in a sentence why doubling is adding."), why]


class Desk:
    """A student's desk: the notebook as it was released, and what can be made of it."""

    def __init__(self, root: Path) -> None:
        template = make_template(root / "source" / "mini" / "mini.ipynb", Course(root).config, ["double", "number"])
        self.release = template

    def notebook(self, answers: dict[str, str], *more: dict[str, Any], **changes: str) -> dict[str, Any]:
        """The release with answers, and with further cells at its end."""
        given = answers | {name.replace("_", "-"): source for name, source in changes.items()}
        own = [{**cell, "source": given.get(cell["id"], cell["source"])} for cell in self.release["cells"]]
        return {**self.release, "cells": [*own, *more]}

    @property
    def untouched(self) -> bytes:
        """The release's file."""
        return as_file(self.release)

    def solved(self, *more: dict[str, Any], **changes: str) -> bytes:
        """A notebook with all answers, or others in some cells (``-`` as ``_``)."""
        return as_file(self.notebook(ANSWERS, *more, **changes))

    def begun(self) -> bytes:
        """A notebook with the first answer only."""
        return as_file(self.notebook({"double-answer": ANSWERS["double-answer"]}))

    def with_outputs(self, megabytes: int) -> bytes:
        """A solved notebook that has printed a lot."""
        nb = self.notebook(ANSWERS)
        lines = ["loss: 0.123456789\n"] * (megabytes * 1_000_000 // 25)
        cell = next(cell for cell in nb["cells"] if cell["id"] == "number-answer")
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]
        return as_file(nb)

    def conflicting(self) -> bytes:
        """A solved notebook as git leaves it when two people have changed the same line."""
        line = next(line for line in self.solved().decode().split("\n") if "answer = 42" in line)
        both = f"<<<<<<< HEAD\n{line}\n=======\n{line.replace('42', '41')}\n>>>>>>> origin/main"
        return self.solved().decode().replace(line, both).encode()

    def page(self) -> bytes:
        """A solved notebook, exported as a web page."""
        import nbformat

        body, _ = HTMLExporter().from_notebook_node(nbformat.reads(self.solved().decode(), 4))
        return str(body).encode()

    def bare(self) -> bytes:
        """A solved notebook as an editor saves it that knows neither ids nor nbgrader."""
        nb = self.notebook(ANSWERS)
        for cell in nb["cells"]:
            del cell["id"]
            cell["metadata"] = {}
        return as_file({**nb, "nbformat_minor": 2})


def as_file(nb: dict[str, Any]) -> bytes:
    """A notebook's file as Jupyter writes it."""
    return json.dumps(nb, indent=1).encode()


def archive(files: Files, **links: str) -> bytes:
    """A zip of files, and of symbolic links by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
        for name, target in links.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o120777 << 16
            file.writestr(entry, target)
    return buffer.getvalue()


def locked(data: bytes) -> bytes:
    """An archive whose directory says that a password is needed."""
    place = data.index(b"PK\x01\x02") + 8
    return data[:place] + b"\x01" + data[place + 1 :]


@dataclass(frozen=True)
class Row:
    """One kind: what lies in the folder, the marks, and words of the scorecard's problems (a regular expression)."""

    files: Callable[[Desk], Files]
    marks: dict[str, float | None]
    words: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something in it could not be judged."""
        return any(mark is None for name, mark in self.marks.items() if name != "why") or self.marks is NOT_JUDGED


def one(name: str, what: Callable[[Desk], bytes] = Desk.solved) -> Callable[[Desk], Files]:
    """A folder with a single file."""
    return lambda desk: {name: what(desk)}


def taken(name: str) -> str:
    """What is said of a file that counts under another name."""
    return re.escape(f"`{name}` was taken for mini.ipynb")


def turned(desk: Desk, name: str, kind: str, source: str = "") -> Files:
    """A solved notebook in which one answer's cell is of another kind."""
    nb = desk.notebook(ANSWERS | ({name: source} if source else {}))
    return {
        "mini.ipynb": as_file({**nb, "cells": [c | {"cell_type": kind} if c["id"] == name else c for c in nb["cells"]]})
    }


def without(nb: dict[str, Any], name: str) -> bytes:
    """A notebook's file without one cell."""
    return as_file({**nb, "cells": [cell for cell in nb["cells"] if cell["id"] != name]})


def raw(source: str) -> dict[str, Any]:
    """A raw cell."""
    return text("own", source) | {"cell_type": "raw"}


OTHER = as_file(notebook([code("x", "import antigravity"), text("y", "# Another course")]))
NAMES = [
    *(
        "Copy of mini.ipynb",
        "mini_final.ipynb",
        "mini (1).ipynb",
        "mini-Copy1.ipynb",
        "ada_mini.ipynb",
        "Untitled.ipynb",
    ),
    *("mini.IPYNB", "Mini.ipynb", "mini.ipynb.txt", "mini.ipynb.json", "mini", "mini.txt", "work/mini.ipynb"),
    *("a/b/c/lösung für Ada.ipynb", "mini.ipynb/mini.ipynb"),
]
SOME = {name: answer for name, answer in ANSWERS.items() if name != "double-answer"}
LESS = {name: answer for name, answer in ANSWERS.items() if name != "number-answer"}
FENCED = "Here it is:\n\n```python\n{}\n```"
CHECKPOINT = ".ipynb_checkpoints/mini-checkpoint.ipynb"
CODE = {name: answer for name, answer in ANSWERS.items() if name != "why"}
WHY = "It is the number added to itself."
ROWS: dict[str, Row] = {
    "as asked": Row(one("mini.ipynb"), FULL),
    "no text": Row(
        lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, code("own", "1 + 1")))}, FULL | {"why": 0.0}
    ),
    "text at the end": Row(lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, text("own", WHY)))}, FULL),
    "text in a remark": Row(lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, code("own", f"# {WHY}")))}, FULL),
    "text that is printed": Row(
        lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, code("own", f"print({WHY!r})")))}, FULL
    ),
    "text in the question": Row(
        lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, title=f"# Doubling\n\n{WHY}"))}, FULL
    ),
    "text as code that is none": Row(lambda desk: {"mini.ipynb": as_file(desk.notebook(CODE, code("own", WHY)))}, FULL),
    "answer for text turned into code": Row(lambda desk: turned(desk, "why", "code", WHY), FULL),
    "answer for text turned into a raw cell": Row(lambda desk: turned(desk, "why", "raw", WHY), FULL),
    "answer turned into text": Row(
        lambda desk: turned(desk, "number-answer", "markdown"), FULL, "turned into a markdown cell; it was read as code"
    ),
    "answer turned into text, with fences": Row(
        lambda desk: turned(desk, "number-answer", "markdown", FENCED.format("answer = 42")),
        FULL | {"number": None},
        r"not judged \(number\): the cell 'number-answer' was turned into a markdown cell, and isn't valid code",
    ),
    "answer in a cell for text": Row(
        lambda desk: {"mini.ipynb": as_file(desk.notebook(SOME, text("own", FENCED.format(ANSWERS["double-answer"]))))},
        FULL | {"double": None},
        r"not judged \(double\): the cell 'double-answer' is as it was released, and cell 11, which is for",
    ),
    "answer in a raw cell, and none in its own": Row(
        lambda desk: {"mini.ipynb": without(desk.notebook(SOME, raw(ANSWERS["double-answer"])), "double-answer")},
        FULL | {"double": None},
        r"not judged \(double\): the cell 'double-answer' is missing, and cell 10, which",
    ),
    **{f"called {name}": Row(one(name), FULL, taken(name)) for name in NAMES},
    "zip": Row(lambda desk: {"mini.zip": archive({"mini.ipynb": desk.solved()})}, FULL, taken("mini.zip/mini.ipynb")),
    "zip of a folder, from a Mac": Row(
        lambda desk: {
            "mini.zip": archive({"mini/mini.ipynb": desk.solved(), "__MACOSX/mini/._mini.ipynb": b"\0\5\26\7"})
        },
        FULL,
        taken("mini.zip/mini/mini.ipynb"),
    ),
    "zip from old Windows": Row(
        lambda desk: {"mini.zip": archive({"mini\\my mini.ipynb": desk.solved()})},
        FULL,
        taken("mini.zip/mini/my mini.ipynb"),
    ),
    "zip in a zip": Row(
        lambda desk: {"all.zip": archive({"mine.zip": archive({"mini.ipynb": desk.solved()})})},
        FULL,
        taken("all.zip/mine.zip/mini.ipynb"),
    ),
    "gzipped": Row(
        one("mini.ipynb.gz", lambda desk: gzip.compress(desk.solved())), FULL, taken("mini.ipynb.gz/mini.ipynb")
    ),
    "gzipped under the notebook's name": Row(
        one("mini.ipynb", lambda desk: gzip.compress(desk.solved())), FULL, taken("mini.ipynb/mini.ipynb")
    ),
    "gzipped zeros": Row(
        one("mini.ipynb.gz", lambda _: gzip.compress(bytes(70 << 20))), NOT_JUDGED, "holds more than a submission may"
    ),
    "gzipped and cut off": Row(
        one("mini.ipynb.gz", lambda desk: gzip.compress(desk.solved())[:-40]), NOT_JUDGED, r"is damaged \(cut off\)"
    ),
    "tar": Row(one("mini.tar", lambda _: bytes(257) + b"ustar"), NOT_JUDGED, "is an archive, but no zip: unpack it"),
    "a PDF called a notebook": Row(one("mini.ipynb", lambda _: b"%PDF-1.7\n"), NOT_JUDGED, r"mini\.ipynb is a PDF"),
    "zip called a notebook": Row(
        lambda desk: {"mini.ipynb": archive({"mini.ipynb": desk.solved()})}, FULL, taken("mini.ipynb/mini.ipynb")
    ),
    "zip with a file that the notebook reads": Row(
        lambda desk: {
            "mini.zip": archive({"w/mini.ipynb": desk.solved(number_answer=READS_A_FILE), "w/number.txt": b"42"}),
        },
        FULL,
        taken("mini.zip/w/mini.ipynb"),
    ),
    "folder with a file that the notebook reads": Row(
        lambda desk: {"w/Copy of mini.ipynb": desk.solved(number_answer=READS_A_FILE), "w/number.txt": b"42"}, FULL
    ),
    "file beside a zip": Row(
        lambda desk: {"w.zip": archive({"mini.ipynb": desk.solved(number_answer=READS_A_FILE)}), "number.txt": b"42"},
        FULL,
    ),
    "zip with links and paths that lead out": Row(
        lambda desk: {"w.zip": archive({"mini.ipynb": desk.solved(), "../../evil.py": b""}, passwd="/etc/passwd")},
        FULL,
        r"evil\.py has a path that leads out of its archive and was left out.*passwd is a link and was left out",
    ),
    "time stamp in a zip": Row(
        lambda desk: {"w.zip": archive({"mini.ipynb": desk.solved(), "timestamp.txt": b"2001-01-01 00:00:00 UTC"})},
        FULL,
    ),
    "original beside the copy": Row(
        lambda desk: {"mini.ipynb": desk.untouched, "mini-Copy1.ipynb": desk.solved()},
        FULL,
        taken("mini-Copy1.ipynb") + "; `mini.ipynb` has no answer in it",
    ),
    "original beside a zip": Row(
        lambda desk: {"mini.ipynb": desk.untouched, "mini.zip": archive({"mini.ipynb": desk.solved()})},
        FULL,
        taken("mini.zip/mini.ipynb"),
    ),
    "empty file beside the copy": Row(lambda desk: {"mini.ipynb": b"", "mini (1).ipynb": desk.solved()}, FULL),
    "copy as it was released": Row(
        lambda desk: {"mini.ipynb": desk.solved(), "mini-Copy1.ipynb": desk.untouched}, FULL
    ),
    "the same twice": Row(lambda desk: {"mini (1).ipynb": desk.solved(), "mini (2).ipynb": desk.solved()}, FULL),
    "the same answers, saved twice": Row(
        lambda desk: {"mini (1).ipynb": desk.solved(), "mini (2).ipynb": desk.with_outputs(1)}, FULL
    ),
    "an older version beside it": Row(
        lambda desk: {"mini.ipynb": desk.solved(), "old/mini.ipynb": desk.solved(number_answer="answer = 7")},
        FULL,
        r"mini\.ipynb counts; `old/mini\.ipynb` with other answers",
    ),
    "other notebooks beside it": Row(
        lambda desk: {"mini.ipynb": desk.solved(), "scratch.ipynb": OTHER}, FULL, r"not graded: `scratch\.ipynb`"
    ),
    "page and PDF beside it": Row(
        lambda desk: {"mini.ipynb": desk.solved(), "mini.html": desk.page(), "mini.pdf": b"%PDF-1.7"}, FULL
    ),
    "damaged zip beside it": Row(
        lambda desk: {"mini.ipynb": desk.solved(), "mini.zip": b"PK\x03\x04 cut off"},
        FULL,
        r"not graded: `mini\.zip` \(is damaged",
    ),
    "checkpoints": Row(lambda desk: {"mini.ipynb": desk.solved(), CHECKPOINT: desk.begun()}, FULL),
    "only a checkpoint": Row(lambda desk: {"helper.py": HELPER, CHECKPOINT: desk.solved()}, FULL, taken(CHECKPOINT)),
    "only a checkpoint in a zip": Row(
        lambda desk: {"w.zip": archive({"__MACOSX/._mini.ipynb": b"\0\5\26\7", f"mini/{CHECKPOINT}": desk.solved()})},
        FULL,
        taken(f"w.zip/mini/{CHECKPOINT}"),
    ),
    "in a hidden folder": Row(one(".work/mini.ipynb"), FULL, taken(".work/mini.ipynb")),
    "in a folder called feedback": Row(one("feedback/mini.ipynb"), FULL, taken("feedback/mini.ipynb")),
    "only a checkpoint without an answer": Row(
        one(CHECKPOINT, lambda desk: desk.untouched),
        NOT_JUDGED,
        "a copy that a program kept, and it has no answer in it",
    ),
    "a PDF beside a checkpoint": Row(
        lambda desk: {"mini.pdf": b"%PDF-1.7", CHECKPOINT: desk.solved()}, NOT_JUDGED, r"`mini\.pdf` is a PDF"
    ),
    "40 MB of outputs": Row(one("mini.ipynb", lambda desk: desk.with_outputs(40)), FULL),
    "40 MB of outputs in a zip": Row(lambda desk: {"w.zip": archive({"mini.ipynb": desk.with_outputs(40)})}, FULL),
    "bytes behind its end": Row(
        one("mini.ipynb", lambda desk: desk.solved() + b"}\n]"),
        FULL,
        "what comes after its end in line .* was not read",
    ),
    "UTF-16": Row(one("mini.ipynb", lambda desk: desk.solved().decode().encode("utf-16")), FULL),
    "code in a sentence": Row(
        lambda desk: {"mini.ipynb": as_file(desk.notebook(LESS, text("own", "I think\nanswer = 42")))},
        FULL | {"number": None},
        r"not judged \(number\)",
    ),
    "only the original": Row(one("mini.ipynb", lambda desk: desk.untouched), UNTOUCHED),
    "only the original, under another name": Row(
        one("x.ipynb", lambda desk: desk.untouched), UNTOUCHED, taken("x.ipynb")
    ),
    "nothing": Row(lambda desk: {}, MISSING, r"^mini\.ipynb was not submitted$"),
    "only a time stamp": Row(lambda desk: {"timestamp.txt": b"2026-01-01 10:00:00 UTC"}, MISSING, "was not submitted"),
    "only what was released": Row(
        lambda desk: {"helper.py": HELPER, "mini/helper.py": HELPER, ".DS_Store": b"\0", "Thumbs.db": b"\0"},
        MISSING,
        "was not submitted",
    ),
    "two that differ": Row(
        lambda desk: {"mini_final.ipynb": desk.solved(), "mini_final2.ipynb": desk.solved(number_answer="answer = 7")},
        NOT_JUDGED,
        r"`mini_final\.ipynb` and `mini_final2\.ipynb` differ",
    ),
    "begun, and finished in a copy": Row(
        lambda desk: {"mini.ipynb": desk.begun(), "mini-Copy1.ipynb": desk.solved(double_answer="double = 2")},
        NOT_JUDGED,
        r"`mini-Copy1\.ipynb` answers number-answer, plain-answer, why, `mini\.ipynb` doesn't",
    ),
    "cells of one's own in the original": Row(
        lambda desk: {
            "mini.ipynb": as_file(desk.notebook({}, code("own", "answer = 42"))),
            "Copy of mini.ipynb": desk.solved(),
        },
        NOT_JUDGED,
        "differ",
    ),
    "a web page": Row(one("mini.html", Desk.page), NOT_JUDGED, r"`mini\.html` is a web page"),
    "a web page called a notebook": Row(one("mini.ipynb", Desk.page), NOT_JUDGED, "is a web page"),
    "a PDF": Row(one("mini.pdf", lambda _: b"%PDF-1.7\n"), NOT_JUDGED, r"`mini\.pdf` is a PDF"),
    "a picture and a text": Row(
        lambda _: {"1.jpg": b"\xff\xd8\xff", "sorry.txt": b"!"}, NOT_JUDGED, "`1.jpg`; `sorry.txt`"
    ),
    "an archive of another kind": Row(one("w.rar", lambda _: b"Rar!\x1a\x07"), NOT_JUDGED, "is an archive, but no zip"),
    "a damaged zip": Row(one("w.zip", lambda _: b"PK\x03\x04 cut off"), NOT_JUDGED, r"`w\.zip` is damaged"),
    "an empty zip": Row(one("w.zip", lambda _: archive({})), NOT_JUDGED, r"`w\.zip` holds no file"),
    "a locked zip": Row(
        one("w.zip", lambda desk: locked(archive({"mini.ipynb": desk.solved()}))), NOT_JUDGED, "is locked by a password"
    ),
    "a zip of zeros": Row(
        one("w.zip", lambda _: archive({"z": bytes(70 << 20)})), NOT_JUDGED, "holds more than a submission may"
    ),
    "another notebook": Row(
        one("mini.ipynb", lambda _: OTHER), NOT_JUDGED, r"`mini\.ipynb` isn't recognised as this assignment's\)"
    ),
    "answers without anything that was given": Row(
        one(
            "work.ipynb",
            lambda desk: as_file(notebook([code("own", ANSWERS["double-answer"]), code("x", "answer = 42")])),
        ),
        NOT_JUDGED,
        r"`work\.ipynb` isn't recognised as this assignment's, but defines `answer` and `double`",
    ),
    "no cells": Row(
        one("mini.ipynb", lambda _: as_file(notebook([]))), NOT_JUDGED, "isn't recognised as this assignment's"
    ),
    "conflict markers": Row(
        one("mini.ipynb", Desk.conflicting), NOT_JUDGED, r"conflict markers of git at line \d+ \(<<<<<<< HEAD\)"
    ),
    "conflict markers in a copy": Row(
        one("Copy of mini.ipynb", Desk.conflicting), NOT_JUDGED, "conflict markers of git"
    ),
    "two notebooks in one file": Row(
        one("mini.ipynb", lambda desk: desk.untouched + desk.solved()), NOT_JUDGED, "holds two notebooks"
    ),
    "an empty file": Row(one("mini.ipynb", lambda _: b""), NOT_JUDGED, r"mini\.ipynb is empty"),
    "cut off beside a whole one": Row(
        lambda desk: {"mini.ipynb": desk.solved()[:1500], "mini (1).ipynb": desk.solved()},
        NOT_JUDGED,
        r"mini\.ipynb is cut off .* Beside it: `mini \(1\)\.ipynb`",
    ),
    "a whole copy beside one that is cut off": Row(
        lambda desk: {"Copy of mini.ipynb": desk.solved(), "mini_final.ipynb": desk.solved()[:1500]},
        NOT_JUDGED,
        "differ",
    ),
}
NAMED_ODDLY = [name for name, row in ROWS.items() if row.marks == FULL and name != "as asked"]


def student_of(name: str) -> str:
    """A student's id for a row."""
    return f"{list(ROWS).index(name):02}-" + re.sub(r"\W+", "-", name)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course in which each row of the table has been handed in by a student of its own."""
    root = make_course(tmp_path_factory.mktemp("real-life") / "course", cells=cells())
    (root / "source" / "mini" / "helper.py").write_bytes(HELPER)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(SETTINGS)
    desk = Desk(root)
    for name, row in ROWS.items():
        write(root / "submitted" / student_of(name) / "mini", row.files(desk))
    (root / "submitted" / "linked" / "mini").mkdir(parents=True)
    (root / "submitted" / "linked" / "mini" / "mini.ipynb").symlink_to("/etc/passwd")
    return root


def write(folder: Path, files: Files) -> None:
    """Write files into a new folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(scope="module")
def graded(course: Path) -> ClassResult:
    """The class, graded by nbseal's own command."""
    return grade_class(Course(course), "mini")


@pytest.fixture(scope="module")
def cards(graded: ClassResult) -> dict[str, Scorecard]:
    """Scorecards by student."""
    return {card.student: card for card in graded.scorecards}


@pytest.fixture(scope="module")
def by_nbgrader(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same class in a course of its own, graded by nbgrader's command."""
    root = tmp_path_factory.mktemp("nbgrader") / "course"
    ours = ("autograded", ".nbseal", "gradebook.db")
    shutil.copytree(course, root, symlinks=True, ignore=lambda folder, names: ours if folder == str(course) else ())
    shutil.copytree(course / ".nbseal", root / ".nbseal", ignore=shutil.ignore_patterns("scorecards"))
    with Recorder(Course(root)) as recorder:
        recorder.prepare("mini")
    exit_code, said = give("autograde", "mini", cwd=root)
    assert exit_code == 0, said[-3000:]
    return root


@pytest.mark.parametrize("name", ROWS)
def test_each_kind_of_file_gets_what_it_earns(cards: dict[str, Scorecard], name: str) -> None:
    """Marks are those of the work, or there are none; what was taken, and why nothing could be, is said."""
    card, row = cards[student_of(name)], ROWS[name]
    assert {question.grade_id: question.score for question in card.questions} == row.marks, card.problems
    waiting = {question.grade_id: question.status for question in card.questions if question.score is None}
    expected = {name: Status.NOT_JUDGED for name, mark in row.marks.items() if mark is None}
    if row.marks is not NOT_JUDGED and row.marks["why"] is None:
        expected["why"] = Status.MANUAL
    assert waiting == expected
    assert re.search(row.words, " ".join(card.problems)), card.problems


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.marks is NOT_JUDGED])
def test_the_student_is_told_why_it_was_not_judged(cards: dict[str, Scorecard], course: Path, name: str) -> None:
    """The reason stands at each question, without anything of the machine that grades, and no line says 0."""
    card = cards[student_of(name)]
    (told,) = {question.told for question in card.questions}
    assert re.search(ROWS[name].words, told), told
    assert str(course) not in told
    assert "grade again" not in told
    assert Scorecard.from_dict(card.to_dict()) == replace(card, seconds=round(card.seconds, 3))
    assert done_line(Done(card.student, card)).startswith(f"{card.student}: not judged (")
    assert scorecard_text(card).startswith("mini: not judged (")


@pytest.mark.parametrize("face", ["nbseal", "nbgrader"])
def test_the_page_says_what_to_do(course: Path, graded: ClassResult, by_nbgrader: Path, face: str) -> None:
    """Whichever face graded, the page of what could not be judged says why; of what was it says nothing like that."""
    root = course if face == "nbseal" else by_nbgrader
    assert {page.problem for page in make_class_pages(Course(root), "mini").pages} == {""}
    for name, row in ROWS.items():
        page = root / "feedback" / student_of(name) / "mini" / "mini.html"
        if row.marks is MISSING and not page.exists():
            continue
        html = re.sub(r"</?code>", "`", page.read_text("utf-8"))
        words = " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).split())
        is_lost = row.marks is NOT_JUDGED
        assert ("What could not be judged, and what you can do" in words) is row.is_open
        assert ("None of it could be judged" in words) is is_lost
        assert ("What follows is the notebook as it was released." in words) is is_lost
        assert not is_lost or re.search(row.words, words)
        assert not is_lost or "0 of 9" not in words


def test_a_stub_is_told_from_a_mistake(cards: dict[str, Scorecard], course: Path) -> None:
    """Tests of what is as it was released say that it isn't written yet, and the report has them behind mistakes."""
    untouched = cards[student_of("only the original")]
    assert {test.unwritten for question in untouched.questions for test in question.tests if not test.blocked} == {True}
    assert Scorecard.from_dict(untouched.to_dict()).question("number").tests[0].unwritten
    whole = cards[student_of("as asked")]
    assert not any(test.unwritten for question in whole.questions for test in question.tests)
    mistakes = collect(Course(course), "mini").mistakes
    assert {one.grade_id: len(one.students) for one in mistakes} == {"double": 2, "number": 2, "why": 3}
    assert all(one.unwritten for one in mistakes)


ELSEWHERE: dict[str, Callable[[Desk], Files]] = {
    "Mini in another case": lambda desk: {"Mini/mini.ipynb": desk.solved()},
    "mini with a blank": lambda desk: {"mini (1)/Untitled.ipynb": desk.solved()},
    "beside the folder": lambda desk: {"mini.ipynb": desk.solved()},
    "a zip in the folder's place": lambda desk: {"mini": archive({"mini.ipynb": desk.solved()}), ".DS_Store": b""},
    "a notebook in the folder's place": lambda desk: {"mini": desk.solved()},
    "under no name that is known": lambda desk: {"homework/w.zip": archive({"x.ipynb": desk.solved()})},
}
NOT_FOR_THIS = {"other/other.ipynb": OTHER, "Other.ipynb": OTHER, "timestamp.txt": b"2026-01-01", ".DS_Store": b""}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose students, but one, put their work in a wrong place, or handed in another assignment only."""
    root = make_course(tmp_path_factory.mktemp("elsewhere") / "course", cells=cells())
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(SETTINGS)
    write(root / "source" / "other", {"other.ipynb": OTHER})
    desk = Desk(root)
    for student, files in ELSEWHERE.items():
        write(root / "submitted" / student, files(desk))
    write(root / "submitted" / "asked" / "mini", {"mini.ipynb": desk.solved()})
    write(root / "submitted" / "nothing", NOT_FOR_THIS)
    return root


def by_nbseal(root: Path) -> None:
    """Grade with nbseal's command."""
    grade_class(Course(root), "mini")


def by_nbgrader_s_command(root: Path) -> None:
    """Grade with nbgrader's command."""
    with Recorder(Course(root)) as recorder:
        recorder.prepare("mini")
    exit_code, said = give("autograde", "mini", cwd=root)
    assert exit_code == 0, said[-3000:]


@pytest.mark.parametrize("grade", [by_nbseal, by_nbgrader_s_command])
def test_work_in_the_wrong_place_waits_for_a_person(
    elsewhere: Path, tmp_path: Path, grade: Callable[[Path], None]
) -> None:
    """It has no mark in the gradebook, exports and report, its place is said, and one command takes it."""
    root = shutil.copytree(elsewhere, tmp_path / "course")
    grade(root)
    course, students = Course(root), set(ELSEWHERE)
    marks = read_marks(course, "mini").by_student
    assert set(marks) == students | {"asked"}
    assert {name for name, mark in marks.items() if mark.reason.startswith("not judged")} == students
    assert {student.student for student in collect(course, "mini").students if student.not_judged} == students
    cases = {case.student: case for case in standing(course, "mini").cases}
    assert set(cases) == students
    for name, case in cases.items():
        assert case.reason.startswith("there is no folder mini, but `"), case.reason
        found = case.choices[0].command[case.choices[0].command.index("--file") + 1]
        settle(course, "mini", name, Answer(file=found))
    shutil.rmtree(root / "autograded")
    grade(root)
    assert {name: mark.partial for name, mark in read_marks(course, "mini").by_student.items()} == dict.fromkeys(
        students | {"asked"}, 7.0
    )


def test_work_that_is_moved_into_its_place_is_graded(elsewhere: Path, tmp_path: Path) -> None:
    """The same files in the assignment's folder are another submission; one student can be named alone."""
    root = Path(shutil.copytree(elsewhere, tmp_path / "course"))
    alone = ClassOptions(["beside the folder"])
    assert "1 not judged completely" in summary("mini", grade_class(Course(root), "mini", alone))
    write(root / "submitted" / "beside the folder" / "mini", {"mini.ipynb": Desk(root).solved()})
    (root / "submitted" / "beside the folder" / "mini.ipynb").unlink()
    assert grade_class(Course(root), "mini", alone).scorecards[0].score == 7.0


def test_no_score_in_json_is_a_zero_that_nobody_gave(cards: dict[str, Scorecard], course: Path) -> None:
    """What could not be judged has null in the scorecard's JSON and in the report's."""
    report = {student["student"]: student["score"] for student in collect(Course(course), "mini").to_dict()["students"]}
    for name, row in ROWS.items():
        data = cards[student_of(name)].to_dict()
        assert (data["score"] is None) is (report[student_of(name)] is None) is (row.marks is NOT_JUDGED)
        assert {one["grade_id"]: one["score"] for one in data["questions"]} == row.marks
        assert Scorecard.from_dict(data) == Scorecard.from_dict(json.loads(json.dumps(data)))


def test_no_zero_is_unearned(cards: dict[str, Scorecard]) -> None:
    """In the whole class, a question has 0 only where the work is as it was released, or where there is none."""
    zeros = {name for name in ROWS for question in cards[student_of(name)].questions if question.score == 0.0}
    assert zeros == {name for name, row in ROWS.items() if row.marks == UNTOUCHED or name == "no text"}


def test_nbgrader_s_own_command_gives_the_same_marks(by_nbgrader: Path, graded: ClassResult, course: Path) -> None:
    """Both faces put the same into the gradebook, of every kind of file."""
    assert grades(by_nbgrader, "mini") == grades(course, "mini")


def test_nbgrader_s_own_command_records_the_same_files(by_nbgrader: Path, graded: ClassResult, course: Path) -> None:
    """Both faces leave the same files in autograded/: the notebook under its own name, and what lay beside it."""

    def listing(root: Path) -> set[str]:
        return {
            os.path.relpath(Path(top, name), root) for top, _, names in os.walk(root / "autograded") for name in names
        }

    assert listing(by_nbgrader) == listing(course)
    assert (course / "autograded" / student_of("nothing") / "mini").is_dir()
    student = student_of("zip with a file that the notebook reads")
    assert f"autograded/{student}/mini/number.txt" in listing(course)


def test_what_is_a_link_waits_for_a_person(cards: dict[str, Scorecard]) -> None:
    """A link in the notebook's place is not followed, and not nothing."""
    card = cards["linked"]
    assert {question.status for question in card.questions} == {Status.NOT_JUDGED}
    assert "`mini.ipynb` is not a regular file" in card.problems[-1]


@pytest.mark.parametrize("name", ["as asked", *NAMED_ODDLY[:3], "zip in a zip", "original beside the copy"])
def test_nbseal_check_reads_files_folders_and_archives(course: Path, name: str) -> None:
    """A folder, or the one file in it, is checked with the marks that grading gives."""
    folder = course / "submitted" / student_of(name) / "mini"
    inside = list(folder.iterdir())
    assert grade_notebook(inside[0] if len(inside) == 1 else folder, "mini", course).score == 7.0


def test_a_person_is_asked_everywhere(course: Path, graded: ClassResult) -> None:
    """The summary, the report and the marks for export name what could not be judged."""
    waiting = [student_of(name) for name, row in ROWS.items() if row.is_open] + ["linked"]
    assert f"{len(waiting)} not judged completely: a person must look" in summary("mini", graded)
    report = collect(Course(course), "mini")
    assert {student.student for student in report.students if student.not_judged} == set(waiting)
    marks = read_marks(Course(course), "mini").by_student
    assert {student for student, mark in marks.items() if mark.reason.startswith("not judged")} == set(waiting)
    assert all(marks[student].score is None for student in waiting)
    whole = [student_of(name) for name, row in ROWS.items() if row.marks is NOT_JUDGED]
    assert all(decide(marks[student], partial=True, zero_missing=True).score is None for student in whole)


CANVAS = {
    "lovelaceada_1001_5001_Copy of mini.ipynb": Desk.solved,
    "hoppergrace_LATE_1002_5002_mini-1.ipynb": Desk.solved,
    "noetheremmy_1003_5003_mini.ipynb.txt": Desk.solved,
    "turingalan_1004_5004_mini": Desk.solved,
    "curiemarie_1005_5005_mini.zip": lambda desk: archive({"mini/mini.ipynb": desk.solved()}),
    "diracpaul_1006_5006_mini.IPYNB": Desk.solved,
    "eulerleo_1007_5007_mini.ipynb": lambda desk: desk.untouched,
    "eulerleo_1007_5008_mini-Copy1.ipynb": Desk.solved,
    "bohrniels_1008_5009_mini.html": Desk.page,
}
MOODLE = {
    "Ada Lovelace_2001_assignsubmission_file/Copy of mini.ipynb": Desk.solved,
    "Grace Hopper_2002_assignsubmission_file_mini_final.ipynb": Desk.solved,
    "Emmy Noether_2003_assignsubmission_file_/work/mini.ipynb": Desk.solved,
    "Alan Turing_2004_assignsubmission_file/mini.zip": lambda desk: archive({"mini/mini.ipynb": desk.solved()}),
    "Marie Curie_2005_assignsubmission_file/mini": Desk.solved,
    "Niels Bohr_2006_assignsubmission_file/mini.pdf": lambda _: b"%PDF-1.7",
}


@pytest.mark.parametrize(("place", "download"), [(0, CANVAS), (1, MOODLE)], ids=["Canvas", "Moodle"])
def test_downloads_are_collected_as_the_docs_say(
    course: Path, tmp_path: Path, place: int, download: dict[str, Callable[[Desk], bytes]]
) -> None:
    """With the recipes of docs/instructors.md nobody is lost between a platform's download and a mark."""
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    named = re.findall(r'named_regexp = \(?\s*(r".*")', page)[place]
    endings = re.findall(r"valid_ext = (\[.*\])", page)[0]
    root = make_course(tmp_path / "course", cells=cells())
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"c.FileNameCollectorPlugin.named_regexp = {named}\n")
        config.write(f"c.FileNameCollectorPlugin.valid_ext = {endings}\n")
    files = {name: make(Desk(course)) for name, make in download.items()}
    write(root / "downloaded" / "mini" / "archive", {"submissions.zip": archive(files)})
    exit_code, said = give("zip_collect", "mini", cwd=root)
    assert exit_code == 0, said[-3000:]
    cards = {card.student: card for card in grade_class(Course(root), "mini").scorecards}
    *whole, unreadable = sorted({re.findall(r"_(\d{4})_", name)[0] for name in download})
    assert {student: card.score for student, card in cards.items()} == dict.fromkeys(whole, 7.0) | {unreadable: 0.0}
    assert {question.status for question in cards[unreadable].questions} == {Status.NOT_JUDGED}


def test_a_resubmission_under_another_name_is_graded_anew(course: Path, graded: ClassResult, tmp_path: Path) -> None:
    """What was judged or not depends on all files: another one beside them is another submission."""
    folder = tmp_path / "mini"
    with Grader(Course(course), "mini") as grader:
        write(folder, {"mini.html": b"<html></html>"})
        before = grader.grade("ada", folder)
        (folder / "Copy of mini.ipynb").write_bytes(Desk(course).solved())
        after = grader.grade("ada", folder)
    assert (before.scorecard.score, after.scorecard.score) == (0.0, 7.0)
    assert before.digest != after.digest
    assert before.handed_in != after.handed_in
