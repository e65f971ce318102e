"""What students' HTML, SVG, Markdown and text may still do once it is recorded: show something."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from nbseal.gradebook import mark_output
from nbseal.notebook import sanitising
from nbseal.notebook.outputs import NOT_SHOWN, VERBATIM, Budget, make_safe, safe_name, safe_outputs, safe_words
from nbseal.notebook.rendering import clean_html, render, rendered
from nbseal.notebook.sanitising import is_harmless, sanitise_html, sanitise_svg, sanitise_text
from nbseal.results import Outcome, QuestionResult, Status, TestResult
from tests.payloads import PAYLOADS, RUN, TRAP
from tests.work import counted_calls

BAD_TAGS = re.compile(
    "script|style|iframe|object|embed|applet|link|meta|base|form|input|button|textarea|select|frame|frameset|audio|"
    "video|source|track|template|math|animate|set|foreignobject|feimage|noscript|portal|body"
)
DATA_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[\w+/=\s]*")
LOCAL_PICTURE = re.compile(r"[\w .%/-]+\.(png|svg|jpg)")
FRAGMENT = re.compile(r"#[^\s\"'<>]+")


class Finder(HTMLParser):
    """Collects what is active in a page's body."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        """Look at one tag."""
        self.found += [tag] if BAD_TAGS.fullmatch(tag) else []
        for name, value in attributes:
            if self.is_bad(tag, name, (value or "").strip()):
                self.found.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def is_bad(self, tag, name, value):
        """Whether an attribute could run, send, cover or bear a name."""
        if name in ("alt", "title", "aria-label"):
            return False
        if name in ("href", "xlink:href"):
            good = FRAGMENT.fullmatch(value) or (tag == "a" and re.match("(https?://|mailto:)", value))
            return not (good or (tag == "image" and DATA_PICTURE.fullmatch(value)))
        if name == "src":
            return (
                tag != "img" or ".." in value or not (DATA_PICTURE.fullmatch(value) or LOCAL_PICTURE.fullmatch(value))
            )
        if name == "id":
            return not (value.startswith("student-") or re.fullmatch("h[1-6]", tag))  # Markdown names its headings
        if name.startswith(("on", "data-", "form")) or name in ("name", "srcset", "action", "background", "ping"):
            return True
        without_references = re.sub(r"url\(#student-[\w:.-]+\)", "", value)
        return bool(
            re.search(
                r"url|script|expression|position|transform:|opacity:|float|z-index|margin[\w-]*:[^;]*-",
                without_references,
            )
        )


def active(html: str) -> list[str]:
    """What in ``html`` could do more than show something."""
    finder = Finder()
    finder.feed(html)
    finder.close()
    return finder.found


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_active_is_left_of_html(payload):
    """Neither at once, nor after nbconvert has read and written the page again, nor inside other markup."""
    for text in (
        payload,
        f"<table><tr><td>{payload}",
        f"<svg><title>{payload}",
        f"<p title='{payload}",
        f"<pre>{payload}",
    ):
        clean = sanitise_html(text)
        assert active(clean) == []
        assert active(str(BeautifulSoup(clean, features="html.parser"))) == []
        assert sanitise_html(clean) == clean
        assert sanitise_html(str(BeautifulSoup(clean, features="html.parser"))).count("<script") == 0


