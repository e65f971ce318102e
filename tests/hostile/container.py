"""Runs a command as Docker's defaults would: root with few capabilities, and no way to mount or to make namespaces.

The filter follows the default profile of moby (profiles/seccomp): without CAP_SYS_ADMIN, mount and its relatives,
unshare and setns are refused, clone is refused with any flag that makes a namespace, and clone3 isn't there.
NO_NEW_PRIVS stays off, as it is in a container.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

import pyseccomp

from nbseal.worker.walls.seccomp import NAMESPACE_FLAGS
from nbseal.worker.walls.syscalls import LAST_CAPABILITY, LIBC, PR_CAPBSET_DROP, SYS_CAPSET, check

# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD,
# AUDIT_WRITE, SETFCAP
KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
REFUSED = (
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr",
    "pivot_root", "unshare", "setns", "bpf", "perf_event_open", "quotactl", "sethostname", "setdomainname", "swapon",
    "swapoff", "reboot", "kexec_load", "init_module", "finit_module", "delete_module", "keyctl", "add_key",
    "request_key", "userfaultfd", "open_by_handle_at", "io_uring_setup", "io_uring_enter", "io_uring_register",
)  # fmt: skip


def enter() -> None:
    """Become what a process in a container is."""
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)
    for name in REFUSED:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.load()
    for capability in set(range(LAST_CAPABILITY + 1)) - set(KEPT):
        LIBC.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    kept = sum(1 << capability for capability in KEPT)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(LIBC.syscall(SYS_CAPSET, header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)), "capset")


if __name__ == "__main__":
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])
