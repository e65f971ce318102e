"""The page that students get back: what stands on it, and what never does."""

from __future__ import annotations

import base64
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from traitlets.config import Config

from nbseal.feedback.feedback_page import make_view
from nbseal.feedback.hidden_regions import SETTINGS, hidden_regions, without_hidden
from nbseal.feedback.typesetting import html, markdown, mathml
from nbseal.gradebook import mark_output
from nbseal.gradebook.mark_output import judged
from nbseal.gradebook.queries import NotebookMarks
from nbseal.grading.scoring import write_marks
from nbseal.notebook.outputs import safe_outputs
from nbseal.pages import render
from nbseal.results import BY_A_PERSON, Outcome, QuestionResult, Status, TestResult

TESTS = (
    TestResult("It works for one number.", Outcome.PASSED),
    TestResult("It works for an array.", Outcome.FAILED, "Got 3, expected 4."),
    TestResult("It works for a list.", Outcome.NOT_JUDGED, "test_01.py line 7: secret"),
)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def mark(grade_id: str, **flags: bool) -> dict:
    """nbgrader's metadata of a cell."""
    defaults = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**defaults, "grade_id": grade_id, **flags}}


def page(cells: list, marks: NotebookMarks, folder: Path = Path("/nowhere")) -> str:
    """The page of a notebook with these cells."""
    nb = nbformat.from_dict(new_notebook(cells=cells))
    view = make_view(nb, marks, "ps1", folder, hidden_regions(Config()))
    return render("nbseal.feedback", "feedback.html.j2", sorting=False, view=view)


def question(score: float | None, status: Status, tests: tuple[TestResult, ...] = TESTS) -> list:
    """A heading, an answer and a graded cell that carries its mark."""
    check = new_code_cell("assert double(2) == 4", metadata=mark("double", grade=True, locked=True))
    check.outputs = [nbformat.from_dict(mark_output(QuestionResult("double", score, 4.0, status, tests)))]
    answer = new_code_cell("def double(x):\n    return 2 * x", metadata=mark("double-answer", solution=True))
    return [new_markdown_cell("# Doubling\n\n## Question 1: `double`"), answer, check]


class Page(HTMLParser):
    """Collects a page's elements, addresses and visible words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words += data


def test_the_overview_has_marks_tests_comments_and_the_late_penalty():
    """Each question's marks and passed tests stand on top, then what was taken off, and the sum."""
    marks = NotebookMarks({"double": 2.0}, {"double": 4.0}, comments={"double-answer": "*Nice* work."}, penalty=0.5,
                  seconds_late=33_000, student="Ada Lovelace", handed_in="1 May")  # fmt: skip
    text = page(question(2.0, Status.GRADED, TESTS[:2]), marks)
    words = " ".join(Page(text).words.split())
    assert "Question 1: double 1 of 2 tests passed ◐ 2 of 4" in words
    assert "Handed in late (9 h 10 min) −0.5" in words
    assert "Total 1.5 of 4" in words
    assert "<em>Nice</em> work." in text
    assert words.startswith("Doubling: feedback Skip to the content Feedback Doubling Ada Lovelace · handed in 1 May")
    assert words.index("Got 3, expected 4.") < words.index("return 2 * x") < words.index("Overview")


def test_what_was_not_tried_is_not_called_failed():
    """Behind a failed test that must come first, the others are counted apart, on top and at the question."""
    untried = TestResult("It works for lists.", Outcome.FAILED, "Not run yet.", blocked=True)
    text = page(question(1.0, Status.GRADED, (*TESTS[:2], untried)), NotebookMarks({"double": 1.0}, {"double": 4.0}))
    words = " ".join(Page(text).words.split())
    assert words.count("failed: It works for an array.") == 2
    assert "failed: It works for lists." not in words
    assert "1 more test was not run yet" in words.partition("Overview")[0]
    assert "1 of 3 tests passed, 1 not run yet" in words
    assert "not run: It works for lists." in words


