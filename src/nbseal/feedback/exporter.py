"""nbgrader's face of the feedback page: an exporter for ``nbgrader generate_feedback`` and the formgrader's button."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter, FilenameExtension

from nbseal.errors import CourseError
from nbseal.feedback.hidden_regions import hidden_regions
from nbseal.feedback.page_source import PageSource
from nbseal.gradebook.connection import connect_to
from nbseal.gradebook.queries import notebook_marks


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """One page for each graded notebook that needs no network, no other file and no script."""

    output_mimetype = "text/html"
    file_extension = FilenameExtension(".html", help="how the names of pages end").tag(config=True)
    _notebook = b""

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Render a notebook's file of autograded/; ``resources["nbgrader"]`` says whose it is."""
        self._notebook = Path(filename).read_bytes()
        return super().from_filename(filename, resources=resources, **kwargs)  # type: ignore[no-any-return]

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Render a notebook of autograded/; ``resources["nbgrader"]`` says whose it is."""
        nb, resources = super().from_notebook_node(nb, resources, **kwargs)
        names = resources["nbgrader"]
        student, notebook = names["student"], names["notebook"]
        with closing(connect_to(names["db_url"])) as gradebook:
            marks = notebook_marks(gradebook, names["assignment"], student).get((student, notebook))
        if marks is None:
            raise CourseError(f"the gradebook has no notebook {notebook} of {student}: grade it first.")
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        source = PageSource(self._notebook, notebook, marks, folder, hidden_regions(self.config))
        return source.page(nb), resources
