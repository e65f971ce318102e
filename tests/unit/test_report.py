"""The instructor's report: its numbers, its pseudonyms, and that nothing on the page acts."""

from __future__ import annotations

import json

import pytest

from nbseal.gradebook.queries import QuestionMark, SubmissionState
from nbseal.report import report_page, summarise
from nbseal.report.pseudonyms import Pseudonyms
from nbseal.report.summary import correlation
from nbseal.results import CellTime, Outcome, QuestionResult, Scorecard, Status, TestResult

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
        card("eve", {"q": 0.0}, "Not tried yet, because this comes first: “x”", blocked=True),
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