@pytest.mark.parametrize("before", ["", "My *answer* is ```x``` ", "~~~\n", "$$ x $$\n\n> - `", "\n\n    "])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_that_does_more_than_show_is_recorded_word_for_word(payload, before):
    """The recorded cell is safe even where a page is made of it without our filters, and readers see the words."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"{before}{payload}"}
    words = safe_words(cell)
    html = render(words)
    assert active(html) == []
    assert is_harmless(html)
    assert words == cell["source"] or words.startswith(VERBATIM)
    assert active(clean_html(render(cell["source"]))) == []


@pytest.mark.parametrize(
    "source",
    [
        f"[a](javascript:{RUN})",
        f"[a]( java\nscript:{RUN})",
        f"![a]({TRAP})",
        "![a](/hub/logout)",
        "[a](evil.html)",
        f"<javascript:{RUN}>",
        f"[r]\n\n[r]: javascript:{RUN}",
        f'```mermaid\nclick A href "javascript:{RUN}"\n```',
        f"# <img src=x onerror={RUN}>",
        f"| a |\n|---|\n| <img src=x onerror={RUN}> |",
        f"[a](x 'y\" onmouseover=\"{RUN}')",
        f"$<img src=x onerror={RUN}>$ and $$</p><script>{RUN}</script>$$",
        f"\\begin{{x}}<script>{RUN}</script>\\end{{x}}",
    ],
)
def test_links_and_pictures_of_markdown_itself(source):
    """What Markdown can write without HTML is treated in the same way."""
    words = safe_words({"cell_type": "markdown", "id": "a", "metadata": {}, "source": source})
    assert active(render(words)) == []
    assert active(clean_html(render(source))) == []


@pytest.mark.parametrize(
    "source",
    [
        "# A heading\n\nWith *words*, `code <b>` and $a < b$.\n\n$$\\sum_i w_i x_i > 0$$",
        "| a | b |\n|--:|:--|\n| 1 | 2 |\n\n- one\n  1. two\n- [x] done\n- [ ] open",
        "```python\nprint('<script>')\n```\n\n    indented <b>\n\n> quoted",
        "<b>bold</b> and<br>a <font color='red'>red</font> word, <sub>low</sub>",
        "![a plot](plot.png) ![mine](figures/my%20plot.jpg)\n\n<img src='plot.png' width=200 alt='x'>",
        "A [link](https://example.org/a?b=c&d=e), https://example.org, <me@example.org> and [up](#a-heading)",
        "term\n: definition\n\n~~gone~~ 3 < 4 && 5 > 4",
        "",
    ],
)
def test_honest_markdown_is_left_alone(source):
    """Text, tables, formulas, code, own pictures and links to the web are recorded as they were written."""
    assert safe_words({"cell_type": "markdown", "id": "a", "metadata": {}, "source": source}) == source


@settings(max_examples=400)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(PAYLOADS),
            st.sampled_from(["<svg>", "</svg>", "<table>", "<td>", "<title>", "</title>", "<p", '"', "'", ">", "<!--"]),
            st.text("<>/=\"'&;abs \n-!", max_size=12),
            st.text(max_size=6),
        ),
        max_size=6,
    ).map("".join)
)
def test_sanitising_twice_is_sanitising_once(html):
    """Whatever is put together, nothing active is left, and a second time changes nothing."""
    clean = sanitise_html(html)
    assert active(clean) == []
    assert sanitise_html(clean) == clean
    if is_harmless(html):
        assert active(html) == []
    text = sanitise_text(html)
    assert sanitise_text(text) == text


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(PAYLOADS),
            st.sampled_from(["`", "```", "~~~", "$$", "$", "\n\n", "\n    ", "> ", "- ", "# ", "[a](", ")", "!["]),
            st.sampled_from(["[a]: ", "\\begin{a}", "\\end{a}", "](attachment:x)", "<!--", "-->", "<pre>", "</pre>"]),
            st.text("<>`$[]()!*#\n ab", max_size=10),
        ),
        max_size=7,
    ).map("".join)
)  # fmt: skip
def test_no_mixture_of_markdown_gets_through(source):
    """Whatever words are recorded, a page that is made of them without our filters only shows something."""
    html = rendered(safe_words({"cell_type": "markdown", "id": "a", "metadata": {}, "source": source}))
    assert html is not None
    assert active(html) == []


def test_tables_and_drawings_stay():
    """pandas' tables keep rows and alignment, inline drawings their shapes and references."""
    table = sanitise_html(
        '<div><style scoped>td{}</style><table border="1" class="dataframe"><thead>'
        '<tr style="text-align: right;"><th></th><th>x</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr></tbody>'
        "</table></div>"
    )
    assert table == (
        '<div><table border="1" class="dataframe"><thead><tr style="text-align: right"><th></th><th>x</th></tr></thead>'
        "<tbody><tr><th>0</th><td>1</td></tr></tbody></table></div>"
    )
    drawing = sanitise_html(
        '<svg viewBox="0 0 9 9"><defs><linearGradient id="g"><stop offset="5%" stop-color="#fff"/></linearGradient>'
        "</defs>"
        '<g transform="translate(1,2)"><path d="M0 0L1 1" fill="url(#g)" style="stroke: rgb(1,2,3)"/></g></svg>'
    )
    for part in ('viewBox="0 0 9 9"', '<linearGradient id="student-g">', 'fill="url(#student-g)"', "stroke: rgb(1,2,3)",
                 'transform="translate(1,2)"', 'd="M0 0L1 1"'):  # fmt: skip
        assert part in drawing


def test_svg_is_one_well_formed_document_or_nothing():
    """A drawing stays a drawing that an <img> can show; entities, other text and scripts are no drawing."""
    svg = sanitise_svg(
        '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns:xlink="http://www.w3.org/1999/xlink"><text>a\u00a0&lt;</text>'
        f'<script>{RUN}</script><use xlink:href="#a"/><use xlink:href="{TRAP}#a"/></svg> and more'
    )
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert active(svg) == []
    assert sanitise_svg(svg) == svg
    for text in ("", "<p>no</p>", "&lt;svg>", '<!DOCTYPE svg [<!ENTITY a "b">]><p>&a;</p>', "</svg><svg"):
        assert sanitise_svg(text) is None


