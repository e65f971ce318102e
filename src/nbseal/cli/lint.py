"""``nbseal lint``: findings about instructors' notebooks."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import EXIT_ERROR, PATH, Command, Output, course_option, say, text_options


@click.command(cls=Command, epilog="Example: nbseal lint source/01-gates/01-gates.ipynb")
@click.argument("notebooks", nargs=-1, type=PATH, help="Notebooks; all of source/ if none is named.")
@text_options
@course_option
def lint(notebooks: tuple[Path, ...], output: Output, course: Path) -> None:
    """Say what is wrong with instructors' notebooks.

    One finding a line; exit code 1 if there are any.
    """
    from nbseal.build.lint import lint as findings_of
    from nbseal.course import Course

    chosen = notebooks or tuple(sorted(Course(course).folder("source").glob("*/*.ipynb")))
    findings = {str(path): findings_of(path) for path in chosen}
    if output.as_json:
        output.write_json(findings)
    else:
        for name, sentences in findings.items():
            for sentence in sentences:
                say(f"{name}: {sentence}")
    if any(findings.values()):
        raise click.exceptions.Exit(EXIT_ERROR)
