"""Runs a command as on a kernel without Landlock: its system calls are unknown."""

from __future__ import annotations

import errno
import os
import sys

import pyseccomp

if __name__ == "__main__":
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)
    for name in ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"):
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), name)
    rules.load()
    os.execvp(sys.argv[1], sys.argv[1:])
