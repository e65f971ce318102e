"""What tests in a real browser share: Chromium, a Jupyter server with pages to look at, what no page may show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.courses import end, environment, wait_until
from tests.ports import free_ports
from tests.samples import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the dev extra has it)")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no Chromium here: apt-get install chromium"
)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def headless(*options: str) -> Iterator:
    """One headless browser with an empty profile."""
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *options])
        yield chromium
        chromium.close()


@contextmanager
def jupyter(module: str, folder: Path, own: Path, *options: str, ready: str) -> Iterator[str]:
    """Address of a Jupyter server on this machine that anybody may use.

    Args:
        module: ``jupyterlab`` or ``jupyter_server``.
        folder: what it serves.
        own: folder for its settings and its log.
        ready: page that answers once it is ready.
    """
    port = free_ports(1)
    fixed = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0"]
    places = {f"JUPYTER_{kind}_DIR": str(own / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (own / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", module, *fixed, "--IdentityProvider.token=", *options],
            cwd=folder,
            env=environment(**places, HOME=str(own)),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: _answers(f"{address}{ready}"), 30.0), (own / "log.txt").read_text()
        yield address
    finally:
        end(server)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2.0):
            return True
    except (urllib.error.URLError, OSError):
        return False


def grader_lines() -> set[str]:
    """The lines of this course's hidden tests that are long enough to be nobody else's."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "graders").glob("*.py")]
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) >= 20}
