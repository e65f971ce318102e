"""Outputs of cells as HTML: figures, tables and texts that the student's own code made, and nothing that acts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from nbconvert.filters import ansi2html, strip_ansi

from nbseal.feedback.typesetting import html, markdown, mathml
from nbseal.gradebook.mark_output import judged
from nbseal.notebook.reading import IMAGE_TYPES, base64_text
from nbseal.notebook.sanitising import sanitise_svg, sanitise_text
from nbseal.results import Status, TestResult

OUTPUT_LIMIT = 40_000  # characters of one text that are shown; nobody scrolls through more on a phone
OUR_FRAMES = "nbseal/worker/"  # where the engine stopped a cell; it says nothing about the student's code
BLOCK = 'aria-label="Marks and feedback"'
Judged = tuple[Status, tuple[TestResult, ...]]


@dataclass(frozen=True)
class Shown:
    """One output: ``kind`` is text, error, wide (may be wider than the page) or picture."""

    kind: str
    html: Markup


def show_outputs(outputs: Sequence[Any], folder: Path, hides: bool) -> tuple[tuple[Shown, ...], Judged | None]:
    """The outputs of a cell but for its mark, and what that says; ``hides``: the cell has tests that nobody may see."""
    shown, mark = [], None
    for output in outputs:
        if (found := judged(output)) is not None:
            mark = found
        elif BLOCK not in str(output.get("data", {}).get("text/html", "")):
            shown += _show(output, folder, hides)
    return tuple(shown), mark


def _show(output: Any, folder: Path, hides: bool) -> list[Shown]:
    match output["output_type"]:
        case "stream":
            return [Shown("text", _text(output["text"]))]
        case "error":
            frames = [frame for frame in output["traceback"] if OUR_FRAMES not in strip_ansi(frame)]
            lines = [f"{output['ename']}: {output['evalue']}"] if hides else frames
            return [Shown("error", Markup(escape(strip_ansi(_cut(sanitise_text("\n".join(lines)))))))]
        case "display_data" | "execute_result":
            return _bundle(output, folder)
    return []


def _bundle(output: Any, folder: Path) -> list[Shown]:
    """The form of an output that says most."""
    data = output["data"]
    if isinstance(drawing := data.get("image/svg+xml"), str) and (safe := sanitise_svg(drawing)):
        return [Shown("picture", _drawing(safe, output))]
    for kind in sorted(IMAGE_TYPES & set(data)):
        if picture := base64_text(data[kind]):
            return [Shown("picture", _image(f"data:{kind};base64,{picture}", output))]
    if isinstance(table := data.get("text/html"), str):
        return [Shown("wide", Markup(html(table, folder)))]
    if isinstance(words := data.get("text/markdown"), str):
        return [Shown("wide", Markup(markdown(words, folder)))]
    if isinstance(formula := data.get("text/latex"), str):
        return [Shown("wide", Markup(mathml(formula, block=True)))]
    return [Shown("text", _text(str(data["text/plain"])))] if "text/plain" in data else []


def _drawing(svg: str, output: Any) -> Markup:
    return _image(f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}", output)


def _image(address: str, output: Any) -> Markup:
    """A picture with the words that describe it: those of its author, or what the output says as text."""
    facts = [output.get("metadata", {}), *(output.get("metadata", {}).get(kind, {}) for kind in sorted(IMAGE_TYPES))]
    alt = next((fact["alt"] for fact in facts if isinstance(fact, dict) and isinstance(fact.get("alt"), str)), "")
    words = alt or str(output["data"].get("text/plain", ""))
    words = "Figure that this cell drew" if not words or words.startswith("<") else words
    return Markup('<img src="{}" alt="{}">').format(address, sanitise_text(words)[:1000])


def _text(text: str) -> Markup:
    return Markup(ansi2html(_cut(sanitise_text(text))))


def _cut(text: str) -> str:
    return text if len(text) <= OUTPUT_LIMIT else f"{text[:OUTPUT_LIMIT]}\n… (the rest is not shown)"
