"""What a feedback page is made from, and whether the page that lies there was made from it.

A page says in its head from what it was made, so nothing else has to be kept, and a page that is lost is out of date.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbseal
from nbseal.errors import CourseError
from nbseal.feedback.handing_out import HandingOut
from nbseal.feedback.hidden_regions import Regions
from nbseal.feedback.pictures import pictures_in
from nbseal.files import digest_of, open_regular
from nbseal.gradebook.queries import NotebookMarks

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TEMPLATES = ("nbseal.feedback", "nbseal.gradebook", "nbseal.pages")
TAG = re.compile(rb'<meta name="nbseal-made-from" content="([0-9a-f]{64})">')
HEAD, END = 1000, b"</html>"  # bytes in which the tag stands; how a page ends that was written whole


@dataclass(frozen=True)
class PageSource:
    """All that a page depends on: the bytes of a notebook in autograded/, its name, its marks, and the files beside it.

    ``hidden`` are the regions that students don't see, by the course's settings; ``handing_out`` is what else a page
    depends on that is given to a student at once.
    """

    notebook: bytes
    name: str
    marks: NotebookMarks
    folder: Path
    hidden: Regions
    handing_out: HandingOut = field(default_factory=HandingOut)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of it, and of the engine that makes the page."""
        marks = asdict(self.marks) | {"by_person": sorted(self.marks.by_person)}
        more = [] if self.handing_out == HandingOut() else [self.handing_out.facts()]
        facts = json.dumps([self.name, marks, self.hidden, nbseal.__version__, *more], sort_keys=True)
        parts = {"notebook": self.notebook, "facts": facts.encode(), "templates": _templates()}
        return digest_of(parts | {f"beside/{name}": data for name, data in pictures_in(self.folder).items()})

    def is_of(self, page: Path) -> bool:
        """Whether the page that lies there was made from this, and is whole."""
        try:
            file = open_regular(page)
        except OSError:
            return False
        if file is None:
            return False
        with file:
            tag = TAG.search(file.read(HEAD))
            file.seek(max(0, os.fstat(file.fileno()).st_size - len(END) - 1))
            whole = file.read().rstrip().endswith(END)
        return tag is not None and whole and tag[1].decode() == self.digest

    def page(self, nb: Any = None) -> str:
        """The page; ``nb`` is the notebook where it has been parsed already. CourseError for a damaged notebook."""
        from nbformat import v4  # these and what makes pages take long to load, and pages that stay need none of it

        from nbseal.feedback.feedback_page import make_view
        from nbseal.pages import render

        if nb is None:
            try:
                nb = v4.reads(self.notebook.decode("utf-8"))
                if not isinstance(nb.get("cells"), list):
                    raise ValueError("no cells")
            except Exception as error:  # what nbformat raises for damaged files is no short list
                path = self.folder / f"{self.name}.ipynb"
                raise CourseError(
                    f"{path} is damaged ({type(error).__name__}): grade it again with --force."
                ) from error
        marks = self.handing_out.of(self.marks)
        view = make_view(nb, marks, self.name, self.folder, self.hidden, self.handing_out)
        return render("nbseal.feedback", "feedback.html.j2", sorting=False, view=replace(view, made_from=self.digest))


@cache
def _templates() -> bytes:
    """All templates that a page is made of."""
    found = {
        f"{package}/{file.name}": file.read_bytes()
        for package in TEMPLATES
        for file in _files(files(package).joinpath("templates"))
    }
    return digest_of(found).encode()


def _files(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in folder.iterdir() if file.is_file())
