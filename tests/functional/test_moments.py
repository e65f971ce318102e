"""What counts is what a question's names stood for behind its own check cell, whatever later cells do."""

from typing import Any

import pytest

from nbseal.course import Course
from nbseal.grading import Grader
from nbseal.results import Status
from nbseal.worker.moments import Moments
from tests.mini import code, make_course, notebook, solution, write

GRADER = '''
import pytest


@pytest.mark.question("settings")
def test_settings(student):
    """The settings are right."""
    assert student.value("settings") == {"solver": "lbfgs", "layers": [4, 2]}


@pytest.mark.question("array")
def test_array(student):
    """The array counts."""
    assert student.array("counts").tolist() == [0, 1, 2]


@pytest.mark.question("table")
def test_table(student):
    """The table has three rows."""
    assert len(student.frame("table")) == 3


@pytest.mark.question("double")
def test_double(student):
    """It doubles by its factor."""
    number = int(student.rng.integers(1, 1000))
    assert student.call("double", number) == 2 * number
    assert list(student.calls("double", [[1], [2]])) == [2, 4]


@pytest.mark.question("total")
def test_total(student):
    """It adds what it was told before."""
    assert student.call("total", [1, 2]) == 3
'''
ANSWERS = {
    "settings": "settings = {'solver': 'lbfgs', 'layers': [4, 2]}",
    "array": "import numpy as np\ncounts = np.arange(3)",
    "table": "import pandas as pd\ntable = pd.DataFrame({'a': [1, 2, 3]})",
    "double": "factor = [2]\ndef double(x):\n    return factor[0] * x",
    "total": "seen = []\ndef total(numbers):\n    seen.extend(numbers)\n    return sum(seen)",
}


def cells() -> list[dict]:
    """An answer and a check for each question."""
    found = []
    for name, answer in ANSWERS.items():
        found.append(code(f"{name}-answer", solution(answer), solution=True))
        found.append(code(name, f"print({'settings' if name == 'settings' else 1})", grade=True, locked=True, points=1))
    return found


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of five questions."""
    root = make_course(tmp_path_factory.mktemp("moments"), GRADER, cells())
    return Course(root)


@pytest.fixture(scope="module")
def grader(course):
    """One grader for all of them."""
    with Grader(course, "mini") as one:
        yield one


@pytest.fixture
def card_of(grader, course, tmp_path):
    """Grade the solution with other answers and with cells behind questions (or at the end)."""

    def grade(answers=(), behind=(), end=""):
        changed = cells()
        for cell in changed:
            cell["source"] = dict(answers).get(cell["id"], cell["source"])
        for number, (place, source) in enumerate(dict(behind).items()):
            index = next(i for i, cell in enumerate(changed) if cell["id"] == place)
            changed.insert(index + 1, code(f"own-{number}", source))
        if end:
            changed.append(code("own-end", end))
        write(tmp_path / "mini.ipynb", notebook(changed))
        return grader.grade("ann", tmp_path).scorecard

    return grade


def marks(card) -> dict:
    """Marks by question."""
    return {question.grade_id: question.score for question in card.questions}


FULL = dict.fromkeys(ANSWERS, 1.0)
LATER = {
    "other values": "settings = counts = factor = table = 99\ndef double(x):\n    return 0",
    "deleted": "del settings, counts, table, double, factor, total, seen",
    "reset": "%reset -f",
    "changed in place": "settings['solver'] = 3; settings['layers'] += [1]; counts += 5; factor[0] = 9; seen += [1]",
    "cleared": "settings.clear(); factor.clear(); seen[:] = [1, 2, 3]",
    "namespace emptied": "globals().clear()",
    "an error": "raise ValueError('just trying')",
}


@pytest.mark.parametrize("what", LATER)
def test_a_later_cell_changes_no_mark(card_of, what):
    """A scratch cell at the end may overwrite, delete or change in place what was judged."""
    assert marks(card_of(end=LATER[what])) == FULL


def test_a_cell_between_changes_no_earlier_mark(card_of):
    """Trying something out behind a check changes that question's mark as little as those before it."""
    behind = {"settings": "settings['solver'] = 'sgd'", "double": "def double(x):\n    return x\nfactor = [3]"}
    assert marks(card_of(behind=behind)) == FULL


ENDS = {
    "exit": "import os; os._exit(0)",
    "never ends": "import signal; signal.pthread_sigmask(0, range(1, 60))\nwhile 1: pass",
    "crashes": "import ctypes; ctypes.string_at(0)",
}


@pytest.mark.parametrize("what", ENDS)
def test_a_cell_that_ends_the_process_costs_nothing_before_it(card_of, what):
    """Values and functions of the questions before it are judged; the reason is named."""
    card = card_of(end=ENDS[what])
    assert marks(card) == FULL
    assert any("mini.ipynb" in problem for problem in card.problems)


def test_what_comes_behind_the_end_is_not_judged(card_of):
    """Questions whose check was never reached wait for a person; those before it have their marks."""
    card = card_of(behind={"table": "import os; os._exit(0)"})
    assert marks(card) == {**FULL, "double": None, "total": None}
    assert card.question("double").status is Status.NOT_JUDGED


def test_an_answer_that_is_finished_below_counts(card_of):
    """A name that isn't there at the check, or a stub, is taken from the notebook's end, and the instructor is told."""
    answers = {
        "settings-answer": "pass",
        "array-answer": "counts = None",
        "double-answer": "def double(x):\n    raise NotImplementedError",
        "settings": "1",
    }
    card = card_of(answers, end="\n".join(ANSWERS[name] for name in ("settings", "array", "double")))
    assert marks(card) == FULL
    notes = [problem for problem in card.problems if "notebook's end" in problem]
    assert {note.split(":")[0] for note in notes} == {"settings", "array", "double"}


def test_a_stub_that_is_never_finished_says_so(card_of):
    """Without another function further down, the stub's own error is what the student reads."""
    card = card_of({"double-answer": "def double(x):\n    raise NotImplementedError"})
    assert "not written yet" in card.question("double").tests[0].message


def test_a_moment_asks_no_value_for_its_class_and_keeps_any_number_of_names() -> None:
    """A value that leaves when it is looked at, and a notebook of many names, lose nothing."""

    class Leaving:
        @property
        def __class__(self) -> type:
            raise SystemExit

    names: dict[str, Any] = {f"name_{number}": number for number in range(20_000)} | {"leaving": Leaving()}
    moments = Moments(names)
    moments.take("first")
    names["name_7"] = 0
    moments.put_back("first")
    assert (len(names), names["name_7"]) == (20_001, 7)
