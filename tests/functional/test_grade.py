"""Grading: from a submission's folder to a scorecard."""

import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbseal import grade_notebook
from nbseal.build import build
from nbseal.course import Course
from nbseal.errors import CourseError, GraderError, SubmissionError, UnknownName
from nbseal.grading import ClassOptions, Grader, grade_class
from nbseal.grading.submission import resubmitted
from nbseal.results import Outcome, Scorecard, Status
from tests.mini import GRADER, Watching, code, hand_in, make_course, mini_cells, notebook, solution, write


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The mini course, with less time for cells."""
    root = make_course(tmp_path_factory.mktemp("course"))
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("c.Seal.cell_seconds = 1.0\nc.Seal.notebook_seconds = 5.0\n")
    return Course(root)


@pytest.fixture(scope="module")
def grader(course):
    """One grader for all tests that only need scorecards."""
    with Grader(course, "mini") as one:
        yield one


@pytest.fixture
def card_of(grader, course, request):
    """Grade a submission made of answers."""

    def grade(**answers):
        path = hand_in(course.root, f"s{abs(hash(request.node.name))}", **answers)
        graded = grader.grade(path.parent.parent.name, path.parent)
        grade.notebook = graded.notebooks["mini"]
        return graded.scorecard

    return grade


DEAF = "import signal; signal.pthread_sigmask(0, range(1, 60))"  # to all interrupts
SLEEPS = "import time\ndef double(x):\n    time.sleep({})\n    return 2 * x"
WAITING = {
    "computes": {"double_answer": "def double(x):\n    while True: pass"},
    "is deaf when asked": {"double_answer": f"def double(x):\n    if x != 2:\n        {DEAF}\n        while 1: pass"},
    "is deaf": {"number_answer": f"{DEAF}\nwhile 1: pass"},
    "sleeps a moment": {"double_answer": SLEEPS.format(1.2)},
    "sleeps": {"double_answer": SLEEPS.format(60)},
}


@pytest.fixture(scope="module")
def waited(course, grader):
    """Scorecards of those who take their time: graded as one class, so that all wait together."""
    folders = {name: hand_in(course.root, name, **answers).parent for name, answers in WAITING.items()}
    with ThreadPoolExecutor(len(folders)) as pool:
        graded = list(pool.map(grader.grade, folders, folders.values()))
    return {one.scorecard.student: one.scorecard for one in graded}


def marks(card):
    """Marks by question."""
    return {question.grade_id: question.score for question in card.questions}


def messages(card, grade_id):
    """Messages of a question's tests that did not pass."""
    return " ".join(t.message for t in card.question(grade_id).tests if t.outcome is not Outcome.PASSED)


def test_the_solution_gets_full_marks(card_of):
    """Right answers get all points, at the strongest level of sealing."""
    card = card_of()
    assert marks(card) == {"double": 4.0, "number": 2.0, "plain": 1.0}
    assert card.seal in ("namespaces", "landlock")
    assert card.problems == ()


def test_a_mark_is_the_weighted_share_of_the_tests_that_pass(card_of):
    """One test of weight 1 out of 1 + 3 gives a quarter of the points."""
    card = card_of(double_answer="def double(x):\n    return int(2 * x)")
    assert marks(card)["double"] == 1.0
    assert "TypeError" in messages(card, "double")


def test_a_failed_prerequisite_skips_its_dependants(card_of):
    """What builds on a failed test is not tried, and says which test comes first."""
    card = card_of(double_answer="def double(x):\n    return 3 * x")
    first, second = card.question("double").tests
    assert first.message == "double(x) should be 2 * x."
    assert second.outcome is Outcome.FAILED
    assert second.message == "Not run yet. Fix this first: “It doubles a number.”"


def test_untouched_answers_get_nothing_and_no_reproach(card_of):
    """Stubs fail with the sentence of the stub; nothing is left unjudged."""
    stub = "raise NotImplementedError('Your turn')"
    card = card_of(double_answer=stub, number_answer=stub, plain_answer=stub)
    assert marks(card) == {"double": 0.0, "number": 0.0, "plain": 0.0}
    assert "stopped with NotImplementedError: Your turn" in messages(card, "number")


