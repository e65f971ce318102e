"""Runs notebooks with a real kernel and with our engine, and takes out of the outputs what may differ."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import from_dict

from tests.mini import code, notebook

Notebook = dict[str, Any]


def feature_notebook(text: str) -> Notebook:
    """A notebook from text in which ``# %% name`` starts a cell."""
    parts = re.split(r"^# %% (\w+)\n", text.strip() + "\n", flags=re.MULTILINE)[1:]
    return notebook([code(name, source[:-1]) for name, source in zip(parts[::2], parts[1::2], strict=True)])


async def run_in_kernel(nb: Notebook, folder: Path, env: dict[str, str]) -> Notebook:
    """Run a notebook in ``folder`` as nbgrader's own autograder would: nbclient and a kernel of its own."""
    node = from_dict(copy.deepcopy(nb))
    client = NotebookClient(node, timeout=60, kernel_name="python3", allow_errors=True)
    client.resources = {"metadata": {"path": str(folder)}}
    await client.async_execute(env=env)
    return json.loads(json.dumps(node))
