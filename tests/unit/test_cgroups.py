"""Where control groups may be made, read from what the kernel tells about them."""

import math
import os
import subprocess
from pathlib import Path

import pytest

from nbseal.sandbox.cgroups import Group, Homes, candidates, homes, processor_quota, sweep

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


@pytest.mark.parametrize(
    ("text", "processors"), [("400000 100000", 4), ("50000 100000", 1), ("250000 100000", 3), ("max 100000", math.inf)]
)
def test_a_quota_of_version_2_bounds_the_processors(tmp_path: Path, text: str, processors: float) -> None:
    """A pod with four processors on a large node has four, whether its own group or the one above says so."""
    (tmp_path / "pod/container").mkdir(parents=True)
    (tmp_path / "pod/container/cpu.max").write_text("max 100000\n")
    (tmp_path / "pod/cpu.max").write_text(f"{text}\n")
    assert processor_quota(mounts(V2, tmp_path), ["0::/pod/container"]) == processors


@pytest.mark.parametrize(("limit", "processors"), [("200000", 2), ("-1", math.inf)])
def test_a_quota_of_version_1_bounds_the_processors(tmp_path: Path, limit: str, processors: float) -> None:
    """The older files say the same, and -1 means that there is no limit."""
    folder = tmp_path / "cpu/job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(f"{limit}\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    line = f"35 31 0:32 / {tmp_path}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct"
    assert processor_quota([line], ["4:cpu,cpuacct:/job"]) == processors
