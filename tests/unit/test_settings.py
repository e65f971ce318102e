"""Settings in nbgrader_config.py: a name that nobody reads is an error, never a limit that silently isn't there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from traitlets.config import Config

from nbseal.course import OURS, RENAMED, Course, Seal
from nbseal.errors import CourseError


def course_with(folder: Path, lines: str) -> Course:
    """A course whose settings have these lines."""
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\n{lines}\n", encoding="utf-8")
    return Course(folder)


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_an_error_that_names_the_new_one(tmp_path, old):
    """A setting under the name that it had once stops the run, with file, old name and new name."""
    new = RENAMED[old]
    assert old not in Seal.class_trait_names(config=True)
    assert new in Seal.class_trait_names(config=True)
    words = rf"{tmp_path}/nbgrader_config\.py: c\.Seal\.{old} is now c\.Seal\.{new}: write the new name\.$"
    with pytest.raises(CourseError, match=words):
        course_with(tmp_path, f"c.Seal.{old} = 3")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.Seal.memry_mib = 3", "no c.Seal setting called 'memry_mib': did you mean memory_mib?"),
        ("c.Seal.preload_module.append('scipy')", "called 'preload_module': did you mean preload_modules?"),
        ("c.Seal.xyz = 3", "no c.Seal setting called 'xyz': known: cell_seconds, control_groups, disk_mib"),
        ("c.Grading.decimal = 3", "no c.Grading setting called 'decimal': did you mean decimals?"),
        (
            "c.Grading.memory_mb = 3",
            "no c.Grading setting called 'memory_mb': known: decimals, grader_settings, graders_directory, timezone.",
        ),
    ],
)
def test_a_misspelt_name_is_an_error_with_the_nearest_one(tmp_path, line, words):
    """A setting that doesn't exist stops the run and names the file."""
    with pytest.raises(CourseError, match=re.escape(f"{tmp_path}/nbgrader_config.py: ") + f".*{re.escape(words)}"):
        course_with(tmp_path, line)


def test_settings_that_come_from_nbgrader_are_looked_at_too(tmp_path):
    """nbgrader's own commands hand their settings over, and a wrong name among them is the same error."""
    with pytest.raises(CourseError, match=r"^nbgrader_config\.py: c\.Seal\.warm is now c\.Seal\.preload_calls"):
        Course(tmp_path, Config({"Seal": {"warm": {}}}))


def test_every_setting_can_be_set(tmp_path):
    """All names that exist are taken, and nbgrader's own settings aren't looked at."""
    lines = [
        f"c.{kind.__name__}.{name} = {trait.default()!r}"
        for kind in OURS
        for name, trait in kind.class_traits(config=True).items()
    ]
    course = course_with(
        tmp_path, "\n".join([*lines, "c.ClearSolutions.nothing_like_it = 1", "c.Seal.cell_seconds = 3.0"])
    )
    assert course.seal.cell_seconds == 3.0
