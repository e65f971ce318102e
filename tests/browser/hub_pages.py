"""A hub's pages as students and instructors use them: JupyterLab, Assignment List, the formgrader."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from tests.samples import ROOT

COURSE = "nn101"
TAB = "#jp-main-dock-panel .lm-TabBar-tab"
SECONDS = 1000.0


class Pictures:
    """Numbered screenshots in a folder that git ignores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()
        self._count = 0

    def take(self, page, name: str) -> None:
        """Keep what the page shows now."""
        self._count += 1
        page.screenshot(path=self.folder / f"{self._count:02d}-{name}.png")


class Person:
    """Somebody with a browser of their own, who has signed in to the hub; it starts their server meanwhile.

    ``landing`` is the page that comes up once the server has started; JupyterLab opens nothing that was open before.
    """

    def __init__(
        self, browser, address: str, name: str, password: str, pictures: Pictures, *, landing: str = "lab?reset"
    ) -> None:
        self.address, self.name, self.pictures = address, name, pictures
        # moving pictures, such as JupyterLab's while it starts, would keep a processor busy
        self.context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
        self.context.set_default_timeout(45 * SECONDS)
        self.page = self.context.new_page()
        spawn = f"/hub/spawn?{urlencode({'next': f'/user/{name}/{landing}'})}"
        self.page.goto(f"{address}/hub/login?{urlencode({'next': spawn})}")
        self.page.fill("#username_input", name)
        self.page.fill("#password_input", password)
        self.page.click("#login_submit")

    def shoot(self, name: str, page=None) -> None:
        """Keep a picture of what this person sees."""
        self.pictures.take(page or self.page, f"{self.name}-{name}")

    def wait_for_lab(self, page=None) -> None:
        """Wait until JupyterLab has started."""
        page = page or self.page
        page.wait_for_selector("#jp-main-dock-panel", timeout=120 * SECONDS)
        page.wait_for_selector("#jupyterlab-splash", state="detached")

    def choose(self, command: str) -> None:
        """Choose a command from the menu Nbgrader."""
        self.page.locator('#jp-menu-panel div.lm-MenuBar-itemLabel:text("Nbgrader")').click()
        self.page.locator(f'#jp-mainmenu-nbgrader li[data-command="nbgrader:{command}"]').click()