def test_a_misspelt_name_is_guessed(card_of):
    """A missing name that resembles another is pointed out."""
    card = card_of(number_answer="answr = 42\nanswer2 = 0")
    assert "`answer` is not defined. Did you mean `answ" in messages(card, "number")


@pytest.mark.parametrize("answer", ["None", "'42'", "[42]", "float('nan')", "True", "(x for x in [42])", "object()"])
def test_a_value_of_the_wrong_kind_is_a_mistake_not_a_crash(card_of, answer):
    """Odd values fail with a sentence."""
    card = card_of(number_answer=f"answer = {answer}")
    assert marks(card)["number"] == 0.0
    assert messages(card, "number").startswith("`answer` should be")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('no')", "raised KeyError"),
        ("raise SystemExit(0)", "raised SystemExit"),
        ("return (i for i in range(3))", "2 * x"),
        ("print('x' * 10**7)", "2 * x"),
        ("return double(x)", "raised RecursionError"),
    ],
)
def test_a_function_that_misbehaves_fails_with_a_sentence(card_of, body, words):
    """Raising, printing and odd functions are the student's mistakes."""
    card = card_of(double_answer=f"def double(x):\n    {body}")
    assert marks(card)["double"] == 0.0
    assert marks(card)["number"] == 2.0
    assert words in messages(card, "double")


