"""A class that signs in at once: ``python -m benchmarks.hub_load --students 30`` starts a demo hub and prints a table.

Each student signs in, starts a server, opens the solved 01-gates, runs all its cells in a kernel over a WebSocket, and
presses Validate, all in HTTP as JupyterLab speaks it, though without JupyterLab's own polling. Everything stays on this
machine and ends with the last student.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import psutil
import requests
import websocket

from nbseal_hub.demo import make_demo
from nbseal_hub.launch import address, running
from nbseal_hub.proxy import install_proxy
from nbseal_hub.settings import HubSettings, load_secrets

ROOT = Path(__file__).resolve().parents[1]
ASSIGNMENT = "01-gates"
NOTEBOOK = f"nn101/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
PATIENCE = 600.0
MB = 1 << 20


@dataclass
class Visit:
    """What one student waited for, in seconds, and what their processes hold in the end, in MB."""

    spawn: float = 0.0
    kernel: float = 0.0
    validate: float = 0.0
    server_mb: float = 0.0
    kernel_mb: float = 0.0


class Student:
    """One student's session with the hub."""

    def __init__(self, hub: str, name: str, password: str) -> None:
        self.hub, self.name, self.password = hub, name, password
        self.server = f"{hub}/user/{name}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.visit = Visit()

    def sign_in(self) -> None:
        """Give name and password."""
        self.session.get(f"{self.hub}/hub/login", timeout=PATIENCE).raise_for_status()
        form = {"username": self.name, "password": self.password, "_xsrf": self.session.cookies.get("_xsrf")}
        self.session.post(f"{self.hub}/hub/login?next=/hub/home", data=form, timeout=PATIENCE).raise_for_status()

    def spawn(self) -> None:
        """Ask for a server, again when the hub says that too many start, until JupyterLab's page is there."""
        begin = time.monotonic()
        while (answer := self.session.get(f"{self.hub}/hub/spawn", timeout=PATIENCE)).status_code == 429:
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        while 'id="jupyter-config-data"' not in self.session.get(f"{self.server}/lab", timeout=PATIENCE).text:
            if time.monotonic() - begin > PATIENCE:
                raise TimeoutError(f"{self.name} has no server after {PATIENCE:.0f} seconds")
            time.sleep(0.5)
        self.visit.spawn = time.monotonic() - begin

    def open_notebook(self) -> None:
        """Read the notebook, start its kernel, and run all cells."""
        begin = time.monotonic()
        answer = self.session.get(f"{self.server}/api/contents/{NOTEBOOK}", timeout=PATIENCE)
        answer.raise_for_status()
        cells = [cell["source"] for cell in answer.json()["content"]["cells"] if cell["cell_type"] == "code"]
        asked = {"path": NOTEBOOK, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        kernel = self._post("api/sessions", asked)["kernel"]["id"]
        self._execute(kernel, cells)
        self.visit.kernel = time.monotonic() - begin

    def validate(self) -> None:
        """Press Validate."""
        begin = time.monotonic()
        answer = self._post(f"assignments/validate?path={NOTEBOOK}", {})
        if not answer["success"]:
            raise RuntimeError(f"{self.name}: {answer['value']}")
        self.visit.validate = time.monotonic() - begin

    def weigh(self) -> None:
        """Look at the memory of this student's processes, shared pages counted in parts."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("JUPYTERHUB_USER") == self.name:
                    size = process.memory_full_info().pss / MB
                    kernel = "ipykernel_launcher" in " ".join(process.cmdline())
                    self.visit.kernel_mb += size if kernel else 0.0
                    self.visit.server_mb += 0.0 if kernel else size
            except psutil.Error:
                continue

    def _token(self) -> str:
        return str(self.session.cookies.get("_xsrf", path=f"/user/{self.name}/"))

    def _post(self, path: str, body: dict) -> dict:
        headers = {"X-XSRFToken": self._token()}
        answer = self.session.post(f"{self.server}/{path}", json=body, headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()

    def _execute(self, kernel: str, cells: list[str]) -> None:
        url = f"{self.server}/api/kernels/{kernel}/channels".replace("http", "ws", 1)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies())
        socket = websocket.create_connection(url, cookie=cookies, origin=self.hub, timeout=PATIENCE)
        session = uuid.uuid4().hex
        for code in cells:
            header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": session}
            header |= {"username": "", "version": "5.3", "date": ""}
            content = {"code": code, "silent": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            socket.send(json.dumps(message))
            while (reply := json.loads(socket.recv()))["msg_type"] != "execute_reply":
                continue
            if reply["content"]["status"] != "ok":
                raise RuntimeError(f"{self.name}: {reply['content']}")
        socket.close()

    def _cookies(self) -> list:
        return [cookie for cookie in self.session.cookies if f"/user/{self.name}/".startswith(cookie.path)]


def take_part(student: Student, all_there: Barrier) -> Visit:
    """One student's hour in a few seconds."""
    student.sign_in()
    all_there.wait()
    student.spawn()
    student.open_notebook()
    student.validate()
    all_there.wait(PATIENCE)
    student.weigh()
    return student.visit


def measure(folder: Path, names: tuple[str, ...], port: int) -> tuple[list[Visit], float]:
    """The visits of all students at once, and the memory of hub, proxy and services in MB."""
    install_proxy()
    path = make_demo(folder, ROOT, port, port + 81, students=names)
    with running(path) as settings:
        for name in names:
            shutil.copytree(ROOT / "solutions" / ASSIGNMENT, settings.homes / name / "nn101" / ASSIGNMENT)
        password = load_secrets(settings).demo_password
        all_there = Barrier(len(names))
        with ThreadPoolExecutor(len(names)) as pool:
            started = [pool.submit(take_part, Student(address(settings), name, password), all_there) for name in names]
            visits = [one.result() for one in started]
        return visits, hub_memory(settings)


def hub_memory(settings: HubSettings) -> float:
    """Memory of the hub itself, its proxy and its services."""
    total = 0.0
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            service = process.environ().get("JUPYTERHUB_SERVICE_NAME")
            inside = process.cwd() in (str(settings.private), str(settings.course)) or service == "idle-culler"
        except psutil.Error:
            continue
        if inside and ("jupyterhub" in words or "configurable-http-proxy" in words):
            total += process.memory_full_info().pss / MB
    return total


def table(visits: list[Visit], hub_mb: float) -> str:
    """What was measured, a line each."""
    rows = [f"{len(visits)} students at once, {os.cpu_count()} processors", ""]
    rows += ["| what | median | 95 % | most |", "|---|---|---|---|"]
    for name, unit in (("spawn", "s"), ("kernel", "s"), ("validate", "s"), ("server_mb", "MB"), ("kernel_mb", "MB")):
        values = sorted(getattr(visit, name) for visit in visits)
        high = values[min(len(values) - 1, int(0.95 * len(values)))]
        shown = [f"{value:.1f} {unit}" for value in (statistics.median(values), high, values[-1])]
        rows.append(f"| {name.removesuffix('_mb')} | {' | '.join(shown)} |")
    return "\n".join([*rows, f"| hub, proxy, formgrader, culler | {hub_mb:.0f} MB | | |"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub_load", description=__doc__)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--port", type=int, default=18000)
    options = parser.parse_args()
    names = tuple(f"student{number}" for number in range(1, options.students + 1))
    with tempfile.TemporaryDirectory(prefix="nbseal-hub-load-") as name:
        print(table(*measure(Path(name, "state"), names, options.port)))


if __name__ == "__main__":
    main()
