"""Prepares an instructor's notebook for grading, with nbgrader's own steps."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from nbformat import ValidationError as FormatError
from nbformat import reads, v4, validate, writes
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    InstantiateTests,
    LockCells,
    SaveCells,
)
from traitlets import import_item
from traitlets.config import Config

from nbseal.errors import CourseError, OtherLanguage
from nbseal.notebook.autotests import make_tests
from nbseal.notebook.grade_cells import check_grade_ids, nbgrader_mark, plain
from nbseal.notebook.reading import Notebook, assign_ids

PYTHON = "python"
OTHER_KERNELS = {"ir": "R", "xr": "R"}  # by the kernel's name, where a notebook doesn't name its language
SCHEMA: int = MetadataValidator.schema_version


def prepare(path: Path, config: Config, sealed: frozenset[str]) -> Notebook:
    """Make the template from the file: see `nbseal.notebook.make_template`."""
    nb = load_source(path)
    check_grade_ids(nb, path)
    if is_release(nb, config):
        ClearOutput(config=config)(nb, {})
    else:
        complete(nb, path, config)
        _prepare(nb, path, config, sealed)
    check_grade_ids(nb, path)
    return plain(nb)


def load_source(path: Path) -> Any:
    """Read an instructor's notebook as nbformat 4.5 with today's nbgrader metadata, missing cell ids made.

    Metadata of an older nbgrader is brought up to date, as ``nbgrader update`` does, in what is returned alone.
    CourseError if it is unreadable, or of a newer nbgrader; OtherLanguage if it is not written in Python.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = json.loads(text)
        if raw.get("nbformat") != 4:
            raw = json.loads(writes(reads(text, as_version=4)))
            for cell in raw["cells"]:
                del cell["id"]  # converting gives random ids
        assign_ids(raw["cells"], "given")
        nb = v4.reads(json.dumps(raw))
        nb.nbformat_minor = max(nb.nbformat_minor, 5)
        validate(nb)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} can't be read as a notebook: {_first_line(error)}") from error
    except (RecursionError, FormatError) as error:
        raise CourseError(f"{path} is not a valid notebook: {_first_line(error)}") from error
    _refuse_other_languages(nb, path)
    _update(nb, path)
    return nb


def _refuse_other_languages(nb: Any, path: Path) -> None:
    kernel, language = nb.metadata.get("kernelspec", {}), nb.metadata.get("language_info", {})
    name = str(kernel.get("language") or language.get("name") or OTHER_KERNELS.get(kernel.get("name"), PYTHON))
    if name.lower() not in (PYTHON, "ipython"):
        raise OtherLanguage(
            f"{path} is written in {name}, and nbseal grades Python: no mark of {path.parent.name} is touched. "
            "Grade it with nbgrader itself."
        )


def _update(nb: Any, path: Path) -> None:
    """Bring nbgrader's metadata up to date."""
    validator = MetadataValidator()
    for cell in nb["cells"]:
        mark = cell["metadata"].get("nbgrader")
        if not isinstance(mark, dict):
            continue
        version = mark.get("schema_version", 0)
        if not isinstance(version, int) or version > SCHEMA:
            raise CourseError(
                f"{path}: cell {cell['id']!r} has nbgrader metadata of version {version}, and {SCHEMA} is the newest "
                "that is known: save it with the nbgrader that is installed here, or upgrade that."
            )
        if version < SCHEMA:
            validator.upgrade_cell_metadata(cell)


def is_release(nb: Any, config: Config) -> bool:
    """Tell whether nbgrader released this notebook: all its cells have checksums, and no solution is left."""
    marks = [mark for cell in nb["cells"] if (mark := nbgrader_mark(cell))]
    region = ClearSolutions(config=config).begin_solution_delimeter
    return (
        bool(marks)
        and all("checksum" in mark for mark in marks if not mark.get("task"))
        and not any(region in cell["source"] for cell in nb["cells"])
    )


def _prepare(nb: Any, path: Path, config: Config, sealed: frozenset[str]) -> None:
    resources: dict[str, Any] = {}
    try:
        for step in _steps(config)[1]:
            apply(step, nb, resources, config)
        clear = ClearHiddenTests(config=config)
        for index, cell in enumerate(nb["cells"]):
            if (mark := nbgrader_mark(cell)) and mark["grade_id"] in sealed:
                clear.preprocess_cell(cell, resources, index)
        for step in (CheckCellMetadata, ComputeChecksums):
            apply(step, nb, resources, config)
    except Exception as error:
        raise CourseError(f"{path} can't be prepared for grading: {_first_line(error)}") from error


def _steps(config: Config) -> tuple[list[Any], list[Any]]:
    """The steps from a source to what nbgrader saves of it: those that solutions have, too, and those from there on.

    ``c.GenerateAssignment.preprocessors`` may have further ones, whose changes students see, and marks hang on.
    """
    if "preprocessors" not in config.get("GenerateAssignment", {}):
        return [LockCells], [ClearSolutions, ClearOutput]
    from nbgrader.converters import GenerateAssignment  # takes long to load, and is rarely needed

    found = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).preprocessors
    steps = [import_item(step) if isinstance(step, str) else step for step in found]
    saved = steps.index(SaveCells) if SaveCells in steps else len(steps)
    ours = IncludeHeaderFooter, InstantiateTests, ClearHiddenTests, ClearMarkScheme, CheckCellMetadata, ComputeChecksums
    wanted = [step for step in steps[:saved] if step not in ours]
    cut = wanted.index(ClearSolutions) if ClearSolutions in wanted else len(wanted)
    return wanted[:cut], wanted[cut:]


def complete(nb: Any, path: Path, config: Config) -> None:
    """Give an instructor's notebook what its release has, in place; CourseError where nbgrader can't.

    Header and footer, tests of AUTOTEST lines, and what the course's own steps make of it before solutions are cleared.
    """
    try:
        apply(IncludeHeaderFooter, nb, {}, config)
        make_tests(nb, path, config)
        for step in _steps(config)[0]:
            apply(step, nb, {}, config)
    except Exception as error:  # a step of the course's own may raise anything
        raise CourseError(f"{path} can't be prepared for grading: {_first_line(error)}") from error
    assign_ids(nb["cells"], "given")


def apply(step: Any, nb: Any, resources: dict[str, Any], config: Config) -> None:
    """Run one of nbgrader's preprocessors on the notebook in place, with the course's settings."""
    if step is IncludeHeaderFooter:
        config = _absolute_header(config)
    preprocessor = step(config=config)
    if preprocessor.enabled:
        preprocessor.preprocess(nb, resources)


def _absolute_header(config: Config) -> Config:
    """Header and footer are given from the course's root, which need not be where we run."""
    config = copy.deepcopy(config)
    root = Path(str(config.CourseDirectory.get("root", ".")))
    for end in ("header", "footer"):
        if name := config.IncludeHeaderFooter.get(end):
            config.IncludeHeaderFooter[end] = str(root / name)
    return config


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
