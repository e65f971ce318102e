"""What an instructor wrote for nobody but graders, should it have come as far as an autograded notebook."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme

Regions = tuple[tuple[str, str], ...]  # the texts with which each kind begins and ends


def hidden_regions(config: Any = None) -> Regions:
    """Where they begin and end, as a course's settings have it."""
    tests, scheme = ClearHiddenTests(config=config), ClearMarkScheme(config=config)
    return (
        (tests.begin_test_delimeter, tests.end_test_delimeter),
        (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
    )


def without_hidden(source: str, regions: Regions) -> str:
    """A source without regions of hidden tests and marking schemes."""
    for begin, end in regions:
        inside, kept = False, []
        for line in source.split("\n"):
            inside = inside or begin in line
            if not inside:
                kept.append(line)
            inside = inside and end not in line
        source = "\n".join(kept)
    return source
