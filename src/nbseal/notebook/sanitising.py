"""Which tags, attributes and styles students' HTML and SVG keep: what a table, a text or a drawing is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import escape, unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import nh3


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


HTML_TAGS = words(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span "
    "strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var wbr"
)
SVG_TAGS = words(
    "svg g defs symbol use path rect circle ellipse line polyline polygon text tspan title desc image clipPath mask "
    "pattern marker linearGradient radialGradient stop"
)
# What is between these tags is no text for readers.
DROPPED_WHOLE = frozenset({"script", "style", "metadata", "noscript", "template", "iframe", "object", "textarea"})
SHARED = words("aria-hidden aria-label class id lang role style")
HTML_ATTRIBUTES = {
    "*": SHARED | words("align dir title"),
    "a": frozenset({"href"}),
    "col": frozenset({"span", "width"}),
    "details": frozenset({"open"}),
    "font": frozenset({"color", "size"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "table": frozenset({"bgcolor", "border", "cellpadding", "cellspacing", "width"}),
    "td": frozenset({"bgcolor", "colspan", "height", "rowspan", "valign", "width"}),
    "th": frozenset({"bgcolor", "colspan", "height", "rowspan", "scope", "valign", "width"}),
    "tr": frozenset({"bgcolor", "valign"}),
}
SVG_STYLES = words(
    "clip-path clip-rule color dominant-baseline fill fill-opacity fill-rule font font-family font-size font-stretch "
    "font-style font-variant font-weight letter-spacing marker-end marker-mid marker-start mask opacity paint-order "
    "stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin "
    "stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration visibility"
)
SVG_ATTRIBUTES = SVG_STYLES | words(
    "clipPathUnits cx cy d dx dy fx fy gradientTransform gradientUnits height href markerHeight markerUnits "
    "markerWidth offset orient patternContentUnits patternTransform patternUnits points preserveAspectRatio r "
    "refX refY rotate rx ry spreadMethod textLength transform version viewBox width x x1 x2 xlink xlink:href xmlns "
    "xmlns:xlink y y1 y2"
)
DRAWING_STYLES = SVG_STYLES | words("background background-color display height max-width vertical-align width")
# Nothing here lifts an element above its neighbours, or lets what is in it reach over them.
HTML_STYLES = words(
    "background background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-spacing border-style border-top border-width color direction display font font-family "
    "font-size font-stretch font-style font-variant font-weight line-height list-style list-style-type margin "
    "margin-bottom margin-left margin-right margin-top max-width min-height min-width overflow overflow-wrap "
    "overflow-x overflow-y padding padding-bottom padding-left padding-right padding-top table-layout text-align "
    "text-decoration text-indent vertical-align visibility white-space width word-break word-wrap"
)
ID_PREFIX = "student-"
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
TEXTS = frozenset({"alt", "aria-label", "title"})
# Names of colours in highlighted code (Pygments), pandas' tables, anchors of headings, and our own feedback block.
CLASS = re.compile(
    r"[a-z]{1,2}[0-9]?|highlight|(hl|language)-[\w+-]+|dataframe|anchor-link|task-list-item|(tex2jax|mathjax)_ignore"
)
FUNCTION = re.compile(r"\b(?:rgba?|hsla?|translate|rotate|scale|matrix|skew[XY])\([-+\w\s.,%/]*\)")
REFERENCE = re.compile(r"""url\(\s*["']?#([\w.:-]+)["']?\s*\)""")
STYLE_VALUE = re.compile(r"""[\w\s#%.,+"'/-]*""")
SMALL_INDENT = re.compile(r"-?[0-3](\.\d+)?em")
FRAGMENT = re.compile(r"#([^\s\"'<>`\\]+)")
WEB_LINK = re.compile(r"(?:https?://|mailto:)[^\s\\]+", re.IGNORECASE)
PICTURE_DATA = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/\s]++={0,2}\s*")
PICTURE_FILE = re.compile(r"(?:\w[\w .-]*/)*\w[\w .()-]*\.(?:png|jpe?g|gif|webp|svg)", re.IGNORECASE)
MATPLOTLIB_STYLE = re.compile(r"<style[^<>]*>\s*\*\{stroke-linejoin: round; stroke-linecap: butt\}\s*</style>")
# Only what every reader of HTML takes apart in the same way.
TOKEN = re.compile(
    r"""(?P<text>[^<]+)|<!--[^<>]*-->|<!\[CDATA\[[^<]*\]\]>|<[?!][a-zA-Z][^<>]*>"""
    r"""|<(?P<end>/?)(?P<tag>[a-zA-Z][\w:]*)"""
    r"""(?P<attributes>(?:\s+[a-zA-Z][\w:.-]*(?:=(?:"[^"<]*"|'[^'<]*'|[^\s"'=<>`/]+))?)*)\s*(?P<alone>/?)>"""
)
ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:.-]*)(?:=(?:"([^"]*)"|'([^']*)'|(\S+)))?""")
# Readers of HTML take a time that grows with the number of tags and with how deep they lie in each other; what is left
# open of emphasis they write anew into each paragraph, and what lies in a table outside its cells they move before it.
FREE_TAGS, DEPTH_LIMIT, TAG_LIMIT = 5000, 100, 200_000
FREE_COPIES, OPEN_EMPHASIS = 200_000, 20
ENTITY_LIMIT = 20_000
ATTRIBUTES_LENGTH, ATTRIBUTES_LIMIT = 2000, 500
GROWTH, GROWTH_FREE = 3, 10_000  # what is shown is at most so many times as long, and so many characters
EMPHASIS = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
EMPHASISING = words("a b big code em font i nobr s small strike strong tt u")
SCOPES = words("applet caption desc marquee object table td template th title")  # an end tag in it ends nothing outside
CELLS, IN_TABLES = words("caption td th"), words("caption td th col colgroup table tbody tfoot thead tr")
CLOSED_ALONE = frozenset({"br", "col", "dd", "dt", "hr", "img", "li", "p", "tbody", "td", "th", "thead", "tr", "wbr"})
TEXT_LIMIT = 20_000  # characters
OTHER_ESCAPES = re.compile(
    "(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC: titles, links, clipboard
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\\\|\x9c)?"  # DCS, SOS, PM, APC
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-ln-~]"  # CSI other than colours
    "|\x9b|\x1b(?!\\[[0-9;]*m)"
)
CONTROLS = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


