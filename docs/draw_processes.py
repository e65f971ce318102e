"""Draws docs/processes.svg: ``python docs/draw_processes.py``. A tall picture, so that a phone can show it."""

from __future__ import annotations

from pathlib import Path

from draw_pictures import arrow, box, document, text, titled

TARGET = Path(__file__).with_name("processes.svg")
WIDTH, HEIGHT = 560, 1024
TITLE = "The processes behind one run"
DESCRIPTION = (
    "On the trusted side are the command, the judge, and copies of the judge. On the other side are the warm process, "
    "supervisors, and, behind walls, the sealed processes with their question copies. The command asks the judge and "
    "the warm process to fork. The warm process forks supervisors, a supervisor forks a sealed process, and a sealed "
    "process forks a copy of itself for each question. The command hands submissions to supervisors and to copies of "
    "the judge. The dialogue socket leads to the sealed process, the control socket to its supervisor; both belong to "
    "the command, which lends them to a copy of the judge."
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
    command = ("nbseal grade, nbgrader autograde, formgrader", "a thread for each submission; lives for one run")
    judge = ("pytest, with a file’s", "hidden tests collected", "lives for one run")
    copy = ("runs the hidden tests", "lives for 500 notebooks,", "one after another")
    return "\n".join(
        [
            titled(LEFT, 14, WIDTH - 2 * LEFT, "trusted", "Command", *command),
            titled(LEFT + 26, 170, COLUMN - 26, "trusted", "Judge", *judge),
            fork(LEFT + 130, 280, 444),
            titled(LEFT, 446, COLUMN, "trusted", "Copy of the judge", *copy),
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
            box(RIGHT - 8, 502, COLUMN + 16, 296, "sealed", dashed=True),
            text(RIGHT + COLUMN // 2, 786, "behind the walls", 16, "quiet"),
            titled(RIGHT, 170, COLUMN - 26, "box", "Warm process", *warm),
            fork(RIGHT + 103, 280, 332),
            titled(RIGHT, 334, COLUMN, "box", "Supervisor", *supervisor),
            fork(RIGHT + 103, 444, 520),
            titled(RIGHT + 10, 522, COLUMN - 20, "box", "Sealed process", *sealed),
            fork(RIGHT + 103, 610, 660),
            titled(RIGHT + 10, 662, COLUMN - 20, "box", "Question copy", *copy),
        ]
    )


def sockets() -> str:
    """The lines between them; dialogue and control branch to where the command lends them."""
    return "\n".join(
        [
            socket(1, (143, 136), "M143 102V170"),
            socket(1, (417, 136), "M417 102V170"),
            socket(2, (533, 225), "M533 102V334"),
            socket(3, (27, 225), "M27 102V446"),
            socket(4, (292, 225), "M292 102V706H324", "M292 566H324", "M246 534H292", joints=((292, 534), (292, 566))),
            socket(5, (264, 225), "M264 102V480H246", "M264 390H314", joints=((264, 390),)),
        ]
    )


def legend() -> str:
    """What the numbers mean."""
    rows = (
        (1, "requests: settings at the start, then “fork”"),
        (2, "jobs: the two sockets of a notebook’s process"),
        (3, "cases: what to judge, and the results"),
        (4, "dialogue: cells and outputs, then questions and values"),
        (5, "control: end a question or all; the last report"),
    )
    drawn = []
    for place, (number, words) in enumerate(rows):
        y = 834 + 30 * place
        drawn += [number_in_circle(number, 30, y - 6), f'<g text-anchor="start">{text(54, y, words, 16)}</g>']
    notes = ("The command lends 4 and 5 to a copy of the judge.", "Blue is trusted. What is dashed runs student code.")
    for place, words in enumerate(notes):
        drawn.append(f'<g text-anchor="start">{text(18, 984 + 24 * place, words, 16, "quiet")}</g>')
    return "\n".join(drawn)


def draw() -> str:
    """The whole picture as SVG."""
    return document(WIDTH, HEIGHT, TITLE, DESCRIPTION, [trusted_side(), other_side(), sockets(), legend()])


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
