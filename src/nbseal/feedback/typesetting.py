"""Markdown and HTML of a notebook as they stand on a page that needs nothing else: formulas and pictures are in it."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nh3
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nbseal.feedback.pictures import SVG, read_picture
from nbseal.notebook.rendering import CHECKBOX, LENGTH_LIMIT
from nbseal.notebook.sanitising import sanitise_html, sanitise_svg

REMEMBERED = 256  # texts: most of a notebook's are the instructor's, the same for the whole class
FORMULA_LIMIT, FORMULAS = 2000, 500  # characters of a formula that is typeset; formulas in one text
# The sanitiser writes attributes in double quotes and no such quote inside them.
TAG = re.compile(r'<(?:[^<>"]|"[^"]*")*>')
SOURCE = re.compile(r'\bsrc="([^"]*)"')
ALT = re.compile(r'\balt="([^"]*)"')
DELIMITERS = re.compile(r"^\s*(\$\$?|\\\[|\\\()|(\$\$?|\\\]|\\\))\s*$")
MATHML = {
    "math", "merror", "mfenced", "mfrac", "mi", "mlabeledtr", "mmultiscripts", "mn", "mo", "mover", "mpadded",
    "mphantom", "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable",
    "mtd", "mtext", "mtr", "munder", "munderover", "none",
}  # fmt: skip
MATHML_ATTRIBUTES = {
    "*": {"columnalign", "displaystyle", "fence", "form", "height", "linethickness", "lspace", "mathvariant", "maxsize",
          "minsize", "movablelimits", "rspace", "separator", "stretchy", "symmetric", "width", "accent", "accentunder"},
    "math": {"display"},
}  # fmt: skip


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """nbconvert's, with formulas set aside until the text around them is sanitised."""

    def __init__(self, formulas: list[str], token: str, attachments: dict[str, Any]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)
        self._formulas = formulas
        self._token = token

    def _set_aside(self, latex: str, block: bool) -> str:
        if len(self._formulas) >= FORMULAS:
            return escape(latex)
        self._formulas.append(mathml(latex, block))
        return f"{self._token}{len(self._formulas) - 1}x"

    def block_math(self, body: str) -> str:
        """A formula in a line of its own."""
        return self._set_aside(body, block=True)

    def multiline_math(self, text: str) -> str:
        """A formula with its delimiters."""
        return self._set_aside(text, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        """An environment such as align."""
        return self._set_aside(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def inline_math(self, body: str) -> str:
        """A formula in a line of text."""
        return self._set_aside(body, block=False)


def markdown(source: str, folder: Path, attachments: Mapping[str, Any] | None = None) -> str:
    """Markdown as sanitised HTML; word for word where it can't be rendered."""
    try:
        safe, token, formulas = _typeset(source) if not attachments else _with_attachments(source, attachments)
    except Exception:  # a picture that isn't attached, or brackets nested too deep: no reason to show no page
        return f"<pre>{escape(source)}</pre>"
    return _finished(safe, folder, re.compile(rf"{token}(\d+)x"), formulas)


@lru_cache(REMEMBERED)
def _typeset(source: str) -> tuple[str, str, list[str]]:
    return _with_attachments(source, {})


def _with_attachments(source: str, attachments: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """Sanitised HTML, the word that stands in it before a formula's number, and the formulas."""
    formulas: list[str] = []
    token = f"formula{secrets.token_hex(8)}n"
    if len(source) > LENGTH_LIMIT:
        raise ValueError("too long")
    renderer = _Renderer(formulas, token, dict(attachments))
    rendered = str(MarkdownWithMath(renderer=renderer).render(source))
    safe = sanitise_html(CHECKBOX.sub(lambda found: "☑ " if found[1] else "☐ ", rendered))
    return safe, token, formulas


def html(text: str, folder: Path) -> str:
    """HTML from an output, sanitised, with the pictures that lie beside the notebook."""
    return _finished(sanitise_html(text), folder, None, [])


def mathml(latex: str, block: bool) -> str:
    """A formula as MathML, which browsers show and screen readers read; as it was written if it can't be."""
    latex = DELIMITERS.sub("", latex).strip()
    try:
        if len(latex) > FORMULA_LIMIT:
            raise ValueError("too long")
        typeset = convert(latex, display="block" if block else "inline")
        safe = nh3.clean(typeset, tags=MATHML, attributes=MATHML_ATTRIBUTES, clean_content_tags={"script", "style"})
    except Exception:  # the converter raises whatever its parts raise
        return f"<code>{escape(latex)}</code>"
    return f'<span class="formula" role="group" aria-label="Formula" tabindex="0">{safe}</span>' if block else safe


def _finished(safe: str, folder: Path, formula: re.Pattern[str] | None, formulas: list[str]) -> str:
    """Sanitised HTML with pictures in its tags, and formulas between them (never inside a tag)."""
    parts, place = [], 0
    between: Callable[[str], str] = (
        (lambda text: formula.sub(lambda found: formulas[int(found[1])], text)) if formula else str
    )
    for tag in TAG.finditer(safe):
        parts.append(between(safe[place : tag.start()]))
        inside = formula.sub("", tag[0]) if formula else tag[0]
        parts.append(_with_picture(inside, folder) if inside.startswith("<img") else _in_a_box(inside))
        place = tag.end()
    return "".join([*parts, between(safe[place:])])


def _in_a_box(tag: str) -> str:
    """A tag; a table gets a box that scrolls where the table is wider than the page, by keyboard, too."""
    if tag.startswith("<table"):
        return f'<div class="box" role="group" aria-label="Table" tabindex="0">{tag}'
    return f"{tag}</div>" if tag == "</table>" else tag


def _with_picture(tag: str, folder: Path) -> str:
    """An img element whose picture is in the page, or the words that stand for it."""
    source = SOURCE.search(tag)
    if source and source[1].startswith("data:"):
        return tag if ALT.search(tag) else tag.replace("<img", '<img alt="Picture"', 1)
    address = _picture(folder, unquote(unescape(source[1]))) if source else None
    if source is None or address is None:
        alt = ALT.search(tag)
        return f'<span class="soft">[picture{": " + alt[1] if alt and alt[1] else ""}]</span>'
    placed = f"{tag[: source.start(1)]}{address}{tag[source.end(1) :]}"
    return placed if ALT.search(placed) else placed.replace("<img", '<img alt="Picture"', 1)


def _picture(folder: Path, name: str) -> str | None:
    """A small picture file below ``folder`` as a data address; no link is followed, and the file's bytes decide."""
    try:
        path = folder.resolve() / name
        if path.resolve() != path or not path.is_relative_to(folder.resolve()):
            return None
        picture = read_picture(path)
    except (OSError, ValueError):
        return None
    if picture is None:
        return None
    kind, data = picture
    if kind == SVG:
        data = (sanitise_svg(data.decode("utf-8", "replace")) or "").encode()
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if data else None
