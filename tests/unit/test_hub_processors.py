"""Each account's processes get a number of processors: by control groups, and where there are none the log says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.processes import AccountSpawner, DemoSpawner
from nbseal_hub.processors import account_group, enter

BURN = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from nbseal_hub.processors import enter
enter(Path(sys.argv[1]))
begin = time.monotonic()
while time.monotonic() < begin + 1.0:
    pass
print(time.process_time())
"""


def describe(tmp_path: Path, mount: str, groups: str) -> tuple[Path, Path]:
    """What the kernel says of mounts and of our own groups, in files."""
    (tmp_path / "mountinfo").write_text(f"22 1 0:20 / /proc rw - proc proc rw\n{mount}\n", encoding="utf-8")
    (tmp_path / "cgroup").write_text(groups, encoding="utf-8")
    return tmp_path / "mountinfo", tmp_path / "cgroup"


def test_version_2_has_a_group_beside_the_hubs_own(tmp_path: Path):
    """The hub's processes move aside first, processors are handed on, and a second account changes nothing of that."""
    own = tmp_path / "groups" / "system.slice" / "hub.service"
    own.mkdir(parents=True)
    for name, text in (("controllers", "cpu memory\n"), ("procs", "12\n34\n"), ("type", "domain\n")):
        (own / f"cgroup.{name}").write_text(text, encoding="ascii")
    places = describe(tmp_path, f"30 1 0:26 / {tmp_path}/groups rw - cgroup2 cgroup2 rw,nsdelegate",
                      "0::/system.slice/hub.service\n")  # fmt: skip
    assert account_group("nora", 1.5, *places) == own / "nbseal-account-nora" / "cgroup.procs"
    assert (own / "nbseal-account-nora" / "cpu.max").read_text("ascii") == "150000 100000"
    assert (own / "cgroup.subtree_control").read_text("ascii") == "+cpu"
    assert (own / "nbseal-hub" / "cgroup.procs").read_text("ascii") == "34"  # each is written by itself
    inside = tmp_path / "inside"
    inside.mkdir()
    (own / "nbseal-hub" / "cgroup.controllers").write_text("cpu\n", encoding="ascii")
    mount = f"30 1 0:26 / {tmp_path}/groups rw - cgroup2 cgroup2 rw"
    places = describe(inside, mount, "0::/system.slice/hub.service/nbseal-hub\n")
    assert account_group("otto", 2, *places) == own / "nbseal-account-otto" / "cgroup.procs"


def test_version_1_has_a_quota(tmp_path: Path):
    """Where processors belong to a hierarchy of their own, the group is made there."""
    (tmp_path / "groups" / "a").mkdir(parents=True)
    places = describe(tmp_path, f"30 1 0:26 / {tmp_path}/groups rw - cgroup cgroup rw,cpu,cpuacct",
                      "3:memory:/b\n2:cpuacct,cpu:/a\n0::/\n")  # fmt: skip
    assert account_group("nora", 0.5, *places) == tmp_path / "groups" / "a" / "nbseal-account-nora" / "cgroup.procs"
    assert (tmp_path / "groups" / "a" / "nbseal-account-nora" / "cpu.cfs_quota_us").read_text("ascii") == "50000"


def test_no_groups_are_an_error_that_only_the_log_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog):
    """A machine without groups starts servers all the same, and says that they have no limit."""
    places = describe(tmp_path, "30 1 0:26 / /sys rw - sysfs sysfs rw", "")
    with pytest.raises(OSError, match="no control groups"):
        account_group("nora", 1, *places)
    monkeypatch.setattr("nbseal_hub.processes.account_group", lambda *_: account_group("nora", 1, *places))
    for kind in (AccountSpawner, DemoSpawner):
        spawner = kind(cpu_limit=1.0, user=SimpleNamespace(name="nora"))
        assert callable(spawner.make_preexec_fn(os.environ.get("USER", "root")))
        assert "has no limit of processors: no control groups" in caplog.text
        caplog.clear()


def test_an_account_is_held_to_its_processors():
    """Two processes that burn a second together take a fifth of a processor, if that is the limit."""
    try:
        procs = account_group("a-test", 0.2)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        command = [sys.executable, "-c", BURN, str(procs)]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        used = sum(float(process.communicate()[0]) for process in started)
    finally:
        procs.parent.rmdir()
    assert used < 1.0  # starting Python included; without the limit it is two seconds


def test_entering_is_writing_a_zero(tmp_path: Path):
    """The kernel takes it for the process that writes."""
    enter(tmp_path / "cgroup.procs")
    assert (tmp_path / "cgroup.procs").read_text("ascii") == "0"
