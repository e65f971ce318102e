"""Thin wrappers of the system calls that Python's library doesn't offer; each raises OSError with its name."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECCOMP = 1, 4, 24, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 38, 47, 4
LAST_CAPABILITY = 40
ENV_START = 47  # among the fields of /proc/self/stat behind the name; the next one is the end
# The same on every architecture except pivot_root, which is older than the common table.
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine(), -1)
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}.get(platform.machine(), -1)
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446


def check(result: int, what: str) -> int:
    """Raise OSError naming ``what`` when a call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Enter new namespaces."""
    check(LIBC.unshare(flags), "unshare")


def setns(namespace: int, kind: int) -> None:
    """Enter the namespace that a descriptor stands for."""
    check(LIBC.setns(namespace, kind), "setns")


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str | None = None) -> None:
    """Mount ``source`` at ``target``."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    check(
        LIBC.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]),
        f"mount {kind or 'bind'} at {target}",
    )


def bind_read_only(source: str, target: str) -> None:
    """Show ``source`` at ``target``, with all below it read-only and without set-uid programs or devices."""
    mount(source, target, None, MS_BIND | MS_REC)
    flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    check(
        LIBC.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, ctypes.c_size_t(32)),
        f"mount_setattr {target}",
    )


def pivot_root() -> None:
    """Make the current folder the root and detach the old one."""
    check(LIBC.syscall(SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", MNT_DETACH), "umount old root")


def prctl(option: int, *arguments: int) -> None:
    """Change a setting of this process."""
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    check(LIBC.prctl(option, *padded), f"prctl {option}")


def forget_first_environment() -> None:
    """Blank what /proc/self/environ shows: the variables that this process was started with; none may be in use.

    Where it can't be done, nobody can look there either.
    """
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return
    start, end = int(fields[ENV_START]), int(fields[ENV_START + 1])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)


def drop_bounding_set() -> None:
    """Give up every capability for good, for this process and what it executes."""
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    LIBC.prctl(PR_CAP_AMBIENT, ctypes.c_ulong(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)


def clear_capabilities() -> None:
    """Empty this process's permitted, effective and inheritable sets."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(LIBC.syscall(SYS_CAPSET, header, (ctypes.c_uint32 * 6)()), "capset")
