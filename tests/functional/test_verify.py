"""Verification finds what is wrong with graders, names it, and is content with those that are right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from nbseal.cli.app import app
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.verify import Verification, VerifyOptions, verification_page, verify
from nbseal.verify.cache import Cache
from nbseal.verify.doubles import adversaries, own_ways, wrong_ideas
from nbseal.verify.leaks import secrets_in
from nbseal.verify.results import Finding, Problem, Tried
from tests.mini import code, make_course, solution

TOTAL = "def total(numbers):\n    result = 0\n    for number in numbers:\n        result += number\n    return result"
CELLS = [
    code("total-answer", solution(TOTAL), solution=True),
    code("total", "assert total([1, 2]) == 3", grade=True, locked=True, points=2),
    code("limit-answer", solution("limit = 1234.5"), solution=True),
    code("limit", "assert limit > 0", grade=True, locked=True, points=1),
    code("plain-answer", solution("def twice(x):\n    return 2 * x"), solution=True),
    code("plain", "assert twice(3) == 6", grade=True, locked=True, points=1),
]
RIGHT = '''
import pytest


@pytest.mark.question("total")
def test_totals(student):
    """It adds up whole numbers and fractions, of either sign, one and none."""
    rng = student.rng
    cases = [(rng.integers(-64, 65, count) / 8).tolist() for count in (3, 1, 7, 0, 4, 2)]
    cases += [list(reversed(cases[0])), [*cases[2], 0.125], [*cases[0], 2.5, -7.0, 0.0625]]
    for got, case in zip(student.calls("total", [(case,) for case in cases]), cases, strict=True):
        assert got is not None, "total(...) gave None."
        assert isinstance(got, (int, float)) or getattr(got, "shape", None) == (), "total(...) should give a number."
        assert abs(float(got) - sum(case)) < 1e-9, "total(...) is not the sum."


@pytest.mark.question("limit")
def test_limit(student):
    """The limit is that of the table."""
    assert student.number("limit") == 1234.5, "Look the limit up once more."
'''
ASKED_ONCE = RIGHT.replace("for count in (3, 1, 7, 0, 4, 2)", "for count in (3,)").replace(
    "    cases += [list(reversed(cases[0])), [*cases[2], 0.125], [*cases[0], 2.5, -7.0, 0.0625]]\n", ""
)
AGES = """import time
born = time.monotonic()
def total(numbers):
    time.sleep(0.1)
    return sum(numbers) + (time.monotonic() < born + 5)
"""
PLANTED = {
    "passes on everything": (
        '    """It is there."""\n    student.call("total", [1])\n',
        Problem.FALSE_ACCEPT,
        "for knowing nothing",
    ),
    "passes on nothing": (
        '    """It is there."""\n    assert False, "no"\n',
        Problem.FALSE_REJECT,
        "0 marks instead of 2",
    ),
    "raises": ('    """It is there."""\n    1 / 0\n', Problem.FAULT, "ZeroDivisionError"),
    "hangs": ('    """It is there."""\n    while True:\n        pass\n', Problem.FAULT, "can't judge a right answer"),
    "hangs on luck": (
        '    """It is there."""\n    assert student.rng.random() < 0.5, "no"\n',
        Problem.UNSTABLE,
        "of 20 draws",
    ),
    "gives answers away": (
        '    """It is there."""\n    got = student.call("total", [401.25, 3.5])\n'
        '    assert got == 404.75, f"{got} is not 404.75"\n',
        Problem.FAULT,
        "gives away",
    ),
}


QUICK = {"passes on everything", "passes on nothing"}  # named by `make test`; the others by `make test-slow`


def verified(
    root: Path,
    grader: str | None,
    cases: dict[str, str] | None = None,
    cells: list[dict[str, Any]] = CELLS,
    **options: object,
) -> Verification:
    """Verify a small course's only assignment."""
    make_course(root, grader, cells)
    for name, description in (cases or {}).items():
        path = root / "graders" / "cases" / "mini" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.write_text(description, encoding="utf-8")
        else:
            path.mkdir()
            (path / "submission.toml").write_text(description, encoding="utf-8")
    return verify(Course(root), "mini", VerifyOptions(**options))  # type: ignore[arg-type]


