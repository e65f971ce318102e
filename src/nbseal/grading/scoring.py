"""From a notebook's cells and the outcomes of tests to marks, and back into the cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.utils import determine_grade

from nbseal.gradebook.mark_output import METADATA, mark_output
from nbseal.hidden_tests import SubmissionFacts
from nbseal.notebook import Question, is_as_released
from nbseal.notebook.matching import is_python
from nbseal.notebook.outputs import safe_words
from nbseal.results import BY_A_PERSON, CellTime, Outcome, QuestionResult, Status, TestResult
from nbseal.sandbox.sealed import Run
from nbseal.text import one_line

ANSWER_IS_FOUND = "The answer is found in the notebook."


def score_sealed(question: Question, tests: Sequence[TestResult], decimals: int) -> QuestionResult:
    """The weighted share of what the tests earn; no mark at all when a test could not be judged."""
    if any(test.outcome is Outcome.NOT_JUDGED for test in tests):
        return QuestionResult(question.name, None, question.points, Status.NOT_JUDGED, tuple(tests))
    share = sum(test.weight * test.earned for test in tests) / sum(test.weight for test in tests)
    score = round(question.points * share, decimals)
    return QuestionResult(question.name, score, question.points, Status.GRADED, tuple(tests))


def score_by_nbgrader(
    question: Question, cell: dict[str, Any], failure: str | None, partial: bool | None = None
) -> QuestionResult:
    """nbgrader's rule for a graded cell without hidden tests; not judged when the cell never ran to its end.

    ``partial`` is whether the solution's last line is a number: then the student's is the mark, and no mark can be made
    of anything but a number from 0 to the points (nbgrader itself would give full marks, or stop above them).
    If it is something else, a cell that runs has its points, whatever its last line shows. None: nobody can tell;
    a number is a mark then, and anything else none.
    """
    if failure is not None and cell.get("execution_count") is None:
        return _no_mark(question, "The cell runs without an error.", failure)
    results = results_of(cell)
    silent = {**cell, "outputs": [output for output in cell["outputs"] if output not in results]}
    score = float(determine_grade(from_dict(silent))[0] or 0.0)
    if score and partial is not False and (results or partial):
        credit = as_credit(results[-1]) if results else None
        if credit is None or credit > question.points:
            shown = f"it is {one_line(_text_of(results[-1]))[:80]!r}" if results else "there is none"
            reason = f"the check gives no number of points from 0 to {question.points:g}: {shown}"
            return _no_mark(question, "The last line is a number of points.", reason)
        score = credit
    return QuestionResult(question.name, score, question.points, Status.GRADED)


def results_of(cell: Mapping[str, Any]) -> list[Any]:
    """What a cell shows as results; the last is that of its last line, if students have had other lines shown, too."""
    return [output for output in cell["outputs"] if output["output_type"] == "execute_result"]


def as_credit(result: Mapping[str, Any]) -> float | None:
    """The number of points that a last line shows; None if it isn't one."""
    try:
        value = float(_text_of(result))
    except ValueError:
        return None
    return value if value >= 0.0 else None


def _text_of(result: Mapping[str, Any]) -> str:
    text = result["data"].get("text/plain", "")
    return "".join(text) if isinstance(text, list) else str(text)


def _no_mark(question: Question, line: str, reason: str) -> QuestionResult:
    test = TestResult(line, Outcome.NOT_JUDGED, reason)
    return QuestionResult(question.name, None, question.points, Status.NOT_JUDGED, (test,))


def unless_stopped(result: QuestionResult, reason: str) -> QuestionResult:
    """The result; without a mark if it lacks points and ``reason`` says that a cell before it had too little time."""
    if not reason or result.status is not Status.GRADED or result.score == result.max_score:
        return result
    test = TestResult("Its cells have the time that they need.", Outcome.NOT_JUDGED, reason)
    return QuestionResult(result.grade_id, None, result.max_score, Status.NOT_JUDGED, (test,))


def not_found(question: Question, reason: str) -> QuestionResult:
    """No mark, for it can't be told which of the student's cells are the answer."""
    test = TestResult(ANSWER_IS_FOUND, Outcome.NOT_JUDGED, reason)
    told = f"{reason[0].upper()}{reason[1:]}. Write the answer into one cell below its question."
    return QuestionResult(question.name, None, question.points, Status.NOT_JUDGED, (test,), told)


def score_as_decided(question: Question, points: float) -> QuestionResult:
    """The mark that a person decided, in the place of all tests."""
    score = min(points, question.points)
    outcome = Outcome.PASSED if score == question.points else Outcome.FAILED
    return QuestionResult(question.name, score, question.points, Status.GRADED, (TestResult(BY_A_PERSON, outcome),))


