"""Read what a student handed in: bounded, tolerant, and never another exception than SubmissionError.

Only what grading may use is kept of a submitted notebook: each cell's type, source, id, ``grade_id`` and
pictures. Saved outputs, execution counts, tags, flags, points and the kernelspec are dropped here already,
so that no later step can be misled by them.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbseal.errors import SubmissionError

Notebook = dict[str, Any]
Cell = dict[str, Any]

SIZE_LIMIT = 32 << 20
CELL_LIMIT = 10_000
BRACKET_LIMIT = 1_000_000
COMMA_LIMIT = 4_000_000
NOTE_LIMIT = 20
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
CELL_TYPES = frozenset({"code", "markdown", "raw"})
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Note = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """A submitted notebook as valid nbformat 4.5 plain data, and sentences about what had to be repaired."""

    nb: Notebook
    problems: tuple[str, ...]


def read(data: bytes, limit: int = SIZE_LIMIT, name: str = "the notebook") -> Reading:
    """Read the bytes of a submitted notebook; SubmissionError, which starts with ``name``, if that fails.

    ``limit`` is in bytes. nbformat 2 and 3 are converted; any other version is read as 4.
    """
    notes: list[str] = []
    text = _decode(data, limit, name, notes.append)
    tree = _parse(text, name, notes.append)
    raw_cells = _find_cells(tree, name, notes.append)
    if len(raw_cells) > CELL_LIMIT:
        raise SubmissionError(f"{name} has {len(raw_cells)} cells, more than {CELL_LIMIT} can be graded.")
    cells = [
        cell
        for number, raw in enumerate(raw_cells, 1)
        if (cell := _read_cell(raw, f"cell {number}", notes.append)) is not None
    ]
    assign_ids(cells, "added")
    nb = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return Reading(nb, _shorten(notes))


def assign_ids(cells: list[Cell], prefix: str) -> None:
    """Give every cell a valid id that no other cell has; ids are made from ``prefix`` and the cell's number.

    The first of several cells with the same id keeps it. Made ids are the same at every reading.
    """
    used: set[str] = set()
    homeless = []
    for number, cell in enumerate(cells, 1):
        cell_id = cell.get("id")
        if isinstance(cell_id, str) and CELL_ID.fullmatch(cell_id) and cell_id not in used:
            used.add(cell_id)
        else:
            homeless.append((number, cell))
    for number, cell in homeless:
        cell["id"] = free_id(f"{prefix}-{number}", used)


def free_id(wanted: str, used: set[str]) -> str:
    """Return ``wanted``, or its nearest variant that is not in ``used``, and add it there."""
    candidate, count = wanted, 1
    while candidate in used:
        count += 1
        candidate = f"{wanted[:56]}-{count}"
    used.add(candidate)
    return candidate


def _decode(data: bytes, limit: int, name: str, note: Note) -> str:
    if len(data) > limit:
        size, most = len(data) / 1e6, limit / 1e6
        raise SubmissionError(f"{name} is too large: it has {size:.0f} MB, and {most:.0f} MB is the limit.")
    if not data.strip(b" \t\r\n\0"):
        raise SubmissionError(f"{name} is empty.")
    # A list or a dict costs many times its two bytes once parsed, so few bytes could ask for much memory.
    if data.count(b"[") + data.count(b"{") > BRACKET_LIMIT or data.count(b",") > COMMA_LIMIT:
        raise SubmissionError(f"{name} holds more values than can be read.")
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        note("some characters are not valid UTF-8 and were replaced")
    return text.lstrip("\ufeff")


def _parse(text: str, name: str, note: Note) -> dict[str, Any]:
    twice: set[str] = set()

    def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            twice.add("key")
        return result

    try:
        # NaN and Infinity are not JSON, but Python writes them; int() refuses numbers beyond 4300 digits.
        tree = json.loads(
            text,
            object_pairs_hook=as_dict,
            parse_constant=lambda _: None,
            parse_int=lambda digits: int(digits) if len(digits) < 20 else None,
        )
    except json.JSONDecodeError as error:
        raise SubmissionError(f"{name} {_what_is_wrong(text, error)}") from None
    except (RecursionError, MemoryError):
        raise SubmissionError(f"{name} is nested too deeply to be a notebook.") from None
    if not isinstance(tree, dict):
        raise SubmissionError(f"{name} is JSON, but not a notebook.")
    if twice:
        note("some JSON keys are there twice; the last of each was read")
    return tree


def _what_is_wrong(text: str, error: json.JSONDecodeError) -> str:
    body = text.strip()
    if body.startswith("<"):
        return "is a web page, not a notebook: download the .ipynb file itself."
    at_the_end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
    if body.startswith("{") and (at_the_end or not body.endswith("}")):
        return f"is cut off at line {text.rstrip().count(chr(10)) + 1}: save it again and hand it in again."
    return f"is not JSON (line {error.lineno}, column {error.colno}), so it is not a notebook."


def _find_cells(tree: dict[str, Any], name: str, note: Note) -> list[Any]:
    version = tree.get("nbformat")
    cells = tree.get("cells")
    worksheets = tree.get("worksheets")
    if not isinstance(cells, list) and isinstance(worksheets, list):
        note("it is in an old notebook format and was converted")
        sheets = [sheet.get("cells") for sheet in worksheets if isinstance(sheet, dict)]
        return [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    if not isinstance(cells, list):
        if not isinstance(version, int):
            raise SubmissionError(f"{name} is JSON, but not a notebook: it has no cells.")
        note("it has no cells")
        return []
    if version != 4 or isinstance(version, bool):
        known = f"notebook format {version}" if isinstance(version, int) else "an unknown notebook format"
        note(f"it says that it is in {known}; it was read as format 4")
    if not isinstance(tree.get("metadata", {}), dict):
        note("its metadata is damaged and was not read")
    return cells


def _read_cell(raw: Any, where: str, note: Note) -> Cell | None:
    if not isinstance(raw, dict):
        note(f"{where} is damaged and was left out")
        return None
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    cell_type, source = _read_source(raw, where, note)
    cell: Cell = {"cell_type": cell_type, "id": _read_id(raw, metadata), "metadata": {}, "source": source}
    if cell_type == "code":
        cell.update(execution_count=None, outputs=[])
    nbgrader = metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and isinstance(nbgrader.get("grade_id"), str):
        cell["metadata"] = {"nbgrader": {"grade_id": nbgrader["grade_id"]}}
    if cell_type == "markdown" and (pictures := _read_attachments(raw.get("attachments"))):
        cell["attachments"] = pictures
    return cell


def _read_source(raw: dict[str, Any], where: str, note: Note) -> tuple[str, str]:
    cell_type = raw.get("cell_type")
    source = raw.get("source", raw.get("input"))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        note(f"{where} has no readable source and was taken as empty")
        source = ""
    if cell_type == "heading":
        level = raw.get("level")
        level = level if isinstance(level, int) and 1 <= level <= 6 else 1
        cell_type, source = "markdown", f"{'#' * level} {source}"
    elif cell_type == "html":
        cell_type = "markdown"
    elif not isinstance(cell_type, str) or cell_type not in CELL_TYPES:
        note(f"{where} is of an unknown type and was read as plain text")
        cell_type = "raw"
    return cell_type, _encodable(source)


def _read_id(raw: dict[str, Any], metadata: dict[str, Any]) -> Any:
    # Google Colab keeps a cell's id in its metadata.
    return raw.get("id") or metadata.get("id")


def _read_attachments(raw: Any) -> dict[str, dict[str, str]]:
    """Keep pictures in base64, drop everything else: an attachment is shown to whoever opens the notebook."""
    kept: dict[str, dict[str, str]] = {}
    for file_name, bundle in raw.items() if isinstance(raw, dict) else ():
        images = bundle.items() if isinstance(bundle, dict) else ()
        good = {mime: text for mime, data in images if mime in IMAGE_TYPES and (text := base64_text(data))}
        if good:
            kept[_encodable(file_name)] = good
    return kept


def base64_text(data: Any) -> str:
    """Return base64 without its line breaks, empty if it isn't base64."""
    if isinstance(data, list) and all(isinstance(line, str) for line in data):
        data = "".join(data)
    if not isinstance(data, str):
        return ""
    text = "".join(data.split())
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return ""
    return text


def _encodable(text: str) -> str:
    r"""Replace lone surrogates, which JSON can spell (``\ud800``) but no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _shorten(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= NOTE_LIMIT:
        return tuple(notes)
    return (*notes[:NOTE_LIMIT], f"… and {len(notes) - NOTE_LIMIT} more of this kind")
