"""The formgrader's long tasks run outside its process."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from nbseal.build.starting import BLOCK
from tests.exchanges import Watched, make_watched
from tests.mini import hand_in
from tests.ports import free_ports

TOKEN = "only for this test"
ENDLESS = {"double_answer": "while True:\n    pass"}


class Formgrader:
    """The server with nbgrader's formgrader, as an instructor's browser talks to it."""

    def __init__(self, watched: Watched, port: int) -> None:
        self.watched, self.address = watched, f"http://127.0.0.1:{port}/formgrader"

    def get(self, path: str) -> str:
        """A page."""
        request = urllib.request.Request(f"{self.address}/{path}", headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def post(self, path: str, body: bytes = b"") -> str:
        """Press a button."""
        headers = {"Authorization": f"token {TOKEN}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.address}/{path}", body, headers), timeout=120
        ) as one:
            return one.read().decode()


@pytest.fixture
def formgrader(tmp_path: Path) -> Iterator[Formgrader]:
    """A running formgrader of a course with our settings."""
    watched = make_watched(tmp_path)
    watched.settings(BLOCK, "c.Seal.cell_seconds = 3.0")
    port = free_ports(1)
    words = [
        "-m",
        "jupyter_server",
        "--allow-root",
        "--no-browser",
        f"--port={port}",
        f"--IdentityProvider.token={TOKEN}",
    ]
    extension = "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"
    folders = {"JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    # nbgrader starts a program that lies beside our Python
    folders["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *words, extension], cwd=watched.root, env={**os.environ, **folders}, stdout=log, stderr=log
        )
    try:
        found = Formgrader(watched, port)
        _wait(found, server, tmp_path / "server.log")
        yield found
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        for _ in range(100):
            if not _workers(watched):
                break
            time.sleep(0.1)
        assert _workers(watched) == []


def _wait(found: Formgrader, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            found.get("api/status")
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def _workers(watched: Watched) -> list[str]:
    """The workers that the formgrader has started for the course."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            words = path.read_bytes().split(b"\0")
            found += [str(words)] if b"--asked" in words and str(watched.root).encode() in words else []
    return found


@pytest.mark.slow
def test_pages_open_while_a_submission_is_graded_that_never_ends(formgrader: Formgrader):
    """Autograde of an endless loop is recorded as ever, pages open meanwhile, and a cancelled one is not recorded."""
    root = formgrader.watched.root
    hand_in(root, "ann", **ENDLESS)
    hand_in(root, "bob")
    formgrader.get("api/assignments")
    with ThreadPoolExecutor() as pool:
        autograde = pool.submit(formgrader.post, "api/submission/mini/ann/autograde")
        slowest = 0.0
        while not autograde.done():
            started = time.monotonic()
            formgrader.get("api/assignments")
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.1)
        assert json.loads(autograde.result())["success"], autograde.result()
        assert slowest < 2, f"a page took {slowest:.1f} s"
        cancelled = pool.submit(formgrader.post, "api/submission/mini/ann/autograde")
        while "Cancel 2" not in formgrader.get("queue"):
            time.sleep(0.1)
        assert "autograde" in formgrader.get("queue")
        formgrader.post("queue", b"cancel=2")
        assert json.loads(cancelled.result()) == {"success": False, "error": "The task was cancelled.", "log": ""}
    answer = json.loads(formgrader.post("api/submission/mini/bob/autograde"))
    assert "7 of 7 points" in answer["log"]
    answer = json.loads(formgrader.post("api/assignment/mini/generate_feedback"))
    assert "2 pages made" in answer["log"]
    assert "0 pages made, 2 up to date" in formgrader.post("api/assignment/mini/generate_feedback")
    assert len(_workers(formgrader.watched)) == 1


@pytest.mark.slow
def test_autograde_waits_for_its_turn_beside_other_commands(formgrader: Formgrader):
    """While two commands grade the same student again and again, Autograde succeeds and shows the right mark."""
    root = formgrader.watched.root
    hand_in(root, "bob")
    words = [sys.executable, "-m", "nbseal.cli", "grade", "mini", "--force", "--course", str(root)]
    for _ in range(2):
        commands = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(2)]
        answer = json.loads(formgrader.post("api/submission/mini/bob/autograde"))
        assert answer["success"], answer
        assert "7 of 7 points" in answer["log"]
        assert [command.wait(60) for command in commands] == [0, 0]
    assert json.loads(formgrader.get("api/submission/mini/bob"))["score"] == 7
