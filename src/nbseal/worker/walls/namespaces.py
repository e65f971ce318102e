"""A new root, memory disks and namespaces: what a sealed process sees of the machine."""

from __future__ import annotations

import functools
import os
import shutil
import site
import socket
import sys
import sysconfig
from pathlib import Path

from nbseal.worker.walls import syscalls
from nbseal.worker.walls.limits import Settings

HOME = "/home/student"
OWN_DISKS = (HOME, "/tmp", "/dev/shm")
SPARE = "/mnt"  # second way to what the disks cover
NOBODY = 65534
SMALL_FOLDERS = ("/etc/alternatives", "/etc/ssl/certs", "/etc/fonts")
SMALL_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/mime.types")
DEVICES = ("null", "urandom", "random")
ROOMS = ("namespaces", "user-namespaces")  # levels at which a new root is built
HOST_NAME = "student"
# What a process may know of the machine. Of what counts something there, it gets a copy that counts no further: whoever
# can make a counter move talks to whoever can read it. Of the rest there is an empty file or folder.
ABOUT_THE_MACHINE = frozenset({"self", "thread-self", "mounts", "net", "cpuinfo", "version", "filesystems", "devices"})
COUNTERS = ("loadavg", "meminfo", "stat", "uptime", "vmstat")
FACTS, NOTHING = "/mnt/facts", "/mnt/facts/nothing"  # where the copies lie, and what there is of the rest


@functools.cache
def interpreter_folders() -> list[str]:
    """Folders without which Python can't run: prefixes, site-packages, and this package's own."""
    package = str(Path(__file__).resolve().parents[2])
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, package, sysconfig.get_paths()["stdlib"]]
    found += [path for path in site.getsitepackages() if os.path.isdir(path)]
    unique = sorted({os.path.realpath(path) for path in found} | set(found))
    return [path for path in unique if not any(path != other and path.startswith(other + "/") for other in unique)]


def move_in(settings: Settings) -> None:
    """Move the warm process itself, once, to where its forks shall live: no network, and a root without secrets.

    What is shared by all forks is made here, because making a root costs more than a submission.
    """
    shared = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWCGROUP
    if settings.level == "user-namespaces":
        become_nobody(shared)
    else:
        syscalls.unshare(shared)
    socket.sethostname(HOST_NAME)
    _new_root(settings)


def become_nobody(more: int = 0) -> None:
    """Enter a user namespace of our own, in which we are nobody, and further namespaces with it."""
    uid, gid = os.getuid(), os.getgid()
    syscalls.unshare(syscalls.CLONE_NEWUSER | more)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def separate() -> None:
    """Make the caller's next child process 1 of a world of its own, with its own shared memory and semaphores.

    It gets a network of its own, too, for 0.4 ms: names of sockets that are in no file system belong to a network, and
    Landlock keeps nobody from finding out which of them are taken.
    """
    syscalls.unshare(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWNET)


def rejoin() -> None:
    """After `separate` and a fork: be able to do both again. This needs rights that an unprivileged user lacks."""
    with open("/proc/self/ns/pid", "rb") as own:
        syscalls.setns(own.fileno(), syscalls.CLONE_NEWPID)


def own_disks(settings: Settings, uid: int) -> None:
    """Give this process memory disks and a view of processes that no other submission sees."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    private = syscalls.MS_NOSUID | syscalls.MS_NODEV
    sized = f"size={settings.disk_mib}m,nr_inodes=16384,mode=700,uid={uid},gid={uid}"
    covered = _hidden_by_disks(settings)
    for folder in OWN_DISKS:
        syscalls.mount("tmpfs", folder, "tmpfs", private, sized)
    for number, folder in enumerate(covered):
        os.makedirs(folder, exist_ok=True)
        syscalls.mount(f"{SPARE}/{number}", folder, None, syscalls.MS_BIND | syscalls.MS_REC)
    hide = "hidepid=2" if settings.level == "namespaces" else None
    syscalls.mount("proc", "/proc", "proc", private | syscalls.MS_NOEXEC, hide)
    for name, cover in _covers():
        syscalls.mount(cover, f"/proc/{name}", None, syscalls.MS_BIND)


@functools.cache
def _covers() -> list[tuple[str, str]]:
    """What is put over each file and folder of /proc that says something about the whole machine."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name in COUNTERS:
            found.append((entry.name, f"{FACTS}/{entry.name}"))
        elif not entry.name.isdigit() and entry.name not in ABOUT_THE_MACHINE:
            found.append((entry.name, f"{NOTHING}/folder" if entry.is_dir() else f"{NOTHING}/file"))
    return found


def _hidden_by_disks(settings: Settings) -> list[str]:
    """Folders that Python needs and that a memory disk will cover: an environment below /tmp, for example."""
    needed = [folder for folder in (*interpreter_folders(), *settings.readable_paths) if os.path.isdir(folder)]
    return [folder for folder in needed if any(folder.startswith(f"{disk}/") for disk in OWN_DISKS)]


def _new_root(settings: Settings) -> None:
    """Build a root of read-only folders, and make it the only one."""
    root = os.path.join(settings.scratch, "root")
    private = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", private, "size=4m,mode=755")
    for folder in ["/usr", *SMALL_FOLDERS, *interpreter_folders(), *settings.readable_paths]:
        if os.path.isdir(folder) and not os.path.exists(root + folder):
            os.makedirs(root + folder)
            syscalls.bind_read_only(folder, root + folder)
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        _add_system_folder(root, name)
    _add_small_files(root)
    for folder in (*OWN_DISKS, "/proc", f"{NOTHING}/folder"):
        os.makedirs(root + folder, exist_ok=True)
    Path(f"{root}{NOTHING}/file").touch()
    for name in COUNTERS:
        Path(f"{root}{FACTS}/{name}").write_bytes(Path(f"/proc/{name}").read_bytes())
    for number, folder in enumerate(_hidden_by_disks(settings)):
        os.makedirs(f"{root}{SPARE}/{number}")
        syscalls.mount(root + folder, f"{root}{SPARE}/{number}", None, syscalls.MS_BIND | syscalls.MS_REC)
    # the supervisors, which live here too, watch the machine's own processes; each child mounts its own over it
    syscalls.mount("/proc", f"{root}/proc", None, syscalls.MS_BIND | syscalls.MS_REC)
    os.chdir(root)
    syscalls.pivot_root()
    os.chdir("/")
    syscalls.mount("none", "/", None, syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY | private)


def _add_system_folder(root: str, name: str) -> None:
    if os.path.islink(f"/{name}"):
        os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
    elif os.path.isdir(f"/{name}"):
        os.makedirs(f"{root}/{name}")
        syscalls.bind_read_only(f"/{name}", f"{root}/{name}")


def _add_small_files(root: str) -> None:
    os.makedirs(f"{root}/etc", exist_ok=True)
    os.makedirs(f"{root}/dev", exist_ok=True)
    for path in SMALL_FILES:
        if os.path.isfile(path):
            shutil.copyfile(path, root + path)
    Path(f"{root}/etc/passwd").write_text(f"student:x:{NOBODY}:{NOBODY}::{HOME}:/bin/sh\n")
    Path(f"{root}/etc/group").write_text(f"student:x:{NOBODY}:\n")
    Path(f"{root}/etc/hosts").write_text("127.0.0.1 localhost\n")
    for name in DEVICES:
        Path(f"{root}/dev/{name}").touch()
        syscalls.mount(f"/dev/{name}", f"{root}/dev/{name}", None, syscalls.MS_BIND)
