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
# What processes that share nothing but files to read could tell one another, or leave behind. Taking a lock on a file
# does nothing and says that all is well, and who asks finds no locks: as for a process that is alone, so that sqlite3
# in the work folder goes on working.
LOCKS, LOCK_COMMANDS = "flock", (6, 7, 37, 38)  # F_SETLK, F_SETLKW, and those of open files
LEASES = (1024, 1025, 1026)  # F_SETLEASE, F_GETLEASE, F_NOTIFY
ABOUT_THE_PAGE_CACHE = ("fadvise64", "readahead", "sync", "syncfs")  # do nothing, and say that all is well
UNKNOWN_HERE: tuple[str | int, ...] = (
    "mincore", "io_setup", "io_submit", "io_destroy", "io_getevents", "io_cancel", "process_madvise", "sysinfo",
)  # fmt: skip
WATCHES = ("inotify_init", "inotify_init1", "inotify_add_watch")
WITH_FLAGS = ("preadv2", "pwritev2")  # one of which asks whether a file's page is in memory
EVICTING = (20, 21)  # MADV_COLD, MADV_PAGEOUT
# Memory of a file that all can read is a place to wait at and be woken up: nobody waits at memory that others share.
# Who tries is told of a signal, and tries again until what they wait for has come.
WAITS_AT_SHARED_MEMORY = (0, 6, 8, 9, 11, 13)  # FUTEX_WAIT, those that lock, WAIT_BITSET, WAIT_REQUEUE_PI
FUTEX_COMMAND = 0xFF  # with the flag that says that memory is one's own
LOW_WORD = 0xFFFFFFFF  # the kernel takes these arguments as 32 bits, whatever stands above them
# System calls that are younger than this list; nobody knows what they can say. fchmodat2, map_shadow_stack and mseal
# are known.
YOUNGER = frozenset(range(449, 512)) - {452, 453, 462}
# What a watchdog can't see: memory that is shared and was given back (the kernel keeps it, no process shows it), and
# the files of a process that isn't dumpable. Sessions of its own would give a submission one share of the processor
# after the other. Who asks for the last two is told that all is well.
LARGEST_SHARED, SHARED_ANONYMOUS = 1 << 20, 0x21  # bytes; MAP_SHARED and MAP_ANONYMOUS
PR_SET_DUMPABLE = 4
# Who is at the other end of a socket is nobody's business: a handle on the grading side is not handed out.
ABOUT_THE_OTHER_END = {"getsockopt": 77, "setsockopt": 76}  # SO_PEERPIDFD, SO_PASSPIDFD
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
ABOUT_ATTRIBUTES = ("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
# Nor does Landlock keep anybody from the sockets that other programs have in the file system.
TOWARDS_OTHER_PROGRAMS = ("socket", "connect")
ABOUT_THE_DISK = ("statfs", "fstatfs")  # of which all write to one: what is free there is a counter for everybody
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
    _close_channels(rules, pyseccomp)
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


def _close_channels(rules: Any, pyseccomp: Any) -> None:
    """Refuse, or answer without the kernel, what would let submissions hear of one another."""
    nothing, unknown = pyseccomp.ERRNO(0), pyseccomp.ERRNO(errno.ENOSYS)
    for name in (LOCKS, *ABOUT_THE_PAGE_CACHE):
        _add(rules, nothing, name)
    for command in LOCK_COMMANDS:
        _add(rules, nothing, "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, LOW_WORD, command))
    for command in LEASES:
        _add(rules, pyseccomp.ERRNO(errno.EINVAL), "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, LOW_WORD, command))
    for name in WATCHES:
        _add(rules, pyseccomp.ERRNO(errno.EACCES), name)
    for call in [*UNKNOWN_HERE, *YOUNGER]:
        _add(rules, unknown, call)
    for name in WITH_FLAGS:
        _add(rules, pyseccomp.ERRNO(errno.EOPNOTSUPP), name, pyseccomp.Arg(5, pyseccomp.NE, 0))
    for advice in EVICTING:
        _add(rules, pyseccomp.ERRNO(errno.EINVAL), "madvise", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, LOW_WORD, advice))
    _add(rules, nothing, "setsid")
    _add(rules, nothing, "prctl", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, LOW_WORD, PR_SET_DUMPABLE))
    shared = pyseccomp.Arg(3, pyseccomp.MASKED_EQ, SHARED_ANONYMOUS, SHARED_ANONYMOUS)
    _add(rules, pyseccomp.ERRNO(errno.ENOMEM), "mmap", pyseccomp.Arg(1, pyseccomp.GT, LARGEST_SHARED), shared)
    for name, option in ABOUT_THE_OTHER_END.items():
        what = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, LOW_WORD, option)
        _add(rules, pyseccomp.ERRNO(errno.ENOPROTOOPT), name, what)
    for command in WAITS_AT_SHARED_MEMORY:
        what = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, FUTEX_COMMAND, command)
        _add(rules, pyseccomp.ERRNO(errno.EINTR), "futex", what)


def _make_up_for_landlock(rules: Any) -> None:
    """Refuse what an allow-list of files doesn't."""
    import pyseccomp

    for name in ABOUT_MODES_AND_TIMES:
        _add(rules, pyseccomp.ERRNO(0), name)
    for call in ABOUT_ATTRIBUTES:
        _add(rules, pyseccomp.ERRNO(errno.EOPNOTSUPP), call)
    for name in (*TOWARDS_OTHER_PROGRAMS, *ABOUT_THE_DISK):
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
