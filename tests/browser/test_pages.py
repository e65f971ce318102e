"""Pages as people see them, in a real browser: the released notebook in JupyterLab, feedback and reports on a phone."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nbseal.build.release import make_release
from nbseal.cli.app import app
from nbseal.course import Course
from tests.browsers import NEEDS_CHROMIUM, grader_lines, jupyter
from tests.courses import copy_course
from tests.nbgrader_commands import give
from tests.samples import ROOT, SAMPLES, load_sample

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the dev extra has axe-playwright-python")
pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow]
ASSIGNMENT = "01-gates"
HANDED_IN = {
    "nora": "fail_nor_instead_of_nand",
    "oskar": "fail_untouched",
    "pia": "pass_helpers_and_other_names",
    "quin": "pass_helpers_and_other_names",
}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 1600}
WIDER_THAN_THE_PAGE = """blocks => blocks.filter(
    block => block.getBoundingClientRect().right > document.documentElement.clientWidth
             || block.scrollWidth > block.clientWidth
).map(block => block.textContent.slice(0, 80))"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of the course with two graded submissions and their feedback pages."""
    root = copy_course(tmp_path_factory.mktemp("pages") / "course", [ASSIGNMENT])
    for student, sample in HANDED_IN.items():
        load_sample(SAMPLES / ASSIGNMENT / sample).write(root / "submitted" / student / ASSIGNMENT)
    for command in (["grade"], ["report", "--anonymous"], ["similarity"]):
        done = CliRunner().invoke(app, [*command, ASSIGNMENT, "--course", str(root)])
        assert done.exit_code == 0, done.output
    code, said = give("generate_feedback", ASSIGNMENT, cwd=root)
    assert code == 0, said
    return Course(root)


