"""The restore drill: a machine is lost, and the class goes on on another one that has the settings and the backup."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_machine import GRADER, NEEDED, Machine
from tests.ports import free_ports
from tests.samples import ROOT

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can make accounts"),
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
]
ASSIGNMENT = "01-gates"
INBOUND = "/srv/exchange/nn101/inbound"
SETTINGS = """
state = "/srv/state"
course = "/srv/course"
exchange = "/srv/exchange"
instructors = ["ida"]
students = ["nora", "otto"]
port = {port}
inner_port = {inner}
"""
# Debian's own Python, which can load our packages if it is of the same version; 3.11.2 has no filters in tarfile.
DEBIANS = "/usr/bin/python3"
# The same without them, wherever the tests run.
WITHOUT_FILTERS = """
import sys, tarfile
for name in [name for name in vars(tarfile) if name.endswith("_filter")]:
    delattr(tarfile, name)
def refuse(self, *given, **named):
    raise TypeError("TarFile.extract() got an unexpected keyword argument 'filter'")
tarfile.TarFile.extract = tarfile.TarFile.extractall = refuse
from nbseal_hub.cli import main
main()
"""


def is_of_our_version(program: str) -> bool:
    """Whether a Python can load the packages of this one."""
    if not Path(program).exists():
        return False
    command = [program, "-c", "import sysconfig; print(sysconfig.get_config_var('SOABI'))"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return found == sysconfig.get_config_var("SOABI")


def hub_command(python: str) -> tuple[str, ...]:
    """The beginning of a command line of nbseal-hub by one of the Pythons of the drill."""
    if python == DEBIANS:
        places = os.pathsep.join([str(ROOT / "deploy"), str(ROOT / "src"), sysconfig.get_path("purelib")])
        return ("env", f"PYTHONPATH={places}", DEBIANS, "-m", "nbseal_hub")
    return (sys.executable, "-c", WITHOUT_FILTERS)


@pytest.fixture(scope="module")
def settings() -> str:
    """The settings file of both machines."""
    return SETTINGS.format(port=free_ports(1), inner=free_ports(3))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, settings: str) -> Path:
    """The backup of a machine on which nora has submitted; the machine is gone."""
    archive = tmp_path_factory.mktemp("backup") / "backup.tar.gz"
    machine = Machine(tmp_path_factory.mktemp("old"), settings)
    try:
        machine.must(sys.executable, "-m", "nbseal_hub", "setup", "/srv/hub.toml")
        machine.must("sh", "-c", "echo a secret > /srv/state/hub/cookie_secret; chmod 600 /srv/state/hub/cookie_secret")
        machine.nbgrader(GRADER, "grader", "release_assignment", ASSIGNMENT, cwd="/srv/course")
        for command in ("fetch_assignment", "submit"):
            machine.nbgrader("nora", "student", command, ASSIGNMENT, "--course", "nn101")
        poor = machine.run(
            sys.executable, "-m", "nbseal_hub", "backup", "/srv/hub.toml", f"/home/{GRADER}/b.tar.gz", user=GRADER
        )
        assert poor.returncode == 1
        assert "/srv/state/hub can't be read by this account" in poor.stdout
        assert machine.must("ls", "-A", f"/home/{GRADER}").count("tar.gz") == 0
        machine.must(sys.executable, "-m", "nbseal_hub", "backup", "/srv/hub.toml", str(archive))
    finally:
        machine.close()
    return archive


@pytest.fixture(params=[DEBIANS, "without filters"])
def restored(request, archive: Path, settings: str, tmp_path: Path) -> Iterator[Machine]:
    """Another machine, whose accounts will have other numbers, after the one command that brings everything back."""
    if request.param == DEBIANS and not is_of_our_version(DEBIANS):
        pytest.skip(f"{DEBIANS} can't load our packages")
    machine = Machine(tmp_path, settings, course=False)
    try:
        machine.must("useradd", "somebody")
        refused = machine.run(*hub_command(request.param), "setup", "/srv/hub.toml")
        assert refused.returncode == 1
        assert "nbseal-hub restore /srv/hub.toml ARCHIVE" in refused.stdout
        said = machine.must(*hub_command(request.param), "restore", "/srv/hub.toml", str(archive))
        assert "account nora: made; it has no password yet" in said
        assert "start the hub: nbseal-hub run /srv/hub.toml" in said
        yield machine
    finally:
        machine.close()


def test_the_class_goes_on_on_another_machine(restored, archive):
    """What nora handed in is hers and the course's as before; it is collected, and otto submits."""
    with tarfile.open(archive) as tar:
        (then,) = [one for one in tar if one.name.count("/") == 2 and one.name.startswith("exchange/inbound/nora+")]
    submission = f"{INBOUND}/{then.name.rpartition('/')[2]}"
    now = restored.must("stat", "--format", "%U %G %a %u", submission).split()
    assert now[:3] == ["nora", GRADER, f"{then.mode & 0o7777:o}"]
    assert now[3] != str(then.uid)
    assert restored.must("stat", "--format", "%U %a", "/srv/state/hub", INBOUND).split() == [
        "root",
        "700",
        GRADER,
        "3733",
    ]
    for command in ("fetch_assignment", "submit"):
        restored.nbgrader("otto", "student", command, ASSIGNMENT, "--course", "nn101")
    restored.nbgrader(GRADER, "grader", "collect", ASSIGNMENT, cwd="/srv/course")
    for student in ("nora", "otto"):
        restored.must("test", "-s", f"/srv/course/submitted/{student}/{ASSIGNMENT}/{ASSIGNMENT}.ipynb", user=GRADER)
