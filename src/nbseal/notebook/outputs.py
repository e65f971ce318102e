"""Outputs of cells: taken in from a sealed process, and made safe to open before they are recorded."""

from __future__ import annotations

import functools
import hashlib
import math
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from nbseal.notebook.reading import IMAGE_TYPES, Cell, Notebook, base64_text
from nbseal.notebook.sanitising import is_harmless, sanitise_html, sanitise_svg, sanitise_text
from nbseal.text import one_line

MAX_DEPTH = 30
MAY_RAISE = frozenset({"raises-exception", "skip-execution"})  # tags
SHOWN = 60  # characters of a cell's first line


def failure(cell: Cell) -> tuple[str, str] | None:
    """What JupyterLab shows of a cell that raised, its number and first line, and what that was.

    None of a cell that raised nothing, or whose tags say that it may.
    """
    errors = [output for output in cell.get("outputs", ()) if output["output_type"] == "error"]
    if not errors or not MAY_RAISE.isdisjoint(cell["metadata"].get("tags", ())):
        return None
    first = cell["source"].strip().splitlines()[0][:SHOWN]
    said = f"{errors[0]['ename']}: {errors[0]['evalue']}".strip().rstrip(":")
    return one_line(f"cell [{cell['execution_count']}], {first!r}"), one_line(said)


def clean_outputs(raw: Any) -> list[dict[str, Any]]:
    """Return the well-formed outputs of ``raw`` as nbformat 4 plain data; what is malformed is dropped."""
    cleaned = [_clean(output) for output in raw] if isinstance(raw, list) else []
    return [output for output in cleaned if output is not None]


def _clean(output: Any) -> dict[str, Any] | None:
    if not isinstance(output, dict):
        return None
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
        case "error":
            lines = output.get("traceback")
            return {
                "output_type": "error",
                "ename": _text(output.get("ename")),
                "evalue": _text(output.get("evalue")),
                "traceback": [_text(line) for line in lines] if isinstance(lines, list) else [],
            }
        case "display_data" | "execute_result" as kind:
            result = {"output_type": kind, "metadata": _plain_dict(output.get("metadata")), "data": _bundle(output)}
            if kind == "execute_result":
                count = output.get("execution_count")
                result["execution_count"] = count if type(count) is int else None
            return result
    return None


def _bundle(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data")
    bundle: dict[str, Any] = {}
    for mime, value in data.items() if isinstance(data, dict) else ():
        if not isinstance(mime, str):
            continue
        if mime == "application/json" or mime.endswith("+json"):
            bundle[mime] = _plain(value, 0)
        elif isinstance(value, (str, list)):
            bundle[mime] = _text("".join(map(str, value)) if isinstance(value, list) else value)
    return bundle


def _plain_dict(value: Any) -> dict[str, Any]:
    plain = _plain(value, 0)
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and value != value:
        return None
    return value if value is None or isinstance(value, (bool, int, float)) else str(type(value).__name__)


def _text(value: Any) -> str:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


NOT_SHOWN = "[an output that can't be shown here: {}]"
# What only a program shows, by its tag; what is left of it is an empty box, or a sentence for old browsers.
ACTIVE = {
    "video": "a video",
    "audio": "a sound",
    "iframe": "an embedded page",
    "canvas": "a drawing by a script",
    "script": "what a script shows",
}
ACTIVE_TAG = re.compile(rf"<({'|'.join(ACTIVE)})\b", re.IGNORECASE)
SHOWING_TAG = re.compile(r"<(?:img [^<>]*src=|(?:svg|table|hr)\b)")
TAG = re.compile(r"<[^<>]*>")
FRAME_ALT = "The first picture of an animation"
# An animation keeps its frames in a script, where lines are continued by a backslash.
FRAME = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=\\\s]+)")
VERBATIM = "*This text holds HTML, or a link into this site, that is not shown; this is how it was written:*"
BACKTICKS = re.compile("`+")
SIZE_LIMIT = 20_000  # pixels
REMEMBERED, REMEMBERED_LENGTH = 128, 1 << 15  # drawings, and characters of each: a class draws the same ones again
# A web server would hand these out as pages; mimetypes may know more of them.
TEXT_ENDING, NAME_LIMIT = ".txt", 255  # bytes of a file's name
PAGE_ENDINGS = (".htm", ".html", ".mht", ".mhtml", ".shtml", ".svg", ".svgz", ".xht", ".xhtml", ".xml", ".xsl", ".xslt")


