"""nbgrader's formgrader with the course's settings: all buttons are on the screen, and nobody is called None."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from nbgrader.api import Gradebook

from nbseal.course import Course
from nbseal.gradebook.connection import open_gradebook
from tests.browsers import NEEDS_CHROMIUM, jupyter
from tests.courses import copy_course
from tests.samples import ROOT

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
# what JupyterLab with its side bar leaves the formgrader of a window that is 1,400 pixels wide
BESIDE_THE_BAR = {"width": 1060, "height": 800}


@pytest.fixture(scope="module")
def formgrader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the formgrader of a course with students of whom all, half or nothing but the id is known."""
    top = tmp_path_factory.mktemp("formgrader")
    root = copy_course(top / "course", ["01-gates"], f"\nc.Exchange.root = {str(top / 'exchange')!r}\n")
    (top / "exchange").mkdir()
    shutil.copytree(ROOT / "release" / "01-gates", root / "release" / "01-gates")
    for student in ("ann", "bob", "cid"):
        shutil.copytree(root / "release" / "01-gates", root / "submitted" / student / "01-gates")
    open_gradebook(Course(root)).close()
    with Gradebook(f"sqlite:///{root}/gradebook.db", "nn101") as gradebook:
        gradebook.add_student("ann")
        gradebook.add_student("bob", last_name="Builder")
        gradebook.add_student("cid", first_name="Cid", last_name="Campeador")
    extension = "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True"
    ready = "/formgrader/api/assignments"
    with jupyter("jupyter_server", root, tmp_path_factory.mktemp("server"), extension, ready=ready) as address:
        yield f"{address}/formgrader"


@pytest.fixture
def page(browser) -> Iterator:
    """A window of usual size."""
    page = browser.new_page(viewport=BESIDE_THE_BAR)
    yield page
    page.close()


def test_every_button_is_on_the_screen(page, formgrader):
    """The list of assignments fits, Release Feedback included, and nothing must be scrolled to the side."""
    page.goto(f"{formgrader}/manage_assignments")
    page.locator("td.name", has_text="01-gates").wait_for()
    last = page.get_by_role("columnheader", name="Release Feedback").bounding_box()
    assert last["x"] + last["width"] <= BESIDE_THE_BAR["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= BESIDE_THE_BAR["width"]


@pytest.mark.parametrize(
    ("place", "column"), [("manage_students", "name"), ("manage_submissions/01-gates", "student-name")]
)
def test_who_has_no_name_is_called_by_the_id(page, formgrader, place, column):
    """Lists of students and of submissions say what is known of each, and never None."""
    page.goto(f"{formgrader}/{place}")
    page.locator(f"td.{column}", has_text="Campeador").wait_for()
    names = page.locator(f"#main-table td.{column}").all_inner_texts()
    assert sorted(name.strip() for name in names if name.strip()) == ["Builder", "Campeador, Cid", "ann"]
