"""Whatever a student's answer is, each question is judged: no answer makes a hidden test fail by itself.

Every name that a notebook defines is spoilt in a cell added at its end, so one grading tries a kind of answer on all
questions of an assignment. Assignments are found in ``source/``; nothing here knows what they ask.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbseal.course import Course
from nbseal.grading import Grader
from nbseal.results import GradedSubmission, Outcome, QuestionResult, Scorecard, Status
from nbseal.verify.known_cases import KnownCase
from tests.courses import copy_course
from tests.samples import ROOT, SAMPLES, Sample, base_notebook
from tests.turns import every

ASSIGNMENTS = sorted(
    path.parent.name
    for path in (ROOT / "source").glob("*/*.ipynb")
    if path.stem == path.parent.name
    and (ROOT / "release" / path.stem / path.name).exists()
    and (ROOT / "graders" / f"test_{path.stem.replace('-', '_')}.py").exists()
)
JOBS = 2
# what comes close to a limit on an idle machine would be stopped on a busy one, and that is tested elsewhere
PATIENT = "\nc.Seal.cell_seconds, c.Seal.notebook_seconds = 60.0, 300.0\n"
LONGEST_SENTENCE = 700  # characters
# where a question's value was taken from, and what an archive in a file's place is
KNOWN_PROBLEMS = ("is taken from the notebook's end", "(holds more than a submission may)")

# what a name stands for, and what a function returns
VALUES = {
    "none": "None",
    "text": r"'\ud800' + 'seven' * 200_000",
    "ragged list": "[[1, 2], [3], 4]",
    "mixed list": "[1, None, 'seven', {}]",
    "dict": "{'seven': 7, 8: None}",
    "nan": "math.nan",
    "large whole number": "10**400",
    "list of large whole numbers": "[10**400] * 3",
    "complex number": "1 + 2j",
    "array of nothing": "numpy.empty((0, 3))",
    "huge array": "numpy.zeros(10_000_000, numpy.float16)",
    "deep list": "functools.reduce(lambda inner, _: [inner], range(500), 7)",
    "table": "__import__('pandas').DataFrame({'a': [1, None], 'b': ['x', 'y']})",
    "hostile object": "Hostile()",
    "hostile array": "numpy.zeros(3).view(HostileArray)",
}
# what a function does; all other names stand for this function
FUNCTIONS = {
    "exits": "raise SystemExit",
    "interrupts": "raise KeyboardInterrupt",
    "raises a long text": "raise RuntimeError('no idea, ' * 1_000_000)",
    "raises what can't be printed": "raise Unprintable",
    "recurses for ever": "return function(*arguments, **named)",
    "generates for ever": "while True: yield 7",
    "returns itself": "return function",
}
SLEEPS = """
def function(*arguments, **named):
    if not slept:  # once a question: each call that doesn't return costs four seconds
        slept.append(1)
        time.sleep(1000)
slept = []
"""
SILENT = "returns nothing"  # still full marks: judged by what it draws, prints or writes, not by an answer
# what becomes of the solution's functions and values
CHANGES = {
    "prints a lot": """
def _change(right):
    def noisy(*arguments, **named):
        print('Here I am again. ' * 5_000)
        print('And here. ' * 5_000, file=sys.stderr)
        return right(*arguments, **named)
    return noisy if callable(right) else right
""",
    "spoils its arguments": """
def _change(right):
    def careless(*arguments, **named):
        answer = copy.deepcopy(right(*arguments, **named))
        for argument in [*arguments, *named.values()]:
            with contextlib.suppress(Exception):
                argument.fill(0) if isinstance(argument, numpy.ndarray) else argument.clear()
        return answer
    return careless if callable(right) else right
""",
    SILENT: """
def _change(right):
    if isinstance(right, types.FunctionType):
        return lambda *arguments, **named: [right(*arguments, **named)] and None
    return None
