"""The template: the instructor's notebook as every submission of it is graded."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

from traitlets.config import Config

from nbseal import __version__
from nbseal.files import write_whole
from nbseal.notebook.reading import Notebook

_PREPARING = threading.Lock()  # a class's grader and its recorder ask for the same template at the same time


def make_template(
    path: str | os.PathLike[str],
    config: Config | None = None,
    sealed: Collection[str] = (),
    template_cache: Path | None = None,
) -> Notebook:
    """Make the notebook that submissions are rebuilt from, as plain data; CourseError if that fails.

    From an instructor's notebook, the steps are those of ``nbgrader generate_assignment`` up to where it
    saves cells to the gradebook: marking schemes and hidden test regions stay, because nbgrader's own way
    of grading needs them. ``sealed`` names the questions that have a hidden grader; their hidden test
    regions are removed, since the notebook runs where student code can read it. A released notebook is used
    as it is. In the folder ``template_cache``, the template of each notebook is kept for the next time.
    """
    path = Path(path)
    config = config or Config()
    kept = (
        template_cache / f"{path.parent.name}-{path.stem}-{'sealed' if sealed else 'whole'}.json"
        if template_cache
        else None
    )
    made_of = _made_of(path, config, sealed) if kept else ""
    if kept and (template := _from_cache(kept, made_of)):
        return template
    with _PREPARING:
        if kept and (template := _from_cache(kept, made_of)):
            return template  # another thread has just made it
        from nbseal.notebook.nbgrader_steps import prepare  # nbgrader's steps take longer to load than to run

        template = prepare(path, config, frozenset(sealed))
        if kept:
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(kept, json.dumps({"made_of": made_of, "template": template}).encode("utf-8"))
    return template


def _made_of(path: Path, config: Config, sealed: Collection[str]) -> str:
    """A digest of all that a template depends on; "" if the notebook can't be read, which its reader explains."""
    total = hashlib.sha256(f"{__version__} {version('nbgrader')} {sorted(sealed)}".encode())
    # a section of Config that nobody has set comes into being when it is asked for
    settings = {name: section for name, section in config.items() if section}
    total.update(json.dumps(settings, sort_keys=True, default=repr).encode())
    root = str(settings.get("CourseDirectory", {}).get("root", "."))
    ends = [settings.get("IncludeHeaderFooter", {}).get(end) for end in ("header", "footer")]
    try:
        found = [file.read_bytes() for file in [path, *(Path(root, str(end)) for end in ends if end)]]
        tests = settings.get("InstantiateTests", {})
        if any(str(tests.get("autotest_delimiter", "AUTOTEST")).encode() in data for data in found):
            templates = Path(root, str(tests.get("autotest_filename", "autotests.yml")))
            found += [file.read_bytes() for file in [*_beside(path), templates] if file.is_file()]
        if settings.get("GenerateAssignment", {}).get("preprocessors"):  # which may be written in the settings' file
            found += [file.read_bytes() for file in sorted(Path(root).glob("*.py"))]
        for data in found:
            total.update(f"{len(data)} ".encode() + data)
    except OSError:
        return ""
    return total.hexdigest()


def _beside(path: Path) -> list[Path]:
    """Support files of a notebook: its solution, of which tests are made, may read them."""
    return sorted(file for file in path.parent.rglob("*") if file.suffix not in (".ipynb", ".pyc"))


def _from_cache(kept: Path, made_of: str) -> Notebook | None:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        template: Notebook = found["template"]
        return template if made_of and found["made_of"] == made_of else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