@pytest.mark.parametrize(("score", "sign"), [(4.0, "✓"), (2.0, "◐"), (0.0, "✗")])
def test_what_has_all_its_marks_is_folded_and_looks_different(score, sign):
    """Only lost marks are on top; full, partial and no marks differ in a sign; a comment keeps a part open."""
    tests = TESTS[:1] if score == 4.0 else TESTS[1:2]
    text = page(question(score, Status.GRADED, tests), NotebookMarks({"double": score}, {"double": 4.0}))
    assert ("What to fix first" in text) is (score < 4.0)
    assert f">{sign} </span>" in text.partition("Overview")[2]
    assert '<details class="part">' in text
    comments = {"double-answer": "Elegant."}
    text = page(
        question(4.0, Status.GRADED, TESTS[:1]), NotebookMarks({"double": 4.0}, {"double": 4.0}, comments=comments)
    )
    assert '<details class="part" open>' in text


def test_tests_that_were_not_judged_are_not_counted_as_not_passed():
    """Of a question that nobody could judge, or that a person decided, the overview counts no tests."""
    lost = (TestResult("It doubles.", Outcome.NOT_JUDGED), TestResult("And more.", Outcome.NOT_JUDGED))
    for tests, score in ((lost, None), ((TestResult(BY_A_PERSON, Outcome.FAILED),), 1.0)):
        status = Status.NOT_JUDGED if score is None else Status.GRADED
        words = Page(page(question(score, status, tests), NotebookMarks({"double": score}, {"double": 4.0}))).words
        assert "passed" not in " ".join(words.split()).partition("Total")[0]


def test_a_person_s_mark_goes_before_the_machine_s():
    """The block shows the mark that counts, and says that a person gave it."""
    marks = NotebookMarks({"double": 4.0}, {"double": 4.0}, by_person=frozenset({"double"}))
    words = Page(page(question(2.0, Status.GRADED), marks)).words
    assert "Marks: 4 of 4" in words
    assert "A person gave these marks." in words


def test_a_mark_that_is_not_made_is_no_zero():
    """Question and sum say that something is still to come."""
    words = Page(page(question(None, Status.NOT_JUDGED), NotebookMarks({"double": None}, {"double": 4.0}))).words
    assert "not made yet (of 4)" in words
    assert "This check could not be carried out. This is not a zero" in words
    assert "Total so far" in words


def test_the_sum_is_of_what_is_marked():
    """While marks are missing, the sum so far is beside the points that are marked, and says how many there are."""
    marks = NotebookMarks({"double": 3.0, "why": None}, {"double": 4.0, "why": 16.0})
    words = " ".join(Page(page(question(3.0, Status.GRADED), marks)).words.split())
    assert "Total so far 3 of 4" in words
    assert "4 of 20 points are marked so far. 1 question has no mark yet." in words


@pytest.mark.parametrize("status", [Status.NOT_JUDGED, Status.MANUAL])
def test_a_sum_of_nothing_is_no_zero(status):
    """Where no question has a mark there is no sum; what could not be judged is told from what a person reads."""
    marks = NotebookMarks({"double": None}, {"double": 4.0})
    words = " ".join(Page(page(question(None, status), marks)).words.split())
    assert "Total so far no marks yet" in words
    assert "0 of 4" not in words
    assert ("None of it could be judged" in words) is (status is Status.NOT_JUDGED)


def unjudged(told: str) -> dict:
    """A notebook of two questions, one of them a text, whose student is told why they could not be judged."""
    why = new_markdown_cell("Because.", metadata=mark("why", grade=True, solution=True))
    results = [QuestionResult(name, None, 4.0, Status.NOT_JUDGED, told=told) for name in ("double", "why")]
    nb = new_notebook(cells=[*question(None, Status.NOT_JUDGED), why])
    write_marks(nb, frozenset(), results)
    return nb


def test_the_student_reads_what_to_do_about_what_could_not_be_judged():
    """A sentence on top and at the question says why and what to do; with a mark by a person it goes."""
    nb = unjudged("mini.ipynb is cut off at line 101: save it again and hand it in again.")
    marks = NotebookMarks({"double": None, "why": None}, {"double": 4.0, "why": 2.0})
    view = make_view(nb, marks, "ps1", Path("/nowhere"), hidden_regions(Config()))
    words = " ".join(Page(render("nbseal.feedback", "feedback.html.j2", sorting=False, view=view)).words.split())
    assert words.index("is cut off at line 101: save it again") < words.index("Overview")
    assert words.count("is cut off at line 101") == 3
    assert "None of it could be judged" in words
    by_person = NotebookMarks({"double": 1.0, "why": 2.0}, {"double": 4.0, "why": 2.0})
    assert make_view(nb, by_person, "ps1", Path("/nowhere"), hidden_regions(Config())).told == {}