@pytest.mark.parametrize("body", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_process_that_dies_is_not_judged_and_others_are(card_of, body):
    """No reply is no verdict: the question waits for a person, the next one is asked as usual."""
    card = card_of(double_answer=f"def double(x):\n    if x != 2:\n        {body}")
    assert card.question("double").status is Status.NOT_JUDGED
    assert card.question("double").score is None
    assert marks(card)["number"] == 2.0
    assert any("not judged (double)" in problem for problem in card.problems)


@pytest.mark.parametrize("who", ["computes", "is deaf when asked"])
def test_an_endless_function_is_ended_and_costs_its_own_question_only(waited, who):
    """A call that computes for ever fails with a sentence, also when it masks all signals."""
    card = waited[who]
    assert marks(card) == {"double": 0.0, "number": 2.0, "plain": 1.0}
    assert "`double` did not return within 1 seconds." in messages(card, "double")


def test_what_a_call_changes_is_not_seen_by_the_next_question(card_of):
    """Each question's calls are made in a fork of its own."""
    card = card_of(double_answer="def double(x):\n    global answer\n    answer = 0\n    return 2 * x")
    assert marks(card) == {"double": 4.0, "number": 2.0, "plain": 1.0}


@pytest.mark.parametrize("before", ["", "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"])
@pytest.mark.parametrize(
    "body",
    [
        "with ThreadPoolExecutor(2) as pool:\n        return sum(pool.map(abs, [x, x]))",
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n        return sum(pool.map(abs, [x, x]))",
        "return asyncio.run(asyncio.to_thread(abs, 2 * x))",
    ],
)
def test_a_call_may_use_threads_and_processes(card_of, before, body):
    """The fork that answers a question is a whole process, also when the notebook has left a thread running."""
    imports = "import asyncio, multiprocessing, threading, time\nfrom concurrent.futures import ThreadPoolExecutor"
    card = card_of(double_answer=f"{imports}\n{before}\ndef double(x):\n    {body}")
    assert marks(card)["double"] == 4.0, messages(card, "double")


def test_hidden_inputs_repeat_for_the_same_submission_and_differ_between_students(card_of, course, grader):
    """A regrade asks the same; another submission is asked something else."""
    words = [f"{number}" for number in range(1000)]  # what it says must stand in its own code
    spy = f"words = {words}\ndef double(x):\n    raise ValueError(words[x])"
    first = messages(card_of(double_answer=spy), "double")
    path = hand_in(course.root, "same-again", double_answer=spy)
    again = messages(grader.grade("x", path.parent).scorecard, "double")
    other = hand_in(course.root, "other", double_answer=spy + "  # mine")
    assert "raised ValueError: " in first
    assert first == again
    assert messages(grader.grade("y", other.parent).scorecard, "double") != first


def test_a_notebook_that_never_ends_is_not_judged(waited):
    """What ignores interrupts is ended at the notebook's limit; a person looks at the questions behind it."""
    card = waited["is deaf"]
    assert marks(card) == {"double": 4.0, "number": None, "plain": None}
    assert "ran longer than its time limit, 5 seconds" in card.problems[0]


def test_forged_replies_give_no_marks(card_of):
    """A process that writes replies of its own accord is not believed to have passed anything."""
    forge = """
import json, os, struct
header = json.dumps({"v": {"d": [["value", 42], ["passed", True]]}, "b": []}).encode()
for _ in range(50):
    os.write(3, struct.pack(">IQ", len(header), 0) + header)
"""
    card = card_of(number_answer=forge + "answer = 41", double_answer="def double(x):\n    return 0")
    assert (marks(card)["double"] or 0.0) == 0.0


def test_questions_without_hidden_tests_follow_nbgraders_rule(card_of, grader):
    """A graded cell without a grader gives its points when it runs without an error; that is said once."""
    assert marks(card_of(plain_answer="flag = False"))["plain"] == 0.0
    assert len(grader.plan.notes) == 1
    assert "plain" in grader.plan.notes[0]


LAST_LINES = {
    "bool": "flag",
    "text": "'fine'",
    "dict": "{'a': 1}",
    "list": "[1, 2]",
    "table": "__import__('pandas').DataFrame({'a': [1]})",
    "picture": "__import__('matplotlib.pyplot').pyplot.plot([1, 2])",
    "numpy's number": "np.float64(1.0)",
    "nothing": "print(flag)",
}


@pytest.fixture(scope="module")
def with_last_lines(tmp_path_factory):
    """A course without hidden tests whose checks end with something that is shown, and ``credit``, with a number."""
    shows = {f"q{number}": source for number, source in enumerate(LAST_LINES.values())}
    cells = [
        code("imports", "import numpy as np"),
        code("answer", solution("flag, points = True, 1.5"), solution=True),
        *(code(name, source, grade=True, locked=True, points=2) for name, source in shows.items()),
        code("credit", "assert flag\nflag + 0\npoints", grade=True, locked=True, points=2),
    ]
    root = make_course(tmp_path_factory.mktemp("last lines") / "course", grader=None, cells=cells)

    def graded(answer, with_source=True):
        folder = tmp_path_factory.mktemp("handed in")
        own = [{**cell, "source": answer} if cell["id"] == "answer" else cell for cell in cells]
        write(folder / "mini.ipynb", notebook(own))
        if not with_source:
            shutil.move(root / "source", root / "hidden")
            shutil.copytree(root / "hidden", root / "release")
        try:
            with Grader(Course(root), "mini") as grader:
                return grader.grade("x", folder).scorecard
        finally:
            if not with_source:
                shutil.rmtree(root / "release")
                shutil.move(root / "hidden", root / "source")

    return graded


def test_a_solution_gets_all_points_whatever_its_last_lines_show(with_last_lines):
    """A check that ends with a text, a table or a picture has its points when it runs, as nbgrader gives them."""
    found = marks(with_last_lines("flag, points = True, 1.5"))
    assert found == {**{f"q{number}": 2.0 for number in range(len(LAST_LINES))}, "credit": 1.5}


@pytest.mark.parametrize(
    ("points", "score"), [("2", 2.0), ("0", 0.0), *((one, None) for one in ("'2'", "-1", "99", "None", "[2]"))]
)
def test_only_a_number_is_partial_credit(with_last_lines, points, score):
    """Where the solution shows a number, a student's is the mark, and of anything else none can be made."""
    card = with_last_lines(f"flag, points = True, {points}")
    assert marks(card)["credit"] == score
    assert (score is None) == any("no number of points" in problem for problem in card.problems)


def test_only_the_last_line_is_partial_credit(with_last_lines):
    """Who has every line of a check shown doesn't get another line's number."""
    shown = "get_ipython().ast_node_interactivity = 'all'\nflag, points = 2, 0"
    assert marks(with_last_lines(shown))["credit"] == 0.0


def test_nan_is_no_partial_credit(with_last_lines):
    """A number that is none waits for a person; a check that fails is still a zero."""
    assert marks(with_last_lines("flag, points = True, float('nan')"))["credit"] is None
    assert marks(with_last_lines("flag, points = False, float('nan')"))["credit"] == 0.0


def test_without_a_solution_a_number_is_a_mark_and_the_rest_waits(with_last_lines):
    """Where only the release is there, nobody can tell what a last line is meant to be."""
    found = marks(with_last_lines("flag, points = True, 1", with_source=False))
    assert found["credit"] == 1.0
    assert found["q1"] is None


@pytest.mark.parametrize("last", ["'full marks please'", "float('nan')", "-1", "99"])
def test_partial_credit_that_is_no_credit_gives_nothing_more(grader, course, last, tmp_path):
    """A student who replaces a graded cell's result gains nothing: the cell is the instructor's."""
    path = hand_in(course.root, f"cheat{abs(hash(last))}", plain=last, plain_answer="flag = False")
    assert marks(grader.grade("x", path.parent).scorecard)["plain"] == 0.0


def test_a_missing_notebook_is_zero(grader, tmp_path):
    """Nothing handed in, nothing earned; nobody has to look at it."""
    card = grader.grade("nobody", tmp_path).scorecard
    assert marks(card) == {"double": 0.0, "number": 0.0, "plain": 0.0}
    assert "mini.ipynb was not submitted" in card.problems


@pytest.mark.parametrize("data", [b"", b"{", b"not a notebook", b"\x80\x04pickle", b'{"cells": 3}'])
def test_a_notebook_that_cannot_be_read_is_not_judged(grader, tmp_path, data):
    """A damaged file is flagged with the reason, and is not a zero."""
    (tmp_path / "mini.ipynb").write_bytes(data)
    card = grader.grade("x", tmp_path).scorecard
    assert {question.status for question in card.questions} == {Status.NOT_JUDGED}
    assert card.problems


def test_links_are_not_followed(grader, course, tmp_path):
    """A link to an instructor's file is left out, and said."""
    path = hand_in(course.root, "linker", number_answer="answer = open('link').read()")
    (path.parent / "link").symlink_to(course.root / "graders" / "test_mini.py")
    card = grader.grade("linker", path.parent).scorecard
    assert "link is not a regular file and was left out" in card.problems
    assert "FileNotFoundError" in messages(card, "number")


def test_a_submission_over_the_size_limit_is_not_judged(course, grader, tmp_path):
    """Too many bytes are refused before they are read."""
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(course.seal.submission_mib * (1 << 20) + 1)
    assert "MiB together" in grader.grade("x", tmp_path).scorecard.problems[0]


def test_scorecards_survive_the_journey_through_json(card_of):
    """The published form can be read back."""
    card = card_of(double_answer="def double(x):\n    return 3 * x")
    data = json.loads(card.to_json())
    assert Scorecard.from_dict(data).to_dict() == data
    assert data["schema"] == 1
    assert set(data) == {
        "schema", "assignment", "student", "score", "max_score", "seal", "seconds", "questions", "problems", "slowest",
    }  # fmt: skip
    old = {key: value for key, value in data.items() if key != "slowest"}
    assert Scorecard.from_dict(old).slowest == ()


def test_what_a_hidden_test_measured_stands_in_the_scorecard(card_of):
    """A test that fails has measured all the same; what isn't a finite number is left out."""
    card = card_of(number_answer="answer = 41")
    test = card.question("number").tests[0]
    assert test.outcome is Outcome.FAILED
    assert test.measured == {"the answer": 41.0}
    assert card.question("double").tests[0].measured == {}
    assert Scorecard.from_dict(card.to_dict()).question("number").tests[0].measured == {"the answer": 41.0}


def test_a_call_that_waits_may_take_longer(waited):
    """Marks don't hang on how busy the machine is: the limit of a call is one of processor time."""
    assert marks(waited["sleeps a moment"])["double"] == 4.0


def test_a_call_that_waits_has_an_end(waited):
    """On the clock, a call may take twice as long."""
    card = waited["sleeps"]
    assert marks(card)["double"] == 0.0
    assert "`double` did not return within 1 seconds." in messages(card, "double")


def test_the_slowest_cells_are_named(card_of):
    """The cells that took most of the time stand in the scorecard, the slowest first."""
    card = card_of(plain_answer="import time\ntime.sleep(0.2)\nflag = True")
    assert card.slowest[0].cell == "plain-answer"
    assert card.slowest[0].seconds >= 0.2
    assert len(card.slowest) == 5


def test_one_notebook_can_be_graded_without_a_gradebook(course):
    """The Python face grades a file and leaves no trace."""
    path = hand_in(course.root, "ada")
    card = grade_notebook(path, "mini", course=course.root)
    assert card.score == 7.0
    assert not (course.root / "gradebook.db").exists()


def test_what_lies_beside_one_notebook_does_not_stop_it(course):
    """Beside a large film and too many files it is graded with the file that it reads; what was left out is named."""
    path = hand_in(course.root, "beside", number_answer="answer = int(open('read/number.txt').read())")
    (path.parent / "film.mp4").touch()
    os.truncate(path.parent / "film.mp4", 70 << 20)
    for folder in ("pictures", "read"):
        (path.parent / folder).mkdir()
    for number in range(2100):
        (path.parent / "pictures" / f"{number}.txt").touch()
    (path.parent / "read" / "number.txt").write_text("42")
    card = grade_notebook(path, "mini", course=course.root)
    assert card.score == 7.0
    assert [problem.rpartition(": ")[2] for problem in card.problems] == [
        "film.mp4 (70.0 MiB)",
        "pictures/908.txt, pictures/909.txt, pictures/91.txt and 98 more",
    ]


def broken_grader(text):
    """The mini grader with an addition."""
    return GRADER + text


@pytest.mark.parametrize(
    ("grader", "words"),
    [
        ("def test_x(:", "SyntaxError"),
        ("import nothing_like_that", "nothing_like_that"),
        (broken_grader('\n@pytest.mark.question("trouble")\ndef test_t(student):\n    """A line."""\n'), "'trouble'"),
        (broken_grader('\n@pytest.mark.question("number")\ndef test_t(student):\n    pass\n'), "docstring"),
        (broken_grader('\ndef test_t(student):\n    """A line."""\n'), "needs @pytest.mark.question"),
        (
            broken_grader('\n@pytest.mark.question("number", requires="test_z")\ndef test_t(student):\n    """A."""\n'),
            "test_z",
        ),
        (
            broken_grader('\n@pytest.mark.question("number", weight=0)\ndef test_t(student):\n    """A."""\n'),
            "weight",
        ),
    ],
)
def test_a_wrong_grader_is_an_error_before_any_student_is_graded(tmp_path, grader, words):
    """The instructor hears what is wrong with a grader, and nobody's marks are touched."""
    root = make_course(tmp_path, grader)
    hand_in(root, "ada")
    with pytest.raises(GraderError, match=words):
        grade_class(Course(root), "mini")
    assert not (root / "autograded").exists()


def test_a_grader_that_fails_by_itself_is_not_the_students_fault(tmp_path):
    """An exception in a hidden test leaves the question to a person; the student sees nothing of it."""
    addition = '\n@pytest.mark.question("number")\ndef test_t(student):\n    """A line."""\n    1 / 0\n'
    root = make_course(tmp_path, broken_grader(addition))
    path = hand_in(root, "ada")
    with Grader(Course(root), "mini") as grader:
        graded = grader.grade("ada", path.parent)
    assert graded.scorecard.question("number").status is Status.NOT_JUDGED
    assert any("ZeroDivisionError" in problem for problem in graded.scorecard.problems)
    assert "ZeroDivisionError" not in json.dumps(graded.notebooks)


def test_a_grader_that_asserts_inside_numpy_shows_no_expected_values(tmp_path):
    """numpy.testing would print the hidden values; the student gets a plain sentence."""
    addition = (
        '\n@pytest.mark.question("number")\ndef test_t(student):\n    """A line."""\n'
        "    np.testing.assert_allclose(student.number('answer'), 12345.678)\n"
    )
    root = make_course(tmp_path, broken_grader(addition))
    path = hand_in(root, "ada")
    with Grader(Course(root), "mini") as grader:
        card = grader.grade("ada", path.parent).scorecard
    assert messages(card, "number") == "The result is not what was expected."


def test_a_submission_folder_that_cannot_be_read_is_told(course, grader, tmp_path):
    """An unreadable folder is flagged with what to do about it."""
    if os.getuid() == 0:
        with pytest.raises(SubmissionError, match="more than"):
            grader.course.seal.submission_mib, kept = 0, grader.course.seal.submission_mib
            try:
                (tmp_path / "a").write_text("x")
                grader.read(tmp_path)
            finally:
                grader.course.seal.submission_mib = kept
        return
    tmp_path.chmod(0)
    assert "make it readable" in grader.grade("x", tmp_path).scorecard.problems[0]


def test_unknown_names_are_errors_that_suggest_the_right_one(course):
    """A misspelt assignment or student is pointed out."""
    hand_in(course.root, "zoe")
    with pytest.raises(UnknownName, match="did you mean mini"):
        grade_class(course, "mimi")
    with pytest.raises(UnknownName, match="did you mean zoe"):
        grade_class(course, "mini", ClassOptions(students=["zoee"]))


def test_an_empty_class_is_an_error(tmp_path):
    """Nothing submitted is told with what to do."""
    with pytest.raises(CourseError, match="collect"):
        grade_class(Course(make_course(tmp_path)), "mini")


def test_duplicate_grade_ids_are_an_error(tmp_path):
    """Two cells with one grade_id stop everything, and are named."""
    cells = [*mini_cells(), code("number2", "assert answer", grade=True, locked=True, points=2, grade_id="number")]
    root = make_course(tmp_path, cells=cells)
    hand_in(root, "ada")
    with pytest.raises(CourseError, match="number"):
        grade_class(Course(root), "mini")


def test_a_class_is_graded_once_and_again_only_when_something_changed(tmp_path):
    """The second run takes everything from the record; a new submission or a new grader is graded."""
    root = make_course(tmp_path)
    for student in ("ada", "alan", "grace"):
        hand_in(root, student)
    (root / "submitted" / "grace" / "mini" / "mini.ipynb").write_bytes(b"{")
    first = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    again = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert [done.unchanged for done in first.done] == [False] * 3
    assert [done.unchanged for done in again.done] == [True] * 3
    assert [c.to_dict() for c in first.scorecards] == [c.to_dict() for c in again.scorecards]
    assert resubmitted(Course(root), "mini") == []
    (root / "submitted" / "ada" / "mini" / "notes.txt").write_text("new")
    assert resubmitted(Course(root), "mini") == ["ada"]
    third = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert {done.student: done.unchanged for done in third.done} == {"ada": False, "alan": True, "grace": True}
    (root / "graders" / "test_mini.py").write_text(GRADER.replace("== 42", "== 43"))
    fourth = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert not any(done.unchanged for done in fourth.done)
    assert marks(fourth.scorecards[1])["number"] == 0.0


def test_an_interrupt_waits_until_what_is_being_recorded_is(tmp_path):
    """It ends the run between two students, never in the middle of one, and never with a lock held."""
    root = make_course(tmp_path / "course")
    for student in ("ada", "ben", "cleo", "dora"):
        hand_in(root, student)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = []

    def on_done(done):
        if not seen:
            signal.raise_signal(signal.SIGINT)
        seen.append(done.student)

    try:
        with pytest.raises(KeyboardInterrupt):
            grade_class(Course(root), "mini", ClassOptions(jobs=1), Watching(on_done))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert 1 <= len(seen) < 4
    again = grade_class(Course(root), "mini", ClassOptions(jobs=1))
    assert {done.student for done in again.done if done.unchanged} == set(seen)


def test_an_interrupt_does_not_wait_for_a_notebook_that_still_runs(tmp_path):
    """Who gives up has the prompt back long before the time limit of what runs is over, and no process is left."""
    root = make_course(tmp_path / "course")
    hand_in(root, "ada")
    hand_in(root, "ben", number_answer="import time\nfor _ in range(20):\n    time.sleep(1)\nanswer = 42")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = []

    def on_done(done):
        began.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            grade_class(Course(root), "mini", ClassOptions(jobs=2), Watching(on_done))
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(began) == 1
    assert time.monotonic() - began[0] < 5.0


def test_solution_regions_do_not_reach_the_template(grader):
    """The sealed process never sees the instructor's solution."""
    text = json.dumps(grader.plan.notebooks[0].template)
    assert "return 2 * x" not in text
    assert solution("x").split("\n")[0] not in text


def test_what_a_cell_prints_is_not_kept_in_its_memory(tmp_path):
    """A cell that prints more than its process may have of memory costs no mark: nothing that is cut off is kept."""
    root = make_course(tmp_path / "course")
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("c.Seal.memory_mib = 160\nc.Seal.cell_seconds = 10.0\n")
    loop = "for _ in range(1500):\n    print('x' * 100_000)\n    print('y' * 50_000, file=sys.stderr)"
    prints = f"import sys\n{loop}\nanswer = 42"
    path = hand_in(root, "ada", number_answer=prints)
    with Grader(Course(root), "mini") as grader:
        graded = grader.grade("ada", path.parent)
    assert graded.scorecard.problems == ()
    assert graded.scorecard.question("number").score == 2


@pytest.mark.parametrize(
    "hides",
    [
        "import IPython.core.interactiveshell as shell\nshell.InteractiveShell.showtraceback = lambda *a, **k: None",
        "import IPython.core.interactiveshell as shell\nshell.InteractiveShell.showtraceback = None",
        "get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)",
        "def flood():\n    print('x' * 3_000_000)\n    return False",
    ],
)
def test_what_hides_an_error_gains_nothing(tmp_path: Path, hides: str) -> None:
    """A check that fails costs its points, though the notebook shows no error any more, or showed too much before."""
    cells = mini_cells()
    cells[-1]["source"] = "assert flood() if 'flood' in globals() else flag"
    root = make_course(tmp_path / "course", cells=cells)
    path = hand_in(root, "ada", plain_answer=f"{hides}\nflag = False")
    with Grader(Course(root), "mini") as grader:
        graded = grader.grade("ada", path.parent)
    assert graded.scorecard.question("plain").score == 0
    assert graded.scorecard.question("double").score == 4


def test_an_assignment_without_questions_says_so(tmp_path: Path) -> None:
    """Where no cell gives points, building and grading say that, and everybody is recorded all the same."""
    cells = [cell for cell in mini_cells() if not cell["metadata"].get("nbgrader", {}).get("grade")]
    root = make_course(tmp_path / "course", grader=None, cells=cells)
    hand_in(root, "ada")
    (built,) = build(Course(root))
    assert built.notes == ("no cell gives points, so there is nothing to grade",)
    result = grade_class(Course(root), "mini", ClassOptions(jobs=1))
    assert result.troubles == []
    assert result.notes == ("mini: no cell gives points, so there is nothing to grade.",)
