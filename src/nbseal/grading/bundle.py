"""What another machine needs to grade an assignment as it is graded here: a bundle, without any secret."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from traitlets.config import Config

import nbseal
from nbseal.course import Assignment, Course
from nbseal.errors import WireError
from nbseal.files import digest_of
from nbseal.grading.plan import NotebookPlan, Plan, code_sources, imported_modules
from nbseal.notebook.grade_cells import questions
from nbseal.sandbox.warm import WarmSettings
from nbseal.wire.parcel import open_parcel, parcel

GRADERS = "graders"


@dataclass(frozen=True)
class Bundle:
    """One assignment without its solutions: templates, support files, settings, hidden tests and what lies beside them.

    ``made`` is its plan's digest, ``depends_on`` what hidden tests say that marks hang on besides all files (the name
    and digest of a data set), ``credit`` and ``rule`` are what was found out about checks without hidden tests.
    ``versions`` are those of Python, nbseal and all packages that are imported while the assignment is graded.
    """

    assignment: str
    settings: dict[str, dict[str, Any]]
    templates: dict[str, dict[str, Any]]
    support: dict[str, bytes]
    graders: dict[str, bytes]
    sealed: frozenset[str]
    modules: list[str]
    preload_calls: list[str]
    made: str
    depends_on: str
    credit: dict[str, bool]
    rule: str
    versions: dict[str, str]

    @classmethod
    def of(cls, course: Course, plan: Plan, credit: Mapping[str, bool], rule: str, depends_on: str) -> Bundle:
        """The bundle of a plan of this machine."""
        graders = {path: file.read_bytes() for path, file in plan.assignment.grader_files().items()}
        parts = (course.seal, course.grading)
        settings = {
            type(part).__name__: {name: getattr(part, name) for name in part.trait_names(config=True)} for part in parts
        }
        settings["Grading"]["graders_directory"] = GRADERS
        return cls(
            assignment=plan.assignment.name,
            settings=settings,
            templates={one.name: one.template for one in plan.notebooks},
            support=plan.support,
            graders=graders,
            sealed=plan.sealed,
            modules=list(plan.warm.modules),
            preload_calls=list(plan.warm.preload_calls),
            made=plan.digest,
            depends_on=depends_on,
            credit=dict(credit),
            rule=rule,
            versions=_versions(plan, graders),
        )

    def to_bytes(self) -> bytes:
        """The bundle as it is sent; TooLarge if it is over the limits."""
        about = {**vars(self), "sealed": sorted(self.sealed), "support": None, "graders": None}
        files = {f"support/{path}": data for path, data in self.support.items()}
        return parcel(about, files | {f"{GRADERS}/{path}": data for path, data in self.graders.items()})

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        """Read what ``to_bytes`` has made; WireError for anything else."""
        about, files = open_parcel(data)
        try:
            found = {
                kind: {
                    path.removeprefix(f"{kind}/"): content for path, content in files.items() if path.startswith(kind)
                }
                for kind in ("support", GRADERS)
            }
            return cls(**{**about, **found, "sealed": frozenset(about["sealed"])})
        except (TypeError, LookupError) as error:
            raise WireError(f"a bundle is malformed: {error}") from error

    def lay_out(self, root: Path) -> Course:
        """Write the files into a new folder, as a course that has this one assignment and no solution."""
        source = root / "source" / self.assignment
        notebooks = {f"{name}.ipynb": json.dumps(template).encode() for name, template in self.templates.items()}
        for folder, files in ((source, self.support | notebooks), (root / GRADERS, self.graders)):
            for path, content in files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        return Course(root, Config(self.settings))

    def warm(self, assignment: Assignment) -> WarmSettings:
        """What a warm process loads, from where `lay_out` has put the files."""
        sources = code_sources(self.templates.values())
        return WarmSettings(self.modules, str(assignment.source), self.preload_calls, sources)

    def plan(self, assignment: Assignment) -> Plan:
        """The very plan that the bundle was made of, but for where files lie."""
        notebooks = tuple(
            NotebookPlan(name, template, tuple(questions(template))) for name, template in self.templates.items()
        )
        return Plan(assignment, notebooks, self.support, self.sealed, self.warm(assignment), self.made)


def bundle_digest(data: bytes) -> str:
    """Identifies a bundle by its bytes."""
    return hashlib.sha256(data).hexdigest()


def other_versions(wanted: Mapping[str, str]) -> list[str]:
    """What is another version here, or not installed, in words."""
    there = {name: _installed(name) for name in wanted}
    return [f"{name} {there[name]} in place of {version}" for name, version in wanted.items() if there[name] != version]


def _versions(plan: Plan, graders: Mapping[str, bytes]) -> dict[str, str]:
    """Python, nbseal, and what notebooks and hidden tests import, by the names of their packages."""
    modules = {name.partition(".")[0] for name in plan.warm.modules}
    for path, content in graders.items():
        if path.endswith(".py"):
            modules |= {name.partition(".")[0] for name in imported_modules(content.decode("utf-8", "replace"))}
    packages = metadata.packages_distributions()
    names = {name for module in modules for name in packages.get(module, ())} - {"nbseal"}
    return {name: _installed(name) for name in ("Python", "nbseal", *sorted(names, key=str.lower))}


@functools.cache
def _installed(name: str) -> str:
    if name == "Python":
        return platform.python_version()
    if name == "nbseal":
        return f"{nbseal.__version__} ({_code()[:8]})"
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _code() -> str:
    """Identifies the engine's own code: between two releases it changes, too."""
    package = Path(nbseal.__file__).parent
    return digest_of({str(path.relative_to(package)): path.read_bytes() for path in package.rglob("*.py")})
