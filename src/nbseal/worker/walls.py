"""Puts the walls around one forked child, in an order that works as root, unprivileged and in containers."""

from __future__ import annotations

import functools
import os
import resource
import shutil
import signal
import site
import sys
import sysconfig
import tempfile
from pathlib import Path

from nbseal.worker import landlock, seccomp, syscalls
from nbseal.worker.settings import Settings

HOME = "/home/student"
OWN_DISKS = (HOME, "/tmp", "/dev/shm")
SPARE = "/mnt"  # second way to what the disks cover
NOBODY = 65534
# A user id of its own keeps the process count of one warm process apart from everything else on the machine.
FIRST_UID = 2_000_000
SLOTS = 60_000
HEADROOM = 64 << 20  # bytes
SMALL_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/mime.types")
SMALL_FOLDERS = ("/etc/alternatives", "/etc/ssl/certs", "/etc/fonts")
DEVICES = ("null", "zero", "urandom", "random")
ROOMS = ("namespaces", "user-namespaces")  # levels at which a new root is built


@functools.cache
def interpreter_folders() -> list[str]:
    """Folders without which Python can't run: prefixes, site-packages, and this package's own."""
    package = str(Path(__file__).resolve().parents[1])
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, package, sysconfig.get_paths()["stdlib"]]
    found += [path for path in site.getsitepackages() if os.path.isdir(path)]
    unique = sorted({os.path.realpath(path) for path in found} | set(found))
    return [path for path in unique if not any(path != other and path.startswith(other + "/") for other in unique)]


def move_in(settings: Settings) -> None:
    """Move the warm process itself, once, to where its forks shall live: no network, and a root without secrets.

    What is shared by all forks is made here, because making a network and a root costs more than a submission.
    """
    shared = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWCGROUP
    if settings.level == "user-namespaces":
        _become_nobody(shared)
    else:
        syscalls.unshare(shared)
    _new_root(settings)


def _become_nobody(more: int = 0) -> None:
    """Enter a user namespace of our own, in which we are nobody, and further namespaces with it."""
    uid, gid = os.getuid(), os.getgid()
    syscalls.unshare(syscalls.CLONE_NEWUSER | more)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def separate() -> None:
    """Make the caller's next child process 1 of a world of its own, with its own shared memory and semaphores."""
    syscalls.unshare(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC)


def rejoin() -> None:
    """After `separate` and a fork: be able to do both again. This needs rights that an unprivileged user lacks."""
    with open("/proc/self/ns/pid", "rb") as own:
        syscalls.setns(own.fileno(), syscalls.CLONE_NEWPID)


def work_folder(settings: Settings) -> str:
    """Make the folder where a submission is to run; a new root has it already."""
    return HOME if settings.level in ROOMS else tempfile.mkdtemp(prefix="work-", dir=settings.scratch)


def seal(settings: Settings, program: bytes | None, slot: int, work: str) -> None:
    """Seal this process at ``settings.level``, in its work folder; there is no way back."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    as_root = owns_users()
    uid = FIRST_UID + slot if as_root else os.getuid()
    if settings.level in ROOMS:
        _own_disks(settings, uid)
        if settings.level == "user-namespaces":
            _become_nobody()  # processes are counted for each namespace, and so for each submission
        writable = [work, "/tmp", "/dev/shm", "/dev/null"]
        readable = ["/"]
    else:
        writable = [work, "/dev/null"]
        readable = ["/usr", "/lib", "/lib64", "/bin", *SMALL_FILES, *SMALL_FOLDERS, *interpreter_folders()]
        readable += [f"/dev/{name}" for name in DEVICES] + settings.readable
        if as_root and settings.level == "landlock" and _reachable():
            os.chown(work, uid, uid)
    os.chdir(work)
    limit_resources(settings)
    if settings.level == "none":
        return
    _drop_privileges(settings.level, uid)
    # setresuid clears the parent-death signal, so it is asked for again
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    # A supervisor without rights may read how much memory is shared only of a dumpable process; nobody else gains by
    # it: other submissions' processes are in another namespace or another Landlock domain.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0 if as_root else 1)
    if settings.level == "landlock" or landlock.abi() > 0:
        landlock.restrict(readable, writable)
    assert program is not None
    seccomp.load(program)


def limit_resources(settings: Settings) -> None:
    """Set the per-process limits; each only ever lowers what the machine already allows."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if os.path.exists("/proc/self/statm") else 0
    address_space = pages * resource.getpagesize() + (settings.memory_mb << 20) + HEADROOM
    cpu = int(settings.total_seconds * 2) + 1
    for kind, value in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NPROC, settings.processes + _already_running(settings)),
        (resource.RLIMIT_FSIZE, settings.disk_mb << 20),
        (resource.RLIMIT_NOFILE, settings.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, 64 << 20),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        if settings.level == "none" and kind == resource.RLIMIT_NPROC:
            continue  # counts all processes of the user, who is not set apart at this level
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value - HEADROOM if kind == resource.RLIMIT_AS else value, value))