def sanitise_html(html: str) -> str:
    """Return the part of ``html`` that only shows something; sanitising it again changes nothing."""
    return _settled(_HTML, HTML_TAGS | SVG_TAGS, html)


def is_harmless(html: str) -> bool:
    """Whether sanitising would take nothing out of ``html``; where readers could differ, the answer is no."""
    return all(token is not None and _is_harmless_token(token) for token in _tokens(html))


def sanitise_svg(svg: str) -> str | None:
    """Return a drawing as a well-formed SVG document that only shows something; None if it isn't one."""
    if MATPLOTLIB_STYLE.search(svg):  # the one style sheet that honest drawings have says what an attribute can say
        svg = MATPLOTLIB_STYLE.sub("", svg).replace("<svg ", '<svg stroke-linejoin="round" ', 1)
    cleaned = _settled(_SVG, SVG_TAGS, svg)
    start, end = cleaned.find("<svg"), cleaned.rfind("</svg>")
    if start < 0 or end < start:
        return None
    cleaned = cleaned[start : end + 6].replace("&nbsp;", "&#160;")
    if "xmlns=" not in cleaned[: cleaned.find(">")]:
        cleaned = cleaned.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    try:
        ElementTree.fromstring(cleaned)  # without a document type there are no entities to expand
    except ElementTree.ParseError:
        return None
    return cleaned


def sanitise_text(text: str) -> str:
    """Take what a terminal would obey out of a text; colours stay, other control characters are replaced."""
    if text.isprintable():
        return text
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", OTHER_ESCAPES.sub("", text))