@pytest.fixture
def feedback(browser, course: Course) -> Iterator:
    """Opens a student's feedback page on a phone, without a network, and all that is folded on it."""
    context = browser.new_context(viewport=PHONE, offline=True)

    def show(student: str):
        page = context.new_page()
        page.goto((course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
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
    no_news = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    with jupyter("jupyterlab", released.parent, folder, no_news, ready="/api") as address:
        yield address


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


def problems(page) -> list[str]:
    """What axe-core finds on a page that keeps people out: of impact serious or critical."""
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


@pytest.fixture
def alone(browser) -> Iterator:
    """Opens a page that gets nothing but itself; any request, and any message of the browser, is noted."""
    context = browser.new_context(viewport=PHONE, offline=True)
    noted: list[str] = []

    def show(path: Path):
        page = context.new_page()
        page.on("console", lambda message: noted.append(message.text))
        page.on("request", lambda request: noted.append(request.url) if request.url[:5] == "http:" else None)
        page.goto(path.as_uri())
        return page, noted

    yield show
    context.close()


def test_feedback_says_what_passed_and_what_failed(feedback):
    """The question that was answered wrongly has its marks, a line for each test and the reason."""
    page = feedback("nora")
    blocks = page.get_by_role("group", name="Marks and feedback")
    texts = blocks.all_inner_texts()
    nand = next(text for text in texts if "NOR" in text)
    assert "Marks: 0 of 3" in nand
    assert "✗" in nand
    assert "✓" not in nand
    assert sum("✓" in text for text in texts) == 7
    assert [text for text in texts if "✓" not in text and text != nand] == [
        "Marks: not made yet (out of 1)\nYour teacher reads this answer."
    ]


@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desk"])
@pytest.mark.parametrize("student", ["nora", "oskar"])
def test_what_to_fix_is_within_three_screens(course, alone, student, size):
    """One wrong question, or all of them: the last thing to fix is seen after three screens at most."""
    page, _ = alone(course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html")
    page.set_viewport_size(size)
    last = page.locator(".fix").last.bounding_box()
    assert last["y"] + last["height"] <= 3 * size["height"]


def test_feedback_fits_a_phone(feedback):
    """At 390 pixels nothing of ours, and not even the page, scrolls sideways."""
    for student in HANDED_IN:
        page = feedback(student)
        blocks = page.get_by_role("group", name="Marks and feedback")
        assert blocks.count() == 9
        assert blocks.evaluate_all(WIDER_THAN_THE_PAGE) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_feedback_shows_nothing_of_the_hidden_tests(feedback):
    """No line of a grader's source is on a page, except what the notebook itself says too."""
    notebook = json.loads(Path(ROOT, "source", ASSIGNMENT, f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8"))
    public = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    secret = {line for line in grader_lines() if line not in public}
    assert len(secret) > 500
    for student in HANDED_IN:
        page = feedback(student)
        shown = page.content() + page.locator("body").inner_text()
        assert [line for line in secret if line in shown] == []
        assert "graders" not in shown


def test_feedback_keeps_nobody_out(course, alone):
    """No network and no script; axe-core finds nothing serious; links and folded code work by keyboard alone."""
    for student in ("pia", "nora"):
        page, noted = alone(course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html")
        assert problems(page) == []
        assert page.locator("script").count() == 0
        assert page.evaluate("[...document.images].filter(one => !one.naturalWidth || !one.alt).length") == 0
        assert page.locator("math").count() > 5
        assert noted == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Question")
    page.keyboard.press("Enter")
    assert page.locator("details.fix[open]").count() == 0
    page.locator("nav a").first.focus()
    page.keyboard.press("Enter")
    (question,) = re.findall(r"#(question-\d+)$", page.url)
    page.locator(f"#{question}").focus()
    page.keyboard.press("Enter")
    assert page.locator("details.part[open] > .answer pre").first.is_visible()


def test_feedback_needs_no_other_file(course, alone, tmp_path):
    """The released page is one file: pictures that came with the notebook are in it."""
    alone_file = tmp_path / "released.html"
    shutil.copy(course.root / "feedback" / "pia" / ASSIGNMENT / f"{ASSIGNMENT}.html", alone_file)
    page, noted = alone(alone_file)
    picture = page.locator("#notebook .words img").first
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert picture.get_attribute("alt")
    assert noted == []


@pytest.mark.parametrize("name", [ASSIGNMENT, f"{ASSIGNMENT}-similarity"])
def test_pages_for_instructors_keep_nobody_out(course, alone, name):
    """Report and similarity page fit a phone, need nothing else, and axe-core finds nothing serious."""
    page, noted = alone(course.root / "reports" / f"{name}.html")
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("[...document.images].filter(one => !one.naturalWidth || !one.alt).length") == 0
    assert noted == []


def test_the_report_s_tables_are_sorted_by_keyboard(course, alone):
    """A heading is a button: once for the smallest first, again for the largest; screen readers are told."""
    page, _ = alone(course.root / "reports" / f"{ASSIGNMENT}.html")
    table = page.locator("#students ~ .scroll table")
    marks = table.locator("tbody tr td:nth-child(2)")
    heading = table.get_by_role("button", name="Marks of 20")
    for order, reverse in (("ascending", False), ("descending", True)):
        heading.press("Enter")
        numbers = [float(text.partition(" of ")[0]) for text in marks.all_inner_texts()]  # "16 of 19" marked so far
        assert numbers == sorted(numbers, reverse=reverse)
        assert len(set(numbers)) > 1
        assert heading.locator("xpath=..").get_attribute("aria-sort") == order


def test_an_anonymous_report_names_nobody(course, alone):
    """Pseudonyms stand where students would."""
    page, _ = alone(course.root / "reports" / f"{ASSIGNMENT}.html")
    content = page.content()
    assert [student for student in HANDED_IN if student in content] == []
    assert content.count("student-") >= len(HANDED_IN)


def test_alike_answers_stand_side_by_side(course, alone):
    """On a desk the two answers of a pair are beside each other, with what they share marked."""
    page, _ = alone(course.root / "reports" / f"{ASSIGNMENT}-similarity.html")
    page.set_viewport_size(DESK)
    first, second = page.locator("article").first.locator(".beside").first.locator(".side").all()
    assert first.bounding_box()["y"] == second.bounding_box()["y"]
    assert first.locator("mark").count() >= 1
    assert page.locator("article").first.locator("h2").all_inner_texts() == ["pia and quin"]
