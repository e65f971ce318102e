"""nbgrader's rules for one submission's rows: which grades and comments there are, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbseal.notebook import is_as_released
from nbseal.results import GradedSubmission, QuestionResult, Status, full_name, of_notebook

GRADED_KINDS = ("GradeCell", "TaskCell")
COMMENTED_KINDS = ("SolutionCell", "TaskCell")
NO_RESPONSE = "No response."


@dataclass(frozen=True)
class GradebookCell:
    """A cell as the gradebook knows it; a grade cell that holds an answer is there once as each kind."""

    id: str
    name: str
    kind: str
    notebook: str
    checksum: str | None


@dataclass(frozen=True)
class AutoMark:
    """What the machine says about one grade: ``score`` is None where it has nothing to say."""

    score: float | None
    final: bool = False

    def needs_person(self, manual_score: float | None) -> bool:
        """nbgrader's rule: look again where a person gave marks before, or where the machine gave none."""
        return not self.final and (manual_score is not None or self.score is None)


class MachineMarks:
    """What ``graded`` puts into the rows of the gradebook's ``cells``."""

    def __init__(self, graded: GradedSubmission, cells: list[GradebookCell]) -> None:
        self.graded = graded
        questions = {question.grade_id: question for question in graded.scorecard.questions}
        self.questions = {name: of_notebook(questions, name) for name in {cell.notebook for cell in cells}}
        self.answers = {name: _answers(notebook) for name, notebook in graded.notebooks.items()}
        self.unread = self._unread(cells)

    def strangers(self, cells: list[GradebookCell]) -> set[str]:
        """Graded questions that the gradebook has no row for."""
        graded = [cell for cell in cells if cell.kind in GRADED_KINDS]
        known = {name for cell in graded for name in (cell.name, full_name(cell.notebook, cell.name))}
        return {question.grade_id for question in self.graded.scorecard.questions} - known

    def is_missing(self, notebook: str) -> bool:
        """Whether the student handed in no such notebook."""
        return notebook in self.graded.missing_notebooks

    def auto_mark(self, cell: GradebookCell) -> AutoMark:
        """The machine's mark for a grade cell or a task cell."""
        if self.is_missing(cell.notebook):
            return AutoMark(0.0, final=True)
        question: QuestionResult | None = self.questions[cell.notebook].get(cell.name)
        if question is None or question.status is not Status.GRADED:
            return AutoMark(None)
        return AutoMark(question.score)

    def auto_comment(self, cell: GradebookCell) -> str | None:
        """The machine's comment on an answer."""
        if cell.kind == "SolutionCell" and cell.notebook not in self.unread and self.is_unanswered(cell):
            return NO_RESPONSE
        return None

    def is_unanswered(self, cell: GradebookCell) -> bool:
        """nbgrader's rule: the answer is what was released."""
        answer = self.answers.get(cell.notebook, {}).get(cell.name)
        return answer is not None and is_as_released(answer, cell.checksum)

    def _unread(self, cells: list[GradebookCell]) -> set[str]:
        """Notebooks of which the machine could judge nothing: what the student wrote may stand in no cell of ours."""
        seen: dict[str, list[bool]] = {}
        for cell in cells:
            if question := self.questions[cell.notebook].get(cell.name):
                lost = question.is_decided or (question.status is Status.NOT_JUDGED and not question.tests)
                seen.setdefault(cell.notebook, []).append(lost)
        return {notebook for notebook, lost in seen.items() if all(lost)}


def _answers(notebook: dict[str, Any]) -> dict[str, Any]:
    """The solution cells of an executed notebook by name."""
    marked = [(cell["metadata"].get("nbgrader", {}), cell) for cell in notebook["cells"]]
    return {mark["grade_id"]: cell for mark, cell in marked if mark.get("solution") and "grade_id" in mark}
