"""Renews the engine's size by room in README.md: ``python docs/count_rooms.py``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "src" / "nbseal"
PAGE = ROOT / "README.md"
BEGIN, END = "<!-- rooms: python docs/count_rooms.py -->\n", "<!-- end of rooms -->"
ROOMS = (
    ("cli terminal doctor", "the command line"),
    ("nbgrader_plugin formgrader otter_plugin gradescope", "what nbgrader, otter-grader and Gradescope start"),
    (
        "build compare verify report resolve similarity feedback export lti student_data watch pages",
        "what instructors ask for, and its pages",
    ),
    ("grading reading", "one submission, or a class"),
    ("gradebook", "nbgrader's gradebook, `autograded/`, and the ledger"),
    ("hidden_tests checks", "the `student` fixture, the judge, what a message may say"),
    ("sandbox", "starts, feeds and ends sealed processes"),
    ("worker", "runs behind the walls, or builds them"),
    ("notebook wire", "notebooks, and values that cross the walls"),
    ("course results errors files text python_text patches", "settings, results, errors, shared tools"),
)
NOT_ROOMS = {"__init__"}


def parts() -> set[str]:
    """The engine's folders and single files by name."""
    found = {path.parent.name for path in ENGINE.glob("*/__init__.py")} | {path.stem for path in ENGINE.glob("*.py")}
    return found - NOT_ROOMS


def lines_of(names: str) -> int:
    """Lines that aren't empty, of the Python files in rooms named in ``names``."""
    files = [path for name in names.split() for path in (*ENGINE.glob(f"{name}.py"), *ENGINE.glob(f"{name}/**/*.py"))]
    return sum(bool(line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines())


def table() -> str:
    """The table as it stands in README.md."""
    counts = [lines_of(names) for names, _ in ROOMS]
    rows = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | {purpose} | {round(count, -1):,} |"
        for (names, purpose), count in zip(ROOMS, counts, strict=True)
    ]
    head = ["", "| room | what it does | lines |", "|---|---|---|"]
    return "\n".join([*head, *rows, f"| | together | {round(sum(counts), -1):,} |", "", ""])


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