@dataclass
class Budget:
    """How many characters of markup are still read in one notebook: reading them costs time, Markdown most."""

    left: int = 4 << 20
    markdown: int = 1 << 18

    def pays(self, markup: str, markdown: bool = False) -> bool:
        """Whether this markup is still read."""
        self.left -= len(markup)
        self.markdown -= len(markup) if markdown else 0
        return self.left >= 0 and self.markdown >= 0


def make_safe(nb: Notebook, template: Notebook) -> None:
    """Sanitise what the student brought into ``nb``: outputs, and Markdown that isn't the template's own."""
    trusted = {(cell["id"], cell["source"]) for cell in template["cells"]}
    budget = Budget()
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = safe_outputs(cell["outputs"], budget)
        elif (cell["id"], cell["source"]) not in trusted:
            cell["source"] = safe_words(cell, budget)


def safe_outputs(outputs: Iterable[dict[str, Any]], budget: Budget | None = None) -> list[dict[str, Any]]:
    """Outputs without scripts, requests, terminal escapes, and metadata that a page would obey."""
    budget = budget or Budget()
    return [_safe_output(output, budget) for output in outputs]


def safe_words(cell: Cell, budget: Budget | None = None) -> str:
    """The source of a Markdown or raw cell, word for word in a fence if its HTML would do more than show something."""
    source: str = cell["source"]
    if (budget or Budget()).pays(source, cell["cell_type"] != "raw"):
        kind, attachments = cell["cell_type"], cell.get("attachments")
        short = not attachments and len(source) <= REMEMBERED_LENGTH
        if _known_words(source, kind) if short else _are_harmless(source, kind, attachments):
            return source
    if cell["cell_type"] == "raw":
        return escape(source)
    fence = "`" * max(3, 1 + max(map(len, BACKTICKS.findall(source)), default=0))
    return f"{VERBATIM}\n\n{fence}\n{source}\n{fence}"


def _are_harmless(source: str, kind: str, attachments: dict[str, Any] | None = None) -> bool:
    html: str | None = source
    if kind != "raw":
        from nbseal.notebook.rendering import rendered  # takes its time, and most notebooks don't need it

        html = rendered(source, attachments)
    return html is not None and is_harmless(html)


_known_words = functools.lru_cache(REMEMBERED)(_are_harmless)


def safe_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """A submission's other files; what a web server would hand out as a page is named as text."""
    return {safe_name(name): content for name, content in files.items()}


def safe_name(name: str) -> str:
    """The name under which a submitted file is recorded."""
    kind = mimetypes.guess_type(name)[0] or ""
    is_page = name.lower().endswith(PAGE_ENDINGS) or "html" in kind or "xml" in kind
    if not is_page:
        return name
    folder, slash, own = name.rpartition("/")
    whole = own.encode("utf-8", "surrogateescape")
    if len(whole) + len(TEXT_ENDING) > NAME_LIMIT:  # cut, and told apart from others that are cut alike
        mark = f"-{hashlib.sha256(whole).hexdigest()[:8]}"
        own = whole[: NAME_LIMIT - len(TEXT_ENDING) - len(mark)].decode("utf-8", "ignore") + mark
    return f"{folder}{slash}{own}{TEXT_ENDING}"


def _safe_output(output: dict[str, Any], budget: Budget) -> dict[str, Any]:
    match output["output_type"]:
        case "stream":
            return {**output, "text": sanitise_text(output["text"])}
        case "error":
            named = {key: sanitise_text(output[key]) for key in ("ename", "evalue")}
            return {**output, **named, "traceback": [sanitise_text(line) for line in output["traceback"]]}
    data = _safe_bundle(output["data"], budget)
    return {**output, "data": data, "metadata": _safe_metadata(output["metadata"])}