""",
}
# the right answer's form with other contents: everywhere, or only in the last of several things that belong together
INSIDE = """
def _change(right):
    if isinstance(right, types.FunctionType):
        return lambda *arguments, **named: _change(right(*arguments, **named))
    if isinstance(right, tuple) and {last}:
        return (*right[:-1], _change(right[-1])) if right else right
    if isinstance(right, (list, tuple, set)):
        return type(right)(map(_change, right))
    if isinstance(right, dict):
        return {{key: _change(item) for key, item in right.items()}}
    if isinstance(right, numpy.ndarray):
        if right.size > 1_000_000:  # a data set: it isn't copied
            return numpy.broadcast_to(numpy.array({bad}), right.shape)
        return numpy.full(right.shape, {bad})
    return right.map(_change) if type(right).__name__ == 'DataFrame' else {bad}
"""
INSIDES = {f"{bad} inside": INSIDE.format(bad=bad, last=False) for bad in ("math.nan", "10**400", "1e308", "'7'")}
LASTS = {f"{bad} last": INSIDE.format(bad=bad, last=True) for bad in ("math.nan", "10**400")}
CHANGES |= INSIDES | LASTS
HARMLESS, NOTHING, WAITS = "prints a lot", "nothing", "sleeps"
LONG = {WAITS, "huge array", "generates for ever"}  # what the visible checks would run for long with
KINDS = [NOTHING, WAITS, *VALUES, *FUNCTIONS, *CHANGES]
HELP = """
import contextlib, copy, functools, math, sys, time, types, numpy

class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError('not even this')
    __repr__ = __str__

class Hostile:
    def refuse(self, *arguments, **named): raise RuntimeError('leave me alone')
    __array__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __contains__ = __getitem__ = refuse
    __repr__ = __str__ = __format__ = __bool__ = __int__ = __float__ = __index__ = __hash__ = __reduce_ex__ = refuse
    __getattr__ = __call__ = __add__ = __mul__ = __matmul__ = refuse

class HostileArray(numpy.ndarray):
    __array__ = __eq__ = __len__ = __iter__ = __getitem__ = __repr__ = __str__ = Hostile.refuse
"""
BROKEN_FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "scrambled": lambda path: path.write_bytes(bytes(byte ^ (i % 97 == 0) for i, byte in enumerate(path.read_bytes()))),
    "pickle inside": lambda path: write_arrays(path, np.array([print, None], dtype=object)),
    "other arrays": lambda path: write_arrays(path, np.arange(7)),
    "bomb": lambda path: write_bomb(path),
    "folder": lambda path: (path.unlink(), path.mkdir(), (path / "inside.txt").touch()),
}
Grade = Callable[[str], dict[str, Scorecard]]


def write_bomb(path: Path) -> None:
    """An archive of a few hundred kilobytes that unpacks to more than is read."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("weights_0.npy", bytes(130 << 20))


def write_arrays(path: Path, array: np.ndarray) -> None:
    """An archive as np.savez writes it, with one array under a name that real files have."""
    with path.open("wb") as file:
        np.savez(file, weights_0=array)


def names_of(assignment: str, last: bool = False) -> list[str]:
    """All names that the instructor's cells define; with ``last``, functions and the last value of each answer."""
    names: set[str] = set()
    for cell in json.loads(base_notebook(assignment, "solution"))["cells"]:
        if cell["cell_type"] == "code":
            body = ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", "".join(cell["source"]))).body  # but for IPython's magics
            functions = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
            values = [name for statement in body for name in _assigned(statement)]
            if last:
                values = values[-1:] if cell["metadata"].get("nbgrader", {}).get("solution") else []
            names |= {*functions, *values}
    return sorted(names)


