"""Draws docs/processes.svg: ``python docs/draw_processes.py``. A tall picture, so that a phone can show it."""

from __future__ import annotations

from pathlib import Path

from draw_pictures import arrow, box, document, text, titled

TARGET = Path(__file__).with_name("processes.svg")
WIDTH, HEIGHT = 560, 1176
TITLE = "The processes behind one run"
DESCRIPTION = (
    "On the trusted side are the command, readers, the judge, and copies of the judge. On the other side are the warm "
    "process, supervisors, and, behind walls, the sealed processes with their question copies. The command hands "
    "submissions to readers, which ask the judge and the warm process to fork. The warm process forks supervisors, a "
    "supervisor forks a sealed process, and a sealed process forks a copy of itself for each question. A reader hands "
    "its submission to a supervisor and to a copy of the judge. The dialogue socket leads to the sealed process, the "
    "control socket to its supervisor; both belong to the reader, which lends them to a copy of the judge."
)
LEFT, RIGHT, COLUMN = 14, 314, 232


def socket(number: int, badge: tuple[int, int], *paths: str, joints: tuple[tuple[int, int], ...] = ()) -> str:
    """A socket as a line with its number at ``badge``, and a dot at each of ``joints``, where it branches."""
    lines = [f'<path d="{path}" class="line" stroke-width="2.5"/>' for path in paths]
    dots = [f'<circle cx="{x}" cy="{y}" r="4.5" class="tip"/>' for x, y in joints]
    return "\n".join([*lines, *dots, number_in_circle(number, *badge)])


def number_in_circle(number: int, x: int, y: int) -> str:
    """The number of a socket."""
    return f'<circle cx="{x}" cy="{y}" r="12" class="tip"/>' + text(x, y + 6, str(number), 16, "badge", "bold")


def fork(x: int, y1: int, y2: int) -> str:
    """A dotted arrow downwards from a process to its fork."""
    return arrow(x, y1, x, y2, dotted=True) + text(x + 26, y1 + 24, "fork", 16, "quiet")


def trusted_side() -> str:
    """The command, and the judge with a copy."""
    command = ("nbseal grade, nbgrader autograde, formgrader", "records marks; lives for one run")
    reader = ("grades one submission after the other, up to 500", "as many readers as submissions at a time")
    judge = ("pytest, with a file’s", "hidden tests collected", "lives for one run")
    copy = ("runs the hidden tests", "lives for 500 notebooks,", "one after another")
    return "\n".join(
        [
            titled(LEFT, 14, WIDTH - 2 * LEFT, "trusted", "Command", *command),
            titled(LEFT, 136, WIDTH - 2 * LEFT, "trusted", "Reader", *reader),
            titled(LEFT + 26, 292, COLUMN - 26, "trusted", "Judge", *judge),
            fork(LEFT + 130, 402, 566),
            titled(LEFT, 568, COLUMN, "trusted", "Copy of the judge", *copy),
        ]
    )


def other_side() -> str:
    """The warm process, a supervisor, and what is behind the walls."""
    warm = ("has imported what", "notebooks import", "lives for one run")
    supervisor = ("keeps the limits", "lives for many notebooks", "as root, else for one")
    sealed = ("runs cells, gives values", "lives for one notebook")
    copy = ("is called by the tests", "lives for one question")
    return "\n".join(
        [
            box(RIGHT - 8, 624, COLUMN + 16, 296, "sealed", dashed=True),
            text(RIGHT + COLUMN // 2, 908, "behind the walls", 16, "quiet"),
            titled(RIGHT, 292, COLUMN - 26, "box", "Warm process", *warm),
            fork(RIGHT + 103, 402, 454),
            titled(RIGHT, 456, COLUMN, "box", "Supervisor", *supervisor),
            fork(RIGHT + 103, 566, 642),
            titled(RIGHT + 10, 644, COLUMN - 20, "box", "Sealed process", *sealed),
            fork(RIGHT + 103, 732, 782),
            titled(RIGHT + 10, 784, COLUMN - 20, "box", "Question copy", *copy),
        ]
    )


def sockets() -> str:
    """The lines between them; dialogue and control branch to where a reader lends them."""
    return "\n".join(
        [
            socket(6, (280, 119), "M280 102V136"),
            socket(1, (143, 258), "M143 224V292"),
            socket(1, (417, 258), "M417 224V292"),
            socket(2, (533, 347), "M533 224V456"),
            socket(3, (27, 347), "M27 224V568"),
            socket(4, (292, 347), "M292 224V828H324", "M292 688H324", "M246 656H292", joints=((292, 656), (292, 688))),
            socket(5, (264, 347), "M264 224V602H246", "M264 512H314", joints=((264, 512),)),
        ]
    )


def legend() -> str:
    """What the numbers mean."""
    rows = (
        (1, "requests: settings by the command, then “fork”"),
        (2, "jobs: the two sockets of a notebook’s process"),
        (3, "cases: what to judge, and the results"),
        (4, "dialogue: cells and outputs, then questions and values"),
        (5, "control: end a question or all; the last report"),
        (6, "tasks: a submission; then its scorecard and notebooks"),
    )
    drawn = []
    for place, (number, words) in enumerate(rows):
        y = 956 + 30 * place
        drawn += [number_in_circle(number, 30, y - 6), f'<g text-anchor="start">{text(54, y, words, 16)}</g>']
    notes = ("A reader lends 4 and 5 to a copy of the judge.", "Blue is trusted. What is dashed runs student code.")
    for place, words in enumerate(notes):
        drawn.append(f'<g text-anchor="start">{text(18, 1136 + 24 * place, words, 16, "quiet")}</g>')
    return "\n".join(drawn)


def draw() -> str:
    """The whole picture as SVG."""
    return document(WIDTH, HEIGHT, TITLE, DESCRIPTION, [trusted_side(), other_side(), sockets(), legend()])


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