def _safe_bundle(data: dict[str, Any], budget: Budget) -> dict[str, Any]:
    safe: dict[str, Any] = {}
    for mime, value in data.items():
        if isinstance(value, str) and (kept := _safe_value(mime, value, budget)) is not None:
            safe["text/html" if mime == "text/markdown" else mime] = kept
    if isinstance(html := data.get("text/html"), str):
        _mend_page(safe, html, sorted(mime for mime in data if mime not in (*safe, "text/html")))
    if data and not safe:
        safe["text/plain"] = _not_shown(sorted(data))
    return safe


def _not_shown(kinds: Iterable[str]) -> str:
    return NOT_SHOWN.format(", ".join(sanitise_text(kind)[:80] for kind in list(kinds)[:5]))


def _mend_page(safe: dict[str, Any], html: str, lost: list[str]) -> None:
    """Where a page has lost what it showed, a picture beside it or in it takes the place, or else a note.

    ``lost`` are types of the bundle of which nothing is kept.
    """
    kept = safe.get("text/html", "")
    if SHOWING_TAG.search(kept):
        return
    active = [ACTIVE[tag] for tag in dict.fromkeys(found.lower() for found in ACTIVE_TAG.findall(html))]
    picture = "" if any(mime.startswith("image/") for mime in safe) else _frame(html)
    if TAG.sub("", kept).strip():
        parts = [what for what in active if what != ACTIVE["script"]]
        note = escape(_not_shown(parts), quote=False) if parts else ""
        if added := picture or note:
            safe["text/html"] = f"{kept}<p>{added}</p>"
    elif picture:
        safe["text/html"] = picture
    else:
        safe.pop("text/html", None)
        if not any(mime.startswith("image/") for mime in safe):
            note = _not_shown([*active, *lost] or ["text/html"])
            safe["text/plain"] = "\n".join(filter(None, [safe.get("text/plain"), note]))


def _frame(html: str) -> str:
    """The first picture in a page whose script would show it; "" if there is none."""
    found = FRAME.search(html)
    data = re.sub(r"[\\\s]", "", found[2]) if found else ""
    return f'<img src="data:{found[1]};base64,{data}" alt="{FRAME_ALT}">' if found and base64_text(data) else ""


def _safe_value(mime: str, value: str, budget: Budget) -> str | None:
    match mime:
        case "text/plain" | "text/latex":
            return sanitise_text(value)
        case "text/html" | "text/markdown" | "image/svg+xml" if not budget.pays(value, mime == "text/markdown"):
            return None
        case "text/html":
            return sanitise_html(value).strip() or None  # an empty page would hide the text beside it
        case "text/markdown":
            from nbseal.notebook.rendering import render

            return sanitise_html(render(value))
        case "image/svg+xml":
            return _known_drawing(value) if len(value) <= REMEMBERED_LENGTH else sanitise_svg(value)
        case _ if mime in IMAGE_TYPES:
            # Pictures from a kernel end with a line break, and stay as they are.
            return value if base64_text(value) else None
    return None


_known_drawing = functools.lru_cache(REMEMBERED)(sanitise_svg)


def _safe_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """A picture's size and description; templates write other values into the page as they are."""
    safe = _safe_facts(metadata)
    for mime, facts in metadata.items():
        if mime in IMAGE_TYPES and isinstance(facts, dict):
            safe[mime] = _safe_facts(facts)
    return safe


def _safe_facts(facts: dict[str, Any]) -> dict[str, Any]:
    safe: dict[str, Any] = {}
    for name, value in facts.items():
        if name in ("width", "height") and type(value) in (int, float) and math.isfinite(value):
            safe[name] = min(max(value, 0), SIZE_LIMIT)
        elif name == "alt" and isinstance(value, str):
            safe[name] = sanitise_text(value)
        elif name == "needs_background" and value in ("light", "dark"):
            safe[name] = value
    return safe