def _assigned(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return []
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return [node.id for node in nodes if isinstance(node.ctx, ast.Store)]


def spoiling(kind: str, names: list[str]) -> str:
    """A cell that spoils all ``names`` that have not been spoiled yet."""
    if kind in CHANGES:
        # names of our own begin with "_": the notebook's are spoiled, whatever they are
        return f"""{HELP}{CHANGES[kind]}
def _spoil(names, values, right, spoiled):
    fresh = [name for name in names if name in values and values[name] is not spoiled.get(name, spoiled)]
    right.update({{name: values[name] for name in fresh}})
    before = {{**values, **right}}
    for name in fresh:
        one = right[name]
        if isinstance(one, types.FunctionType):  # a copy: the changed functions go on using the right ones
            copied = types.FunctionType(one.__code__, before, name, one.__defaults__, one.__closure__)
            copied.__kwdefaults__, one = one.__kwdefaults__, copied
        values[name] = spoiled[name] = _change(one)

_spoil({names}, globals(), globals().setdefault('_right', {{}}), globals().setdefault('_spoiled', {{}}))
"""
    if kind in VALUES:
        text = f"""
bad_value = {VALUES[kind]}
functions = [name for name in {names} if isinstance(globals().get(name), types.FunctionType)]
globals().update(dict.fromkeys({names}, bad_value))
globals().update(dict.fromkeys(functions, lambda *arguments, **named: bad_value))
"""
    else:
        body = f"\ndef function(*arguments, **named):\n    {FUNCTIONS.get(kind)}"
        text = f"{SLEEPS if kind == WAITS else body}\nglobals().update(dict.fromkeys({names}, function))\n"
    return HELP + text


def hand_in(assignment: str, kind: str, folder: Path) -> Path:
    """Write the submission of a kind: the release or the solution with spoiling cells, or with a broken file."""
    base = "solution" if kind in CHANGES else "release"
    case = KnownCase(kind, SAMPLES / assignment / kind, base=base)
    path = Sample(assignment, case).write(folder)
    replace(case, base="solution").write_files(folder)  # files are there, whatever stands in the notebook
    if kind.startswith("file "):
        _, name, what = kind.split(" ", 2)
        BROKEN_FILES[what](folder / name)
    elif kind != NOTHING:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        # a student may leave out plain cells: nothing is drawn, and it's quick; right answers need the data, though
        cells = [cell for cell in notebook["cells"] if is_needed(cell, with_data=kind in CHANGES)]
        cell = {"cell_type": "code", "id": "spoiling", "metadata": {}, "execution_count": None, "outputs": []}
        spoil = {**cell, "source": spoiling(kind, names_of(assignment, kind in LASTS))}
        # a question is judged on what its names stand for behind its check: they are spoiled right before each
        notebook["cells"] = []
        for one in cells:
            if is_check(one) and kind not in LONG:
                notebook["cells"].append({**spoil, "id": f"spoiling-{len(notebook['cells'])}"})
            notebook["cells"].append(one)
        if kind in LONG:  # what is still a stub at its check is judged as it is at the end
            notebook["cells"].append(spoil)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def is_needed(cell: dict[str, Any], with_data: bool) -> bool:
    """Whether a cell is one of a question, or a text, or one that gives answers their data."""
    gives_data = with_data and not cell["id"].endswith("-picture")
    return cell["cell_type"] == "markdown" or "nbgrader" in cell["metadata"] or gives_data


def is_check(cell: dict[str, Any]) -> bool:
    """Whether a cell holds the tests of a question that is answered elsewhere."""
    kind = cell["metadata"].get("nbgrader", {})
    return bool(kind.get("grade")) and not kind.get("solution")


@pytest.fixture(scope="module")
def grade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grade]:
    """Grades the assignments that are asked for with all kinds of bad answers, once; all that wait do so together."""
    items = [item.callspec.params for item in request.session.items if item.path == request.path]
    asked = {item["assignment"] for item in items}
    chosen = {(item["assignment"], item.get("kind", f"file {item.get('what')}")) for item in items}
    chosen |= {(assignment, kind) for assignment in asked for kind in (NOTHING, SILENT)}
    graded: dict[str, dict[str, Future[GradedSubmission]]] = {}
    with ExitStack() as stack:
        graders = {}
        for assignment in sorted(asked):
            root = copy_course(tmp_path_factory.mktemp(assignment) / "course", [assignment])
            with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
                config.write(PATIENT)
            course = Course(root)
            graders[assignment] = stack.enter_context(Grader(course, assignment))
        waiting = stack.enter_context(ThreadPoolExecutor(len(asked)))
        working = stack.enter_context(ThreadPoolExecutor(JOBS))
        for assignment, grader in graders.items():
            top = grader.course.root.parent
            kinds = [kind for kind in kinds_of(assignment, top) if (assignment, without_name(kind)) in chosen]
            graded[assignment] = {
                kind: (waiting if kind == WAITS else working).submit(
                    grader.grade, kind, hand_in(assignment, kind, top / kind)
                )
                for kind in kinds
            }
        yield lambda assignment: {kind: one.result().scorecard for kind, one in graded[assignment].items()}


