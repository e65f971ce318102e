"""Renews the table in graders.md from what ``nbseal verify --json=FILE`` has found: give it the FILE."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("graders.md")
BEGIN, END = "<!-- table: python docs/tabulate_graders.py verify.json -->\n", "<!-- end of table -->"
HEAD = (
    "question", "hidden tests", "cases", "mutants and ideas", "equivalent", "caught", "survived", "adversaries",
    "own ways", "false accepts", "false rejects", "unstable",
)  # fmt: skip


def figures(question: dict[str, Any]) -> list[int]:
    """The figures of a question, in the order of the columns behind its name."""
    tried = question["tried"]
    return [
        question["hidden_tests"], tried["case"], tried["mutant"] + tried["idea"], question["equivalent"],
        question["caught"], question["survived"], tried["adversary"], tried["own way"], question["false_accepts"],
        question["false_rejects"], question["unstable"],
    ]  # fmt: skip


def table(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The lines of the table: each question's, and their sum."""
    yield from ("", f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}")
    rows = [(one["assignment"], question) for one in results for question in one["questions"]]
    for assignment, question in rows:
        yield f"| {assignment} `{question['question']}` | {' | '.join(map(str, figures(question)))} |"
    sums = map(sum, zip(*(figures(question) for _, question in rows), strict=True))
    yield f"| together | {' | '.join(f'{one:,}' for one in sums)} |"
    yield from ("", "")


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n".join(table(found)) + END + rest.partition(END)[2], encoding="utf-8")
