"""The page that a student gets back. nbgrader makes it when nbgrader_config.py says so::

c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbseal.feedback.exporter import FeedbackExporter

__all__ = ["FeedbackExporter"]


def __getattr__(name: str) -> Any:
    """Load the exporter only when it is asked for: the libraries that make a page take long to load."""
    if name == "FeedbackExporter":
        from nbseal.feedback.exporter import FeedbackExporter

        return FeedbackExporter
    raise AttributeError(f"module 'nbseal.feedback' has no attribute {name!r}")
