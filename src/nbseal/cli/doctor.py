"""``nbseal doctor``: what this machine offers."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, course_option, json_option, print_json, say


@click.command(cls=Command, epilog="Example: nbseal doctor --json")
@json_option
@course_option
def doctor(course: Path, as_json: bool) -> None:
    """Say what this machine offers.

    Versions, seal level and why, data that the assignments find.
    """
    from nbseal.doctor import examine

    findings = examine(course)
    if as_json:
        print_json(findings)
        return
    for title, lines in findings.items():
        click.secho(title, bold=True)
        for name, value in lines.items():
            say(f"  {name}: {value}")