def test_what_a_student_named_a_file_can_not_act():
    """A reason that quotes a file's name is text, wherever it stands."""
    nb = unjudged(f"`{EVIL}` and `x.ipynb` differ. Leave one of them.")
    marks = NotebookMarks({"double": None, "why": None}, {"double": 4.0, "why": 2.0})
    view = make_view(nb, marks, "ps1", Path("/nowhere"), hidden_regions(Config()))
    found = Page(render("nbseal.feedback", "feedback.html.j2", sorting=False, view=view))
    assert "script" not in found.tags
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert EVIL in found.words


def test_what_is_said_of_a_question_afterwards_stays_with_it():
    """A part ends at the next heading; without one before the next answer, it ends with its question as ever."""
    marks = NotebookMarks({"double": 4.0, "why": None}, {"double": 4.0, "why": 2.0})
    why = new_markdown_cell("Because.", metadata=mark("why", grade=True, solution=True))
    said, more = new_markdown_cell("**Reflect.** Why?"), new_code_cell("double(10)")

    def parts(*between: object) -> list[list[str]]:
        nb = nbformat.from_dict(new_notebook(cells=[*question(4.0, Status.GRADED), said, more, *between, why]))
        view = make_view(nb, marks, "ps1", Path("/nowhere"), hidden_regions(Config()))
        assert [part.question.grade_id for part in view.parts if part.question] == ["double", "why"]
        return [[str(cell.body) for cell in part.cells] for part in view.parts]

    first, second = parts(new_markdown_cell("## Question 2"))
    assert ["Reflect" in body for body in first] == [False, False, False, True, False]
    assert len(second) == 2
    first, second = parts()
    assert (len(first), len(second)) == (3, 3)


def test_what_stands_between_backticks_is_shown_as_code():
    """A name is a name on top of the page and beside the answer, whatever signs are in it; a lone backtick stays."""
    message = f"`double` and `{EVIL}` aren't there. A lone ` is none."
    tests = (TestResult("`double` doubles.", Outcome.FAILED, message),)
    text = page(question(0.0, Status.GRADED, tests), NotebookMarks({"double": 0.0}, {"double": 4.0}))
    assert text.count("<code>double</code> doubles.") == text.count("<code>double</code> and <code>&lt;img") == 2
    assert "A lone ` is none." in text
    assert "script" not in Page(text).tags


def test_nothing_hidden_is_on_the_page():
    """No reason why a test was not judged, no hidden test region, no traceback through one, no marking scheme."""
    hidden = "x = 1\n### BEGIN HIDDEN TESTS\nassert secret == 42\n### END HIDDEN TESTS"
    check = new_code_cell(hidden, metadata=mark("old", grade=True, locked=True))
    trace = ["----> 1 assert secret == 42", "AssertionError: wrong"]
    check.outputs = [new_output("error", ename="AssertionError", evalue="wrong", traceback=trace)]
    scheme = "Draw it.\n=== BEGIN MARK SCHEME ===\n2 marks for axes\n=== END MARK SCHEME ==="
    task = new_markdown_cell(scheme, metadata=mark("draw", task=True))
    marks = NotebookMarks({"old": 0.0, "draw": None, "double": None}, {"old": 1.0, "draw": 2.0, "double": 4.0})
    text = page([*question(None, Status.NOT_JUDGED), check, task], marks)
    for word in ("secret", "== 42", "HIDDEN", "2 marks for axes", "MARK SCHEME", "test_01"):
        assert word not in text
    assert "AssertionError: wrong" in text
    assert "Draw it." in text
    assert without_hidden("a\n### BEGIN HIDDEN TESTS\nb", hidden_regions(Config())) == "a"


@pytest.mark.parametrize("config", [Config(), Config(ClearHiddenTests=Config(begin_test_delimeter="HIDE"))])
def test_hidden_regions_begin_and_end_where_nbgrader_has_them(config):
    """Settings and defaults are those of nbgrader's own preprocessors."""
    for kind, region in zip((ClearHiddenTests, ClearMarkScheme), hidden_regions(config), strict=True):
        own = kind(config=config)
        assert tuple(getattr(own, name) for name in SETTINGS[kind.__name__]) == region


