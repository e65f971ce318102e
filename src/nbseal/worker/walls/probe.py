"""Tries levels of sealing for real, in forks that then end; as a program it prints what failed as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from nbseal.errors import WireError
from nbseal.wire import Channel
from nbseal.worker import walls
from nbseal.worker.walls import Settings, landlock, seccomp

LEVELS = ("namespaces", "user-namespaces", "landlock")


def answer_in_fork(channel: Channel) -> int:
    """Fork a process that is asked on ``channel`` which levels to try, and tells what came of it; return its number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            channel.send({"levels": first_that_works(channel.receive()["try"], os.getcwd())})
            code = 0
        except WireError:  # the other side is gone
            code = 0
        finally:
            os._exit(code)
    return pid


def first_that_works(levels: Sequence[str], scratch: str) -> dict[str, str | None]:
    """Try one level after the other until one works; findings as those of `attempt`."""
    findings: dict[str, str | None] = {}
    for level in levels:
        findings[level] = attempt(level, scratch)
        if findings[level] is None:
            break
    return findings


def attempt(level: str, scratch: str) -> str | None:
    """Return None when ``level`` works here, else what stood in the way."""
    if level == "namespaces" and not walls.owns_users():
        return "needs root" if os.getuid() else "this root, of a container, may not become other users"
    if level == "user-namespaces" and walls.owns_users():
        return "root uses namespaces without a user namespace: its processes could not be counted there"
    if level == "landlock" and landlock.abi() < landlock.WANTED_ABI:
        return f"needs Landlock ABI {landlock.WANTED_ABI} (Linux 6.12); this kernel has {landlock.abi()}"
    try:
        program = seccomp.build(level)
    except OSError as error:
        return str(error)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _try(level, program, scratch, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(pid, 0)
    return None if text == "ok" else text or "the process ended without a message"


def _try(level: str, program: bytes, scratch: str, writing: int) -> None:
    text = "ok"
    try:
        settings = Settings(level=level, scratch=scratch, disk_mib=1)
        if level in walls.ROOMS:
            walls.move_in(settings)
            walls.separate()
        child = os.fork()
        if child == 0:
            try:
                walls.seal(settings, program, 0, walls.work_folder(settings))
            except BaseException as error:
                os.write(writing, f"{type(error).__name__}: {error}".encode())
                os._exit(1)
            os._exit(0)
        if level == "namespaces":
            walls.rejoin()
        text = "ok" if os.waitpid(child, 0)[1] == 0 else ""
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
    finally:
        os.write(writing, text.encode())
        os._exit(0)


if __name__ == "__main__":
    print(json.dumps({level: attempt(level, sys.argv[1]) for level in LEVELS}))
