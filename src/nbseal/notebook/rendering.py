"""Markdown and HTML as nbgrader's pages show them: filters for nbconvert's HTMLExporter, with students' markup sanitised.

nbgrader_config.py names them, so that ``nbgrader generate_feedback`` and the formgrader use them::

    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = {
        "markdown2html": "nbseal.notebook.rendering.markdown2html",
        "clean_html": "nbseal.notebook.rendering.clean_html",
    }
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nbseal.notebook.sanitising import sanitise_html


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Markdown as HTML that only shows something; stands in for nbconvert's filter of this name."""
    return sanitise_html(render(source, context.get("cell", {}).get("attachments", {})))


def clean_html(element: str | bytes) -> str:
    """HTML that only shows something; stands in for nbconvert's filter of this name."""
    return sanitise_html(element.decode("utf-8", "replace") if isinstance(element, bytes) else str(element))


def render(source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Markdown as nbconvert renders it; as plain text where nbconvert stops with an error."""
    renderer = IPythonRenderer(escape=False, attachments=dict(attachments or {}))
    try:
        return str(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:
        # A picture that isn't attached, or brackets nested too deep: the rest of the page must still be shown.
        return f"<pre>{escape(source)}</pre>"
