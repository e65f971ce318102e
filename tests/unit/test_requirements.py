"""The locked environment can be installed wherever we say that it can."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tests.samples import ROOT


def test_every_locked_version_runs_on_the_oldest_python():
    """No pinned package asks for a later Python than pyproject.toml: a system's own may be its first patch release."""
    project = tomllib.loads(Path(ROOT, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    asks = {item.name: SpecifierSet(item.metadata.get("Requires-Python", "")) for item in distributions()}
    assert len(asks) > 100
    assert [name for name, python in asks.items() if oldest not in python] == []