def give_headroom(wanted: bool = True) -> None:
    """Let this process have a little more memory, or no longer: full memory must not keep it from telling so.

    Memory that was freed often stays with the process in pieces, so each time a part of it is left for the next cell.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY:
        return
    if not wanted:
        _kept_back[0] = max(0, _kept_back[0] - HEADROOM // 4)
    resource.setrlimit(resource.RLIMIT_AS, (hard if wanted else hard - _kept_back[0], hard))


_kept_back = [HEADROOM]  # bytes


def _already_running(settings: Settings) -> int:
    """Threads of the user who grades, where they count as the submission's: for whoever is not set apart from it."""
    if settings.level != "landlock" or owns_users():
        return 0
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == os.getuid():
                count += len(os.listdir(folder / "task"))
        except OSError:
            continue  # it has ended since it was listed
    return count


def _drop_privileges(level: str, uid: int) -> None:
    if level == "user-namespaces" or not owns_users():
        syscalls.drop_bounding_set()
        syscalls.clear_capabilities()
        return
    syscalls.drop_bounding_set()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    if level == "landlock" and not _reachable():
        # The interpreter lies in a folder of root's own: files are still opened as root, without any capability
        # and behind Landlock; the real user id is the one whose processes are counted.
        os.setresuid(uid, 0, 0)
        syscalls.clear_capabilities()
    else:
        os.setresuid(uid, uid, uid)


@functools.cache
def owns_users() -> bool:
    """Whether this is a root that may become any user; the root of a rootless container may not.

    What it was when it was first asked holds for all forks from then on.
    """
    if os.getuid() != 0:
        return False
    ranges = [[int(word) for word in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(first <= FIRST_UID and first + count >= FIRST_UID + SLOTS for first, _, count in ranges)


@functools.cache
def _reachable() -> bool:
    """Whether a stranger may walk to every folder that Python needs."""
    for folder in interpreter_folders():
        for path in [Path(folder), *Path(folder).parents]:
            if not path.stat().st_mode & 0o001:
                return False
    return True


def _own_disks(settings: Settings, uid: int) -> None:
    """Give this process memory disks and a view of processes that no other submission sees."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    private = syscalls.MS_NOSUID | syscalls.MS_NODEV
    sized = f"size={settings.disk_mb}m,nr_inodes=16384,mode=700,uid={uid},gid={uid}"
    covered = _hidden_by_disks(settings)
    for folder in OWN_DISKS:
        syscalls.mount("tmpfs", folder, "tmpfs", private, sized)
    for number, folder in enumerate(covered):
        os.makedirs(folder, exist_ok=True)
        syscalls.mount(f"{SPARE}/{number}", folder, None, syscalls.MS_BIND | syscalls.MS_REC)
    hide = "hidepid=2" if settings.level == "namespaces" else None
    syscalls.mount("proc", "/proc", "proc", private | syscalls.MS_NOEXEC, hide)


def _hidden_by_disks(settings: Settings) -> list[str]:
    """Folders that Python needs and that a memory disk will cover: an environment below /tmp, for example."""
    needed = [folder for folder in (*interpreter_folders(), *settings.readable) if os.path.isdir(folder)]
    return [folder for folder in needed if any(folder.startswith(f"{disk}/") for disk in OWN_DISKS)]


def _new_root(settings: Settings) -> None:
    """Build a root of read-only folders, and make it the only one."""
    root = os.path.join(settings.scratch, "root")
    private = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", private, "size=4m,mode=755")
    for folder in ["/usr", *SMALL_FOLDERS, *interpreter_folders(), *settings.readable]:
        if os.path.isdir(folder) and not os.path.exists(root + folder):
            os.makedirs(root + folder)
            syscalls.bind_read_only(folder, root + folder)
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        _add_system_folder(root, name)
    _add_small_files(root)
    for folder in (*OWN_DISKS, "/proc"):
        os.makedirs(root + folder, exist_ok=True)
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
