"""The instructor's report: its numbers, its pseudonyms, and that nothing on the page acts."""

from __future__ import annotations

import json
import re

import pytest

from nbseal.gradebook.queries import QuestionMark, SubmissionState
from nbseal.report import find_pages, report_page, summarise
from nbseal.report.pseudonyms import Pseudonyms
from nbseal.report.report_page import PageLinks
from nbseal.report.summary import correlation
from nbseal.results import CellTime, Outcome, QuestionResult, Scorecard, Status, TestResult
from tests.gradebooks import filled_course

EVIL = "<script>alert(1)</script><img src=x onerror=y>"


def card(student: str, marks: dict[str, float | None], message: str = "", blocked=False, **more) -> Scorecard:
    """A scorecard of questions worth 4 points each; what lost marks has a failed test with ``message``."""
    questions = []
    for grade_id, mark in marks.items():
        status = Status.NOT_JUDGED if mark is None else Status.GRADED
        outcome = Outcome.PASSED if mark == 4.0 else Outcome.FAILED if status is Status.GRADED else Outcome.NOT_JUDGED
        measured = {"accuracy": mark, "cost in $x^$": 1.0} if mark else {}
        test = TestResult("It doubles.", outcome, message, measured=measured, blocked=blocked)
        questions.append(QuestionResult(grade_id, mark, 4.0, status, (test,)))
    defaults = {"seal": "namespaces", "seconds": 0.2, "problems": (), "slowest": (CellTime("q", 0.1),)}
    return Scorecard(assignment="ps1", student=student, questions=tuple(questions), **(defaults | more))


def test_marks_are_those_that_count_now():
    """A person's mark goes before the machine's, extra credit and penalty count, what isn't made is nothing yet."""
    cards = [card("ada", {"q": 2.0, "r": 4.0}), card("bob", {"q": None, "r": 0.0})]
    state = SubmissionState(3600.0, 1.0, {"q": QuestionMark(2.0, 3.0, 0.5), "r": QuestionMark(4.0, None, 0.0)})
    ada, bob = summarise(cards, {"ada": state}, ["ada", "bob", "eve"]).students
    assert (ada.score, ada.penalty, ada.seconds_late, ada.waiting) == (6.5, 1.0, 3600.0, 0)
    assert (bob.score, bob.waiting, bob.not_judged) == (0.0, 1, 1)
    assert summarise(cards, {}, ["ada", "bob", "eve"]).not_graded == ("eve",)


def test_who_handed_in_again_is_named():
    """Students whose marks are those of an older submission are in the data and on the page, by their shown names."""
    cards = [card("ada", {"q": 2.0}), card("bob", {"q": 4.0})]
    summary = summarise(cards, {}, ["ada", "bob"], resubmitted=["bob"])
    assert summary.to_dict()["resubmitted"] == ("bob",)
    assert "older submission’s marks: bob." in report_page(summary)
    assert "older submission" not in report_page(summarise(cards, {}, ["ada", "bob"]))
    pseudonyms = Pseudonyms(b"secret", ["ada", "bob"], set())
    assert summarise(cards, {}, [], pseudonyms, ["bob"]).resubmitted == (pseudonyms.of("bob"),)


def test_what_has_no_mark_is_in_no_figure():
    """Means, medians and pictures are of the points that are marked; who has no mark at all is counted apart."""
    cards = [card("ada", {"q": 4.0, "r": 2.0}), card("bob", {"q": 1.0, "r": None}), card("eve", {"q": None, "r": None})]
    summary = summarise(cards, {}, [])
    assert [(one.student, one.share) for one in summary.students] == [("ada", 0.75), ("bob", 0.25), ("eve", None)]
    assert [(one.grade_id, one.share, one.marked) for one in summary.questions] == [("q", 0.625, 2), ("r", 0.5, 1)]
    words = " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", report_page(summary), flags=re.DOTALL).split())
    assert "50 % mean of the points marked (n = 2) 50 % median (n = 2)" in words
    assert "1 of 3 submissions has no mark at all and is not in the picture." in words
    assert "ada 6 0" in words
    assert "bob 1 of 4 1" in words
    assert "eve – 2" in words


def test_a_class_of_which_nothing_is_marked_has_a_report():
    """Without any mark there are no figures, and no zero."""
    text = report_page(summarise([card("eve", {"q": None}, seconds=0.0)], {}, []))
    assert "Nothing is marked yet." in text
    assert "<strong>–</strong> median (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0)" in text


def test_the_rest_of_a_question_is_of_what_is_marked():
    """Discrimination doesn't take a mark that isn't made for a zero."""
    marks = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]
    cards = [card(f"s{n}", {"q": a, "r": b, "s": None if n > 2 else b}) for n, (a, b) in enumerate(marks)]
    (first, *_) = summarise(cards, {}, []).questions
    assert first.discrimination == pytest.approx(1)


def unwritten(student: str, question: str) -> Scorecard:
    """A scorecard of two questions, of which ``question`` has only a stub and the other one a mistake."""
    questions = []
    for grade_id in ("q", "r"):
        test = TestResult("It doubles.", Outcome.FAILED, "Got 3.", unwritten=grade_id == question)
        again = TestResult("It doubles arrays.", Outcome.FAILED, "Got 4.", unwritten=grade_id == question)
        questions.append(QuestionResult(grade_id, 0.0, 4.0, Status.GRADED, (test, again)))
    return Scorecard("ps1", student, "namespaces", 0.2, tuple(questions))


