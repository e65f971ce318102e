"""Similar answers: what counts as similar, what says nothing, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.similarity import Answer, compare, find_similar, similarity_page
from tests.mini import hand_in, make_course

OWN = """
def double(x):
    parts = [x for _ in range(2)]
    total = 0
    while parts:
        total = total + parts.pop()
    return total if total else x - x
"""
RENAMED = """
def double(number):
    # my very own idea
    pieces = [number for _ in range(2)]

    result = 0
    while pieces:
        result = result + pieces.pop()
    return result if result else number - number
"""
OTHER = """
def double(x):
    if isinstance(x, (int, float)):
        return sum((x, x))
    import numpy
    return numpy.add(x, numpy.asarray(x)).astype(float).round(9)
"""


def answers(given: str = "", **sources: str) -> list[Answer]:
    """Answers to one question by student."""
    return [Answer(name, "double-answer", source.strip("\n"), given, True) for name, source in sources.items()]


def test_renamed_variables_and_new_comments_are_seen_through():
    """A copy with other names, comments and layout is alike; another solution isn't."""
    (pair,) = compare(answers(ada=OWN, bob=RENAMED, eve=OTHER))
    assert {pair.first.student, pair.second.student} == {"ada", "bob"}
    assert pair.share > 0.9
    assert not pair.same
    start, end = pair.first_marks[0]
    assert "while parts" in pair.first.source[start:end]


@pytest.mark.parametrize("seed", [1, 0x5DEECE66D])
def test_every_run_finds_the_same(monkeypatch: pytest.MonkeyPatch, seed: int):
    """Python's hashes of texts, which are others in each process, don't decide what is compared and marked."""
    partly = OWN.replace("while parts", "if x is None:\n        return [1, 2, 3]\n    while parts")
    before = compare(answers(ada=OWN, bob=RENAMED, eve=partly), threshold=0.3)
    monkeypatch.setattr("copydetect.utils.hash", lambda text: hash((text, seed)), raising=False)
    assert compare(answers(ada=OWN, bob=RENAMED, eve=partly), threshold=0.3) == before


def test_what_the_release_gave_says_nothing():
    """Answers that share only the stub, or code from elsewhere in the notebook, are not alike."""
    stub = OWN.replace("return total if total else x - x", "raise NotImplementedError")
    first, second = stub + "    return 1 + x - 1 + x\n", stub + "    return [x, x][0] * len('ab')\n"
    assert compare(answers(stub, ada=first, bob=second)) == []
    assert compare(answers(ada=first, bob=second), given=[stub]) == []
    assert len(compare(answers(ada=first, bob=second))) == 1


def test_what_many_wrote_says_nothing():
    """An answer that a large part of the class gave is no sign of copying; among a few it is."""
    crowd = {f"s{number}": OWN for number in range(12)}
    assert compare(answers(**crowd)) == []
    assert len(compare(answers(**crowd), common=1.0)) == 66
    assert len(compare(answers(ada=OWN, bob=OWN, eve=OTHER))) == 1


@pytest.mark.parametrize("source", ["x = 1", "", "def (", "\x00\ud800" * 50, "class A:\n    " + "'" * 99, "(" * 5000])
def test_no_answer_stops_the_search(source):
    """Short, broken and strange answers are compared, or left alone."""
    pairs = compare([Answer("ada", "q", source, "", True), Answer("bob", "q", source, "", True)])
    assert all(end <= len(source) for pair in pairs for _, end in pair.first_marks)


def test_submissions_are_read_and_shown_side_by_side(tmp_path: Path):
    """Pairs, what could not be compared, and all of it as text: nothing that a student wrote acts."""
    course = Course(make_course(tmp_path / "course"))
    evil = OWN.replace("total = 0", "total = 0 * len('<script>alert(1)</script>')")
    for student, answer in {"ada": evil, "bob": evil, "eve": OTHER, "<b>zoe": RENAMED}.items():
        hand_in(course.root, student, double_answer=answer)
    (course.root / "submitted" / "mallory" / "mini").mkdir(parents=True)
    (course.root / "submitted" / "mallory" / "mini" / "mini.ipynb").write_text("{")
    findings = find_similar(course, "mini")
    assert {"ada", "bob"} in [{pair.first.student, pair.second.student} for pair in findings.pairs]
    assert len(findings.notes) == 1
    assert findings.notes[0].startswith("mallory: mini.ipynb")
    text = similarity_page(findings)
    assert "<script>alert" not in text
    assert "<b>zoe" not in text
    assert "not a verdict" in text
    assert "<mark>" in text
    assert json.loads(json.dumps(findings.to_dict()))["pairs"][0]["share"] >= 0.8
    assert not (course.root / "gradebook.db").exists()
