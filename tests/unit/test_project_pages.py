"""README, architecture and citation keep up with the code."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from types import ModuleType

import pytest
import yaml

from tests.samples import ROOT

ENGINE = ROOT / "src" / "nbseal"
PATH = re.compile(r"`([\w./-]+(?:\.py|/))`")
MODULE = re.compile(r"`(nbseal(?:\.\w+)+)`")
ARCHITECTURE = "docs/architecture.md"
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ARCHITECTURE, "docs/decisions.md", "docs/course-sources.md"]
OUTSIDE = {"autograded/", "reports/", "feedback/", "submitted/", ".nbseal/templates/", "files/"}  # a run's, and otter's


@pytest.fixture
def rooms(monkeypatch) -> ModuleType:
    """The script that counts the engine's lines."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("count_rooms")


def test_the_table_of_rooms_has_them_all_with_their_sizes(rooms):
    """README's figures are within 10 % of the code, and no room is missing; docs/count_rooms.py renews them."""
    assert sorted(" ".join(names for names, _ in rooms.ROOMS).split()) == sorted(rooms.parts())
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition(rooms.BEGIN)[2].partition(rooms.END)[0]
    rows = re.findall(r"^\| (`.+`) \| .* \| ([\d,]+) \|$", page, re.MULTILINE)
    said = {names: int(count.replace(",", "")) for names, count in rows}
    for names, _ in rooms.ROOMS:
        label = ", ".join(f"`{name}`" for name in names.split())
        assert said[label] == pytest.approx(rooms.lines_of(names), rel=0.1), "run python docs/count_rooms.py"


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page):
    """Every path in backticks is a file or folder of the repository or of the engine."""
    named = set(PATH.findall((ROOT / page).read_text(encoding="utf-8"))) - OUTSIDE
    if page != ARCHITECTURE:  # elsewhere a bare name may be that of a student's file
        named = {path for path in named if "/" in path}
    assert [path for path in sorted(named) if not (ROOT / path).exists() and not (ENGINE / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_modules_that_a_page_names_are_there(page):
    """Every dotted name that begins with nbseal is a module of the engine, or a name in one."""
    for name in set(MODULE.findall((ROOT / page).read_text(encoding="utf-8"))):
        module, _, attribute = name.rpartition(".")
        assert importlib.util.find_spec(name) or hasattr(importlib.import_module(module), attribute), name


def test_the_citation_is_valid_and_of_this_version():
    """CITATION.cff follows the format's schema and has the project's version."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    done = subprocess.run([*checker, str(ROOT / "CITATION.cff")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == project["version"]


def test_the_decisions_table_of_contents_is_complete():
    """Every section of docs/decisions.md is linked at its top, in the same order."""
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    assert re.findall(r"^- \[(.+?)\]\(#", page, re.MULTILINE) == re.findall(r"^## (.+)$", page, re.MULTILINE)


def test_the_readme_stays_short():
    """README fits into 120 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
