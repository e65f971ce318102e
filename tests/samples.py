"""Sample submissions: folders of cell overrides, turned into what a student would hand in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import chain, islice, zip_longest
from pathlib import Path

from nbseal.course import Course
from nbseal.notebook import make_template
from nbseal.verify.known_cases import Expectation, KnownCase, read_case, with_cells

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "graders" / "cases"


@dataclass(frozen=True)
class Sample:
    """One known case, as a student's submission."""

    assignment: str
    case: KnownCase

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.case.name

    @property
    def base(self) -> str:
        """What stands in the cells that it doesn't name: the solution or the release."""
        return self.case.base

    @property
    def cells(self) -> Mapping[str, str]:
        """Its own cells by grade_id."""
        return self.case.cells

    @property
    def files(self) -> Mapping[str, str]:
        """Its own text files by name."""
        return self.case.files

    @property
    def expect(self) -> Mapping[str, Expectation]:
        """The questions that don't get full marks."""
        return self.case.expect

    @property
    def folder(self) -> Path:
        """Where the sample is described."""
        return self.case.folder

    @property
    def verdict(self) -> str:
        """What the folder's name promises: pass, fail, error or hostile."""
        return self.name.split("_")[0]

    def write(self, target: Path) -> Path:
        """Write the submission into ``target`` and return its notebook's path."""
        self.case.write_files(target)
        notebook = with_cells(json.loads(base_notebook(self.assignment, self.base)), self.cells)
        path = target / f"{self.assignment}.ipynb"
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
        return path


def load_samples(assignment: str | None = None) -> list[Sample]:
    """All samples of a class, or those of one assignment, in a stable order."""
    paths = sorted(SAMPLES.glob("*/*/submission.toml"))
    samples = [load_sample(path.parent) for path in paths if assignment in (None, path.parent.parent.name)]
    return [sample for sample in samples if not sample.case.alone]


@cache
def load_sample(folder: Path) -> Sample:
    """Read one sample's description; CourseError when it names a cell that the notebook lacks."""
    assignment = folder.parent.name
    cells = {name for name in _names_of_cells(assignment) if name}
    return Sample(assignment, read_case(folder / "submission.toml", cells))


def kind_of(sample: Sample) -> str:
    """What makes a sample unlike most others: that it is right, stops, is hostile, is untouched, or brings files."""
    if sample.base != "solution":
        return sample.name
    brings_files = sample.files or (sample.folder / "make.py").exists()
    return "files" if brings_files else sample.verdict


def some_of_each_kind(assignment: str, count: int) -> list[str]:
    """Names of so many samples of an assignment: by turns one of each kind, in an order that is always the same."""
    kinds: dict[str, list[str]] = {}
    for sample in sorted(load_samples(assignment), key=lambda one: sha256(one.name.encode()).digest()):
        kinds.setdefault(kind_of(sample), []).append(sample.name)
    by_turns = chain.from_iterable(zip_longest(*(kinds[kind] for kind in sorted(kinds))))
    return sorted(islice(filter(None, by_turns), count))


@cache
def base_notebook(assignment: str, base: str) -> str:
    """The instructor's notebook as text: with its solutions, or as it is released."""
    course = Course(ROOT)
    path = course.assignment(assignment).source / f"{assignment}.ipynb"
    if base == "solution":
        return path.read_text(encoding="utf-8")
    return json.dumps(make_template(path, course.config, sealed=frozenset()))


@cache
def _names_of_cells(assignment: str) -> frozenset[str | None]:
    """nbgrader's names of the cells of the instructor's notebook."""
    cells = json.loads(base_notebook(assignment, "solution"))["cells"]
    return frozenset(cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells)
