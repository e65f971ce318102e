"""Sample submissions: folders of cell overrides, turned into what a student would hand in."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from nbseal.course import Course
from nbseal.notebook import make_template

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = Path(__file__).with_name("submissions")


@dataclass(frozen=True)
class Expectation:
    """The marks that a sample must get for one question, and words that its feedback must hold."""

    score: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One sample submission."""

    assignment: str
    name: str
    about: str
    base: str
    cells: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    expect: dict[str, Expectation] = field(default_factory=dict)
    alone: bool = False  # a test of its own grades it, in a course with other settings

    @property
    def folder(self) -> Path:
        """Where the sample is described."""
        return SAMPLES / self.assignment / self.name

    @property
    def verdict(self) -> str:
        """What the folder's name promises: pass, fail, error or hostile."""
        return self.name.split("_")[0]

    def write(self, target: Path) -> Path:
        """Write the submission into ``target`` and return its notebook's path."""
        target.mkdir(parents=True, exist_ok=True)
        _make(self.folder.parent / "base.py", target)
        notebook = json.loads(base_notebook(self.assignment, self.base))
        for cell in notebook["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if grade_id in self.cells:
                cell["source"] = self.cells[grade_id].strip("\n")
        path = target / f"{self.assignment}.ipynb"
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
        for name, text in self.files.items():
            (target / name).write_text(text, encoding="utf-8")
        _make(self.folder / "make.py", target)
        return path


def load_samples(assignment: str | None = None) -> list[Sample]:
    """All samples of a class, or those of one assignment, in a stable order."""
    paths = sorted(SAMPLES.glob("*/*/submission.toml"))
    samples = [load_sample(path.parent) for path in paths if assignment in (None, path.parent.parent.name)]
    return [sample for sample in samples if not sample.alone]


@cache
def load_sample(folder: Path) -> Sample:
    """Read one sample's description; ValueError when it names a cell that the notebook lacks."""
    data = tomllib.loads((folder / "submission.toml").read_text(encoding="utf-8"))
    sample = Sample(
        assignment=folder.parent.name,
        name=folder.name,
        about=data["about"],
        base=data.get("base", "solution"),
        cells=data.get("cells", {}),
        files=data.get("files", {}),
        expect={
            grade_id: Expectation(float(entry["score"]), tuple(entry.get("words", ())))
            for grade_id, entry in data.get("expect", {}).items()
        },
        alone=data.get("alone", False),
    )
    unknown = set(sample.cells) - _names_of_cells(sample.assignment, sample.base)
    if unknown:
        raise ValueError(f"{folder.name}: no such cells: {sorted(unknown)}")
    return sample


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
def _names_of_cells(assignment: str, base: str) -> frozenset[str | None]:
    """nbgrader's names of the cells of the instructor's notebook."""
    cells = json.loads(base_notebook(assignment, base))["cells"]
    return frozenset(cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells)


def _make(script: Path, target: Path) -> None:
    if not script.exists():
        return
    spec = importlib.util.spec_from_file_location(f"make_{script.parent.name}", script)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make(target)
