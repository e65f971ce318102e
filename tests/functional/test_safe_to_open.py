"""A notebook full of scripts is graded on both ways, and everything that shows it is opened in a real browser."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook
from traitlets.config import PyFileConfigLoader

from nbseal.notebook.sanitising import sanitise_svg
from tests.browsers import NEEDS_CHROMIUM, headless, jupyter
from tests.courses import run
from tests.mini import code, hand_in, make_course, mini_cells, notebook, write
from tests.nbgrader_commands import give
from tests.payloads import PAYLOADS, RUN, TRAP
from tests.samples import ROOT

pytestmark = NEEDS_CHROMIUM
FACES = {"eve": ("nbseal", "grade", "mini"), "mallory": ("nbgrader", "autograde", "mini")}
NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
FIGURES = """
import matplotlib.pyplot as plt, pandas as pd
from gate_plots import draw_line
plt.figure(figsize=(2, 2)); plt.plot([1, 3, 2]); plt.show()
display(pd.DataFrame({"honest column": [41, 42]}))
draw_line([(0, 0), (0, 1), (1, 0), (1, 1)], [1, 1, 1, 0], [-0.5, -0.5], -0.7, "NAND")
"""
ATTACK = f"""
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
for payload in open("payloads.txt").read().split("\\0"):
    for kind in (HTML, Markdown, Latex):
        display(kind(payload))
    display({{"image/svg+xml": payload, "text/vnd.mermaid": payload}}, raw=True)
    print(payload, "\\x1b]0;title\\x07\\x1b]8;;{TRAP}\\x07")
display(Javascript("{RUN}"))
widget = {{"application/vnd.jupyter.widget-view+json": {{"model_id": "x"}}, "application/javascript": "{RUN}"}}
display(widget, raw=True)
display({{"text/html": "<script>{RUN}</script>"}}, raw=True, metadata={{"text/html": {{"isolated": True}}}})
display({{"image/png": "AAAA"}}, raw=True, metadata={{"image/png": {{"width": "1 onerror={RUN}"}}}})
display({{"image/png": "x\\" onerror=\\"{RUN}"}}, raw=True, metadata={{"filenames": {{"image/png": "{TRAP}"}}}})
raise type("<img src=x onerror={RUN}>", (Exception,), {{}})("<script>{RUN}</script>")
"""
STATE = """() => ({
    pwned: window.pwned || null,
    text: (document.querySelectorAll("details").forEach(one => { one.open = true; }), document.body.innerText),
    broken: [...document.images].filter(i => i.naturalWidth === 0 && /^data:image.(png|svg)/.test(i.src)
                                             && i.src.length > 200).length,
    drawings: [...document.images].filter(i => i.src.startsWith("data:image/svg+xml") && i.alt.startsWith("NAND")
                                               && i.naturalWidth > 0 && i.getBoundingClientRect().height > 100).length,
    figures: [...document.images].filter(i => i.src.startsWith("data:image/png") && i.naturalWidth > 100
                                              && i.getBoundingClientRect().height > 100).length,
    tables: [...document.querySelectorAll("table.dataframe")].filter(t => t.innerText.includes("honest column")).length,
    fixed: [...document.querySelectorAll("#notebook *")].filter(e => getComputedStyle(e).position === "fixed").length,
})"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course in which the same hostile notebook is graded by nbseal and by nbgrader's autograde, with feedback."""
    cells = mini_cells()
    why = {"grade": True, "solution": True, "locked": False, "task": False, "points": 1, "schema_version": 3}
    text = {
        "cell_type": "markdown",
        "id": "why",
        "metadata": {"nbgrader": {**why, "grade_id": "why"}},
        "source": "Why?",
    }
    root = make_course(tmp_path_factory.mktemp("safe") / "course", cells=[*cells, text])
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text("utf-8"), encoding="utf-8")
    shutil.copy(ROOT / "source" / "01-gates" / "gate_plots.py", root / "source" / "mini")
    for student, command in FACES.items():
        path = hand_in(root, student)
        attacks = [
            {"cell_type": kind, "id": f"{kind}-{number}", "metadata": {}, "source": f"Look:\n\n{payload}"}
            for number, payload in enumerate(PAYLOADS)
            for kind in ("markdown", "raw")
        ]
        links = f"# nand\n\n[a](javascript:{RUN}) ![b]({TRAP}) ![c](attachment:none.png) <{TRAP}>"
        answer = {**text, "source": "\n\n".join(["My honest answer.", *PAYLOADS, links])}
        more = [code("figures", FIGURES), code("attack", ATTACK), answer, *attacks]
        write(path, notebook([*cells, *more]))
        (path.parent / "payloads.txt").write_text("\0".join(PAYLOADS).replace("\0<", "<", 1), encoding="utf-8")
        for name in ("evil.html", "evil.svg", "evil.xhtml"):
            (path.parent / name).write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><script>{RUN}</script></svg>")
        done = run(*command, cwd=root)
        assert done.returncode == 0, done.stderr[-3000:]
    ended, said = give("generate_feedback", "mini", cwd=root)
    assert ended == 0, said[-3000:]
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One headless browser that finds nothing but this machine."""
    with headless(NO_NAMES) as chromium:
        yield chromium


@pytest.fixture
def visit(browser) -> Iterator:
    """Opens a page and tells what it shows, and what it asked for that isn't nbgrader's own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def open_page(address: str, own: tuple[str, ...] = ()) -> tuple[dict, list[str]]:
        asked: list[str] = []
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(address, wait_until="load")
        page.wait_for_timeout(300)
        state = page.evaluate(STATE)
        assert page.url.startswith(address.partition("?")[0])
        page.close()
        fine = ("data:", "blob:", "https://cdnjs.cloudflare.com/ajax/libs/mathjax/", *own)
        return state, [url for url in asked if url.rstrip("/") != address.rstrip("/") and not url.startswith(fine)]

    yield open_page
    context.close()


