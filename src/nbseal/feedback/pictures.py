"""Picture files beside a notebook that its page may show: small regular files, known by their first bytes."""

from __future__ import annotations

import os
from pathlib import Path

from nbseal.files import open_regular

PICTURE_LIMIT = 2 << 20  # bytes
SVG = "image/svg+xml"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
LONGEST = max(map(len, SIGNATURES))


def read_picture(path: Path) -> tuple[str, bytes] | None:
    """A picture's type and bytes; None for any other file, or a larger one. OSError where it can't be read."""
    file = open_regular(path)
    if file is None:
        return None
    with file:
        data = file.read(LONGEST)
        kind = next((kind for signature, kind in SIGNATURES.items() if data.startswith(signature)), None)
        if kind is None and path.name.lower().endswith(".svg"):
            kind = SVG
        if kind is None:
            return None
        data += file.read(PICTURE_LIMIT + 1 - len(data))
    return (kind, data) if len(data) <= PICTURE_LIMIT else None


def pictures_in(folder: Path) -> dict[str, bytes]:
    """All pictures in a folder and below it, by their paths there; what can't be read is none."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top, name)
            try:
                picture = read_picture(path)
            except OSError:
                continue
            if picture:
                found[path.relative_to(folder).as_posix()] = picture[1]
    return found
