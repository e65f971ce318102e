"""Builds the course site: ``python docs/site/build.py [links]``.

``site/students`` is for everybody; ``site/teachers`` has the instructors' pages, too, which quote wrong answers. Nothing is
executed and nothing fetched. Warnings, dead internal links among them, are errors. ``links`` asks the external links instead.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pages
import sources

ROOT = Path(__file__).resolve().parents[2]
AUDIENCES = ("students", "teachers")


def build(root: Path, out: Path, audience: str, builder: str = "html") -> int:
    """Write the sources of one audience's site and let Sphinx make it; Sphinx's exit status.

    Args:
        root: the course.
        out: where the site goes.
        audience: ``students`` or ``teachers``.
        builder: ``html``, or ``linkcheck`` to ask external links.
    """
    gathered = root / "build" / "site" / audience
    shutil.rmtree(gathered, ignore_errors=True)
    sources.write(root, gathered, pages.write(root, audience == "teachers"))
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", builder]
    folders = ["-c", str(Path(__file__).parent), "-d", str(gathered.with_name(f"{audience}-cache")), str(gathered), str(out)]
    return subprocess.run([*command, *folders], cwd=root, check=False).returncode


def main() -> None:
    """Build both sites, or ask the external links of the larger one."""
    if sys.argv[1:] == ["links"]:
        sys.exit(build(ROOT, ROOT / "build" / "site" / "links", "teachers", "linkcheck"))
    try:
        failed = [audience for audience in AUDIENCES if build(ROOT, ROOT / "site" / audience, audience)]
    except ValueError as error:
        sys.exit(f"site: {error}")
    if failed:
        sys.exit(f"site: not whole: {', '.join(failed)}; Sphinx says why above.")
    for audience in AUDIENCES:
        print(f"site/{audience}/index.html")


if __name__ == "__main__":
    main()
