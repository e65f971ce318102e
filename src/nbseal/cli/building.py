"""Commands that prepare: build the course, look at the machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nbseal.cli.app import app
from nbseal.cli.common import CourseOption, JsonOption, complaints, complete_assignment, console, print_json, say


@app.command(epilog="Example: nbseal build 01-gates")
def build(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(help="Assignments; all if none is named.", autocompletion=complete_assignment),
    ] = None,
    force: Annotated[bool, typer.Option(help="Build even what is up to date.")] = False,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Make release/ and solutions/ from source/."""
    from nbseal.build import build as build_course
    from nbseal.course import Course

    everything = build_course(Course(course), assignments or None, force=force)
    if as_json:
        print_json([asdict(built) for built in everything])
        return
    for built in everything:
        kinds = {"release": built.release, "solutions": built.solutions}
        written = [f"{kind}/ ({', '.join(files)})" for kind, files in kinds.items() if files]
        say(console, f"{built.assignment}: {'; '.join(written) or 'up to date'}")
        for note in built.notes:
            say(complaints, f"note: {built.assignment}: {note}")


@app.command(epilog="Example: nbseal doctor --json")
def doctor(course: CourseOption = Path(), as_json: JsonOption = False) -> None:
    """Say what this machine offers: versions, seal level and why, data that the assignments find."""
    from nbseal.doctor import examine

    findings = examine(course)
    if as_json:
        print_json(findings)
        return
    for title, lines in findings.items():
        console.print(f"[bold]{title}[/bold]")
        for name, value in lines.items():
            say(console, f"  {name}: {value}")
