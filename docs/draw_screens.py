"""Takes the README's three pictures anew: ``python -m docs.draw_screens``; it needs Chromium and takes half a minute.

They show what the course and the engine really make: a small class is graded in a copy of the course, and its pages are
photographed without a network.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from PIL import Image

from tests.browsers import headless
from tests.courses import copy_course, run
from tests.samples import ROOT, SAMPLES, load_sample

ASSIGNMENT = "01-gates"
TARGET = ROOT / "docs" / "pictures"
CLASS = {
    "ada": "pass_helpers_and_other_names",
    "alan": "pass_*",
    "barbara": "fail_nor_instead_of_nand",
    "charles": "fail_football_swapped_weights",
    "dorothy": "fail_nor_instead_of_nand",
    "edsger": "fail_learn_one_pass_only",
    "frances": "fail_not_both_negative",
    "grace": "fail_bias_sign_kept",
    "hedy": "fail_untouched",
}
HANDED_IN = "2026-05-04 18:30:00 UTC"
WIDTH, HEIGHT, COLOURS = 860, 900, 64


def main() -> None:
    """Grade the class and write the three pictures."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, headless() as browser:
        course = graded_class(Path(folder) / "course")
        page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True).new_page()
        take(page, question(course, "ada", "or"), "question")
        take(page, course / "feedback" / "barbara" / ASSIGNMENT / f"{ASSIGNMENT}.html", "feedback")
        take(page, course / "reports" / f"{ASSIGNMENT}.html", "report")


def graded_class(root: Path) -> Path:
    """A copy of the course with the class, graded, and its pages."""
    copy_course(root, [ASSIGNMENT])
    for student, pattern in CLASS.items():
        sample = load_sample(sorted((SAMPLES / ASSIGNMENT).glob(pattern))[0])
        folder = root / "submitted" / student / ASSIGNMENT
        sample.write(folder)
        (folder / "timestamp.txt").write_text(HANDED_IN, encoding="utf-8")
        name = ("--first-name", student.title(), "--last-name", "Example")
        run("nbgrader", "db", "student", "add", student, *name, cwd=root)
    for command in ("grade", "report", "feedback"):
        run("nbseal", command, ASSIGNMENT, cwd=root)
    return root


def question(course: Path, student: str, name: str) -> Path:
    """A page with one question of a student's notebook as they see it, from its text to its self-check."""
    folder = course / "submitted" / student / ASSIGNMENT
    nb = nbformat.read(folder / f"{ASSIGNMENT}.ipynb", nbformat.NO_CONVERT)
    ids = [cell["id"] for cell in nb.cells]
    nb.cells = nb.cells[: ids.index(name) + 1]
    NotebookClient(nb, resources={"metadata": {"path": str(course / "source" / ASSIGNMENT)}}).execute()
    nb.cells = nb.cells[ids.index(f"{name}-question") :]
    page = course / "question.html"
    page.write_text(HTMLExporter(template_name="lab").from_notebook_node(nb)[0], encoding="utf-8")
    return page


def take(page: Any, path: Path, name: str) -> None:
    """Photograph the top of a page, with few colours, so that the file is small."""
    page.goto(path.as_uri())
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(TARGET / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
