"""The course site, built: its pages are whole, lead somewhere, and need nothing from the network."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.samples import ROOT

pytest.importorskip("myst_nb", reason="myst-nb is not installed: make site")
pytestmark = pytest.mark.slow
FETCHED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}
REMOTE = re.compile(r"(?:@import|url\()\s*['\"]?(?:https?:)?//")


class Page(HTMLParser):
    """What a page holds: ids, links, what it fetches, levels of headings, pictures without a text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.levels: list[int] = []
        self.mute: list[str] = []
        self.in_article = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of a tag."""
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found["id"]} if "id" in found else set()
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.fetched += [found[name] for kind, name in FETCHED if kind == tag and name in found]
        self.in_article = self.in_article or tag == "article"
        if self.in_article and re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "img" and not found.get("alt"):
            self.mute.append(found.get("src", ""))

    def handle_endtag(self, tag: str) -> None:
        """The text of the page ends with its article."""
        self.in_article = self.in_article and tag != "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sites, built as ``make site`` builds them."""
    folder = tmp_path_factory.mktemp("course")
    done = subprocess.run(
        [sys.executable, "docs/site/build.py", "--to", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of both sites."""
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def test_every_internal_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    """A link to a page, a file or a heading has its target, inside the site that it stands in."""
    dead = []
    for path, page in pages.items():
        for target in page.links:
            parts = urlsplit(target)
            if parts.scheme or target in ("", "#"):
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not file.exists() or (anchor and file in pages and anchor not in pages[file].ids):
                dead.append((path.as_posix(), target))
    assert len(pages) > 40
    assert dead == []


def test_pages_have_one_title_and_no_jumps(pages: dict[Path, Page]) -> None:
    """Each page has one heading of the first level, and no level is left out on the way down."""
    texts = {path: page.levels for path, page in pages.items() if path.name not in ("search.html", "genindex.html")}
    assert [path for path, levels in texts.items() if levels.count(1) != 1 or levels[0] != 1] == []
    jumps = [path for path, levels in texts.items() if any(b > a + 1 for a, b in pairwise(levels))]
    assert jumps == []


def test_every_picture_has_a_text(pages: dict[Path, Page]) -> None:
    """Nobody meets a picture that a screen reader can't read out."""
    assert {path: page.mute for path, page in pages.items() if page.mute} == {}


def test_nothing_is_fetched_from_the_network(site: Path, pages: dict[Path, Page]) -> None:
    """Scripts, styles, fonts and pictures lie in the site's own folder."""
    assert {one for page in pages.values() for one in page.fetched if "//" in one} == set()
    styles = [path for path in site.rglob("*.css") if REMOTE.search(path.read_text(encoding="utf-8"))]
    assert styles == []


def test_students_get_no_page_on_teaching(site: Path) -> None:
    """Wrong answers and what to say about them stand in the teachers' site only, and in its search."""
    assert list((site / "teachers" / "teaching").glob("0*.html"))
    assert not (site / "students" / "teaching").exists()
    secret = "of a diagram into the threshold without turning"
    assert any(secret in path.read_text(encoding="utf-8") for path in (site / "teachers").rglob("*.html"))
    texts = [path for path in (site / "students").rglob("*") if path.suffix in (".html", ".js", ".json")]
    assert [path for path in texts if secret in path.read_text(encoding="utf-8")] == []


def test_a_notebooks_page_leaves_out_what_is_about_its_file(site: Path) -> None:
    """Where to run the notebook, and the cell that looks for its files, are no matter of a page for reading."""
    found = [path for path in (site / "students" / "release").rglob("*.html") if "support_files" in path.read_text()]
    assert len(list((site / "students" / "release").rglob("*.html"))) == 9
    assert found == []
