"""Puts the walls around one forked child, in an order that works as root, unprivileged and in containers."""

from __future__ import annotations

import functools
import os
import signal
import tempfile
from pathlib import Path

from nbseal.worker.walls import landlock, seccomp, syscalls
from nbseal.worker.walls.limits import FIRST_UID, Settings, limit_resources, owns_users
from nbseal.worker.walls.namespaces import (
    DEVICES,
    HOME,
    ROOMS,
    SMALL_FILES,
    SMALL_FOLDERS,
    become_nobody,
    interpreter_folders,
    own_disks,
)


def work_folder(settings: Settings) -> str:
    """Make the folder where a submission is to run; a new root has it already."""
    return HOME if settings.level in ROOMS else tempfile.mkdtemp(prefix="work-", dir=settings.scratch)


def seal(settings: Settings, program: bytes | None, slot: int, work: str) -> None:
    """Seal this process at ``settings.level``, in its work folder; there is no way back."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    as_root = owns_users()
    uid = FIRST_UID + slot if as_root else os.getuid()
    if settings.level in ROOMS:
        own_disks(settings, uid)
        if settings.level == "user-namespaces":
            become_nobody()  # processes are counted for each namespace, and so for each submission
        writable = [work, "/tmp", "/dev/shm", "/dev/null"]
        readable = ["/"]
    else:
        writable = [work, "/dev/null"]
        readable = ["/usr", "/lib", "/lib64", "/bin", *SMALL_FILES, *SMALL_FOLDERS, *interpreter_folders()]
        readable += [f"/dev/{name}" for name in DEVICES] + settings.readable_paths
        if (one := owner(settings, slot)) is not None:
            os.chown(work, one, one)
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
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, int(not as_root or owner(settings, slot) is not None))
    if settings.level == "landlock" or landlock.abi() > 0:
        landlock.restrict(readable, writable)
    assert program is not None
    seccomp.load(program)


def owner(settings: Settings, slot: int) -> int | None:
    """The user whose files and processes a submission's are at ``landlock``, where root gives it one of its own."""
    own = settings.level == "landlock" and owns_users() and _reachable()
    return FIRST_UID + slot if own else None


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
def _reachable() -> bool:
    """Whether a stranger may walk to every folder that Python needs."""
    for folder in interpreter_folders():
        for path in [Path(folder), *Path(folder).parents]:
            if not path.stat().st_mode & 0o001:
                return False
    return True
