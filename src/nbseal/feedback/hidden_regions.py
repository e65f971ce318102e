"""What an instructor wrote for nobody but graders, should it have come as far as an autograded notebook."""

from __future__ import annotations

from traitlets.config import Config

Regions = tuple[tuple[str, str], ...]  # the texts with which each kind begins and ends
# nbgrader's preprocessors, their settings and defaults: loading them takes longer than making thirty pages.
SETTINGS = {
    "ClearHiddenTests": {
        "begin_test_delimeter": "BEGIN HIDDEN TESTS",
        "end_test_delimeter": "END HIDDEN TESTS",
    },
    "ClearMarkScheme": {
        "begin_mark_scheme_delimeter": "BEGIN MARK SCHEME",
        "end_mark_scheme_delimeter": "END MARK SCHEME",
    },
}


def hidden_regions(config: Config) -> Regions:
    """Where they begin and end, as a course's settings have it."""
    return tuple(
        (config.get(section, {}).get(begin, first), config.get(section, {}).get(end, last))
        for section, ((begin, first), (end, last)) in ((name, pair.items()) for name, pair in SETTINGS.items())
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
