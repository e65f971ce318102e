"""The command behind ``make hub``: it starts, stops idle servers, stops on a signal, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.demo import make_demo
from nbseal_hub.launch import answers
from tests.courses import children, command_line, descendants, end, environment, kill, wait_until
from tests.hub_sessions import sign_in, start_server, wait_for_lab
from tests.ports import free_ports
from tests.samples import ROOT

pytestmark = pytest.mark.slow
IDLE, BUSY = "student1", "student2"
IDLE_SECONDS = 6


class Demo:
    """A demo as a process of its own."""

    def __init__(self, state: Path) -> None:
        self.state, self.output = state, state.parent / "output"
        self.port, self.inner = free_ports(1), free_ports(3)
        settings = make_demo(state, ROOT, self.port, self.inner)
        with settings.open("a", encoding="utf-8") as file:
            file.write(f"[limits]\nidle_minutes = {IDLE_SECONDS / 60}\n")
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = self._start()

    def _start(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "nbseal_hub", "demo", "--state", str(self.state)]
        with self.output.open("w") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        assert wait_until(lambda: "The hub is ready" in self.said(), 100.0), self.said()
        return process

    def again(self) -> None:
        """Start it once more."""
        self.process = self._start()

    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")

    def enter(self, name: str) -> requests.Session:
        """A session of somebody of the class."""
        return sign_in(self.address, name, (self.state / "hub" / "demo_password").read_text(encoding="utf-8").strip())

    def servers(self) -> set[str]:
        """Whose servers run."""
        servers = {pid for pid in descendants(self.process.pid) if "jupyterhub-singleuser" in command_line(pid)}
        return {name for name in (IDLE, BUSY) for pid in servers if f"JUPYTERHUB_USER={name}" in variables(pid)}

    def is_gone(self, pids: set[int]) -> bool:
        """Whether all these processes have ended, and all ports are free."""
        ports = (self.port, *range(self.inner, self.inner + 3))
        return not any(command_line(pid) for pid in pids) and not any(map(answers, ports))


def variables(pid: int) -> list[str]:
    """The environment that a process was started with; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that runs."""
    made = Demo(tmp_path_factory.mktemp("demo") / "state")
    yield made
    kill(descendants(made.process.pid))
    end(made.process)


def test_an_idle_server_is_stopped_and_one_in_use_stays(demo):
    """Of two students' servers, the one that nobody asks anything is stopped, and the other goes on."""
    sessions = {name: demo.enter(name) for name in (IDLE, BUSY)}
    for session in sessions.values():
        start_server(session, demo.address)
    assert wait_until(lambda: demo.servers() == {IDLE, BUSY}, 30.0)
    wait_for_lab(sessions[BUSY], demo.address, BUSY)
    began = time.monotonic()
    while IDLE in demo.servers() or time.monotonic() < began + 1.5 * IDLE_SECONDS:
        assert time.monotonic() < began + 60
        answer = sessions[BUSY].get(f"{demo.address}/user/{BUSY}/api/contents", timeout=30)
        assert answer.status_code == 200
        time.sleep(0.25)
    assert demo.servers() == {BUSY}
    log = (demo.state / "hub" / "hub.log").read_text(encoding="utf-8")
    assert set(re.findall(r"Culling server (\S+)", log)) == {IDLE}


def test_a_signal_stops_it_with_all_that_it_started(demo):
    """Address and password are printed, and after SIGINT no process and no port is left."""
    assert demo.address in demo.said()
    assert (demo.state / "hub" / "demo_password").read_text(encoding="utf-8").strip() in demo.said()
    started = descendants(demo.process.pid)
    assert len(started) >= 4
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert demo.said().endswith("Stopped.\n")
    assert demo.is_gone(started)


def test_a_hub_that_fell_takes_the_rest_with_it(demo):
    """When the hub is killed, the command says so, ends what the hub had started, and can be started again."""
    demo.again()
    started = descendants(demo.process.pid)
    (hub,) = children()[demo.process.pid]
    kill([hub])
    assert demo.process.wait(60) == 1
    assert "the hub is gone" in demo.said()
    assert demo.is_gone(started)
