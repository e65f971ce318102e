"""What is installed for which purpose: the locked files, pyproject.toml and the engine's imports agree."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.samples import ROOT

PROJECT = tomllib.loads(Path(ROOT, "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENGINE = {one.name: one for one in map(Requirement, PROJECT["dependencies"])}
EXTRAS = {
    extra: {one.name: one for one in map(Requirement, texts)}
    for extra, texts in PROJECT["optional-dependencies"].items()
}
COURSE = [
    "nbgrader", "jupyterlab", "scikit-learn", "numpy", "pandas", "opencv-python-headless", "pytest", "otter-grader",
]  # fmt: skip
OPTIONAL = {"otter-grader", "pandas"}  # imported by the engine where they are there
DATA = {"tzdata"}  # no code to import: the time zones of a system that has none
OWN = {
    "requirements.txt": EXTRAS["course"] | ENGINE,
    "requirements-test.txt": EXTRAS["dev"],
    "requirements-verify.txt": EXTRAS["verify"],
    "requirements-hub.txt": EXTRAS["hub"] | EXTRAS["lti"],
    "requirements-cloud.txt": EXTRAS["cloud"],
    "requirements-deep.txt": EXTRAS["deep"],
    "requirements-scale.txt": EXTRAS["scale"],
    "requirements-site.txt": EXTRAS["site"],
}
LEFT_OUT = "requirements-deep.txt"  # a gigabyte that only those install who train networks
LINE = re.compile(r"([a-z0-9-]+)==([\w.]+)(  # .+)?|# .+|")


def pins(file: str) -> dict[str, str]:
    """Version by name, in the file's order; every line must be a pin, a comment or empty."""
    found = [LINE.fullmatch(line) for line in Path(ROOT, file).read_text(encoding="utf-8").splitlines()]
    assert all(found), f"{file} has something else than pins and comments"
    return {match[1]: match[2] for match in found if match and match[1]}


def test_every_locked_version_runs_on_the_oldest_python():
    """No pinned package asks for a later Python than pyproject.toml: a system's own may be its first patch release."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    asks = {item.name: SpecifierSet(item.metadata.get("Requires-Python", "")) for item in distributions()}
    assert len(asks) > 100
    assert [name for name, python in asks.items() if oldest not in python] == []


@pytest.mark.parametrize("file", OWN)
def test_a_locked_file_begins_with_its_own_packages(file):
    """First come those that pyproject.toml names for the purpose, each in the range that it allows."""
    found = pins(file)
    assert list(found)[: len(OWN[file])] == list(OWN[file])
    assert [name for name, one in OWN[file].items() if found[name] not in one.specifier] == []


def test_the_course_comes_first_with_a_word_for_each():
    """requirements.txt begins with the eight packages that the course is about, and says what each is for."""
    text = Path(ROOT, "requirements.txt").read_text(encoding="utf-8").partition("# The course\n")[2]
    lines = [line.partition("  # ") for line in text.partition("\n\n")[0].splitlines()]
    assert [line.partition("==")[0] for line, _, _ in lines] == COURSE
    assert all(remark for _, _, remark in lines)


def test_locked_files_agree():
    """A package that several purposes need has one version in all files."""
    versions: dict[str, set[str]] = {}
    for file in OWN:
        for name, version in pins(file).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("file", OWN)
def test_nothing_comes_unlocked(file):
    """What a file's packages need is in it or in requirements.txt, so an installation fetches nothing else."""
    if file == LEFT_OUT and find_spec("torch") is None:
        pytest.skip("PyTorch isn't installed: make deep")
    locked = {*pins(file), *pins("requirements.txt")}
    missing = {
        needed.name
        for name in pins(file)
        for needed in map(Requirement, requires(name) or ())
        if (needed.marker is None or needed.marker.evaluate({"extra": ""}))
        and canonicalize_name(needed.name) not in locked
    }
    assert missing == set()


def test_the_engine_depends_on_what_it_imports():
    """Each library that src/nbseal imports is a dependency of its own, and nothing else is: no course, hub or test."""
    owners = packages_distributions()
    modules = set()
    for path in Path(ROOT, "src", "nbseal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules |= {name.split(".")[0] for name in names}
    modules -= {*sys.stdlib_module_names, "nbseal"}
    imported = {canonicalize_name(owner) for module in modules for owner in owners[module]}
    assert imported - OPTIONAL - set(EXTRAS["verify"]) - set(EXTRAS["scale"]) - set(EXTRAS["lti"]) == set(ENGINE) - DATA
    assert imported & set(EXTRAS["course"]) >= OPTIONAL
