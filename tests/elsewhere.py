"""A command as it goes on another system: ``python -m tests.elsewhere darwin nbseal grade mini``.

What that system lacks isn't there for our own modules: modules can't be imported, names of others are missing, files
of /proc don't exist, and no process is started. Libraries still see the Linux that they run on: they are tested on
other systems by those who make them.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

PROGRAMS = {
    "nbseal": "nbseal.cli:program",
    "nbseal-hub": "nbseal_hub.cli:main",
    "nbgrader": "nbgrader.apps.nbgraderapp:main",
}
OURS = ("nbseal", "nbseal_hub")
NOT_ON_MACOS = {
    "os": "O_PATH memfd_create pidfd_open pipe2 posix_fallocate sched_getaffinity sched_setaffinity setns unshare",
    "select": "epoll",
    "signal": "pidfd_send_signal sigtimedwait",
    "socket": "MSG_NOSIGNAL SO_PEERCRED",
}
NOT_ON_WINDOWS = {
    "os": f"""{NOT_ON_MACOS["os"]} O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK WNOHANG chown fchmod fchown fork fwalk
        getegid geteuid getgid getpgid getuid killpg lchown mkfifo openpty setsid statvfs uname wait4""",
    "select": "epoll poll POLLIN POLLOUT",
    "signal": """ITIMER_PROF ITIMER_REAL SIGALRM SIGHUP SIGKILL SIGPROF alarm pidfd_send_signal pthread_sigmask
        setitimer sigtimedwait""",
    "socket": "AF_UNIX MSG_DONTWAIT MSG_NOSIGNAL SO_PEERCRED recv_fds send_fds",
}
MISSING_MODULES = {
    "darwin": {"pyseccomp"},
    "win32": {"fcntl", "grp", "pty", "pwd", "pyseccomp", "resource", "syslog", "termios", "tty"},
}
MISSING_NAMES = {"darwin": NOT_ON_MACOS, "win32": NOT_ON_WINDOWS}


def view(name: str, missing: str = "", **others: Any) -> ModuleType:
    """A module without the names that are ``missing``, and with ``others`` in the place of its own."""
    real, hidden = import_module(name), set(missing.split())

    def look_up(wanted: str) -> Any:
        if wanted in hidden:
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}")
        return getattr(real, wanted)

    seen = ModuleType(name)
    seen.__dict__.update(others)
    seen.__getattr__ = look_up  # type: ignore[method-assign]
    return seen


def refuse(*words: Any, **_: Any) -> Any:
    """Stands for what starts a process, or loads the system's library."""
    raise AssertionError(f"this would not go on another system: {words}")


def go_to(platform: str) -> None:
    """From now on our modules see ``platform``."""
    views = {name: view(name, missing) for name, missing in MISSING_NAMES[platform].items()}
    views["sys"] = view("sys", platform=platform)
    views["ctypes"] = view("ctypes", CDLL=refuse)
    views["subprocess"] = view("subprocess", Popen=refuse, run=refuse)
    real_import, real_open = builtins.__import__, io.open

    def import_for(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        top = name.partition(".")[0]
        if level == 0 and (globals or {}).get("__name__", "").partition(".")[0] in OURS:
            if top in MISSING_MODULES[platform]:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if top in views and name in (top, "os.path"):
                return views[top]
        return real_import(name, globals, locals, fromlist, level)

    def open_there(file: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(file, int) and os.fsdecode(file).startswith("/proc/"):
            raise FileNotFoundError(2, "No such file or directory", os.fsdecode(file))
        return real_open(file, *arguments, **options)

    builtins.__import__ = import_for
    builtins.open = io.open = open_there


def main() -> None:
    """Give the command."""
    platform, program = sys.argv[1:3]
    module, _, function = PROGRAMS[program].partition(":")
    sys.argv = [program, *sys.argv[3:]]
    go_to(platform)
    getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