def test_terminal_escapes_go_and_colours_stay():
    """Titles, links, the clipboard and the cursor are out of reach; a traceback is as red as before."""
    assert sanitise_text("\x1b[31mred\x1b[0m\tplain\r\n") == "\x1b[31mred\x1b[0m\tplain\r\n"
    text = "a\x1b]8;;http://x\x07link\x1b]8;;\x1b\\b\x1b]52;c;aGk=\x07\x1b[2J\x1b[10;1H\x1bc\x9b5n\x1bPq\x1b\\\x00\x08\x1b]0;title"
    clean = sanitise_text(text)
    assert not re.search("[\x00\x1b\x80-\x9f]", clean)
    assert clean.startswith("alinkb")


def output(data, metadata=None):
    """A display_data output."""
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def test_only_what_shows_something_stays_of_a_bundle():
    """Scripts, widgets, maps and unknown types go; their text stays, or a word about them."""
    png = base64.b64encode(b"\x89PNG").decode() + "\n"
    raw = [
        output({"application/javascript": RUN, "text/plain": "<Javascript>"}),
        output({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "application/vnd.vega.v5+json": {}}),
        output({"image/png": png, "text/html": f"<b>x</b><script>{RUN}</script>", "text/latex": "$x$"}),
        output({"image/png": f'"><script>{RUN}</script>'}),
        output({"text/markdown": f"*a* <script>{RUN}</script>"}),
    ]
    shown = [one["data"] for one in safe_outputs(raw)]
    assert shown[0] == {"text/plain": "<Javascript>"}
    kinds = "application/vnd.jupyter.widget-view+json, application/vnd.vega.v5+json"
    assert shown[1] == {"text/plain": NOT_SHOWN.format(kinds)}
    assert shown[2] == {"image/png": png, "text/html": "<b>x</b>", "text/latex": "$x$"}
    assert shown[3] == {"text/plain": NOT_SHOWN.format("image/png")}
    assert active(shown[4]["text/html"]) == []
    assert "<em>a</em>" in shown[4]["text/html"]


