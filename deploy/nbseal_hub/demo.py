"""A hub with a small class on this machine, without accounts of the system, root or containers."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil

from nbseal_hub.errors import HubError
from nbseal_hub.folders import make_folders
from nbseal_hub.launch import address, answers, running
from nbseal_hub.settings import HubSettings, load_settings

PR_SET_CHILD_SUBREAPER = 36
INSTRUCTOR, STUDENTS = "instructor1", ("student1", "student2", "student3")
SETTINGS = """\
# The demo's hub. All settings: docs/operators.md
accounts = "demo"
state = "."
course = "course"
exchange = "exchange"
instructors = ["{instructor}"]
students = [{students}]
port = {port}
inner_port = {inner_port}
"""
# data that assignments look for, given on where the operator has set it
PASSED_ON = ("SCIKIT_LEARN_DATA", "DIGITS_OFFLINE")
WELCOME = """
The hub is ready: {address}

  account       password            what to do there
  {instructor:<13} {password:<19} Nbgrader > Course List > {course_id}: release, collect, autograde, feedback
{students}

All of it lies in {state}. Everybody's work runs as your own account here, so this
is for trying things out, and for people whom you trust. Ctrl-C stops it; the next start goes on where it was.
"""
STUDENT = "  {name:<13} {password:<19} Nbgrader > Assignment List: fetch, work, validate, submit"


def make_demo(
    state: Path, source: Path, port: int = 8000, inner_port: int = 8081, students: Sequence[str] = STUDENTS
) -> Path:
    """Lay out the demo's folders below ``state``, unless they are there, and return its settings file.

    Args:
        source: a course directory; its sources, graders and settings are copied.
    """
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise HubError(f"user {os.getuid()} has no name on this system; nbgrader's exchange needs one.") from None
    path = state / "hub.toml"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        names = ", ".join(f'"{name}"' for name in students)
        text = SETTINGS.format(instructor=INSTRUCTOR, students=names, port=port, inner_port=inner_port)
        given = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        lines = [f"{name} = '''{value}'''" for name, value in given.items()]
        path.write_text("\n".join([text, "[environment]", *lines, ""]), encoding="utf-8")
    settings = load_settings(path)
    if settings.accounts != "demo":
        raise HubError(f"{path} is not a demo's settings; `nbseal-hub run {path}` starts it.")
    make_folders(settings)
    _copy_course(settings, source)
    password = settings.private / "demo_password"
    if not password.exists():
        unfinished = password.with_name(".demo_password")
        unfinished.touch(0o600)
        unfinished.write_text(secrets.token_urlsafe(9) + "\n", encoding="utf-8")
        unfinished.replace(password)
    return path


def _copy_course(settings: HubSettings, source: Path) -> None:
    if settings.course.exists():
        return
    if not (source / "nbgrader_config.py").is_file():
        raise HubError(f"{source} is not a course directory: it has no nbgrader_config.py.")
    # under another name until it is whole, so that a start that was stopped is begun again
    unfinished = settings.course.with_name(".course")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    for name in ("source", "graders"):
        shutil.copytree(source / name, unfinished / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_*"))
    shutil.copy(source / "nbgrader_config.py", unfinished)
    unfinished.rename(settings.course)


def welcome(settings: HubSettings) -> str:
    """What a newcomer needs to know."""
    password = (settings.private / "demo_password").read_text(encoding="utf-8").strip()
    students = "\n".join(STUDENT.format(name=name, password=password) for name in settings.students)
    return WELCOME.format(
        address=address(settings),
        instructor=settings.instructors[0],
        password=password,
        students=students,
        course_id=settings.course_id,
        state=settings.state,
    )


def serve(path: Path) -> None:
    """Run the demo's hub until somebody stops it; nothing that it started is left over, even if the hub fell."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    _adopt_orphans()
    print("Starting the hub …", flush=True)
    try:
        with running(path) as settings:
            print(welcome(settings), flush=True)
            while not stopped.wait(2.0):
                if not answers(settings.inner_port):
                    raise HubError(f"the hub is gone; its log is {settings.private / 'hub.log'}.")
            print("Stopping …", flush=True)
    finally:
        _end_children()
    print("Stopped.", flush=True)


def _adopt_orphans() -> None:
    """Proxy and servers become our children when the hub falls, so that they can be found."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_children() -> None:
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.terminate()
    _, alive = psutil.wait_procs(children, timeout=10.0)
    for child in alive:
        child.kill()
