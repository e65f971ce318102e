"""Opens zips and gzipped files of submissions: in memory, and no further than their size and the limits allow."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from nbseal.errors import SubmissionError
from nbseal.grading.submission import IGNORED_FOLDERS, MAX_FILES, is_ignored_notebook

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
GZIP, GZIP_WINDOW = b"\x1f\x8b", 31  # how a gzipped file begins, and zlib's name for it
ENTRY = b"PK\x01\x02"  # begins each entry of an archive's directory
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_TIMES = 1032  # what deflate makes of its bytes at most; a directory that promises more lies
DEPTH = 2  # a zip in a zip
PATH_LIMIT, NAME_LIMIT = 1000, 255  # bytes
# Zips by their format that never hold a notebook.
OTHER_KINDS = frozenset({".npz", ".pt", ".pth", ".keras", ".whl", ".jar", ".docx", ".xlsx", ".pptx", ".odt", ".epub"})
JUNK_FOLDERS = IGNORED_FOLDERS | {"__MACOSX"}
JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini"})
TOO_MUCH = "holds more than a submission may"


@dataclass
class Unpacked:
    """Files by their paths, those of an archive below its own.

    ``opened`` are the archives that were, ``unopened`` those that weren't, ``left_out`` files in them, with reasons;
    ``size`` is what the archives held in bytes.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    unopened: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    size: int = 0


def unpack(files: Mapping[str, bytes], limit: int) -> Unpacked:
    """Open the archives among ``files``; together they may hold ``limit`` bytes, and all is `MAX_FILES` at most."""
    found = Unpacked()
    for path, data in files.items():
        _add(found, path, data, 0, limit)
    return found


def is_junk(path: str) -> bool:
    """Whether programs leave such files about: caches, dot files, what macOS and Windows put into folders."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return hidden or not JUNK_FOLDERS.isdisjoint(parts) or parts[-1].lower() in JUNK_NAMES


def _add(found: Unpacked, path: str, data: bytes, depth: int, limit: int) -> None:
    found.files[path] = data
    if not data.startswith((*MAGIC, GZIP)) or PurePosixPath(path).suffix.lower() in OTHER_KINDS:
        return
    left_out: dict[str, str] = {}
    try:
        if depth == DEPTH:
            raise SubmissionError("lies in too many other archives")
        left = limit - found.size
        inside = _gunzipped(path, data, left) if data.startswith(GZIP) else _contents(data, left, left_out)
        if not inside:
            raise SubmissionError("holds no file")
        if len(found.files) + len(inside) > MAX_FILES:
            raise SubmissionError(TOO_MUCH)
    except SubmissionError as error:
        found.unopened[path] = str(error)
        return
    found.opened.add(path)
    found.left_out |= {f"{path}/{name}": why for name, why in left_out.items()}
    found.size += sum(map(len, inside.values()))
    for name, content in inside.items():
        _add(found, f"{path}/{name}", content, depth + 1, limit)


def _contents(data: bytes, limit: int, left_out: dict[str, str]) -> dict[str, bytes]:
    """An archive's files; SubmissionError if it is damaged, locked, too large, or packed in a way that isn't read."""
    if data.count(ENTRY) > 2 * MAX_FILES:
        raise SubmissionError(TOO_MUCH)  # its directory would take memory
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > min(limit, MOST_TIMES * len(data)):
                raise SubmissionError(TOO_MUCH)
            paths = [(entry, path) for entry in entries if (path := _path_of(entry, left_out))]
            plain = [one for one in paths if not is_junk(one[1])]
            for entry, path in plain or [one for one in paths if is_ignored_notebook(one[1])]:
                files[path] = archive.read(entry)
    except SubmissionError:
        raise
    except Exception as error:  # what zipfile raises for damaged archives is no short list
        raise SubmissionError(f"is damaged ({type(error).__name__})") from error
    return files


def _gunzipped(path: str, data: bytes, limit: int) -> dict[str, bytes]:
    """The one file that a gzipped file holds, under its own name; SubmissionError as above."""
    try:
        reader = zlib.decompressobj(GZIP_WINDOW)
        content = reader.decompress(data, limit + 1)
    except zlib.error as error:
        raise SubmissionError(f"is damaged ({type(error).__name__})") from error
    if len(content) > limit:
        raise SubmissionError(TOO_MUCH)
    if not reader.eof:
        raise SubmissionError("is damaged (cut off)")
    name = PurePosixPath(path).name
    return {name[:-3] if name.lower().endswith(".gz") and len(name) > 3 else name: content}


def _path_of(entry: zipfile.ZipInfo, left_out: dict[str, str]) -> str:
    """Where an entry lies in its archive; "" for one that is left out, SubmissionError for one that can't be read."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))  # as old programs for Windows write it
    if path.is_absolute() or ".." in path.parts or path.parts[0].endswith(":"):
        left_out[str(path)] = "has a path that leads out of its archive"
    elif is_junk(str(path)) and not is_ignored_notebook(str(path)):
        return ""
    elif stat.S_ISLNK(entry.external_attr >> 16):
        left_out[str(path)] = "is a link"
    elif len(str(path).encode()) > PATH_LIMIT or any(len(part.encode()) > NAME_LIMIT for part in path.parts):
        left_out[f"{str(path)[:40]}…"] = "has too long a name"
    elif entry.flag_bits & 1:
        raise SubmissionError("is locked by a password")
    elif entry.compress_type not in METHODS:
        raise SubmissionError("is packed in a way that is not read here")
    else:
        return str(path)
    return ""