def kinds_of(assignment: str, top: Path) -> list[str]:
    """All kinds of bad answers to an assignment, with those of the files that are submitted beside the notebook."""
    folder = hand_in(assignment, NOTHING, top / "files")
    submitted = sorted({path.name for path in folder.iterdir()} - {f"{assignment}.ipynb"})
    shutil.rmtree(folder)
    return [*KINDS, *(f"file {name} {what}" for name in submitted for what in BROKEN_FILES)]


def without_name(kind: str) -> str:
    """A kind without the name of the file that it breaks."""
    return f"file {kind.split(' ', 2)[2]}" if kind.startswith("file ") else kind


def judge(card: Scorecard) -> None:
    """Demand that all questions were judged, and that the student can read what was wrong."""
    assert [problem for problem in card.problems if not any(known in problem for known in KNOWN_PROBLEMS)] == []
    for question in card.questions:
        if question.status is Status.MANUAL:
            continue
        assert question.status is Status.GRADED, question
        for test in question.tests:
            assert test.outcome in (Outcome.PASSED, Outcome.FAILED), (question.grade_id, test)
            if test.outcome is Outcome.FAILED:
                assert readable(test.message), (question.grade_id, test)


def readable(message: str) -> bool:
    """Whether a message is words for a person: no program's innards, and not endless."""
    innards = re.search(r"Traceback|File \"|<\w+ object|<function|\b0x[0-9a-f]{6}|AssertionError", message)
    return len(message.split()) > 3 and len(message) <= LONGEST_SENTENCE and not innards


def by_machine(card: Scorecard) -> list[QuestionResult]:
    """The questions that are not marked by a person."""
    return [question for question in card.questions if question.status is not Status.MANUAL]


@pytest.mark.parametrize(
    ("assignment", "kind"),
    [
        pytest.param(assignment, kind, id=f"{assignment}-{kind}", marks=every(14, row, column))
        for row, assignment in enumerate(ASSIGNMENTS)
        for column, kind in enumerate(KINDS)
    ],
)
def test_a_bad_answer_is_judged_and_explained(assignment: str, kind: str, grade: Grade) -> None:
    """Each question is judged with a readable sentence, and a bad answer earns no more than none at all."""
    cards = grade(assignment)
    judge(cards[kind])
    for question in by_machine(cards[kind]):
        nothing, silent = (cards[other].question(question.grade_id).score for other in (NOTHING, SILENT))
        if kind == HARMLESS:
            assert question.score == question.max_score, question
        elif kind in INSIDES:
            assert question.score < question.max_score or question.score == silent, question
        elif kind not in CHANGES:
            assert question.score == nothing, question


@pytest.mark.parametrize(
    ("assignment", "what"),
    [
        pytest.param(assignment, what, id=f"{assignment}-{what}", marks=every(3, row, column))
        for row, assignment in enumerate(name for name in ASSIGNMENTS if (SAMPLES / name / "base.py").exists())
        for column, what in enumerate(BROKEN_FILES)
    ],
)
def test_a_broken_file_is_judged_and_explained(assignment: str, what: str, grade: Grade) -> None:
    """A submitted file that can't be what was asked for earns nothing, and the student reads why."""
    cards = {kind: card for kind, card in grade(assignment).items() if kind.startswith("file ")}
    chosen = [card for kind, card in cards.items() if kind.endswith(f" {what}")]
    assert chosen
    for card in chosen:
        judge(card)
        assert card.score < grade(assignment)[NOTHING].score