@pytest.fixture(scope="module")
def formgrader(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of nbgrader's formgrader, served by a Jupyter server that was started in the course's folder."""
    extension = "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True"
    ready = "/formgrader/api/assignments"
    with jupyter("jupyter_server", course, tmp_path_factory.mktemp("server"), extension, ready=ready) as address:
        yield f"{address}/formgrader"


def submission_id(root: Path, student: str) -> str:
    """The formgrader's name of a submitted notebook."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", "nn101") as gradebook:
        return gradebook.find_submission_notebook("mini", "mini", student).id


def assert_safe_and_whole(state: dict, asked: list[str]) -> None:
    """Nothing ran, nothing was asked for, nothing covers the page, and the honest outputs are seen."""
    assert state["pwned"] is None
    assert asked == []
    assert state["fixed"] == 0
    assert (state["drawings"], state["figures"], state["tables"], state["broken"]) == (1, 1, 1, 0)
    assert "My honest answer." in state["text"]


def test_the_payloads_work_where_nothing_is_sanitised(visit, tmp_path):
    """The browser notices a script that runs and a request that is sent."""
    page = tmp_path / "open.html"
    page.write_text(f"<body><script>{RUN}</script><img src='{TRAP}.png'></body>", encoding="utf-8")
    state, asked = visit(page.as_uri())
    assert state["pwned"] == 1
    assert asked == [f"{TRAP}.png"]


@pytest.mark.parametrize("student", FACES)
def test_the_feedback_page(visit, course, student):
    """nbgrader's feedback shows marks and honest outputs, and nothing of the student's acts."""
    state, asked = visit((course / "feedback" / student / "mini" / "mini.html").as_uri())
    assert_safe_and_whole(state, asked)
    assert "Marks: 4 of 4" in state["text"]


@pytest.mark.parametrize("student", FACES)
def test_the_formgraders_view(visit, course, formgrader, student):
    """The page on which a person marks, with all of its own scripts, shows the same."""
    address = f"{formgrader}/submissions/{submission_id(course, student)}/?index=0"
    state, asked = visit(address, own=(f"{formgrader}/static/", f"{formgrader}/api/"))
    assert_safe_and_whole(state, asked)


@pytest.mark.parametrize("student", FACES)
def test_a_page_made_without_our_settings(visit, course, student, tmp_path):
    """What is recorded is safe even where a program knows nothing of nbgrader_config.py."""
    recorded = nbformat.read(course / "autograded" / student / "mini" / "mini.ipynb", as_version=4)
    exporter = HTMLExporter(template_name="classic")
    page = tmp_path / "page.html"
    page.write_text(exporter.from_notebook_node(recorded)[0], encoding="utf-8")
    state, asked = visit(page.as_uri(), own=("https://cdnjs.cloudflare.com/",))
    assert_safe_and_whole(state, asked)


def test_a_page_of_what_was_never_recorded_by_us(visit, course, tmp_path):
    """With the settings of nbgrader_config.py pages are safe even if the notebook itself isn't."""
    submitted = nbformat.read(course / "submitted" / "eve" / "mini" / "mini.ipynb", as_version=4)
    outputs = [new_output("display_data", {kind: text}) for text in PAYLOADS for kind in ("text/html", "text/markdown")]
    outputs += [new_output("display_data", {"application/javascript": RUN})]
    submitted.cells.append(new_code_cell("1", outputs=outputs))
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(course))
    exporter = HTMLExporter(config=loader.load_config(), template_name="classic")
    page = tmp_path / "page.html"
    page.write_text(exporter.from_notebook_node(submitted)[0], encoding="utf-8")
    state, asked = visit(page.as_uri(), own=("https://cdnjs.cloudflare.com/", tmp_path.as_uri()))
    assert (state["pwned"], state["fixed"], asked) == (None, 0, [])


