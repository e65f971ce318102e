"""A hub for tests in browsers."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ports import free_ports
from tests.samples import ROOT

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.demo import make_demo
from nbseal_hub.launch import address, running
from nbseal_hub.proxy import install_proxy
from nbseal_hub.settings import load_settings


class Hub:
    """A demo hub with this course, which can be started again."""

    def __init__(self, state: Path, *settings: str) -> None:
        """Lay it out below ``state``; ``settings`` are lines of its settings file."""
        install_proxy()
        self.path = make_demo(state, ROOT, free_ports(1), free_ports(3))
        self.path.write_text("\n".join([*settings, self.path.read_text(encoding="utf-8")]), encoding="utf-8")
        self.settings = load_settings(self.path)
        self.password = (self.settings.private / "demo_password").read_text(encoding="utf-8").strip()
        self.address = address(self.settings)
        self._running = ExitStack()

    def start(self) -> None:
        """Start it, and wait until people can sign in."""
        self._running.enter_context(running(self.path))

    def stop(self) -> None:
        """Stop it, with all that it started."""
        self._running.close()