class Student(Person):
    """A student at work on one assignment whose notebook bears its name."""

    def __init__(self, *arguments, assignment: str) -> None:
        super().__init__(*arguments)
        self.assignment = assignment

    def open_list(self) -> None:
        """Wait for JupyterLab, and open the list of assignments."""
        self.wait_for_lab()
        self.choose("open-assignment-list")
        self.page.locator("#released_assignments_list_loading").wait_for(state="hidden")

    def listed(self, which: str):
        """The assignment in one of the lists: released, fetched or submitted."""
        return self.page.locator(f"#{which}_assignments_list > .list_item", has_text=self.assignment).first

    def fetch(self) -> None:
        """Fetch the assignment and open its notebook."""
        self.listed("released").get_by_role("button", name="Fetch").click()
        fetched = self.listed("fetched")
        fetched.wait_for()
        self.shoot("fetched")
        if not fetched.locator(".collapse.in").count():
            fetched.locator("a.assignment-notebooks-link").click()
        fetched.locator(".nested_list_item a", has_text=self.assignment).click()
        self.notebook.locator(".jp-Cell").nth(4).wait_for()
        # what is run before the kernel is there is forgotten
        self.page.locator("#jp-main-statusbar", has_text="| Idle").wait_for()

    @property
    def notebook(self):
        """The notebook that is open."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def cell(self, text: str, kind: str = "Code"):
        """The cell whose source has this text."""
        editor = self.page.locator(".cm-content, .jp-RenderedMarkdown", has_text=text)
        return self.notebook.locator(f".jp-{kind}Cell", has=editor).first

    def run(self, text: str):
        """Run the cell that has this text, and return it."""
        cell = self.cell(text)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
        return cell

    def replace(self, text: str, source: str, kind: str = "Code") -> None:
        """Put other source into the cell that has this text."""
        cell = self.cell(text, kind)
        cell.scroll_into_view_if_needed()
        if kind == "Markdown":
            cell.dblclick()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def answer(self, text: str) -> None:
        """Answer all questions as the instructor does, and the one that wants words with ``text``."""
        for stub, source in answers(self.assignment).items():
            self.replace(stub, source)
        self.replace("Your turn: write your answer here.", text, kind="Markdown")

    def save(self) -> None:
        """Save the notebook."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        self.page.locator(f"{TAB}.jp-mod-current:not(.jp-mod-dirty)", has_text=self.assignment).first.wait_for()

    def validate(self) -> str:
        """Press Validate, and return what the dialog says."""
        self.notebook.locator("jp-button.validate-button").click()
        dialog = self.page.locator(".jp-Dialog")
        dialog.locator(".jp-Dialog-header").wait_for(timeout=90 * SECONDS)
        said = dialog.inner_text()
        self.shoot("validated")
        dialog.locator("button.jp-mod-accept").click()
        dialog.wait_for(state="detached")
        return said

    def submit(self) -> None:
        """Submit the assignment."""
        self.page.locator(TAB, has_text="Assignments").click()
        self.listed("fetched").get_by_role("button", name="Submit").click()
        self.listed("submitted").wait_for()
        self.shoot("submitted")

    def refresh(self) -> None:
        """Have the lists read anew."""
        self.page.locator(TAB, has_text="Assignments").click()
        self.page.locator("#refresh_assignments_list").click()
        self.page.locator("#submitted_assignments_list_loading").wait_for(state="hidden")

    def wait_for_news(self, seconds: float = 120.0) -> None:
        """Refresh until the list says that there is something new to fetch."""
        news = self.listed("submitted").locator(".nested_list_item", has_text="(feedback available to fetch)")
        deadline = time.monotonic() + seconds
        while not news.count():
            assert time.monotonic() < deadline, self.listed("submitted").inner_text()
            self.refresh()
        self.shoot("news")

    def read_feedback(self) -> str:
        """Fetch the feedback, open its page, and return what it says, what is folded included."""
        self.refresh()
        return self._read("feedback", "Overview")

    def read_receipt(self) -> str:
        """Fetch the page that stands in feedback's place until there is some, and return what it says."""
        return self._read("receipt", "your submission arrived")

    def _read(self, picture: str, sign: str) -> str:
        self.listed("submitted").get_by_role("button", name="Fetch Feedback").click()
        link = self.page.locator("#submitted_assignments_list a", has_text="view feedback").first
        link.wait_for(state="attached")
        if not link.is_visible():
            self.page.locator("#submitted_assignments_list a.assignment-notebooks-link").first.click()
        link.click()
        is_open = self.page.locator(TAB, has_text=f"{self.assignment}.html").count()
        self.page.locator(".jp-DirListing-item", has_text=f"{self.assignment}.html").dblclick()
        if is_open:  # JupyterLab shows the page as it was
            self.page.locator("#jp-main-dock-panel [data-jp-item-name=refresh]").click()
        body = self.page.frame_locator("#jp-main-dock-panel .jp-HTMLViewer iframe").locator("body", has_text=sign)
        body.wait_for()
        self.shoot(picture)
        body.evaluate("body => body.querySelectorAll('details').forEach(one => { one.open = true; })")
        return body.inner_text()


