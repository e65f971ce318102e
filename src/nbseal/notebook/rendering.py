"""Markdown and HTML as nbgrader's pages show them: filters for nbconvert's HTMLExporter that sanitise.

nbgrader_config.py names them, so that ``nbgrader generate_feedback`` and the formgrader use them::

    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = {
        "markdown2html": "nbseal.notebook.rendering.markdown2html",
        "clean_html": "nbseal.notebook.rendering.clean_html",
    }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nbseal.notebook.sanitising import GROWTH, GROWTH_FREE, sanitise_html

LENGTH_LIMIT = 50_000  # characters; some texts take a time that grows with the square of their length
SEARCHED_TO_THE_END = ("\\begin{", "\\\\(", "\\\\[")  # for what closes them: mathematics
SEARCHES, BLANKS = 200, " " * 1000
CHECKBOX = re.compile(r'<input class="task-list-item-checkbox" type="checkbox" disabled( checked)?/?>')


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Markdown as HTML that only shows something; stands in for nbconvert's filter of this name."""
    return sanitise_html(render(source, context.get("cell", {}).get("attachments", {})))


def clean_html(element: str | bytes) -> str:
    """HTML that only shows something; stands in for nbconvert's filter of this name."""
    return sanitise_html(element.decode("utf-8", "replace") if isinstance(element, bytes) else str(element))


def render(source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Markdown as nbconvert renders it; word for word where nbconvert would stop, or take too long."""
    html = rendered(source, attachments)
    too_long = html is None or len(html) > GROWTH * len(source) + GROWTH_FREE
    return f"<pre>{escape(source)}</pre>" if html is None or too_long else html


def rendered(source: str, attachments: Mapping[str, Any] | None = None) -> str | None:
    """Markdown as nbconvert renders it; None where nbconvert would stop, or take too long."""
    if len(source) > LENGTH_LIMIT or BLANKS in source or sum(map(source.count, SEARCHED_TO_THE_END)) > SEARCHES:
        return None
    renderer = IPythonRenderer(escape=False, attachments=dict(attachments or {}))
    try:
        html = str(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:
        return None  # a picture that isn't attached, or brackets nested too deep: no reason to show no page at all
    return CHECKBOX.sub(lambda found: "☑ " if found[1] else "☐ ", html)
