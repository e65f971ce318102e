"""The command behind ``make hub``: it starts, stops on a signal, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.demo import make_demo
from nbseal_hub.launch import answers
from tests.courses import children, command_line, descendants, end, environment, wait_until
from tests.ports import free_ports
from tests.samples import ROOT


class Demo:
    """A demo as a process of its own."""

    def __init__(self, state: Path) -> None:
        self.state, self.output = state, state.parent / "output"
        self.port, self.inner = free_ports(1), free_ports(3)
        make_demo(state, ROOT, self.port, self.inner)
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

    def is_gone(self, pids: set[int]) -> bool:
        """Whether all these processes have ended, and all ports are free."""
        ports = (self.port, *range(self.inner, self.inner + 3))
        return not any(command_line(pid) for pid in pids) and not any(map(answers, ports))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that runs."""
    made = Demo(tmp_path_factory.mktemp("demo") / "state")
    yield made
    for pid in descendants(made.process.pid):
        os.kill(pid, signal.SIGKILL)
    end(made.process)


def test_a_signal_stops_it_with_all_that_it_started(demo):
    """Address and password are printed, and after SIGINT no process and no port is left."""
    assert f"http://127.0.0.1:{demo.port}" in demo.said()
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
    os.kill(hub, signal.SIGKILL)
    assert demo.process.wait(60) == 1
    assert "the hub is gone" in demo.said()
    assert demo.is_gone(started)
