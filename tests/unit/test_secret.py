"""The course's secret: made whole, the same for everybody, and refused where it can't be one."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.grading import Grader
from tests.mini import make_course

TOGETHER = 8
PRINT_SECRETS = f"""
import os, secrets, sys, time
from nbseal.course import Course

draw = secrets.token_bytes
secrets.token_bytes = lambda count: time.sleep(0.3) or draw(count)  # time enough for the others to see half of it
runs = []
while len(runs) < {TOGETHER}:
    runs.append(os.fork())
    if not runs[-1]:
        os.write(1, Course(sys.argv[1]).secret.hex().encode() + b"\\n")
        os._exit(0)
for run in runs:
    os.waitpid(run, 0)
"""


def test_first_runs_at_the_same_time_agree_on_one_secret(tmp_path: Path) -> None:
    """Whoever makes it, all processes that start with no secret go on with the same one, which stays."""
    command = [sys.executable, "-c", PRINT_SECRETS, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.split()
    assert found == [Course(tmp_path).secret.hex()] * TOGETHER
    assert len(found[0]) == 64


def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    """Nobody else may read the secret or look into its folder."""
    course = Course(tmp_path)
    assert len(course.secret) == 32
    assert stat.S_IMODE((course.private / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(course.private.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33], ids=["empty", "short", "long"])
def test_what_can_not_be_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file of another length is named with the mend, is left as it is, and nobody is graded with it."""
    root = make_course(tmp_path / "course")
    path = root / ".nbseal" / "secret"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(CourseError, match=rf"{path} holds {len(content)} bytes .* put it back .* or remove it"):
        Grader(Course(root), "mini")
    assert path.read_bytes() == content


def test_a_write_that_was_cut_short_leaves_no_secret(tmp_path: Path) -> None:
    """What a run that was killed has left of a draft is no secret, and doesn't keep the next run from making one."""
    course = Course(tmp_path)
    course.private.mkdir(exist_ok=True)
    (course.private / ".secret.new").write_bytes(b"half")
    assert len(course.secret) == 32
