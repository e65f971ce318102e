"""Pages as people see them, in a real browser: the released notebook in JupyterLab, and feedback on a phone."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbseal.build.release import make_release
from nbseal.course import Course
from tests.courses import copy_course, end, run
from tests.samples import ROOT, SAMPLES, load_sample

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the dev extra has it)")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
ASSIGNMENT = "01-gates"
HANDED_IN = {"nora": "fail_nor_instead_of_nand", "otto": "fail_untouched"}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 1600}
WIDER_THAN_THE_PAGE = """blocks => blocks.filter(
    block => block.getBoundingClientRect().right > document.documentElement.clientWidth
             || block.scrollWidth > block.clientWidth
).map(block => block.textContent.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One headless browser with an empty profile."""
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of the course with two graded submissions and their feedback pages."""
    root = copy_course(tmp_path_factory.mktemp("pages") / "course", [ASSIGNMENT])
    for student, sample in HANDED_IN.items():
        load_sample(SAMPLES / ASSIGNMENT / sample).write(root / "submitted" / student / ASSIGNMENT)
    for command in (("nbseal", "grade", ASSIGNMENT), ("nbgrader", "generate_feedback", ASSIGNMENT)):
        done = run(*command, cwd=root)
        assert done.returncode == 0, done.stderr
    return Course(root)


@pytest.fixture
def feedback(browser, course: Course) -> Iterator:
    """Opens a student's feedback page on a phone, without a network."""
    context = browser.new_context(viewport=PHONE, offline=True)

    def show(student: str):
        page = context.new_page()
        page.goto((course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").as_uri())
        return page

    yield show
    context.close()


@pytest.fixture(scope="module")
def lab(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab on this machine that serves the released files only."""
    folder = tmp_path_factory.mktemp("lab")
    released = folder / "work" / ASSIGNMENT
    for name, content in make_release(course, ASSIGNMENT).items():
        path = released / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0"]
    options += ["--IdentityProvider.token=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    places = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=released.parent,
            env={**os.environ, **places, "HOME": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        assert _answers(f"{address}/api", 30.0), (folder / "log.txt").read_text()
        yield address
    finally:
        end(server)


def _answers(address: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2.0):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def test_the_release_opens_in_jupyterlab_with_its_first_picture(browser, lab):
    """No dialog and no error message comes up, and the picture of the neuron is there."""
    page = browser.new_page(viewport=DESK)
    page.goto(f"{lab}/lab/tree/{ASSIGNMENT}/{ASSIGNMENT}.ipynb?reset")
    picture = page.locator('.jp-Notebook img[src*="neuron.svg"]')
    picture.wait_for(state="visible", timeout=30_000)
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    assert picture.get_attribute("alt")
    assert page.locator(".jp-Dialog").all_inner_texts() == []
    assert page.locator(".Toastify__toast--error").all_inner_texts() == []
    page.close()


def test_feedback_says_what_passed_and_what_failed(feedback):
    """The question that was answered wrongly has its marks, a line for each test and the reason."""
    page = feedback("nora")
    blocks = page.get_by_role("group", name="Marks and feedback")
    texts = blocks.all_inner_texts()
    nand = next(text for text in texts if "NOR" in text)
    assert "Marks: 0 of 3" in nand
    assert "✗" in nand
    assert "✓" not in nand
    assert sum("✓" in text for text in texts) == len(texts) - 1 == 7


def test_feedback_fits_a_phone(feedback):
    """At 390 pixels nothing of ours, and not even the page, scrolls sideways."""
    for student in HANDED_IN:
        page = feedback(student)
        blocks = page.get_by_role("group", name="Marks and feedback")
        assert blocks.count() == 8
        assert blocks.evaluate_all(WIDER_THAN_THE_PAGE) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_feedback_shows_nothing_of_the_hidden_tests(feedback):
    """No line of a grader's source is on a page, except what the notebook itself says too."""
    notebook = json.loads(Path(ROOT, "source", ASSIGNMENT, f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8"))
    public = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    lines = {line.strip() for path in (ROOT / "graders").glob("*.py") for line in path.read_text("utf-8").splitlines()}
    secret = {line for line in lines if len(line) >= 20 and line not in public}
    assert len(secret) > 500
    for student in HANDED_IN:
        page = feedback(student)
        shown = page.content() + page.locator("body").inner_text()
        assert [line for line in secret if line in shown] == []
        assert "graders" not in shown
