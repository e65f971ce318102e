"""Builds the course site: ``python docs/site/build.py [links] [--to FOLDER]``.

``site/students`` is for everybody; ``site/teachers`` has the instructors' pages, too, which quote wrong answers.
Nothing is executed and nothing fetched. Warnings, dead internal links among them, are errors. ``links`` asks the
external links instead.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pages
import sources

ROOT = Path(__file__).resolve().parents[2]
STUDENTS, TEACHERS = "students", "teachers"


def build(audience: str, folder: Path, builder: str) -> bool:
    """Write the sources of one audience's site and let Sphinx make it; whether it had nothing to complain of.

    Args:
        audience: ``students`` or ``teachers``.
        folder: where ``build/site/`` (what Sphinx reads) and ``site/`` go.
        builder: ``html``, or ``linkcheck`` to ask external links.
    """
    work = folder / "build" / "site"
    gathered, out = work / audience, (folder / "site" if builder == "html" else work / builder) / audience
    for old in (gathered, out):
        shutil.rmtree(old, ignore_errors=True)
    sources.write(ROOT, gathered, pages.write(ROOT, audience == TEACHERS))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", builder]
    command += ["-c", str(Path(__file__).parent), "-d", str(work / f"{audience}-cache"), str(gathered), str(out)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main() -> None:
    """Build both sites, or ask the external links of the larger one; exit status 1 with what to mend."""
    parser = argparse.ArgumentParser(description="Build the course site.")
    parser.add_argument("what", nargs="?", choices=["links"], help="ask the external links instead")
    parser.add_argument("--to", type=Path, default=ROOT, help="the folder that gets site/ (default: the course)")
    options = parser.parse_args()
    audiences, builder = ([TEACHERS], "linkcheck") if options.what else ([STUDENTS, TEACHERS], "html")
    try:
        failed = [audience for audience in audiences if not build(audience, options.to.resolve(), builder)]
    except ValueError as error:
        sys.exit(f"site: {error}")
    if failed:
        sys.exit(f"site: Sphinx complained about the site for {' and '.join(failed)}, see above: fix it and run again.")
    for audience in audiences if builder == "html" else ():
        print(options.to / "site" / audience / "index.html")


if __name__ == "__main__":
    main()
