"""Landlock: an allow-list of files, no TCP, no signals to strangers. Source: kernel docs, userspace-api/landlock."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from nbseal.worker.walls.syscalls import LIBC, SYS_LANDLOCK_ADD, SYS_LANDLOCK_CREATE, SYS_LANDLOCK_RESTRICT, check

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG = 16, 32, 64, 128, 256
MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << n for n in range(9, 16))
ALL_RIGHTS_BY_ABI = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
READING = EXECUTE | READ_FILE | READ_DIR
WRITING = (
    READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM
    | MAKE_SOCK | MAKE_FIFO | REFER
)  # fmt: skip
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
NO_TCP, NO_SIGNALS, NO_SIGNALS_OR_ABSTRACT_SOCKETS = 3, 2, 3
WANTED_ABI = 6  # the first that keeps signals in


def abi() -> int:
    """Landlock's version in this kernel; 0 where there is none."""
    return max(0, int(LIBC.syscall(SYS_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)))


def fence() -> None:
    """Keep the signals of this process and its children among them, and confine nothing else; needs NO_NEW_PRIVS.

    What such a process sends to everybody reaches just those that it has forked, wherever they hide.
    """
    attributes = struct.pack("QQQ", 0, 0, NO_SIGNALS)
    _enter(check(LIBC.syscall(SYS_LANDLOCK_CREATE, attributes, ctypes.c_size_t(24), 0), "landlock"))


def restrict(read_only: Iterable[str], writable: Iterable[str]) -> None:
    """Confine this process and all its children; needs NO_NEW_PRIVS. Paths that don't exist are left out."""
    version = abi()
    if version < 1:
        raise OSError("this kernel has no Landlock")
    rights = ALL_RIGHTS_BY_ABI[min(version, 5)]
    network = NO_TCP if version >= 4 else 0
    scope = NO_SIGNALS_OR_ABSTRACT_SOCKETS if version >= 6 else 0
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("QQQ", rights, network, scope)[:size]
    ruleset = check(LIBC.syscall(SYS_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0), "landlock")
    for paths, allowed in ((read_only, READING), (writable, WRITING & rights)):
        for path in paths:
            _allow(ruleset, path, allowed)
    _enter(ruleset)


def _enter(ruleset: int) -> None:
    check(LIBC.syscall(SYS_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            allowed &= FILE_RIGHTS
        rule = struct.pack("=Qi", allowed, descriptor)
        check(LIBC.syscall(SYS_LANDLOCK_ADD, ruleset, 1, rule, 0), f"landlock rule for {path}")
    finally:
        os.close(descriptor)
