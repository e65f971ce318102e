"""Draws docs/how-a-mark-is-made.svg: ``python docs/draw_pictures.py``.

Its shapes serve the other drawings, too. They are readable on light and on dark pages, and narrow enough for a phone.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

TARGET = Path(__file__).with_name("how-a-mark-is-made.svg")
WIDTH, HEIGHT = 560, 544
TITLE = "How a mark is made"
DESCRIPTION = (
    "The submitted notebook is rebuilt on the instructor's template. Its cells run in a sealed process. "
    "Hidden tests in a process of their own ask it for values. Their verdicts make a scorecard, "
    "which goes into nbgrader's gradebook and into the autograded folder."
)
STYLE = """
  .page { fill: #ffffff } .box { fill: #f6f8fa; stroke: #57606a } .line { stroke: #57606a; fill: none }
  .tip { fill: #57606a } .sealed { fill: #fff4e5; stroke: #b35900 } .trusted { fill: #e7f3fb; stroke: #0072b2 }
  text { fill: #1f2328 } .quiet { fill: #57606a } .badge { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .box { fill: #21262d; stroke: #9da7b3 } .line { stroke: #9da7b3 }
    .tip { fill: #9da7b3 } .sealed { fill: #3a2a14; stroke: #f0a04b } .trusted { fill: #10293d; stroke: #58b4ec }
    text { fill: #f0f3f6 } .quiet { fill: #b6bfc9 } .badge { fill: #0d1117 }
  }
"""
LINE = 22  # from one line of text to the next
LEFT, RIGHT, COLUMN = 14, 326, 220


def text(x: int, y: int, words: str, size: int = 16, kind: str = "", weight: str = "normal") -> str:
    """One line of text, centred at x."""
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" class="{kind}">{escape(words)}</text>'


def box(x: int, y: int, width: int, height: int, kind: str = "box", dashed: bool = False) -> str:
    """A rounded box."""
    dash = ' stroke-dasharray="8 5"' if dashed else ""
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return f'<rect {place} rx="8" stroke-width="2" class="{kind}"{dash}/>'


def titled(x: int, y: int, width: int, kind: str, title: str, *lines: str) -> str:
    """A box as high as its title and the lines below it."""
    middle = x + width // 2
    words = [text(middle, y + 54 + LINE * number, line) for number, line in enumerate(lines)]
    height = 44 + LINE * len(lines)
    return "\n".join([box(x, y, width, height, kind), text(middle, y + 28, title, 18, weight="bold"), *words])


def arrow(x1: int, y1: int, x2: int, y2: int, dotted: bool = False) -> str:
    """A straight arrow, level or upright."""
    if y1 == y2:
        step = 1 if x2 > x1 else -1
        tip, end = f"M{x2} {y2}l{-11 * step} -6v12z", f"H{x2 - 10 * step}"
    else:
        step = 1 if y2 > y1 else -1
        tip, end = f"M{x2} {y2}l-6 {-11 * step}h12z", f"V{y2 - 10 * step}"
    dash = ' stroke-dasharray="2 5"' if dotted else ""
    return f'<path d="M{x1} {y1}{end}" class="line" stroke-width="2.5"{dash}/><path d="{tip}" class="tip"/>'


def document(width: int, height: int, title: str, description: str, parts: list[str]) -> str:
    """A whole SVG; ``title`` and ``description`` are what a screen reader says."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title description" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="Helvetica, Arial, sans-serif" text-anchor="middle">'
    )
    return "\n".join(
        [
            head,
            f'<title id="title">{title}</title>',
            f'<desc id="description">{description}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="12" class="page"/>',
            *parts,
            "</svg>\n",
        ]
    )


def rebuilding() -> list[str]:
    """What comes in: the student's sources and the instructor's template."""
    return [
        titled(LEFT, 14, COLUMN, "box", "Submission", "sources of the cells"),
        titled(RIGHT, 14, COLUMN, "box", "Template", "cells, points, order"),
        arrow(180, 80, 180, 110),
        arrow(380, 80, 380, 110),
        titled(LEFT + 120, 112, 292, "box", "1 · Rebuild", "the sources on the template"),
        arrow(180, 178, 180, 208),
    ]


def asking() -> list[str]:
    """The sealed process, the trusted one, and what crosses."""
    sealed = ("no graders, no network;", "limited time, memory", "and output")
    trusted = ("pytest, with the", "student fixture", "in a trusted process")
    return [
        box(LEFT, 210, COLUMN, 200, "sealed", dashed=True),
        text(LEFT + 110, 238, "2 · Run the cells", 18, weight="bold"),
        *(text(LEFT + 110, 264 + LINE * number, words) for number, words in enumerate(sealed)),
        text(LEFT + 110, 364, "4 · Answer", 18, weight="bold"),
        text(LEFT + 110, 390, "in a sealed process"),
        box(RIGHT, 210, COLUMN, 200, "trusted"),
        text(RIGHT + 110, 238, "3 · Tests ask", 18, weight="bold"),
        *(text(RIGHT + 110, 264 + LINE * number, words) for number, words in enumerate(trusted)),
        text(RIGHT + 110, 364, "5 · Judge", 18, weight="bold"),
        text(RIGHT + 110, 390, "type, shape, value"),
        arrow(RIGHT, 262, LEFT + COLUMN + 2, 262),
        text(280, 250, "calls", 16, "quiet"),
        arrow(LEFT + COLUMN, 370, RIGHT - 2, 370),
        text(280, 358, "values", 16, "quiet"),
        text(280, 394, "no verdicts", 14, "quiet"),
    ]


def results() -> list[str]:
    """What comes out."""
    return [
        arrow(RIGHT + 110, 410, RIGHT + 110, 440),
        titled(RIGHT, 442, COLUMN, "box", "Scorecard", "✓ passed  ✗ failed", "? not judged yet"),
        arrow(RIGHT, 486, LEFT + COLUMN + 2, 486),
        titled(LEFT, 442, COLUMN, "box", "6 · Record", "in gradebook.db", "and autograded/"),
    ]


def draw() -> str:
    """The whole picture as SVG."""
    return document(WIDTH, HEIGHT, TITLE, DESCRIPTION, [*rebuilding(), *asking(), *results()])


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