def test_what_students_wrote_can_not_act():
    """Markup in code, texts, outputs, comments and headings is text, or harmless; there is no script at all."""
    code = new_code_cell(EVIL, metadata=mark("a", solution=True))
    code.outputs = [
        new_output("stream", text=EVIL),
        new_output("error", ename=EVIL, evalue=EVIL, traceback=[EVIL]),
        new_output("display_data", {"text/html": EVIL}),
        new_output("display_data", {"text/latex": f"${EVIL}$"}),
        new_output("display_data", {"image/svg+xml": f"<svg onload='alert(1)'>{EVIL}</svg>"}),
        new_output("display_data", {"image/png": EVIL}),
        new_output("display_data", {"application/javascript": "alert(1)"}),
    ]
    cells = [new_markdown_cell(f"# {EVIL}\n\n$\\href{{javascript:alert(1)}}{{x}}$ {EVIL}"), code]
    marks = NotebookMarks({"double": 2.0}, {"double": 4.0}, comments={"a": EVIL})
    found = Page(page([*cells, *question(2.0, Status.GRADED)], marks))
    assert "script" not in found.tags
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    addresses = [value for name, value in found.attributes if name in ("src", "href")]
    assert all(value.startswith(("#", "data:image/")) for value in addresses)
    policy = next(value for name, value in found.attributes if value.startswith("default-src"))
    assert "default-src 'none'; script-src 'none'" in policy


def test_no_output_can_pass_for_a_mark():
    """What a student's code puts out is recorded without the metadata that carries marks."""
    forged = mark_output(QuestionResult("double", 4.0, 4.0, Status.GRADED, (TestResult("All of it.", Outcome.PASSED),)))
    assert judged(forged) is not None
    assert [judged(output) for output in safe_outputs([forged])] == [None]


def test_pictures_beside_the_notebook_come_into_the_page(tmp_path):
    """Pictures that were handed in or belong to the assignment are in the page; its file travels alone."""
    (tmp_path / "own.png").write_bytes(PNG)
    (tmp_path / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script><g/></svg>")
    text = markdown("![my digit](own.png) ![a drawing](drawing.svg) ![gone](none.png)", tmp_path)
    assert text.count('src="data:image/') == 2
    assert 'alt="my digit"' in text
    drawing = re.search(r"data:image/svg\+xml;base64,([\w+/=]+)", text)
    assert b"script" not in base64.b64decode(drawing[1])
    assert "[picture: gone]" in text


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "link.png", "folder/secret.png", "text.png", "pipe.png"]
)
def test_no_other_file_comes_into_the_page(tmp_path, name):
    """Neither files outside of the folder, nor through links, nor what is no picture."""
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "text.png").write_text("root:x:0")
    os.mkfifo(folder / "pipe.png")
    for text in (markdown(f"![a]({name})", folder), html(f'<img src="{name}">', folder)):
        assert "src=" not in text
        assert "base64" not in text


def test_formulas_are_mathml_and_what_can_not_be_typeset_stays_as_written():
    """Formulas need no script and no network; none breaks out of its place."""
    text = markdown(r"# Sum $\sum_i w_i$" + "\n\n$$\\frac{1}{2}$$\n\n![a > $x$](none.png)", Path("/nowhere"))
    assert "<msub>" in text
    assert "<mfrac>" in text
    assert not re.search(r'="[^"]*<m', text)
    assert mathml(r"\frac{1}{", block=False) == "<code>\\frac{1}{</code>"
    assert "<code>" in mathml("x" * 5000, block=False)
    assert "<script" not in mathml(EVIL, block=True)


def test_wide_tables_scroll_by_keyboard():
    """A table has a box of its own that can have the focus."""
    text = markdown("| a | b |\n|---|---|\n| 1 | 2 |", Path("/nowhere"))
    box = '<div class="box" role="group" aria-label="Table" tabindex="0">'
    assert re.search(rf"{box}<table>.*</table></div>", text, re.DOTALL)


def test_figures_have_words():
    """A picture is described by its author, by its text form, or as a figure."""
    cell = new_code_cell("draw()")
    picture = base64.b64encode(PNG).decode()
    cell.outputs = [
        new_output("display_data", {"image/png": picture, "text/plain": "<Figure size 640x480>"}),
        new_output("display_data", {"image/png": picture}, metadata={"alt": "A line through two points"}),
    ]
    text = page([cell], NotebookMarks({}, {}))
    assert 'alt="Figure that this cell drew"' in text
    assert 'alt="A line through two points"' in text
