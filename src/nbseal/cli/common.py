"""What every command shares: the options that mean the same everywhere, the two places to print to, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

EXIT_ERROR, EXIT_NOT_RECORDED, EXIT_LEFT_OUT, EXIT_STOPPED = 1, 3, 4, 130
STOPPED = "nbseal: stopped; what is recorded stays, and the next run goes on from there."
EXIT_CODES = (
    "Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, "
    "3 graded but some marks could not be recorded, 4 exported but some marks are not in the file, 130 stopped."
)

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def say(where: Console, text: str) -> None:
    """Print text as it is: no markup in it, and no line breaks that aren't there."""
    where.print(text, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print plain data as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def complete_assignment(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of assignments for the shell, found by looking only: loading the settings would take too long."""
    root = Path(ctx.params.get("course") or ".")
    found = {path.parent.name for kind in ("source", "release") for path in root.glob(f"{kind}/*/*.ipynb")}
    return sorted(name for name in found if name.startswith(incomplete))


def complete_student(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of students for the shell: those who have handed something in."""
    assignment = ctx.params.get("assignment") or "*"
    root = Path(ctx.params.get("course") or ".")
    found = {path.parent.name for path in root.glob(f"submitted/*/{assignment}")}
    return sorted(name for name in found if name.startswith(incomplete))


CourseOption = Annotated[Path, typer.Option("--course", "-c", help="The course's folder.", show_default="here")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AssignmentArgument = Annotated[str, typer.Argument(help="The assignment.", autocompletion=complete_assignment)]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the page to this file.", show_default=False)
]
