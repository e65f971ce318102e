"""What is loaded once for all processes that make pages: they are forked from one that holds nothing else."""

from __future__ import annotations

from nbseal.patches import lazy_imports

lazy_imports.prepare()

from nbseal.feedback import class_pages, feedback_page  # noqa: E402  # they find the stand-ins

__all__ = ["class_pages", "feedback_page"]