def _tokens(html: str) -> Iterator[re.Match[str] | None]:
    """The tokens of ``html``; None for the first place at which readers could differ."""
    place = 0
    while place < len(html):
        token = TOKEN.match(html, place)
        yield token
        if token is None:
            return
        place = token.end()


def _is_bounded(html: str, known: frozenset[str]) -> bool:
    """Whether ``html`` can be read in a time that somebody would wait for; ``known`` are the tags that are kept."""
    tags = html.count("<")
    if tags > TAG_LIMIT or html.count("&") > ENTITY_LIMIT:
        return False
    if tags <= FREE_TAGS and len(EMPHASIS.findall(html)) * tags <= FREE_COPIES:
        return len(html) <= FREE_COPIES or all(token is None or _has_few_attributes(token) for token in _tokens(html))
    nesting = _Nesting(known)
    return all(token is not None and _has_few_attributes(token) and nesting.bears(token) for token in _tokens(html))


def _has_few_attributes(token: re.Match[str]) -> bool:
    attributes = token["attributes"] or ""
    return len(attributes) <= ATTRIBUTES_LENGTH or len(ATTRIBUTE.findall(attributes)) <= ATTRIBUTES_LIMIT


class _Nesting:
    """What is open while HTML is read from tag to tag; where readers would close more, it counts too much."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._open: Counter[str] = Counter()
        self._scopes: list[tuple[str, Counter[str]]] = [("", Counter())]  # with the emphasis in it; innermost last
        self._in_cell = [True]  # for each table; the innermost comes last
        self._emphasis = self._misplaced = self._unknown = 0

    def bears(self, token: re.Match[str]) -> bool:
        """Take in the next tag or text; whether all can still be read in time."""
        tag, ends = (token["tag"] or "").lower(), bool(token["end"])
        self._unknown += bool(tag) and tag not in self._known
        if not self._in_cell[-1] and tag not in IN_TABLES and (tag or (token["text"] or "").strip()):
            self._misplaced += 1
        if tag and tag not in CLOSED_ALONE and not token["alone"]:
            self._open[tag] = max(0, self._open[tag] + (-1 if ends else 1))
        if tag in EMPHASISING:
            inner = self._scopes[-1][1]
            change = 1 if not ends else -1 if inner[tag] else 0
            inner[tag] += change
            self._emphasis += change
        elif tag in SCOPES or tag == "tr":
            self._walk(tag, ends)
        deepest = max(self._open.total(), len(self._scopes))
        most = max(self._misplaced, self._unknown)
        return deepest <= DEPTH_LIMIT and self._emphasis <= OPEN_EMPHASIS and most <= FREE_TAGS

    def _walk(self, tag: str, ends: bool) -> None:
        """Into a scope or out of it; a cell ends where the next one begins, and with its row and its table."""
        if tag in CELLS or tag in ("tr", "table"):
            while self._scopes[-1][0] in CELLS and (ends or tag != "table"):
                self._leave()
        if tag == "table" and not ends:
            self._in_cell.append(False)
        elif tag == "table" and len(self._in_cell) > 1:
            self._in_cell.pop()
        elif tag in CELLS or tag == "tr":
            self._in_cell[-1] = len(self._in_cell) == 1 or (tag in CELLS and not ends)
        if tag in SCOPES and not ends:
            self._scopes.append((tag, Counter()))
        elif tag == self._scopes[-1][0]:
            self._leave()

    def _leave(self) -> None:
        """Out of the innermost scope; emphasis that is open in it is taken along."""
        left = self._scopes.pop()[1]
        self._scopes[-1][1].update(left)


def _is_harmless_token(token: re.Match[str]) -> bool:
    if token["text"]:
        return True
    tag = (token["tag"] or "").lower()
    if tag not in HTML_TAGS:
        return False
    allowed = HTML_ATTRIBUTES["*"] | HTML_ATTRIBUTES.get(tag, frozenset())
    for name, *values in ATTRIBUTE.findall(token["attributes"] or ""):
        name, value = name.lower(), unescape("".join(values))
        kept = _attribute(tag, name, value) if name in allowed else None
        if kept is None or (name in ("class", "style") and len(_parts(kept)) < len(_parts(value))):
            return False
        if name == "id" and tag not in HEADINGS:
            return False
    return True


def _parts(value: str) -> list[str]:
    """A style's declarations or a class's names."""
    return [part for part in re.split("[;]" if ":" in value else r"\s", value) if part.strip()]


def _settled(cleaner: nh3.Cleaner, known: frozenset[str], html: str) -> str:
    """Clean until nothing changes: what is nested wrongly can be put together anew by the next reader."""
    most = GROWTH * len(html) + GROWTH_FREE
    for _ in range(5 if _is_bounded(html, known) else 0):
        cleaned = cleaner.clean(html)
        if cleaned == html:
            return cleaned
        if len(cleaned) > most:
            break
        html = cleaned
    return cleaner.clean(escape(html[:TEXT_LIMIT]))


def _attribute(tag: str, name: str, value: str) -> str | None:
    """What is left of an attribute's value; None drops the attribute."""
    match name:
        case _ if name in TEXTS:
            return value
        case "href" if tag == "a":
            return _link(value)
        case "href" if tag == "image":
            return value if PICTURE_DATA.fullmatch(value) and not value.startswith("data:image/svg") else None
        case "href":
            return _fragment(value)
        case "src":
            return value if _is_picture(value) else None
        case "class":
            return " ".join(part for part in value.split() if CLASS.fullmatch(part)) or None
        case "style":
            allowed = DRAWING_STYLES if tag in SVG_TAGS else HTML_STYLES
            return "; ".join(kept for part in value.split(";") if (kept := _declaration(part, allowed))) or None
        case "id":
            return _named(value)
        case "xmlns" | "xlink":
            return value if value in ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink") else None
    return _harmless(value)


