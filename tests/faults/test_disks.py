"""A disk that is really full, and folders that really can't be written: the class goes on, and nothing is lost."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from tests.courses import Row, grades, is_whole, run
from tests.mini import hand_in, make_course

STUDENTS = [f"student{number}" for number in range(6)]
MB = 1 << 20
READ_ONLY, REMOUNT = 1, 32
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(folder: Path, flags: int, options: str) -> None:
    """Mount a memory disk on ``folder``, or change one that is there."""
    words = b"tmpfs", str(folder).encode(), b"tmpfs"
    if LIBC.mount(*words, ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for a course."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount(folder, 0, f"size={64 * MB}")
    except OSError as error:
        pytest.skip(f"a disk can't be mounted here: {error}")
    yield folder
    LIBC.umount2(str(folder).encode(), 2)


@pytest.fixture
def root(disk: Path) -> Path:
    """A small class on that disk; the gradebook is there, and one student is graded."""
    root = make_course(disk / "course")
    for number, student in enumerate(STUDENTS):
        hand_in(root, student, number_answer=f"answer = {42 if number % 2 else 41}")
    result = run("nbseal", "grade", "mini", "--student", STUDENTS[0], cwd=root)
    assert result.returncode == 0, result.stderr
    return root


@pytest.fixture
def undisturbed(root: Path, tmp_path: Path) -> dict[str, dict[str, Row]]:
    """The marks of the same class on a disk with room."""
    other = shutil.copytree(root, tmp_path / "other")
    grade_class(Course(other), "mini", ClassOptions(jobs=2))
    return grades(other, "mini")


def used(disk: Path) -> int:
    """Bytes that are used on ``disk``."""
    state = os.statvfs(disk)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def check_that_nothing_was_lost(root: Path, before: dict[str, dict[str, Row]]) -> None:
    """What was recorded stands, in a whole gradebook."""
    now = grades(root, "mini")
    assert is_whole(root)
    assert now[STUDENTS[0]] == before[STUDENTS[0]]
    assert (root / "autograded" / STUDENTS[0] / "mini" / "mini.ipynb").stat().st_size > 0


def test_a_full_disk_is_named_and_made_good(root: Path, disk: Path, undisturbed: dict[str, dict[str, Row]]) -> None:
    """With no room left the command says so and fails; with room again the next run does what is missing."""
    before = grades(root, "mini")
    mount(disk, REMOUNT, f"size={used(disk) + 24 * 1024}")
    full = run("nbseal", "grade", "mini", cwd=root)
    assert full.returncode != 0
    assert "Traceback" not in full.stderr
    assert any(word in full.stderr for word in ("is full", "No space left")), full.stderr
    check_that_nothing_was_lost(root, before)
    mount(disk, REMOUNT, f"size={64 * MB}")
    again = run("nbseal", "grade", "mini", cwd=root)
    assert again.returncode == 0, again.stderr
    assert grades(root, "mini") == undisturbed
    assert is_whole(root)


@pytest.mark.slow
def test_a_read_only_course_is_named_and_made_good(
    root: Path, disk: Path, undisturbed: dict[str, dict[str, Row]]
) -> None:
    """Nothing can be written: the command says where, fails, and later goes on."""
    before = grades(root, "mini")
    mount(disk, REMOUNT | READ_ONLY, "")
    locked = run("nbseal", "grade", "mini", cwd=root)
    assert locked.returncode != 0
    assert "Traceback" not in locked.stderr
    assert str(root) in locked.stderr, locked.stderr
    mount(disk, REMOUNT, "")
    check_that_nothing_was_lost(root, before)
    again = run("nbseal", "grade", "mini", cwd=root)
    assert again.returncode == 0, again.stderr
    assert grades(root, "mini") == undisturbed


def test_a_disk_that_was_full_leaves_no_half_a_secret(disk: Path) -> None:
    """With no room for the secret it is named, nobody is graded with less than one, and with room again it is made."""
    root = make_course(disk / "course")
    hand_in(root, "ada")
    (root / ".nbseal" / "secret").unlink()
    mount(disk, REMOUNT, f"size={used(disk)}")
    full = run("nbseal", "grade", "mini", cwd=root)
    assert full.returncode == 1
    assert f"nbseal: {root}/.nbseal/secret can't be made (No space left on device)" in full.stderr
    assert not (root / ".nbseal" / "secret").exists()
    mount(disk, REMOUNT, f"size={64 * MB}")
    again = run("nbseal", "grade", "mini", cwd=root)
    assert again.returncode == 0, again.stderr
    assert len((root / ".nbseal" / "secret").read_bytes()) == 32
