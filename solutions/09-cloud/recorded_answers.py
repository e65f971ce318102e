"""Finds the recorded answer for a photo, and the recorded error for what went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVICES = ("google", "azure", "azure32", "amazon")
MARKER = b"replay:"  # bytes that begin so are no photo: the word that follows says what the server shall answer
FORMATS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire; ``delay`` in seconds."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Choice:
    """The photo whose recorded answer is given, and a note when that is another photo than the one sent."""

    photo: str
    note: str = ""


class Recorded:
    """The folder ``recorded/``: answers by service and photo, and errors by service and kind."""

    def __init__(self, folder: Path = HERE) -> None:
        self._folder = folder / "recorded"
        index = json.loads((self._folder / "index.json").read_text("utf-8"))
        self._photos = {entry["photo"]: entry for entry in index["photos"]}
        self._errors = json.loads((self._folder / "errors.json").read_text("utf-8"))
        self._known = {sha256((folder / e["file"]).read_bytes()).digest(): n for n, e in self._photos.items()}

    @property
    def photos(self) -> list[str]:
        """The names of the photos, in the order of the index."""
        return list(self._photos)

    def body(self, service: str, photo: str) -> dict[str, Any]:
        """The whole recorded body of one service for one photo."""
        return json.loads((self._folder / self._photos[photo][service]).read_text("utf-8"))

    def error(self, service: str, kind: str) -> Answer:
        """The recorded error of one service; KeyError when it has none of that kind."""
        return Answer(**self._errors[service][kind])

    def kinds(self, service: str) -> list[str]:
        """The kinds of error that one service has."""
        return list(self._errors[service])

    def choose(self, photo: bytes) -> Choice:
        """The photo with these bytes, or for a photo that nobody recorded always the same one of the others."""
        name = self._known.get(sha256(photo).digest()) or marked(photo)
        if name in self._photos:
            return Choice(name)
        others = [name for name in self._photos if name != "empty"]
        name = others[int.from_bytes(sha256(photo).digest()[:4], "big") % len(others)]
        return Choice(name, f"This is the recorded answer for the photo '{name}', not an analysis of your photo.")


def marked(photo: bytes) -> str:
    """The word after ``replay:``, or nothing."""
    return photo[len(MARKER) :].decode("utf-8", "replace").strip() if photo.startswith(MARKER) else ""


def is_image(photo: bytes) -> bool:
    """Whether the bytes begin as one of the services' image formats does, or with our marker."""
    return photo.startswith((*FORMATS, MARKER))