def _link(value: str) -> str | None:
    """A link to another site, which somebody has to click, or to a place on the page; never into the same site."""
    return value if WEB_LINK.fullmatch(value) else _fragment(value)


def _fragment(value: str) -> str | None:
    found = FRAGMENT.fullmatch(value)
    return f"#{_named(found[1])}" if found else None


def _named(name: str) -> str:
    """A name that is none of the page's own."""
    return name if name.startswith(ID_PREFIX) else ID_PREFIX + name


def _is_picture(value: str) -> bool:
    """A picture that is in the page itself, or a picture file beside the notebook."""
    path = unquote(value)
    return bool(PICTURE_DATA.fullmatch(value) or (PICTURE_FILE.fullmatch(path) and ".." not in path))


def _declaration(text: str, allowed: frozenset[str]) -> str | None:
    name, _, value = text.partition(":")
    name, value = name.strip().lower(), " ".join(value.split())
    if name not in allowed or not value:
        return None
    if "-" in value and (name.startswith("margin") or (name == "text-indent" and not SMALL_INDENT.fullmatch(value))):
        return None  # negative lengths move things over others
    kept = _harmless(value)
    if kept is None or not STYLE_VALUE.fullmatch(FUNCTION.sub("", REFERENCE.sub("", value))):
        return None
    return f"{name}: {kept}"


def _harmless(value: str) -> str | None:
    """A value without functions other than colours, movements, and references inside the drawing."""
    rest = FUNCTION.sub("", REFERENCE.sub("", value))
    if "(" in rest or "\\" in rest or "/*" in rest:
        return None
    return REFERENCE.sub(lambda found: f"url(#{_named(found[1])})", value)


def _cleaner(tags: frozenset[str], attributes: dict[str, frozenset[str]]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=tags,
        clean_content_tags=DROPPED_WHOLE,
        attributes=attributes,
        attribute_filter=_attribute,
        url_schemes={"data", "http", "https", "mailto"},
    )


_SVG_MAP = dict.fromkeys(SVG_TAGS, SVG_ATTRIBUTES)
_SVG = _cleaner(SVG_TAGS, {"*": SHARED, **_SVG_MAP})
_HTML = _cleaner(HTML_TAGS | SVG_TAGS, {**_SVG_MAP, **HTML_ATTRIBUTES})
