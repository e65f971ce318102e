"""Formulas as MathML, which browsers show by themselves: no script and no font is fetched when a page is open."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from nbseal.feedback.typesetting import mathml


def inline(writer: Any, node: nodes.Element) -> None:
    """A formula in a line of text."""
    writer.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.Element) -> None:
    """A formula on lines of its own, which scrolls sideways where the page is narrow."""
    writer.body.append(f'<div class="formula-block">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
