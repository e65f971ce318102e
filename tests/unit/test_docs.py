"""The documentation keeps up with the code; ``python -m tests.unit.test_docs`` renews the table of settings."""

import importlib
import re
from pathlib import Path

import pytest

from nbseal.course import OURS
from tests.samples import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
BEGIN, END = "<!-- settings: python -m tests.unit.test_docs -->\n", "<!-- end of settings -->"
LINK = re.compile(r"\]\(([^)\s]+)\)")


def settings_table() -> str:
    """Every setting with its default; the unit stands in its explanation."""
    lines = ["", "| setting | default | meaning and unit |", "|---|---|---|"]
    for owner in OURS:
        for name, trait in owner.class_traits(config=True).items():
            default = trait.default()
            shown = f"`{default if isinstance(default, str) else repr(default)}`" if default != "" else "*empty*"
            values = getattr(trait, "values", None)
            choices = f" ({', '.join(values)})" if values else ""
            lines.append(f"| `c.{owner.__name__}.{name}` | {shown} | {trait.help}{choices} |")
    return "\n".join([*lines, "", ""])


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have on code hosts."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_table_of_settings_is_what_the_code_says():
    """Every setting is on the page, with its default; run this module to renew the table."""
    page = (DOCS / "instructors.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == settings_table()


def test_the_students_page_names_this_course_s_limits():
    """Limits in the students' table are those that the course sets."""
    from nbseal.course import Course

    seal, page = Course(ROOT).seal, (DOCS / "students.md").read_text(encoding="utf-8")
    for words in (
        f"time of a cell | {seal.cell_seconds:g} seconds",
        f"time of all cells | {seal.notebook_seconds:g} seconds",
        f"memory | {seal.memory_mib} MiB",
        f"processes and threads | {seal.processes} ",
        f"files that you write | {seal.disk_mib} MiB",
        f"printed output | {seal.output_kib} KiB and {seal.outputs_per_cell} outputs",
        f"what you hand in | {seal.submission_mib} MiB",
    ):
        assert f"| {words}" in page


@pytest.mark.parametrize("name", ["draw_pictures", "draw_processes"])
def test_pictures_are_what_their_scripts_draw(name, monkeypatch):
    """A committed drawing is fresh, and it has a title and a description."""
    monkeypatch.syspath_prepend(DOCS)
    script = importlib.import_module(name)
    assert script.TARGET.read_text(encoding="utf-8") == script.draw()
    assert "<title" in script.draw()
    assert "<desc" in script.draw()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every link to a file or a heading has its target."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


if __name__ == "__main__":
    path = DOCS / "instructors.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    path.write_text(before + BEGIN + settings_table() + END + rest.partition(END)[2], encoding="utf-8")


README_LINES, PICTURE_BYTES = 120, 80 * 1024


def test_the_readme_is_short_and_shows_what_it_speaks_of():
    """The README fits a few screens, and its photographs are small files with a text for those who don't see them."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= README_LINES
    pictures = dict(re.findall(r"!\[([^\]]*)\]\((docs/pictures/[^)]+)\)", page))
    assert len(pictures) == 3
    for text, name in pictures.items():
        content = (ROOT / name).read_bytes()
        assert len(text.split()) >= 10, name
        assert content.startswith(b"\x89PNG"), name
        assert len(content) <= PICTURE_BYTES, name