class Instructor(Person):
    """An instructor at the formgrader."""

    def __init__(self, *arguments, assignment: str) -> None:
        super().__init__(*arguments)
        self.assignment = assignment

    def open_formgrader(self) -> None:
        """Wait for JupyterLab, and open the formgrader from the list of courses."""
        self.wait_for_lab()
        self.choose("open-course-list")
        course = self.page.locator("#formgrader_list a", has_text=COURSE)
        course.wait_for()
        self.shoot("course-list")
        with self.context.expect_page() as opened:
            course.click()
        self.formgrader = opened.value
        self.wait_for_lab(self.formgrader)
        self.frame = self.formgrader.frame_locator("#jp-main-dock-panel iframe")
        self.frame.locator("td.name a").first.wait_for()
        self.shoot("formgrader", self.formgrader)

    @property
    def row(self):
        """The assignment's row of the list."""
        name = self.frame.locator(f'td.name[data-order="{self.assignment}"]')
        return self.frame.locator("#main-table tr", has=name)

    def manage(self) -> None:
        """Show the list of assignments anew."""
        with self.formgrader.expect_response(lambda response: response.url.endswith("/formgrader/api/assignments")):
            self.frame.locator("a", has_text="Manage Assignments").first.click()
        self.row.locator("td.collect a").wait_for()

    def set_due_date(self, due: datetime) -> None:
        """Edit the assignment: it is due at a time in UTC, to the minute."""
        self.row.locator("td.edit a").click()
        dialog = self.frame.locator(".modal.in")
        dialog.locator("input.modal-duedate").fill(f"{due:%Y-%m-%dT%H:%M}")
        dialog.locator("input.modal-timezone").fill("UTC")
        self.shoot("due-date", self.formgrader)
        dialog.locator("button.save").click()
        self.frame.locator(".modal").wait_for(state="detached")
        self.row.locator("td.duedate", has_text=f"{due:%H:%M}").wait_for()

    def press(self, button: str, row=None) -> str:
        """Press a button of a row, wait for its success, and return what the dialog says."""
        (row or self.row).locator(f"td.{button} a").click()
        dialog = self.frame.locator(".modal.in")
        dialog.locator(".modal-title").wait_for(timeout=120 * SECONDS)
        title, text = dialog.locator(".modal-title").inner_text(), dialog.locator(".modal-body").inner_text()
        self.shoot(button, self.formgrader)
        assert title.strip() == "Success", text
        dialog.locator(".modal-footer button").click()
        self.frame.locator(".modal").wait_for(state="detached")
        return text

    def show_submissions(self) -> None:
        """Show who has handed in."""
        self.row.locator("td.num-submissions a").click()
        self.frame.locator("td.autograde a").first.wait_for()

    def autograde(self, student: str) -> float:
        """Press Autograde for one student, and return the marks that the row then shows."""
        row = self.frame.locator("#main-table tr", has=self.frame.locator("td.student-id", has_text=student))
        self.press("autograde", row)
        found = re.match(r"[\d.]+", row.locator("td.score").inner_text())
        assert found is not None
        return float(found.group())

    def grade_by_hand(self, question: str, marks: float, comment: str) -> int:
        """Give all submissions the same marks for a text question; returns how many there were."""
        self.frame.locator("li[role=presentation] a", has_text="Manual Grading").click()
        for _ in range(2):  # assignment, then notebook
            self.frame.locator("td.name a", has_text=self.assignment).click()
        submissions = self.frame.locator("td.name a", has_text="Submission #")
        submissions.first.wait_for()
        count = submissions.count()
        for number in range(count):
            with self._loaded("grades"), self._loaded("comments"):
                submissions.nth(number).click()
            self.formgrader.wait_for_timeout(500)  # only then does the page listen to its fields
            with self._saved("grade"):
                self.frame.locator(f"input#{question}.score").fill(str(marks))
                self.frame.locator(f"input#{question}.score").press("Tab")
            with self._saved("comment"):
                self.frame.locator(f"textarea#{question}-comment").fill(comment)
                self.frame.locator(f"textarea#{question}-comment").press("Tab")
            self.shoot("grades-by-hand", self.formgrader)
            self.frame.locator(".breadcrumb a", has_text=self.assignment).last.click()
            submissions.first.wait_for()
        return count

    def _loaded(self, what: str):
        return self.formgrader.expect_response(
            lambda response: f"/formgrader/api/{what}" in response.url and response.request.method == "GET"
        )

    def _saved(self, what: str):
        return self.formgrader.expect_response(
            lambda response: f"/formgrader/api/{what}/" in response.url and response.request.method == "PUT"
        )


def answers(assignment: str) -> dict[str, str]:
    """The instructor's answers, by the first line of the stub that each replaces."""
    released = _sources(ROOT / "release" / assignment / f"{assignment}.ipynb")
    solved = _sources(ROOT / "solutions" / assignment / f"{assignment}.ipynb")
    return {released[name].splitlines()[0]: solved[name] for name in released if name and name.endswith("-answer")}


def _sources(path: Path) -> dict[str, str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in cells}
