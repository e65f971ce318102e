"""Where control groups may be made, read from what the kernel tells about them."""

import os
import subprocess
from pathlib import Path

import pytest

from nbseal.sandbox.cgroups import Group, Homes, candidates, homes, sweep

V1 = [
    "31 23 0:28 / {point} rw - tmpfs tmpfs rw",
    "35 31 0:32 / {point}/memory rw,relatime - cgroup cgroup rw,memory",
    "39 31 0:36 / {point}/pids rw,relatime - cgroup cgroup rw,pids",
]
V2 = ["41 31 0:38 / {point} rw,relatime - cgroup2 cgroup2 rw"]


def mounts(lines: list[str], point: Path) -> list[str]:
    """The lines of mountinfo, with everything mounted below ``point``."""
    return [line.format(point=point) for line in lines]


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    """The groups of version 1 lie in our own group of each controller."""
    (tmp_path / "memory/jobs").mkdir(parents=True)
    found = candidates(mounts(V1, tmp_path), ["4:memory:/jobs", "8:pids:/", "0::/"])
    assert [(home.version, home.memory.resolve(), home.pids) for home in found] == [
        (1, tmp_path / "memory/jobs", tmp_path / "pids")
    ]


def test_version_2_is_tried_here_and_one_level_up(tmp_path: Path) -> None:
    """A group with processes can't hand controllers on, so the one above is tried too."""
    (tmp_path / "user/session").mkdir(parents=True)
    found = candidates(mounts(V2, tmp_path), ["0::/user/session"])
    assert [home.memory for home in found] == [tmp_path / "user/session", tmp_path / "user"]
    assert all(home.pids == home.memory and home.version == 2 for home in found)


def test_a_containers_own_part_of_the_tree_is_understood(tmp_path: Path) -> None:
    """Where only a part of the tree is mounted, our own path is seen from there."""
    line = f"35 31 0:32 /docker/abc {tmp_path} rw,relatime - cgroup cgroup rw,memory"
    found = candidates([line], ["4:memory:/docker/abc"])
    assert [os.path.normpath(home.memory) for home in found] == [str(tmp_path)]


def test_without_a_memory_controller_there_is_nothing_to_try(tmp_path: Path) -> None:
    """A machine that mounts no control groups yields no place for them."""
    assert candidates(["31 23 0:28 / / rw - ext4 /dev/vda rw"], ["0::/"]) == []


@pytest.fixture
def real() -> Homes:
    """This machine's own place for groups."""
    found = homes()
    if not isinstance(found, Homes):
        pytest.skip(f"no control groups here: {found}")
    return found


def test_a_group_is_entered_limited_and_removed(real: Homes) -> None:
    """A process that is moved into a group is found there; afterwards no folder is left."""
    group = Group(real, memory_mib=64, processes=5)
    folders = list(group._folders)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        for procs_file in group.procs_files:
            os.write(procs_file, str(process.pid).encode())
        members = [(folder / "cgroup.procs").read_text().split() for folder in folders]
    assert members == [[str(process.pid)]] * len(folders)
    assert not group.ran_out_of_memory()
    group.close()
    assert not any(folder.exists() for folder in folders)


def test_groups_of_a_killed_run_are_swept_away(real: Homes) -> None:
    """A group whose run no longer lives is removed, one of a living run is left alone."""
    with subprocess.Popen(["true"]) as ended:
        pass
    dead, living = real.memory / f"nbseal-{ended.pid}-0", real.memory / f"nbseal-{os.getpid()}-999999"
    dead.mkdir()
    living.mkdir()
    try:
        sweep(real)
        assert (dead.exists(), living.exists()) == (False, True)
    finally:
        living.rmdir()
