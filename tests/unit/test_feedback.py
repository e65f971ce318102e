"""The output that carries a mark."""

from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

from nbseal.gradebook import mark_output
from nbseal.results import Outcome, QuestionResult, Status, TestResult


def question(
    score: float | None = 2.0, status: Status = Status.GRADED, tests: tuple[TestResult, ...] = ()
) -> QuestionResult:
    """A question worth 3 points."""
    return QuestionResult("nand", score, 3.0, status, tests)


def html(*tests: TestResult) -> str:
    """The feedback block of a question with these tests."""
    text = mark_output(question(tests=tests))["data"]["text/html"]
    assert isinstance(text, str)
    return text


def grade_by_nbgrader(output: dict) -> float | None:
    """The mark that stock nbgrader reads from a graded cell that ends with ``output``."""
    metadata = {"nbgrader": {"grade": True, "solution": False, "grade_id": "nand", "points": 3}}
    cell = new_code_cell("", metadata=metadata)
    cell.outputs = [nbformat.from_dict(output)]
    mark, _ = determine_grade(cell)
    return mark


class Elements(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open += tag != "br"

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1


def test_the_output_is_valid_nbformat():
    """A notebook with the output in it passes nbformat's validation."""
    cell = new_code_cell("", id="nand", outputs=[nbformat.from_dict(mark_output(question(), 7))])
    nbformat.validate(new_notebook(cells=[cell]))
    assert cell.outputs[0].execution_count == 7


@pytest.mark.parametrize("score", [0.0, 1e-05, 1.33, 3, 3.0])
def test_nbgrader_reads_the_mark(score):
    """Stock nbgrader takes the mark as partial credit."""
    assert grade_by_nbgrader(mark_output(question(score))) == score


@pytest.mark.parametrize("status", [Status.NOT_JUDGED, Status.MANUAL])
def test_nbgrader_reads_no_mark_where_none_was_made(status):
    """Stock nbgrader stops instead of giving full marks for what nobody judged."""
    with pytest.raises(KeyError):
        grade_by_nbgrader(mark_output(question(None, status)))


def test_each_test_has_a_sign_a_word_and_its_line():
    """Passed, failed and not judged differ in sign and word, not in colour alone."""
    text = html(
        TestResult("first line", Outcome.PASSED),
        TestResult("second line", Outcome.FAILED, "Got 3, expected 4."),
        TestResult("third line", Outcome.NOT_JUDGED),
    )
    assert text.index("✓") < text.index("passed:") < text.index("first line")
    assert text.index("✗") < text.index("failed:") < text.index("second line") < text.index("Got 3, expected 4.")
    assert text.index("not judged:") < text.index("third line")
    assert "Marks: 2 of 3" in text


def test_only_failed_tests_explain_themselves():
    """What a grader says when it breaks, and a passed test's message, are not for the student."""
    text = html(
        TestResult("one", Outcome.NOT_JUDGED, 'File "/graders/test_01.py", line 3'),
        TestResult("two", Outcome.PASSED, "secret"),
    )
    assert "graders" not in text
    assert "secret" not in text


def test_no_mark_is_not_shown_as_zero():
    """A question that was not judged, or waits for a person, says so."""
    assert "not a zero" in mark_output(question(None, Status.NOT_JUDGED))["data"]["text/html"]
    assert "Your teacher reads this answer" in mark_output(question(None, Status.MANUAL))["data"]["text/html"]


def test_markup_in_names_and_messages_stays_text():
    """Elements, attributes and entities in a text become text; the block has inline style and no script."""
    evil = "</div><script>alert(1)</script>\" onclick='x' &lt; <img src=x onerror=y>"
    elements = Elements(html(TestResult(evil, Outcome.FAILED, evil)))
    assert elements.tags <= {"div", "p", "strong", "br", "ul", "li", "span"}
    assert elements.attributes <= {"role", "class", "style", "aria-label", "aria-hidden"}
    assert elements.open == 0


def test_mathematics_in_a_message_is_not_typeset():
    """MathJax, which can make links, is told to leave the block alone."""
    text = html(TestResult("x", Outcome.FAILED, r"$\href{javascript:alert(1)}{x}$"))
    assert 'class="tex2jax_ignore mathjax_ignore"' in text


def test_what_can_not_be_printed_is_replaced():
    """Terminal escapes, text direction marks and half characters don't reach the page; line breaks do."""
    text = html(TestResult("a\x1b[31mb", Outcome.FAILED, "c\u202ed\ud800e\nf"))
    assert "a�[31mb" in text
    assert "c�d�e\nf" in text
    assert text.encode("utf-8")


def test_long_messages_are_cut():
    """Nobody reads a megabyte."""
    assert len(html(TestResult("x", Outcome.FAILED, "y" * 1_000_000))) < 10_000
