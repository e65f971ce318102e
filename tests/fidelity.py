"""Runs notebooks with a real kernel and with the engine, and takes out of their outputs what may differ."""

from __future__ import annotations

import asyncio
import copy
import difflib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import from_dict

from tests.mini import code, notebook

Notebook = dict[str, Any]
Output = dict[str, Any]

PICTURES = ("image/png", "image/jpeg")  # equal byte by byte
# what is replaced (where the first text occurs), and by what
DIFFERENCES = [
    ("0x", re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    ("/ipykernel_", re.compile(r"[^\s'\"]*/ipykernel_\d+/"), "<cells>/"),
    (".json", re.compile(r"-f \S+\.json"), "-f <connection file>"),
    ("CPU times", re.compile(r"CPU times: .*\nWall time: [^\n]*"), "<times>"),
    (" in ", re.compile(r"(?<= in )[\d.]+ ?m?s\b"), "<time>"),
    ("s gone", re.compile(r"\d+ s gone, about \d+ s to go"), "<time>"),
    ("s to go", re.compile(r"\d+ s to go"), "<time>"),
    ("seconds", re.compile(r"\d+ seconds on this machine"), "<time>"),
    ("seconds of computing", re.compile(r"(?<= got )[\d.e-]+(?=, expected 0 to )"), "<time>"),
    ("Task-", re.compile(r"Task-\d+"), "Task-<number>"),
    ("<dc:date>", re.compile(r"<dc:date>[^<]*</dc:date>"), "<date>"),
    ("/home/student", re.compile(r"/home/student\b"), "<folder>"),  # where sealed notebooks run,
    ("/nbseal-", re.compile(r"/[^\s'\"]*?/nbseal-[^/\s]+/work-\w+"), "<folder>"),  # and unsealed ones
]


def read_notebook(text: str) -> Notebook:
    """A notebook from text in which ``# %% name`` starts a cell."""
    parts = re.split(r"^# %% (\w+)\n", text, flags=re.MULTILINE)[1:]
    return notebook([code(name, source[:-1]) for name, source in zip(parts[::2], parts[1::2], strict=True)])


def add_hidden_error(cell: Any, execute_reply: Any, **_: Any) -> None:
    """Add an error that a cell shows otherwise or nowhere, as nbgrader's Execute does, with one line as traceback."""
    reply = execute_reply["content"]
    name = reply["ename"] if reply["status"] == "error" else "NoneType"
    if name != "NoneType" and not any(output.get("ename") == name for output in cell["outputs"]):
        line = f"{name}: {reply['evalue']}"
        error = {"output_type": "error", "ename": name, "evalue": reply["evalue"], "traceback": [line]}
        cell["outputs"].append(from_dict(error))


def run_in_kernel(nb: Notebook, folder: Path) -> Notebook:
    """Run a notebook with nbclient and a kernel of its own whose working folder is also its home."""
    node = from_dict(copy.deepcopy(nb))
    hooks = {"on_cell_executed": add_hidden_error}
    client = NotebookClient(node, timeout=120, kernel_name="python3", allow_errors=True, **hooks)
    client.resources = {"metadata": {"path": str(folder)}}
    environment = {
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NBGRADER_EXECUTION": "autograde",
        "DIGITS_OFFLINE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    asyncio.run(client.async_execute(env=environment, stdout=_null(), stderr=_null()))
    return dict(json.loads(json.dumps(node)))


def _null() -> int:
    """A kernel's terminal, which gets a copy of what is written to descriptors 1 and 2."""
    return os.open(os.devnull, os.O_WRONLY)


def normalise(cell: dict[str, Any], folder: Path | None = None) -> tuple[int | None, list[Output]]:
    """Execution count and outputs of a cell without what may differ; ``folder`` is where it ran."""
    outputs = [_plain(output, folder) for output in _merged(cell["outputs"])]
    return cell["execution_count"], outputs


def _merged(outputs: list[Output]) -> list[Output]:
    """Consecutive chunks of a stream are one output, as every frontend shows them."""
    merged: list[Output] = []
    for output in copy.deepcopy(outputs):
        last = merged[-1] if merged else {}
        if output["output_type"] == "stream" and (last.get("output_type"), last.get("name")) == (
            "stream",
            output["name"],
        ):
            last["text"] += output["text"]
        else:
            merged.append(output)
    return merged


def _plain(value: Any, folder: Path | None) -> Any:
    if isinstance(value, dict):
        plain = {key: item if key in PICTURES else _plain(item, folder) for key, item in value.items()}
        if "traceback" in plain:
            # how many frames a runaway recursion leaves depends on the frames below the cell
            plain["traceback"] = list(dict.fromkeys(plain["traceback"]))
        return plain
    if isinstance(value, list):
        return [_plain(item, folder) for item in value]
    if not isinstance(value, str):
        return value
    if folder:
        value = value.replace(str(folder), "<folder>")
    for sign, pattern, name in DIFFERENCES:
        if sign in value:
            value = pattern.sub(name, value)
    return value


def explain(expected: Any, got: Any) -> str:
    """The lines in which two normalised cells differ, shortened."""
    texts = [json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for value in (expected, got)]
    lines = difflib.unified_diff(*texts, "kernel", "engine", n=1, lineterm="")
    return "\n".join(line[:300] for line in list(lines)[:60])
