"""``nbseal doctor``: what this machine offers."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, Output, course_option, say, text_options


@click.command(cls=Command, epilog="Example: nbseal doctor --json")
@text_options
@course_option
def doctor(output: Output, course: Path) -> None:
    """Say what this machine offers.

    Versions, seal level and why, data that the assignments find.
    """
    from nbseal.doctor import examine

    findings = examine(course)
    if output.as_json:
        output.write_json(findings)
        return
    for title, lines in findings.items():
        click.secho(title, bold=True)
        for name, value in lines.items():
            say(f"  {name}: {value}")
