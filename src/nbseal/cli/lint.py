"""``nbseal lint``: findings about instructors' sources."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import EXIT_ERROR, PATH, Command, Output, course_option, say, text_options


@click.command(cls=Command, epilog="Example: nbseal lint source/01-gates/01-gates.ipynb")
@click.argument("notebooks", nargs=-1, type=PATH, help="Notebooks; all of source/ if none is named.")
@click.option("--write-cells", is_flag=True, help="First write the texts of c.Sources.shared_cells into source/.")
@text_options
@course_option
def lint(notebooks: tuple[Path, ...], write_cells: bool, output: Output, course: Path) -> None:
    """Say what is wrong with instructors' notebooks.

    Without a name also whether what c.Sources.shared_files and c.Sources.shared_cells name is alike in all assignments.
    One finding a line; exit code 1 if there are any.
    """
    from nbseal.build import shared_cells
    from nbseal.build.lint import lint as findings_of
    from nbseal.build.lint import lint_copies
    from nbseal.course import Course

    opened = Course(course)
    source = opened.folder("source")
    if write_cells:
        shared_cells.write_cells(opened)
    chosen, named_cells = notebooks or sorted(source.glob("*/*.ipynb")), opened.sources.named_cells
    findings = {str(path): findings_of(path, named_cells) for path in chosen}
    if not notebooks:
        shared = [lint_copies(source, opened.sources.shared_files), shared_cells.lint_cells(opened)]
        for path, found in (item for one in shared for item in one.items()):
            findings[str(path)] = findings.get(str(path), []) + found
    if output.as_json:
        output.write_json(findings)
    else:
        for name, sentences in findings.items():
            for sentence in sentences:
                say(f"{name}: {sentence}")
    if any(findings.values()):
        raise click.exceptions.Exit(EXIT_ERROR)
