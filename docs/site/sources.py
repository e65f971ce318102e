"""Lays out what Sphinx reads: the course's own files under their own paths, and the pages that were made for it."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from notebooks import Notebook, released

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[]*)\]\((?P<target>[^)\s]+)\)")
OF_THE_FILE = ("where-to-run", "support-files")  # cells for those who open the notebook itself
PICTURES = (".svg", ".png")
STAMP = (1980, 1, 1, 0, 0, 0)


def write(root: Path, target: Path, made: Mapping[str, str]) -> None:
    """Write all sources into ``target``: ``made`` holds texts by path, or "" for a file of the course itself."""
    for name, text in made.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or _own(root, name, set(made)), encoding="utf-8")
    for notebook in released(root):
        _pictures(notebook.path.parent, target / "release" / notebook.name)
        _zip(notebook.path.parent, target / "downloads" / f"{notebook.name}.zip")
    _pictures(root / "docs", target / "docs")


def with_note(notebook: Notebook, note: str) -> str:
    """The notebook's text with a note below its heading, and without the cells that are about the file itself."""
    content = json.loads(json.dumps(notebook.content))
    content["cells"] = [cell for cell in content["cells"] if cell["id"] not in OF_THE_FILE]
    first = content["cells"][0]
    heading, _, rest = "".join(first["source"]).partition("\n")
    first["source"] = f"{heading}\n\n{note}\n{rest}"
    return json.dumps(content)


def _own(root: Path, name: str, pages: set[str]) -> str:
    """A text of the course; a link to what the site doesn't hold becomes its text."""
    path = root / name

    def kept(link: re.Match[str]) -> str:
        file = link["target"].partition("#")[0]
        if not file or "://" in file or file.startswith("mailto:"):
            return link[0]
        place = (path.parent / file).resolve()
        inside = place.is_relative_to(root) and place.relative_to(root).as_posix() in pages
        return link[0] if inside else link["text"]

    return LINK.sub(kept, path.read_text(encoding="utf-8"))


def _pictures(folder: Path, target: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in PICTURES:
            (target / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(folder))


def _zip(folder: Path, target: Path) -> None:
    """The folder that students get, the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.writestr(zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder)}", STAMP), path.read_bytes())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(packed.getvalue())
