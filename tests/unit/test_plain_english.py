"""Phrases over which readers stumbled stay out of everything that people read."""

from __future__ import annotations

import pytest

from tests.samples import ROOT

STUMBLED = (
    "harmless part",
    "to be had",
    "alike answers",
    "no zero",
    "a person looks",
    "looked at again",
    "unclean inputs",
    "the cell was stopped",
    "tried yet",
    "by your answer",
    "replace the line by",
    "nothing is to be done",
    "ended without a word",
)
READ = {".md", ".py", ".j2", ".toml", ".ipynb", ".js", ".html"}
PLACES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "src", "deploy", "graders", "source", "release")


@pytest.mark.parametrize("place", PLACES)
def test_readers_do_not_stumble(place: str) -> None:
    """A phrase that isn't said in English is in no page, message, notebook or feedback."""
    top = ROOT / place
    paths = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.suffix in READ)
    found = []
    for path in paths:
        text = " ".join(path.read_text(encoding="utf-8").lower().split())
        found += [(path.relative_to(ROOT).as_posix(), phrase) for phrase in STUMBLED if phrase in text]
    assert paths
    assert found == []