@pytest.mark.parametrize("student", FACES)
def test_submitted_pages_are_handed_out_as_text(course, formgrader, student):
    """A student's own HTML and SVG files are not served as pages in the formgrader's origin."""
    names = {path.name for path in (course / "autograded" / student / "mini").iterdir()}
    assert {"evil.html.txt", "evil.svg.txt", "evil.xhtml.txt"} <= names
    address = f"{formgrader}/submissions/{submission_id(course, student)}/evil.html.txt"
    with urllib.request.urlopen(address, timeout=5.0) as answer:
        assert answer.headers.get_content_type() == "text/plain"


def test_both_ways_record_the_same(course):
    """`nbseal grade` and `nbgrader autograde` leave the same notebook and the same other files."""
    folders = [course / "autograded" / student / "mini" for student in FACES]
    notebooks = [json.loads((folder / "mini.ipynb").read_text("utf-8"))["cells"] for folder in folders]
    for first, second in zip(*notebooks, strict=True):
        assert "".join(first["source"]) == "".join(second["source"])
    assert len({tuple(sorted(set(os.listdir(folder)) - {"timestamp.txt"})) for folder in folders}) == 1


def test_drawings_look_the_same(browser, course):
    """Not one pixel of the course's own drawing or of a Matplotlib figure changes with sanitising."""
    source = (
        "import sys, io, matplotlib; sys.path.insert(0, 'source/mini'); matplotlib.use('svg')\n"
        "from gate_plots import draw_line; import matplotlib.pyplot as plt, numpy as np\n"
        "a = draw_line([(0, 0), (0, 1), (1, 0), (1, 1)], [1, 1, 1, 0], [-0.5, -0.5], -0.7, 'NAND')._repr_svg_()\n"
        "figure, axes = plt.subplots(figsize=(4, 3)); axes.plot([1, 9, 2, 8], 'o-', label='line'); axes.legend()\n"
        "axes.imshow(np.eye(4), extent=(0, 1, 1, 5)); axes.fill_between([0, 3], [1, 2], alpha=0.3, hatch='//')\n"
        "axes.set_title('$x^2$ < 3'); b = io.StringIO(); figure.savefig(b, format='svg')\n"
        "sys.stdout.write(a + chr(0) + b.getvalue())"
    )
    done = subprocess.run([sys.executable, "-c", source], cwd=course, capture_output=True, text=True, check=True)
    page = browser.new_page(viewport={"width": 500, "height": 400})
    for svg in done.stdout.split("\0"):
        pictures = []
        for text in (svg, sanitise_svg(svg)):
            data = b64encode(text.encode()).decode()
            page.set_content(f'<img src="data:image/svg+xml;base64,{data}">')
            page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
            pictures.append(page.screenshot())
        assert pictures[0] == pictures[1]
    page.close()
