"""nbgrader's face of the feedback page: an exporter for ``nbgrader generate_feedback`` and the formgrader's button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter, FilenameExtension
from nbgrader.api import Gradebook

from nbseal.feedback.feedback_page import NotebookMarks, make_view
from nbseal.pages import render


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """One page for each graded notebook that needs no network, no other file and no script."""

    output_mimetype = "text/html"
    file_extension = FilenameExtension(".html", help="how the names of pages end").tag(config=True)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Render a notebook of autograded/; ``resources["nbgrader"]`` says whose it is."""
        nb, resources = super().from_notebook_node(nb, resources, **kwargs)
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            marks = _marks(gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"]))
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        view = make_view(nb, marks, names["notebook"], folder, self.config)
        return render("nbseal.feedback", "feedback.html.j2", sorting=False, view=view), resources


def _marks(submitted: Any) -> NotebookMarks:
    """What the gradebook says about one student's notebook; a person's mark goes before the machine's."""
    scores, by_person = {}, set()
    for grade in submitted.grades:
        made = grade.auto_score is not None or grade.manual_score is not None
        scores[grade.name] = float(grade.score) if made else None
        if grade.manual_score is not None:
            by_person.add(grade.name)
    comments = {comment.name: comment.comment for comment in submitted.comments if comment.comment}
    return NotebookMarks(
        scores=scores,
        points={grade.name: float(grade.max_score or 0.0) for grade in submitted.grades},
        by_person=frozenset(by_person),
        comments=comments,
        penalty=float(submitted.late_submission_penalty or 0.0),
        seconds_late=float(submitted.assignment.total_seconds_late or 0.0),
    )
