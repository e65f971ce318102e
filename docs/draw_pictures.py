"""Draws docs/how-a-mark-is-made.svg: ``python docs/draw_pictures.py``. Readable on light and on dark pages."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

TARGET = Path(__file__).with_name("how-a-mark-is-made.svg")
WIDTH, HEIGHT = 900, 400
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


def text(x: int, y: int, words: str, size: int = 15, kind: str = "", weight: str = "normal") -> str:
    """One line of text, centred at x."""
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" class="{kind}">{escape(words)}</text>'


def lines(x: int, y: int, *words: str, size: int = 14) -> str:
    """Quiet lines of text below each other."""
    return "\n".join(text(x, y + 20 * number, line, size, "quiet") for number, line in enumerate(words))


def box(x: int, y: int, width: int, height: int, kind: str = "box", dashed: bool = False) -> str:
    """A rounded box."""
    dash = ' stroke-dasharray="8 5"' if dashed else ""
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return f'<rect {place} rx="8" stroke-width="2" class="{kind}"{dash}/>'


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """A straight arrow, level or upright."""
    if y1 == y2:
        step = 1 if x2 > x1 else -1
        tip = f"M{x2} {y2}l{-10 * step} -5v10z"
    else:
        step = 1 if y2 > y1 else -1
        tip = f"M{x2} {y2}l-5 {-10 * step}h10z"
    return f'<path d="M{x1} {y1}L{x2} {y2}" class="line" stroke-width="2"/><path d="{tip}" class="tip"/>'


def submission() -> str:
    """What comes in: the student's sources and the instructor's template."""
    return "\n".join(
        [
            box(20, 40, 170, 78),
            text(105, 72, "Submission", weight="bold"),
            lines(105, 98, "sources of the cells"),
            arrow(105, 118, 105, 158),
            box(20, 160, 170, 78),
            text(105, 192, "1 · Rebuild", weight="bold"),
            lines(105, 218, "on the template"),
            arrow(105, 282, 105, 242),
            box(20, 282, 170, 78),
            text(105, 314, "Template", weight="bold"),
            lines(105, 340, "cells, points, order"),
            arrow(190, 199, 234, 199),
        ]
    )


def walls() -> str:
    """The sealed process."""
    return "\n".join(
        [
            box(236, 40, 200, 320, "sealed", dashed=True),
            text(336, 72, "Sealed process", weight="bold"),
            text(336, 110, "2 · Run the cells", weight="bold"),
            lines(
                336,
                150,
                "no graders, no gradebook",
                "no network",
                "files of its own",
                "limits of time, memory,",
            ),
            lines(336, 230, "processes and output"),
            text(336, 290, "4 · Answer", weight="bold"),
            lines(336, 316, "a fork for each question"),
        ]
    )


def judge() -> str:
    """The trusted process, and what crosses."""
    return "\n".join(
        [
            box(556, 40, 170, 320, "trusted"),
            text(641, 72, "Trusted process", weight="bold"),
            text(641, 110, "3 · Hidden tests ask", weight="bold"),
            lines(641, 150, "pytest with the", "student fixture"),
            text(641, 290, "5 · Judge", weight="bold"),
            lines(641, 316, "type, shape, value"),
            arrow(554, 150, 440, 150),
            text(497, 138, "calls", 14),
            arrow(438, 286, 552, 286),
            text(497, 272, "values only", 14),
            lines(497, 312, "no verdicts,", "no objects", size=13),
        ]
    )


def results() -> str:
    """What comes out."""
    return "\n".join(
        [
            arrow(726, 286, 764, 286),
            box(766, 210, 116, 150),
            text(824, 242, "Scorecard", weight="bold"),
            lines(824, 280, "✓ passed", "✗ failed", "? not judged", size=15),
            arrow(824, 210, 824, 164),
            box(766, 40, 116, 122),
            text(824, 72, "6 · Record", weight="bold"),
            lines(824, 106, "gradebook.db", "autograded/"),
        ]
    )


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


def draw() -> str:
    """The whole picture as SVG."""
    return document(WIDTH, HEIGHT, TITLE, DESCRIPTION, [submission(), walls(), judge(), results()])


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