PNG = base64.b64encode(b"\x89PNG").decode()
CHART = (
    '<div> <div id="b3" class="plotly-graph-div" style="width:100%;"></div> <script>Plotly.newPlot("b3")</script></div>'
)
FRAMES = "".join(f'<script>frames[{n}] = "data:image/png;base64,{PNG[:4]}\\\n{PNG[4:]}\\\n"</script>' for n in (0, 1))
IN_PLACE = {
    "a chart alone": ({"application/vnd.plotly.v1+json": {}, "text/html": CHART}, "text/plain", "vnd.plotly.v1"),
    "a chart with a picture": ({"image/png": PNG, "text/html": CHART}, "image/png", PNG),
    "a chart with its words": (
        {"text/plain": "Chart(...)", "text/html": CHART},
        "text/plain",
        "Chart(...)\n[an output",
    ),
    "an animation": ({"text/html": f"<img id='a'>{FRAMES}", "text/plain": "<HTML>"}, "text/html", f"base64,{PNG}"),
    "an animation with buttons": ({"text/html": f"<label>Once</label>{FRAMES}"}, "text/html", "Once<p><img src="),
    "a film": (
        {"text/html": "<video src='data:video/mp4;base64,AA'>No films here.</video>"},
        "text/html",
        "a video]</p>",
    ),
    "a map": ({"text/html": "<iframe srcdoc='x'></iframe>", "text/plain": "<Map>"}, "text/plain", "an embedded page"),
    "an empty box": ({"text/html": "<div id='6a'></div>"}, "text/plain", "text/html"),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_no_empty_box_is_left_of_what_a_script_would_show(name):
    """In its place stands a picture that came with it, or else a note that says what stood there."""
    data, kind, words = IN_PLACE[name]
    (shown,) = safe_outputs([output(data)])
    assert words in shown["data"][kind]
    if kind != "text/html":
        assert "text/html" not in shown["data"]
    assert active(shown["data"].get("text/html", "")) == []
    assert safe_outputs([shown]) == [shown]


@pytest.mark.parametrize(
    "page", ["<table><tr><td>1</td></tr></table>", "<b>words</b>", f'<img src="data:image/png;base64,{PNG}">']
)
def test_a_page_that_shows_something_has_no_note(page):
    """Tables, words and pictures stay alone, also when a script beside them goes."""
    (shown,) = safe_outputs([output({"text/html": f"{page}<script>{RUN}</script>", "application/x+json": {}})])
    assert "can't be shown" not in str(shown["data"])


def test_metadata_can_not_write_into_the_page():
    """nbconvert writes a picture's width without quotes, isolated HTML into a frame, and file names into links."""
    bad = {"width": f"1 onload={RUN}", "height": True, "filenames": {"image/png": TRAP}, "isolated": True, "alt": 'a"b'}
    facts = {"width": 5, "height": float("inf"), "alt": "words"}
    (safe,) = safe_outputs(
        [output({"image/png": "AAAA"}, {**bad, "image/png": facts, "text/html": {"isolated": True}})]
    )
    assert safe["metadata"] == {"alt": 'a"b', "image/png": {"width": 5, "alt": "words"}}


def test_streams_and_errors_are_text():
    """Names of errors, tracebacks and printed text lose what a terminal would obey."""
    stream = {"output_type": "stream", "name": "stdout", "text": "a\x1b]0;x\x07b"}
    error = {"output_type": "error", "ename": "E\x1b[2J", "evalue": "v\x9b", "traceback": ["\x1b[31mt\x1b[0m\x1bc"]}
    safe = safe_outputs([stream, error])
    assert safe[0]["text"] == "ab"
    assert (safe[1]["ename"], safe[1]["traceback"]) == ("E", ["\x1b[31mt\x1b[0mc"])


def test_the_templates_own_words_are_not_touched():
    """An instructor's HTML stays, the same HTML in a student's cell doesn't."""
    html = '<video src="lecture.mp4" controls></video>'
    cell = {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": html}
    added = {**cell, "id": "added", "cell_type": "raw"}
    nb = {"cells": [dict(cell), dict(cell, id="mine"), added]}
    make_safe(nb, {"cells": [cell]})
    assert nb["cells"][0]["source"] == html
    assert nb["cells"][1]["source"].startswith(VERBATIM)
    assert active(nb["cells"][2]["source"]) == []


@pytest.mark.parametrize(
    ("name", "recorded"),
    [("a.html", "a.html.txt"), ("b/C.SVG", "b/C.SVG.txt"), ("d.xml", "d.xml.txt"), ("plot.png", "plot.png"),
     ("data.npz", "data.npz"), ("helper.py", "helper.py"), ("notes", "notes"), ("e.xhtml", "e.xhtml.txt")],
)  # fmt: skip
def test_submitted_pages_are_recorded_as_text(name, recorded):
    """The formgrader hands out submitted files in its own origin: none of them as a page."""
    assert safe_name(name) == recorded
    assert safe_name(recorded) == recorded


def test_our_feedback_block_keeps_its_look():
    """Pages that sanitise outputs once more show the marks as they were recorded."""
    tests = (TestResult("is right", Outcome.PASSED), TestResult("is tight", Outcome.FAILED, "Got <1>, expected 2."))
    html = mark_output(QuestionResult("q", 1.0, 2.0, Status.GRADED, tests))["data"]["text/html"]
    plain = html.replace(';"', '"')
    assert sanitise_html(html) == plain


@pytest.mark.parametrize(
    "html",
    ["<div>" * 200_000, '<div ">' * 50_000, "<b><p>" * 50_000, "<table><tr><td>" * 30_000, "<svg><title>" * 50_000,
     "<a href=#a>" * 50_000, "<!--" * 100_000, "<p " + "a=1 " * 50_000 + ">"],
)  # fmt: skip
def test_hostile_markup_takes_little_work(html, monkeypatch):
    """What is nested without end is shown as text: few of its tags are looked at, and hardly any reach the parser."""
    read = []

    class Reader:
        def clean(self, text):
            read.append(text)
            return cleaner.clean(text)

    cleaner = sanitising._HTML
    monkeypatch.setattr(sanitising, "_HTML", Reader())
    with counted_calls() as calls:
        shown = sanitise_html(html)
    assert active(shown) == []
    assert calls.total() < 5000
    assert len(read) <= 2
    assert max(text.count("<") for text in read) <= 2


def test_a_notebook_has_a_budget_for_markup():
    """Beyond some megabytes HTML isn't read any more; the texts beside it stay."""
    one = output({"text/html": "<b>x</b>" * 1000, "text/plain": "x"})
    safe = safe_outputs([one] * 10, Budget(left=50_000))
    assert [sorted(each["data"]) for each in safe] == [["text/html", "text/plain"]] * 6 + [["text/plain"]] * 4
