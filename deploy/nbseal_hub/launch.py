"""Starts a hub, waits until people can sign in, and stops it cleanly."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from nbseal_hub.database import gradebook_database, make_databases, sqlalchemy_url
from nbseal_hub.errors import HubError
from nbseal_hub.folders import make_folders
from nbseal_hub.members import forget_former_people
from nbseal_hub.numbers import GRADER, TABLE, add_numbers, write_numbers
from nbseal_hub.proxy import proxy_command
from nbseal_hub.roles import write_role_files
from nbseal_hub.settings import HubSettings, load_secrets, load_settings

CONFIG = Path(__file__).with_name("jupyterhub_config.py")
READY_SECONDS = 90.0
STOP_SECONDS = 60.0
# A log that is longer, in bytes, is put aside at the next start; the one before it goes.
LONGEST_LOG = 10_000_000
OLD_LOG = "hub.log.1"


def run(path: Path) -> NoReturn:
    """Become the hub of a settings file; for systemd and its like."""
    settings = _prepare(path)
    os.chdir(settings.private)
    command, environment = _command(path)
    _default_interrupt()
    os.execve(command[0], command, environment)


@contextmanager
def running(path: Path) -> Iterator[HubSettings]:
    """The hub of a settings file, as a process beside this one; people can sign in when this is entered.

    Raises:
        HubError: the hub ended, or didn't answer in time; the message has the end of its log.
    """
    settings = _prepare(path)
    log = settings.private / "hub.log"
    command, environment = _command(path)
    with open_log(log) as file:
        # In a session of its own, a terminal's Ctrl-C ends this process, which then stops the hub in good order.
        hub = subprocess.Popen(
            command,
            cwd=settings.private,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_default_interrupt,
        )
    try:
        _wait_until_ready(settings, hub, log)
        yield settings
    finally:
        stop(hub)


def open_log(log: Path) -> IO[str]:
    """A log to be gone on with; one that has grown too long is put aside first, in the place of the last such."""
    if log.exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(log.with_name(OLD_LOG))
    return log.open("a", encoding="utf-8")


def stop(hub: subprocess.Popen[bytes]) -> None:
    """Let the hub stop everybody's servers, its services and its proxy; kill it only if it doesn't."""
    if hub.poll() is None:
        hub.send_signal(signal.SIGINT)
        try:
            hub.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(hub.pid, signal.SIGKILL)
            hub.wait()


def address(settings: HubSettings) -> str:
    """Where people point their browsers to, on this machine."""
    return f"{'https' if settings.tls.key else 'http'}://{settings.address}:{settings.port}"


def _prepare(path: Path) -> HubSettings:
    settings = load_settings(path)
    load_secrets(settings)
    if settings.accounts != "demo" and os.getuid() != 0:
        raise HubError("a hub that starts servers for other accounts runs as root.")
    if settings.accounts == "containers":
        make_folders(settings)
        give_numbers(settings)
    if not settings.private.is_dir():
        raise HubError(f"{settings.private} is missing; `nbseal-hub setup {path}` makes it.")
    check_ports(settings, path)
    _check_gradebook(settings)
    proxy_command()
    make_databases(settings)
    _check_tables(settings)
    forget_former_people(settings)
    write_role_files(settings)
    return settings


def give_numbers(settings: HubSettings) -> None:
    """Give everybody's container a number, and tell the grader's, which shares only the exchange with the hub."""
    table = add_numbers(settings.private / TABLE, [*settings.instructors, *settings.students])
    write_numbers(settings.exchange / settings.course_id / TABLE, table, GRADER)


def _check_gradebook(settings: HubSettings) -> None:
    """The formgrader and the commands in a terminal must write to one gradebook: the course's own settings name it."""
    url = sqlalchemy_url(settings, gradebook_database(settings))
    config = settings.course / "nbgrader_config.py"
    if settings.accounts == "containers":
        return  # the course lies in the grader's container
    if settings.database and url not in _texts(config):
        raise HubError(f'{config} must name the same gradebook; add the line: c.CourseDirectory.db_url = "{url}"')


def _texts(config: Path) -> set[str]:
    """Every text in quotes of a Python file; what is commented out is none."""
    try:
        tree = ast.parse(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError) as error:
        raise HubError(f"{config} can't be read: {error}.") from None
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _check_tables(settings: HubSettings) -> None:
    """Refuse to start with a gradebook of another version of nbgrader, which the formgrader would write to."""
    if settings.accounts == "containers":
        return  # the course lies in the grader's container
    file = settings.course / "gradebook.db"
    if settings.database:
        address = sqlalchemy_url(settings, gradebook_database(settings))
    elif file.is_file():
        address = f"sqlite:///{file}"
    else:
        return
    if problem := gradebook_problem(settings, address):
        raise HubError(problem)


def gradebook_problem(settings: HubSettings, address: str) -> str:
    """What is wrong with the tables of the gradebook at an address, as the engine says it; empty if nothing is."""
    command = [sys.executable, "-m", "nbseal.gradebook.schema", str(settings.course), address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def check_ports(settings: HubSettings, path: Path) -> None:
    """Refuse to go on while this hub, or anything else, uses its ports."""
    inner = range(settings.inner_port, settings.inner_port + 3)
    taken = [port for port in (settings.port, *inner) if answers(port)]
    if taken:
        raise HubError(
            f"port {taken[0]} is in use, perhaps by a hub that still runs; stop that, or set another port and "
            f"inner_port in {path}."
        )


def _command(path: Path) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG)]
    return command, {**os.environ, "NBSEAL_HUB_SETTINGS": str(path.resolve())}


def _default_interrupt() -> None:
    """A shell's background jobs ignore SIGINT, and so would everything that the hub stops by it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_until_ready(settings: HubSettings, hub: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    formgrader_is_ours = settings.accounts != "containers"
    while time.monotonic() < deadline and hub.poll() is None:
        if (not formgrader_is_ours or answers(settings.inner_port + 2)) and _has_login_page(settings):
            return
        time.sleep(0.25)
    cause = "ended" if hub.poll() is not None else f"was not ready after {READY_SECONDS:.0f} seconds"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    raise HubError("\n".join([f"the hub {cause}; the end of {log}:", *lines]))


def answers(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _has_login_page(settings: HubSettings) -> bool:
    """Whether the proxy knows the way to the hub; before that it sends an error page, with status 200."""
    if settings.tls.key:
        return answers(settings.port)
    try:
        with urllib.request.urlopen(f"{address(settings)}/hub/login", timeout=5.0) as page:
            return "/hub/login" in page.url
    except (urllib.error.URLError, OSError):
        return False