def failures(found: Verification, question: str = "total") -> list[Finding]:
    """What must be mended about a question."""
    return [
        finding for one in found.questions if one.question == question for finding in one.findings if finding.counts
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verification]:
    """A course with right graders, known cases and an oracle, verified."""
    root = tmp_path_factory.mktemp("good") / "course"
    cases = {
        "fail_first_only": 'about = "Returns the first."\n[cells]\n'
        'total-answer = "def total(n): return n[0] if len(n) else 0"\n'
        "[expect.total]\nscore = 0\nwords = ['not the sum']\n",
        "pass_builtin": 'about = "The library."\n[cells]\ntotal-answer = "total = sum"\n',
    }
    return root, verified(root, RIGHT, cases)


@pytest.mark.slow
def test_right_graders_have_nothing_to_be_mended(good: tuple[Path, Verification]) -> None:
    """All kinds of answers are tried, every change of the function that changes a sum is caught, and nothing fails."""
    _, found = good
    total = found.questions[0]
    assert [(finding.problem, finding.name, finding.said) for finding in failures(found)] == []
    assert total.tried["case"] == 4
    assert min(total.tried.values()) >= 4
    assert total.caught >= 15
    assert total.survived == 0
    assert not failures(found, "limit")


def test_what_was_tried_is_not_tried_again(good: tuple[Path, Verification]) -> None:
    """A second run takes outcomes from the first one, and finds the same."""
    root, found = good
    again = verify(Course(root), "mini")
    assert [question.to_dict() | {"seconds": 0} for question in again.questions] == [
        question.to_dict() | {"seconds": 0} for question in found.questions
    ]
    assert again.seconds < found.seconds / 2


