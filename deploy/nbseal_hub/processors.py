"""Control groups that hold all processes of one account to a number of processors, where the kernel lets us make them.

In version 2 of control groups the hub's own processes first move into a group beside those of the accounts: a group
that has processes can't have limited groups below it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

PERIOD = 100_000  # microseconds, the kernel's own default
OWN, PREFIX = "nbseal-hub", "nbseal-account-"
MOUNTS, GROUPS = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")


def account_group(name: str, cpus: float, mounts: Path = MOUNTS, groups: Path = GROUPS) -> Path:
    """Make or change an account's group; the file into which a process writes 0 to enter it.

    Raises:
        OSError: the kernel has no such groups, or doesn't let us.
    """
    top, version = _own_group(mounts.read_text(encoding="utf-8"), groups.read_text(encoding="utf-8"))
    if version == 2:
        top = _shared(top)
    folder = top / f"{PREFIX}{name}"
    folder.mkdir(exist_ok=True)
    quota = int(cpus * PERIOD)
    if version == 2:
        (folder / "cpu.max").write_text(f"{quota} {PERIOD}", encoding="ascii")
    else:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD), encoding="ascii")
        (folder / "cpu.cfs_quota_us").write_text(str(quota), encoding="ascii")
    return folder / "cgroup.procs"


def enter(procs: Path) -> None:
    """Put the process that calls this, and all that it starts, into a group."""
    procs.write_text("0", encoding="ascii")


def _own_group(mounts: str, groups: str) -> tuple[Path, int]:
    """The folder of the group that this process is in, and the version; OSError where none has processors."""
    own = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path
    found: dict[int, Path] = {}
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, options = after.split()[0], after.split()[-1].split(",")
        if kind == "cgroup2":
            found[2] = _below(Path(place), root, own.get("", "/"))
        elif kind == "cgroup" and "cpu" in options:
            path = next((path for names, path in own.items() if "cpu" in names.split(",")), "/")
            found[1] = _below(Path(place), root, path)
    if 1 in found:
        return found[1], 1
    if 2 in found and "cpu" in (found[2] / "cgroup.controllers").read_text(encoding="ascii").split():
        return found[2], 2
    raise OSError("no control groups for processors are mounted")


def _below(place: Path, root: str, group: str) -> Path:
    """Where a group is found below a mount of the group ``root``."""
    return place / Path(group).relative_to(root) if Path(group).is_relative_to(root) else place


def _shared(own: Path) -> Path:
    """The group in which accounts' groups are made, with its own processes moved aside."""
    if own.name == OWN:  # moved before
        return own.parent
    if not (own / "cgroup.type").exists():  # the root, which may have both
        (own / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
        return own
    (own / OWN).mkdir(exist_ok=True)
    for number in (own / "cgroup.procs").read_text(encoding="ascii").split():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            (own / OWN / "cgroup.procs").write_text(number, encoding="ascii")
    (own / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
    return own
