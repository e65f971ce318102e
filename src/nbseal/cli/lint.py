"""``nbseal lint``: findings about instructors' sources."""

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

    Without a name also whether the files of c.Sources.shared_files are alike in all assignments. One finding a line;
    exit code 1 if there are any.
    """
    from nbseal.build.lint import lint as findings_of
    from nbseal.build.lint import lint_copies
    from nbseal.course import Course

    opened = Course(course)
    source = opened.folder("source")
    chosen, named_cells = notebooks or sorted(source.glob("*/*.ipynb")), opened.sources.named_cells
    findings = {str(path): findings_of(path, named_cells) for path in chosen}
    if not notebooks:
        findings |= {str(path): found for path, found in lint_copies(source, opened.sources.shared_files).items()}
    if output.as_json:
        output.write_json(findings)
    else:
        for name, sentences in findings.items():
            for sentence in sentences:
                say(f"{name}: {sentence}")
    if any(findings.values()):
        raise click.exceptions.Exit(EXIT_ERROR)