def test_what_was_tried_outlives_a_verification_that_is_killed(
    good: tuple[Path, Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes are written down while a verification goes on, and whoever opens them next finds them."""
    monkeypatch.setattr("nbseal.verify.cache.WRITE_SECONDS", 0)
    course, tried = Course(good[0]), Tried((1.0,), evidence="killed")
    Cache(course, "other", "digest").keep("answer", tried)
    assert Cache(course, "other", "digest").look_up("answer") == tried
    assert Cache(course, "other", "other digest").look_up("answer") is None


def test_a_question_without_hidden_tests_is_verified_by_its_own_check(good: tuple[Path, Verification]) -> None:
    """It is said that nbgrader's rule decides, and a check that asks once lets the example's answer through."""
    _, found = good
    plain = found.questions[2]
    assert plain.notes == ["no hidden tests: nbgrader's own rule decides"]
    assert "the notebook's own examples learnt by heart" in [one.name for one in failures(found, "plain")]


@pytest.mark.slow
def test_what_given_cells_make_of_an_answer_is_not_there_for_who_knows_nothing(tmp_path: Path) -> None:
    """A hidden test that looks at such a value passes nobody whose function says the same to everything."""
    cells = [CELLS[0], code("made", "made = total([2, 3])"), *CELLS[1:]]
    grader = f"""{RIGHT}

@pytest.mark.question("total")
def test_made(student):
    \"\"\"A given cell used it.\"\"\"
    assert student.number("made") == 5, "made should be 5."
"""
    found = verified(tmp_path / "course", grader, cells=cells, sample=2, questions=("total",))
    assert found.questions[0].tried["adversary"] > 0
    assert [(one.kind, one.name, one.said) for one in failures(found)] == []


def test_a_weak_test_leaves_survivors_with_their_difference(tmp_path: Path) -> None:
    """Where hidden tests ask once, an answer that keeps state survives, and is shown."""
    found = failures(verified(tmp_path / "course", ASKED_ONCE, questions=("total",)))
    survivors = {finding.name: finding for finding in found if finding.problem is Problem.FALSE_ACCEPT}
    assert "total: nothing for empty arguments" in survivors
    assert "total = wrong_ideas" in survivors["total: nothing for empty arguments"].difference


@pytest.mark.slow
def test_what_a_hidden_test_asks_of_another_question_is_no_answer_to_this_one(tmp_path: Path) -> None:
    """A wrong function of an earlier question, which a later one's test forgives, is not the later one's survivor."""
    builds_on = RIGHT + (
        '\n\n@pytest.mark.question("plain")\ndef test_twice(student):\n    """Twice."""\n'
        "    for number in student.rng.integers(1, 99, 5).tolist():\n"
        '        student.call("total", [number])\n'
        '        assert student.call("twice", number) in (2 * number, True), "no"\n'
    )
    found = failures(verified(tmp_path / "course", builds_on, questions=("plain",)), "plain")
    assert [one.name for one in found if one.name.startswith("total:")] == []


def test_lists_of_unequal_length_can_be_disguised() -> None:
    """A double of such a list is made, not an error that would leave the right answer in its place."""
    ragged = [([0, 1, 2], [3]), ([3], [0, 1, 2])]
    assert wrong_ideas.VALUES["without the last"](ragged) == ragged[:1]
    assert all(double(ragged) is not ragged for double in adversaries.VALUES.values())


def test_an_answer_in_another_dress_is_as_it_was_for_the_notebooks_own_functions() -> None:
    """Who asks from outside gets another kind of result; a function of the same notebook gets what it builds on."""
    names: dict[str, Any] = {}
    exec("def ones(n):\n    return [1] * n\n\n\ndef one_more(n):\n    return ones(n) + [1]\n", names)
    names["ones"] = own_ways.FUNCTIONS["what it returns: a tuple for a list"](names["ones"])
    assert names["ones"](1) == (1,)
    assert names["one_more"](1) == [1, 1]


def test_a_wrong_idea_that_remembers_takes_objects_for_the_same() -> None:
    """Where an object lies in memory does not decide whether a call is answered from memory."""
    remembers = wrong_ideas.FUNCTIONS["remembers by the first argument alone"](lambda one, number: number)
    things = [object() for _ in range(3)]
    assert [remembers(thing, number) for number, thing in enumerate(things)] == [0, 0, 0]


def test_a_wrong_idea_empties_lists_dictionaries_and_tables() -> None:
    """What a function was given is empty after the call, whose result is that of the right function."""
    for given in ([1, 2], {"a": [1], "b": 2}, {1, 2}, pd.DataFrame({"a": [1, 2]})):
        assert wrong_ideas.FUNCTIONS["empties what it is given"](len)(given) == 2
        assert list(given) == []


@pytest.mark.slow
def test_draws_that_take_long_are_judged_by_young_processes(tmp_path: Path) -> None:
    """An answer that takes its time gets the same mark under every draw, though no process lives until the last."""
    case = (
        f'about = "Ages."\n[cells]\ntotal-answer = """{AGES}"""\n[expect.total]\nscore = 0\nwords = ["not the sum"]\n'
    )
    make_course(root := tmp_path / "course", RIGHT, CELLS)
    folder = root / "graders" / "cases" / "mini" / "fail_ages"
    folder.mkdir(parents=True)
    (folder / "submission.toml").write_text(case, encoding="utf-8")
    course = Course(root)
    course.seal.hidden_tests_seconds = 2.0
    assert not failures(verify(course, "mini", VerifyOptions(questions=("total",), sample=1, draws=8)))


@pytest.mark.parametrize(
    "planted", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in PLANTED]
)
def test_a_bad_grader_is_named(planted: str, tmp_path: Path) -> None:
    """A test that accepts or refuses everything, fails by itself, hangs, is a draw or tells answers is found out."""
    body, problem, words = PLANTED[planted]
    grader = f'import pytest\n\n\n@pytest.mark.question("total")\ndef test_planted(student):\n{body}'
    root = tmp_path / "course"
    make_course(root, grader, CELLS)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.Seal.hidden_tests_seconds = 1.0\n")
    found = [
        one for one in failures(verify(Course(root), "mini", VerifyOptions(("total",), 4))) if one.problem is problem
    ]
    assert found
    assert any(words in one.said for one in found), [one.said for one in found]


@pytest.mark.slow
def test_a_mark_that_hangs_on_the_number_of_threads_is_named(tmp_path: Path) -> None:
    """A right case that gets other marks where NumPy has two threads is unstable."""
    answer = "import numpy, threadpoolctl\n\ndef total(numbers):\n    pools = threadpoolctl.threadpool_info()\n"
    answer += "    return sum(numbers) + max(pool['num_threads'] for pool in pools) - 1"
    cases = {"pass_counts_threads": f'about = "."\n[cells]\ntotal-answer = """\n{answer}\n"""\n'}
    found = failures(verified(tmp_path / "course", RIGHT, cases, questions=("total",), sample=1))
    (unstable,) = (one for one in found if one.problem is Problem.UNSTABLE)
    assert unstable.name == "pass_counts_threads"
    assert unstable.said.startswith("0 marks with two threads, 2 marks with one: ")
    assert "is not the sum" in unstable.said


@pytest.mark.slow
def test_an_automatic_student_learns_from_feedback_that_says_too_much(tmp_path: Path) -> None:
    """Inputs that stay the same with their sums in the feedback are full marks for who answers what was said before."""
    tells = """
import pytest


@pytest.mark.question("total")
def test_planted(student):
    \"\"\"It is the sum.\"\"\"
    for numbers in ([4, 5], [1, 2, 4], [3, 3]):
        got = student.call("total", numbers)
        assert got == sum(numbers), f"The sum of these is {sum(numbers)}."
"""
    found = failures(verified(tmp_path / "course", tells, questions=("total",)))
    assert [one.said.rpartition(": ")[2] for one in found if one.name == "automatic student"] == ["9, 7, 6"]


@pytest.mark.slow
def test_a_test_that_needs_another_one_first_is_named(tmp_path: Path) -> None:
    """A test that passes only after another has left something behind is the grader's fault."""
    grader = RIGHT + (
        '\n\nSEEN = []\n\n\n@pytest.mark.question("total")\ndef test_first(student):\n    """First."""\n'
        "    SEEN.append(1)\n"
        '\n\n@pytest.mark.question("total")\ndef test_second(student):\n    """Second."""\n    assert SEEN, "no"\n'
    )
    found = failures(verified(tmp_path / "course", grader, questions=("total",), sample=1))
    assert any("test_second gives another result alone" in one.said for one in found)


def test_what_a_hidden_test_enforces_stands_in_the_notebook(tmp_path: Path) -> None:
    """A promise that the notebook doesn't make is the grader's fault; one in other letters and lines is found."""
    wrong = RIGHT.replace('question("total")', 'question("total", promise="adds up everything")')
    found = failures(verified(tmp_path / "wrong", wrong, questions=("total",), sample=1))
    assert any("enforces “adds up everything”, which the notebook doesn't say" in one.said for one in found)
    right = RIGHT.replace('question("total")', 'question("total", promise="ASSERT total([1,\\n 2])")')
    question = verified(tmp_path / "right", right, questions=("total",), sample=1).questions[0]
    assert not question.fails
    assert question.notes == []


@pytest.mark.slow
def test_each_hidden_test_is_needed_or_called_redundant(tmp_path: Path) -> None:
    """Where a second test catches nothing by itself it is called redundant; a needed one isn't."""
    twice = RIGHT + (
        '\n\n@pytest.mark.question("total")\ndef test_again(student):\n    """Again."""\n'
        "    from nbseal.checks import as_number\n\n"
        '    assert as_number(student.call("total", [2, 3]), "total(...)") == 5, "no"\n'
    )
    question = verified(tmp_path / "course", twice, questions=("total",)).questions[0]
    redundant = [one.name for one in question.findings if one.problem is Problem.REDUNDANT]
    assert redundant == ["Again."]
    assert not question.fails


def test_an_instructor_accepts_a_finding_with_a_reason(good: tuple[Path, Verification], tmp_path: Path) -> None:
    """What is accepted doesn't fail any more, without a reason it isn't accepted, and a stale entry is an error."""
    root = shutil.copytree(good[0], tmp_path / "course")  # with what was tried there
    found = failures(good[1], "plain")
    assert found
    file = root / "graders" / "cases" / "mini" / "accepted.toml"
    entries = "".join(f'[[accepted]]\nfinding = "{one.key}"\nreason = "Only an exercise."\n' for one in found)
    file.write_text(entries, encoding="utf-8")
    assert not failures(verify(Course(root), "mini"), "plain")
    file.write_text(f'{entries}[[accepted]]\nfinding = "0123456789ab"\nreason = "Gone."\n', encoding="utf-8")
    with pytest.raises(CourseError, match="0123456789ab, which is found no more"):
        verify(Course(root), "mini")
    file.write_text(entries.replace("Only an exercise.", " "), encoding="utf-8")
    with pytest.raises(CourseError, match="no reason is given"):
        verify(Course(root), "mini")


def test_the_command_says_what_is_wrong_and_ends_with_its_own_code(
    good: tuple[Path, Verification], tmp_path: Path
) -> None:
    """It prints a line for each question and each failure, and writes JSON and a page; exit code 5."""
    root, found = good
    arguments = [
        "verify",
        "mini",
        "--course",
        str(root),
        "--json",
        f"{tmp_path}/v.json",
        "--html",
        f"{tmp_path}/v.html",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 5
    assert "learnt by heart" in result.stdout
    data = json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))
    assert [question["question"] for question in data[0]["questions"]] == ["total", "limit", "plain"]
    assert "learnt by heart" in (tmp_path / "v.html").read_text(encoding="utf-8")
    assert verification_page([found]).count("<article") == sum(len(one.findings) for one in found.questions)
    result = CliRunner().invoke(app, ["verify", "mini", "--question", "totl", "--course", str(root)])
    assert result.exit_code == 1
    assert "no question totl" in result.output


def test_known_cases_that_are_not_written_as_they_must_be_are_errors(tmp_path: Path) -> None:
    """An unknown cell, an unknown key and broken TOML name the file."""
    for number, (text, words) in enumerate(
        [
            ('[cells]\nnone = "1"', "no cell none"),
            ("word = 1", "word means nothing"),
            ("about = ", "not describe"),
        ]
    ):
        with pytest.raises(CourseError, match=words):
            verified(tmp_path / str(number), RIGHT, {"case": text})


def test_known_cases_say_what_graders_are_told(tmp_path: Path) -> None:
    """A settings.toml beside the cases comes before the course's settings, and the result says so."""
    grader = f'{RIGHT}\n\ndef depends_on(settings):\n    return settings["data_set"]\n'
    cases = {"settings.toml": 'data_set = "small"\n'}
    found = verified(tmp_path / "course", grader, cases, questions=("limit",))
    assert found.to_dict()["settings"] == {"data_set": "small"}
    assert not failures(found, "limit")


def test_numbers_in_a_row_are_no_secret() -> None:
    """Of whole numbers that count on, only the first and the last may tell something."""
    told = [{"value": list(range(100, 900))}, {"value": [512, 311, 747]}]
    assert secrets_in(told, "") == {"899", "512", "311", "747"}
