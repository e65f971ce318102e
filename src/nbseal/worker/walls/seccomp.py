"""The system calls that student code may not make, as a BPF program built once and loaded after each fork."""

from __future__ import annotations

import ctypes.util
import errno
import importlib
import os
import socket
import tempfile
from typing import Any

from nbseal.worker.walls import syscalls
from nbseal.worker.walls.syscalls import LIBC, PR_SET_SECCOMP, check

DENIED = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "mount_setattr",
    "unshare",
    "setns",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    # memory that belongs to no process, so that a watchdog can't count it, or that outlives all of them
    "memfd_create",
    "memfd_secret",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "open_by_handle_at",
    "name_to_handle_at",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "quotactl",
    "acct",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "syslog",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "personality",
    "fanotify_init",
    "vhangup",
    "mknod",
    "mknodat",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
]
NAMESPACE_FLAGS = (
    syscalls.CLONE_NEWNS, syscalls.CLONE_NEWCGROUP, syscalls.CLONE_NEWUTS, syscalls.CLONE_NEWIPC,
    syscalls.CLONE_NEWUSER, syscalls.CLONE_NEWPID, syscalls.CLONE_NEWNET,
)  # fmt: skip
SECCOMP_MODE_FILTER = 2
LIBRARIES = {"c": "libc.so.6", "seccomp": "libseccomp.so.2"}
# Calls that name another process, by the number of the argument that does: 0 is the caller itself.
ABOUT_A_PROCESS = {
    "prlimit64": 0, "sched_setaffinity": 0, "sched_setscheduler": 0, "sched_setparam": 0, "sched_setattr": 0,
    "setpriority": 1, "ioprio_set": 1,
}  # fmt: skip
IOPRIO_WHO_PROCESS = 1
# Landlock lets these through to files that it doesn't let be opened. They do nothing and say that all is well: copying
# a file sets its mode and its times, and should go on working.
ABOUT_MODES_AND_TIMES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat",
    "utimensat",
)  # fmt: skip
SETXATTRAT, REMOVEXATTRAT, FILE_SETATTR = 463, 466, 469  # younger than libseccomp's tables; alike on all processors
ABOUT_ATTRIBUTES = (
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", SETXATTRAT, REMOVEXATTRAT,
    FILE_SETATTR,
)  # fmt: skip
# Nor does Landlock keep anybody from the sockets that other programs have in the file system, or from watching folders.
TOWARDS_OTHER_PROGRAMS = ("socket", "connect", "inotify_init", "inotify_init1")
DATAGRAMS = (2, 3)  # kinds of socket that take an address with each message; 3 is another name for it
KIND_OF_SOCKET = 0xF


def build(level: str = "namespaces") -> bytes:
    """Return the BPF program; OSError when libseccomp is not on this machine.

    At the level ``landlock`` there is only one file system, and so the program refuses more.
    """
    try:
        pyseccomp = _pyseccomp()
    except (ImportError, RuntimeError, OSError) as error:
        raise OSError(f"libseccomp is missing (Debian: apt-get install libseccomp2): {error}") from error
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in DENIED:
        _add(rules, pyseccomp.ERRNO(errno.EPERM), name)
    for name, place in ABOUT_A_PROCESS.items():
        _add(rules, pyseccomp.ERRNO(errno.EPERM), name, pyseccomp.Arg(place, pyseccomp.NE, 0))
    _add(rules, pyseccomp.ERRNO(errno.EPERM), "setpriority", pyseccomp.Arg(0, pyseccomp.NE, os.PRIO_PROCESS))
    _add(rules, pyseccomp.ERRNO(errno.EPERM), "ioprio_set", pyseccomp.Arg(0, pyseccomp.NE, IOPRIO_WHO_PROCESS))
    # glibc falls back to clone, whose flags a filter can read; clone3 hides them in memory
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    if level == "landlock":
        _make_up_for_landlock(rules)
    else:
        rules.add_rule(pyseccomp.ERRNO(errno.EACCES), "socket", pyseccomp.Arg(0, pyseccomp.NE, int(socket.AF_UNIX)))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _pyseccomp() -> Any:
    """pyseccomp; it would start a program to look for each library, and their names are well known."""
    look = ctypes.util.find_library
    ctypes.util.find_library = lambda name: LIBRARIES.get(name) or look(name)
    try:
        return importlib.import_module("pyseccomp")
    except OSError:  # another name here
        ctypes.util.find_library = look
        return importlib.import_module("pyseccomp")
    finally:
        ctypes.util.find_library = look


def _make_up_for_landlock(rules: Any) -> None:
    """Refuse what an allow-list of files doesn't."""
    import pyseccomp

    for name in ABOUT_MODES_AND_TIMES:
        _add(rules, pyseccomp.ERRNO(0), name)
    for call in ABOUT_ATTRIBUTES:
        _add(rules, pyseccomp.ERRNO(errno.EOPNOTSUPP), call)
    for name in TOWARDS_OTHER_PROGRAMS:
        _add(rules, pyseccomp.ERRNO(errno.EACCES), name)
    for kind in DATAGRAMS:
        what = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, KIND_OF_SOCKET, kind)
        _add(rules, pyseccomp.ERRNO(errno.EACCES), "socketpair", what)


def _add(rules: Any, action: Any, name: str | int, *conditions: Any) -> None:
    """Add a rule for a call that this architecture and this libseccomp know; otherwise there is nothing to deny."""
    try:
        rules.add_rule(action, name, *conditions)
    except (OSError, RuntimeError, ValueError):
        return


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def load(program: bytes) -> None:
    """Bind this process and its children to ``program``; needs NO_NEW_PRIVS."""
    buffer = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(buffer))
    check(
        LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(described), 0, 0),
        "seccomp",
    )
