"""Which tags, attributes and styles students' HTML and SVG keep: what a table, a text or a drawing is made of."""

from __future__ import annotations


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
