"""Between a notebook's cells and its questions: what hidden tests are told of them, and the marks written into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbseal.grade.plan import NotebookPlan
from nbseal.notebook.recording import safe_words
from nbseal.pytest_plugin import Handin
from nbseal.record.feedback import mark_output
from nbseal.results import CellTime, QuestionResult, Status
from nbseal.sandbox.sealed import Run

SLOWEST = 5  # cells of a notebook whose time is kept


def make_handin(nb: dict[str, Any], run: Run, files: dict[str, bytes], seed: bytes) -> Handin:
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
    return Handin(files, sources, code, outputs, errors, run.failure, seed)


def slowest_cells(nb: dict[str, Any], run: Run) -> list[CellTime]:
    """The cells that took most of the time, the slowest first."""
    slowest = sorted(run.cells.items(), key=lambda item: -item[1].seconds)[:SLOWEST]
    return [CellTime(grade_id_of(nb["cells"][i]) or nb["cells"][i]["id"], cell.seconds) for i, cell in slowest]


def grade_id_of(cell: dict[str, Any]) -> str | None:
    """nbgrader's name of a cell, if it has one."""
    mark = cell["metadata"].get("nbgrader")
    return mark.get("grade_id") if isinstance(mark, dict) else None


def write_marks(
    nb: dict[str, Any], plan: NotebookPlan, sealed: frozenset[str], results: Sequence[QuestionResult]
) -> None:
    """Let each graded cell end with its mark, which nbgrader reads and the feedback page shows."""
    by_id = {result.grade_id: result for result in results}
    for cell in nb["cells"]:
        result = by_id.get(grade_id_of(cell) or "")
        if result is None or cell["cell_type"] != "code":
            continue
        if result.grade_id in sealed or result.status is Status.NOT_JUDGED:
            cell["outputs"] = [mark_output(result, cell.get("execution_count"))]


def rehearse() -> None:
    """Load what the first notebook with a text of its own needs, while the processes that grade still load theirs."""
    safe_words({"cell_type": "markdown", "source": "# A heading\n\nA text with *emphasis*."})
    mark_output(QuestionResult("rehearsal", 0.0, 1.0, Status.GRADED))