def has_own_words(nb: dict[str, Any], template: dict[str, Any]) -> bool:
    """Whether a student wrote text in another place than an answer cell, which may be an answer all the same."""
    given = {cell["source"].strip() for cell in template["cells"]} | {""}
    own = [cell for cell in nb["cells"] if grade_id_of(cell) is None and cell["source"].strip() not in given]
    return any(cell["cell_type"] != "code" or _has_words(cell["source"]) for cell in own)


def _has_words(source: str) -> bool:
    """Whether a cell for code holds a remark or a text of three words, or is no code, but words."""
    return bool(WORDS_IN_CODE.search(source) or (not is_python(source) and WORDS.search(source)))


def score_by_a_person(question: Question, cell: dict[str, Any], own_words: bool = False) -> QuestionResult:
    """No mark yet, for a person will read the answer; none is needed where there is no answer, by nbgrader's rule.

    ``own_words`` stand elsewhere in the notebook: then a person decides whether they are the answer.
    """
    mark = cell["metadata"]["nbgrader"]
    if not mark.get("solution") or own_words or not is_as_released(cell, mark.get("checksum")):
        return QuestionResult(question.name, None, question.points, Status.MANUAL)
    message = "Nothing was written here: it is as it was released."
    test = TestResult("There is an answer.", Outcome.FAILED, message, unwritten=True)
    return QuestionResult(question.name, 0.0, question.points, Status.GRADED, (test,))


WORDS = re.compile(r"[^\W\d]+[^\w\n]+[^\W\d]+[^\w\n]+[^\W\d]+")  # three of them
WORDS_IN_CODE = re.compile(rf"""(?:\#|["'])[^\n]*?{WORDS.pattern}""")
SLOWEST = 5  # cells of a notebook whose time is kept


def submission_facts(nb: dict[str, Any], run: Run, files: dict[str, bytes], seed: bytes) -> SubmissionFacts:
    """What hidden tests may know besides what they ask: files, sources, outputs, and errors of the answer cells."""
    sources: dict[str, str] = {}
    outputs: dict[str, list[dict[str, Any]]] = {}
    errors: dict[str, str] = {}
    for cell in nb["cells"]:
        grade_id = grade_id_of(cell)
        if grade_id is None:
            continue
        sources[grade_id] = cell["source"]
        outputs[grade_id] = cell.get("outputs", [])
        for output in outputs[grade_id] if cell["metadata"]["nbgrader"].get("solution") else []:
            if output["output_type"] == "error":
                errors.setdefault(grade_id, f"{output['ename']}: {output['evalue']}"[:300])
    code = tuple(cell["source"] for cell in nb["cells"] if cell["cell_type"] == "code")
    moments = [asdict(moment) for moment in run.moments]
    return SubmissionFacts(files, sources, code, outputs, errors, run.failure, seed, moments)


def slowest_cells(nb: dict[str, Any], run: Run) -> list[CellTime]:
    """The cells that took most of the time, the slowest first."""
    slowest = sorted(run.cells.items(), key=lambda item: -item[1].seconds)[:SLOWEST]
    return [CellTime(name_of(nb["cells"][index]), cell.seconds) for index, cell in slowest]


def name_of(cell: dict[str, Any]) -> str:
    """What a cell is called: nbgrader's name, or else its id."""
    return grade_id_of(cell) or str(cell["id"])


def grade_id_of(cell: dict[str, Any]) -> str | None:
    """nbgrader's name of a cell, if it has one."""
    mark = cell["metadata"].get("nbgrader")
    return mark.get("grade_id") if isinstance(mark, dict) else None


def write_marks(nb: dict[str, Any], sealed: frozenset[str], results: Sequence[QuestionResult]) -> None:
    """Let each graded cell end with its mark, which nbgrader reads and the feedback page shows.

    What the student is told of questions without a mark stands in the notebook's metadata, too: texts have no outputs.
    """
    if told := {result.cell: result.told for result in results if result.told}:
        nb["metadata"] = {**nb["metadata"], METADATA: {"told": told}}
    by_id = {result.cell: result for result in results}
    for cell in nb["cells"]:
        result = by_id.get(grade_id_of(cell) or "")
        if result is None or cell["cell_type"] != "code":
            continue
        if result.grade_id in sealed or result.status is Status.NOT_JUDGED or result.is_decided:
            cell["outputs"] = [mark_output(result, cell.get("execution_count"))]


def rehearse() -> None:
    """Load what the first notebook with a text of its own needs, while the processes that grade still load theirs."""
    safe_words({"cell_type": "markdown", "source": "# A heading\n\nA text with *emphasis*."})
    mark_output(QuestionResult("rehearsal", 0.0, 1.0, Status.GRADED))
