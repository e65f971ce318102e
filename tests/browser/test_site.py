"""The course site in a real browser, opened from its folder with the network off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.browsers import NEEDS_CHROMIUM
from tests.samples import ROOT

pytest.importorskip("myst_nb", reason="myst-nb is not installed: make site")
pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGES = (
    "index",
    "map",
    "glossary",
    "drawing-pad",
    "release/02-xor/02-xor",
    "recall/02-xor",
    "teaching/02-xor",
    "docs/instructors",
)


class Outline(HTMLParser):
    """The levels of the headings in a page's article, and the pictures there that nobody can hear."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.silent: list[str] = []
        self._inside = 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a heading or a picture inside the article."""
        self._inside += tag == "article"
        if self._inside and tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.levels.append(int(tag[1]))
        if self._inside and tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.silent.append(dict(attrs).get("src") or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the article."""
        self._inside -= tag == "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The teachers' site, built as ``make site`` builds it."""
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
    return folder / "site" / "teachers"


@pytest.fixture
def opened(browser, site: Path) -> Iterator:
    """Opens a page of a given size without a network; what it asks of one, and its errors, are noted."""
    contexts, noted = [], []

    def show(name: str, viewport: dict[str, int]):
        context = browser.new_context(viewport=viewport, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on("request", lambda request: noted.append(request.url) if request.url.startswith("http") else None)
        page.on("requestfailed", lambda request: noted.append(request.url))
        address, _, query = name.partition("?")
        page.goto((site / f"{address}.html").as_uri() + (f"?{query}" if query else ""))
        return page, noted

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_need_no_network_and_fit(opened, viewport: dict[str, int]) -> None:
    """No page asks for anything from outside, none has an error, and none scrolls sideways."""
    for name in PAGES:
        page, noted = opened(name, viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], name
        assert noted == [], name


def test_headings_are_in_order_and_pictures_have_words(site: Path) -> None:
    """Every page has one title, no heading skips a level, and each picture has a text for those who don't see it."""
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts and path.name != "search.html"]
    outlines = {path.relative_to(site).as_posix(): Outline(path) for path in pages}
    assert len(outlines) > 40
    for name, outline in outlines.items():
        steps = zip(outline.levels, outline.levels[1:], strict=False)
        assert outline.levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in steps), name
        assert outline.silent == [], name


def test_search_finds_a_page_from_a_folder(opened) -> None:
    """A word of one notebook leads to it, without a server."""
    page, noted = opened("search?q=momentum", DESK)
    page.locator("#search-results li").first.wait_for()
    assert "Backpropagation by hand" in page.locator("#search-results").inner_text()
    assert noted == []


def test_formulas_are_drawn(opened) -> None:
    """A formula takes up room, and nothing of its source is left on the page."""
    page, _ = opened("release/01-gates/01-gates", DESK)
    assert page.locator("math").first.bounding_box()["height"] > 5
    assert "\\begin{cases}" not in page.locator("article").inner_text()


def test_an_answer_opens_with_a_click(opened) -> None:
    """The answer of a recall question is hidden until it is asked for."""
    page, _ = opened("recall/02-xor", PHONE)
    first = page.locator("details").first
    assert not first.locator("p").is_visible()
    first.locator("summary").click()
    assert first.locator("p").is_visible()


def test_a_digit_drawn_on_the_pad_is_a_picture_that_the_notebook_reads(opened, tmp_path: Path) -> None:
    """Strokes become my_digit.png: dark ink on white paper, thick enough to stay bright at 28 × 28 pixels."""
    page, noted = opened("drawing-pad", PHONE)
    box = page.locator("#pad").bounding_box()
    corners = [(0.3, 0.2), (0.7, 0.2), (0.5, 0.5), (0.4, 0.8)]  # a 7
    page.mouse.move(box["x"] + corners[0][0] * box["width"], box["y"] + corners[0][1] * box["height"])
    page.mouse.down()
    for right, down in corners[1:]:
        page.mouse.move(box["x"] + right * box["width"], box["y"] + down * box["height"], steps=5)
    page.mouse.up()
    drawing = saved(page, tmp_path, lambda: page.get_by_role("button", name="Save my_digit.png").click())
    assert drawing.shape == (280, 280, 4)
    grey = cv2.cvtColor(drawing, cv2.COLOR_BGRA2GRAY)
    assert (grey[56, 140], grey[140, 140], grey[270, 270], np.median(grey)) == (0, 0, 255, 255)
    small = cv2.resize(255 - grey, (28, 28), interpolation=cv2.INTER_AREA)
    assert 40 <= (small > 127).sum() <= 120
    assert noted == []


def test_a_digit_can_be_drawn_and_saved_by_keyboard(opened, tmp_path: Path) -> None:
    """Shift and arrows draw, arrows alone don't, Tab leads to the button, and an empty sheet isn't saved."""
    page, _ = opened("drawing-pad", DESK)
    page.locator("#pad").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "nothing to save" in page.get_by_role("status").inner_text()
    page.locator("#pad").focus()
    for _ in range(10):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Tab")
    drawing = saved(page, tmp_path, lambda: page.keyboard.press("Enter"))
    rows, columns = np.nonzero(drawing[:, :, 0] < 128)
    assert rows.max() - rows.min() > 90
    assert columns.max() - columns.min() < 30
    assert "Saved as my_digit.png" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate("pad.getContext('2d').getImageData(0, 0, 280, 280).data.every(value => value === 255)")


def saved(page, folder: Path, save) -> np.ndarray:
    """The picture that the pad gives away, as 05-mnist reads it."""
    with page.expect_download() as download:
        save()
    assert download.value.suggested_filename == "my_digit.png"
    download.value.save_as(folder / "my_digit.png")
    return cv2.imread(str(folder / "my_digit.png"), cv2.IMREAD_UNCHANGED)
