"""The page that a student gets back. nbgrader makes it when nbgrader_config.py says so::

c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"
"""

from nbseal.feedback.exporter import FeedbackExporter

__all__ = ["FeedbackExporter"]
