"""Read what a student handed in: bounded, tolerant, and never another exception than SubmissionError.

Only what grading may use is kept of a submitted notebook: each cell's type, source, id, ``grade_id`` and
pictures. Saved outputs, execution counts, tags, flags, points and the kernelspec are dropped here already,
so that no later step can be misled by them; saved outputs even before the file is parsed, so that they cost
little time and memory.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbseal.errors import SubmissionError

Notebook = dict[str, Any]
Cell = dict[str, Any]

MIB = 1 << 20
SIZE_LIMIT = 32 * MIB  # without saved outputs
CELL_LIMIT = 10_000
BRACKET_LIMIT = 1_000_000
COMMA_LIMIT = 4_000_000
NOTE_LIMIT = 20
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
CELL_TYPES = frozenset({"code", "markdown", "raw"})
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
BLANKS = " \t\r\n\0"
KINDS = {  # by the first bytes, in small letters
    b"%pdf": "is a PDF",
    b"<!doctype": "is a web page",
    b"<html": "is a web page",
    b"pk\x03\x04": "is a zip",
    **dict.fromkeys((b"rar!", b"7z\xbc\xaf", b"\x1f\x8b"), "is an archive, but no zip: unpack it"),
}
CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?\r?$", re.MULTILINE)

Note = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """A submitted notebook as valid nbformat 4.5 plain data, and sentences about what had to be repaired."""

    nb: Notebook
    problems: tuple[str, ...]


def read(data: bytes, limit: int = SIZE_LIMIT, name: str = "the notebook") -> Reading:
    """Read the bytes of a submitted notebook; SubmissionError, which starts with ``name``, if that fails.

    ``limit`` is in bytes, saved outputs not counted. nbformat 2 and 3 are converted; any other version is read as 4.
    """
    notes: list[str] = []
    kind = kind_of(data)
    if kind and kind != KINDS[b"<html"]:
        raise SubmissionError(f"{name} {kind}.")
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


def kind_of(data: bytes) -> str:
    """What a file is by its first bytes, in words, if it is something that students hand in by mistake."""
    head = data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_tar = data[257:262] == b"ustar"
    return KINDS[b"rar!"] if is_tar else next((what for start, what in KINDS.items() if head.startswith(start)), "")


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
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        data = _to_text(data, encoding, note).encode("utf-8", "replace")
    data = _without_saved(data, b'"outputs"', b"[", name)
    data = _without_saved(data, b'"widgets"', b"{", name)
    if len(data) > limit:
        size, most = math.ceil(len(data) / MIB), limit // MIB
        raise SubmissionError(f"{name} is too large: it has {size} MiB without saved outputs, and {most} is the limit.")
    if not data.strip(BLANKS.encode()):
        raise SubmissionError(f"{name} is empty.")
    # A list or a dict costs many times its two bytes once parsed, so few bytes could ask for much memory.
    if data.count(b"[") + data.count(b"{") > BRACKET_LIMIT or data.count(b",") > COMMA_LIMIT:
        raise _too_many_values(name)
    return _to_text(data, "utf-8", note).lstrip("\ufeff")


def _to_text(data: bytes, encoding: str, note: Note) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        note("some characters are not valid UTF-8 and were replaced")
        return data.decode(encoding, "replace")


# A saved output's structure: quotes and brackets, braces being as good as brackets; all else is blank.
_STRUCTURE = bytes({ord('"'): 34, 91: 91, 123: 91, 93: 93, 125: 93}.get(byte, 32) for byte in range(256))
# To the next bracket, past texts, and past brackets with no others in them: millions of these would take a loop long.
_BRACKET = re.compile(rb'(?: ++|"[^"]*+"|\[(?: ++|"[^"]*+")*+\])*+[\[\]]')


def _without_saved(data: bytes, key: bytes, opening: bytes, name: str) -> bytes:
    """The file without what stands behind each ``key`` in its brackets; line breaks stay, for the numbers of lines.

    Linear in time. Where brackets have no end, the rest is left as it is: it is no JSON anyway.
    """
    found = data.find(key)
    if found < 0:
        return data
    plain = data.replace(b"\\\\", b"  ").replace(b'\\"', b"  ").translate(_STRUCTURE)
    opened = re.compile(re.escape(key) + rb"[ \t\r\n]*+:[ \t\r\n]*+" + re.escape(opening))
    parts, last, steps = [], 0, BRACKET_LIMIT
    while found >= 0 and steps > 0:
        end, steps = found + len(key), steps - 1
        if plain[found] == ord('"') and (start := opened.match(data, found)):
            end, steps = _closing(plain, start.end(), steps)
            if end < 0:
                break
            parts += [data[last : start.end()], b"\n" * data.count(b"\n", start.end(), end)]
            last = end
        found = data.find(key, end)
    if steps <= 0:
        raise _too_many_values(name)
    return b"".join([*parts, data[last:]])


def _closing(plain: bytes, position: int, steps: int) -> tuple[int, int]:
    """Where the bracket that was opened before ``position`` is closed (-1: nowhere), and the steps that are left."""
    depth = 1
    while steps > 0:
        bracket = _BRACKET.match(plain, position)
        if bracket is None:
            return -1, steps
        position, steps = bracket.end(), steps - 1
        depth += 1 if plain[position - 1] == ord("[") else -1
        if not depth:
            return position - 1, steps
    return position, steps


def _too_many_values(name: str) -> SubmissionError:
    return SubmissionError(f"{name} holds more values than can be read.")


def _parse(text: str, name: str, note: Note) -> dict[str, Any]:
    twice: set[str] = set()

    def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            twice.add("key")
        return result

    decoder = json.JSONDecoder(
        object_pairs_hook=as_dict,
        # NaN and Infinity are not JSON, but Python writes them; int() refuses numbers beyond 4300 digits.
        parse_constant=lambda _: None,
        parse_int=lambda digits: int(digits) if len(digits) < 20 else None,
    )
    try:
        tree, end = decoder.raw_decode(text, len(text) - len(text.lstrip(BLANKS)))
    except json.JSONDecodeError as error:
        raise SubmissionError(f"{name} {_what_is_wrong(text, error)}") from None
    except (RecursionError, MemoryError):
        raise SubmissionError(f"{name} is nested too deeply to be a notebook.") from None
    if not isinstance(tree, dict):
        raise SubmissionError(f"{name} is JSON, but not a notebook.")
    if twice:
        note("some JSON keys are there twice; the last of each was read")
    if text[end:].strip(BLANKS):
        _look_behind(text, end, name, note)
    return tree


def _look_behind(text: str, end: int, name: str, note: Note) -> None:
    """Say what stands behind a notebook's end: remains do no harm, of two notebooks nobody knows which one counts."""
    line = text.count("\n", 0, end) + 1
    if '"cells"' in text[end:]:
        raise SubmissionError(
            f"{name} holds two notebooks, the second one after line {line}: keep one of them, and hand it in again."
        )
    note(f"what comes after its end in line {line} was not read")


def _what_is_wrong(text: str, error: json.JSONDecodeError) -> str:
    body = text.strip()
    if body.startswith("<") and not CONFLICT.match(body):
        return "is a web page, not a notebook: download the .ipynb file itself."
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return (
            f"has conflict markers of git at line {line} ({conflict[0].strip()[:60]}): "
            "keep one version of what stands between them, save, and hand it in again."
        )
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