def test_what_is_not_written_yet_stands_behind_the_mistakes():
    """However many stubs there are, a question has one row for them, below every real mistake."""
    cards = [unwritten("ada", "q"), unwritten("bob", "q"), unwritten("eve", "r")]
    mistakes = summarise(cards, {}, []).mistakes
    assert [(one.grade_id, one.test, len(one.students)) for one in mistakes] == [
        ("r", "It doubles arrays.", 2), ("r", "It doubles.", 2),
        ("q", "It doubles arrays.", 1), ("q", "It doubles.", 1),
        ("q", "Not written yet", 2), ("r", "Not written yet", 1),
    ]  # fmt: skip
    assert [one.unwritten for one in mistakes] == [False] * 4 + [True] * 2


def test_rows_lead_to_feedback_pages():
    """Students and their mistakes link to the page that is there; names stay text, and pseudonyms lead nowhere."""
    cards = [card("ada", {"q": 0.0}, "Got 3."), card(EVIL, {"q": 0.0}, "Got 3."), card("bob", {"q": 0.0}, "Got 3.")]
    links = PageLinks(
        {"ada": {"part1": "../feedback/ada/ps1/part1.html"}, EVIL: {"part1": "../a%22b.html", "part2": "../c.html"}},
        {"q": "part1"},
    )
    text = report_page(summarise(cards, {}, []), links=links)
    assert text.count('<a href="../feedback/ada/ps1/part1.html">ada</a>') == 2
    assert text.count('<a href="../a%22b.html">') == 2
    assert ">bob</a>" not in text
    assert "<script>alert" not in text
    assert "feedback/ada" not in report_page(summarise(cards, {}, []), anonymous=True, links=links)


def test_pages_are_found_beside_the_report(tmp_path):
    """Addresses are relative to the report's folder, and quoted."""
    course = filled_course(tmp_path / "course")
    (tmp_path / "course" / "source" / "a1").mkdir(parents=True)
    odd = tmp_path / "course" / "feedback" / "a b#?é" / "a1"
    odd.mkdir(parents=True)
    (odd / "part1.html").write_text("page")
    links = find_pages(course, "a1", tmp_path / "course" / "reports")
    assert links.of("a b#?é") == {"part1": "../feedback/a%20b%23%3F%C3%A9/a1/part1.html"}
    assert links.of("nobody") == {}


def test_questions_have_difficulty_and_discrimination():
    """A question that follows the others discriminates, one that goes against them doesn't."""
    cards = [
        card(f"s{at}", {"easy": 4.0, "with": float(n), "also": float(n), "more": float(n), "against": 4.0 - n})
        for at, n in enumerate((0, 1, 2, 3, 4, 4))
    ]
    questions = {one.grade_id: one for one in summarise(cards, {}, []).questions}
    assert questions["easy"].share == 1.0
    assert questions["easy"].discrimination is None
    assert questions["with"].share == pytest.approx(14 / 24)
    assert questions["with"].discrimination > 0 > questions["against"].discrimination
    assert (questions["with"].full, questions["with"].none) == (2, 1)


def test_too_few_values_or_equal_ones_have_no_correlation():
    """Four students, or marks that are all the same, say nothing."""
    assert correlation([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    assert correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]) == pytest.approx(1)


def test_the_same_mistake_with_other_numbers_is_one_mistake():
    """Messages that differ in numbers count together; tests that only waited for another one don't count."""
    cards = [
        card("ada", {"q": 0.0}, "Got 3, expected 4."),
        card("bob", {"q": 0.0}, "Got 1.5, expected -2."),
        card("eve", {"q": 0.0}, "Not run yet. Fix this first: “x”", blocked=True),
    ]
    (mistake,) = summarise(cards, {}, []).mistakes
    assert mistake.message == "Got …, expected …."
    assert mistake.students == ("ada", "bob")


def test_pseudonyms_are_stable_and_lead_nobody_back():
    """The same secret gives the same pseudonym, another one another; names go out of texts in whatever case."""
    names = Pseudonyms(b"secret", ["ada", "grace"], ["Lovelace", "ada@example.org"])
    assert names.of("ada") == Pseudonyms(b"secret", ["ada"]).of("ada") != Pseudonyms(b"other", ["ada"]).of("ada")
    assert names.of("ada").startswith("student-")
    assert names.clean("ADA_01 wrote to lovelaces, ada@example.org; Canada") == (
        "[name]_01 wrote to [name]s, [name]; Canada"
    )


def test_an_anonymous_report_names_nobody():
    """No id is on the page or in the JSON: not in messages, problems or names of cells either."""
    cards = [
        card(
            "grace",
            {"q": 0.0},
            "Grace got 3.",
            problems=("/home/grace/x is a link",),
            slowest=(CellTime("grace-1", 1),),
        ),
        card("ada", {"q": 4.0}),
    ]
    names = Pseudonyms(b"secret", ["ada", "grace", "alan"])
    summary = summarise(cards, {}, ["ada", "grace", "alan"], names)
    for text in (report_page(summary, anonymous=True), json.dumps(summary.to_dict())):
        assert "grace" not in text.lower()
        assert ">ada<" not in text
        assert names.of("grace") in text


def test_nothing_on_the_page_acts_or_loads():
    """What students wrote is text; the only script is ours, by its digest, and pictures are in the page."""
    cards = [card(EVIL, {"q": 0.0}, EVIL, problems=(EVIL,), slowest=(CellTime(EVIL, 1.0),))]
    text = report_page(summarise(cards, {}, [EVIL, EVIL + "2"]))
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("<script>") == 1
    assert "default-src &#39;none&#39;; script-src &#39;sha256-" in text
    assert "http://" not in text
    assert "https://" not in text


def test_the_accuracy_of_networks_is_drawn():
    """What hidden tests measured has a histogram with words that say the same."""
    cards = [card(str(n), {"q": float(n)}) for n in range(1, 5)]
    text = report_page(summarise(cards, {}, []))
    assert "Histogram of accuracy: 1 from 1 to" in text
    assert "4 submissions, from 1 to 4." in text
