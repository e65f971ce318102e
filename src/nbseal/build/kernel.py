"""Runs an instructor's notebook in a Jupyter kernel, where there is no Linux for a process of ours."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError
from nbformat import from_dict

from nbseal.build.assignment_files import BYPRODUCTS, Files, copy_out, read_files
from nbseal.errors import SolutionFailed
from nbseal.notebook import Notebook
from nbseal.notebook.grade_cells import plain
from nbseal.notebook.outputs import clean_outputs
from nbseal.sandbox.launch import ONE_THREAD


def run_in_kernel(nb: Notebook, files: Files, cell_seconds: float) -> tuple[Notebook, Files]:
    """Run every cell among ``files``; return the executed notebook and the files that then lie there.

    A cell has twice ``cell_seconds`` of wall time.

    The kernel is that of this Python, without the user's own profile. Errors of single cells are among the outputs;
    SolutionFailed when the notebook can't be run to its end.
    """
    node = from_dict(nb)
    with tempfile.TemporaryDirectory(prefix="nbseal-solution-") as scratch:
        folder = Path(scratch, "work")
        folder.mkdir()
        copy_out(folder, files)
        client = NotebookClient(
            node,
            AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
            resources={"metadata": {"path": str(folder)}},
            timeout=2 * cell_seconds,
            allow_errors=True,
            skip_cells_with_tag="",
            store_widget_state=False,
        )
        environment = {**os.environ, **ONE_THREAD, "IPYTHONDIR": str(Path(scratch, "profile"))}
        try:
            # a kernel's own warnings are about the network, in which this one isn't
            client.execute(cleanup_kc=True, env=environment, stderr=subprocess.DEVNULL)
        except (CellTimeoutError, RuntimeError) as error:  # a kernel that is dead, or couldn't be started
            raise SolutionFailed(f"the notebook can't be executed: {str(error).strip().splitlines()[0]}") from error
        left = read_files(folder, BYPRODUCTS)
    executed = plain(node)
    for cell in executed["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = _joined(clean_outputs(cell["outputs"]))
    return executed, left


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Consecutive text of one stream as one output: a kernel sends it in pieces, now and then."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if found and output["output_type"] == "stream" and output["name"] == found[-1].get("name"):
            found[-1]["text"] += output["text"]
        else:
            found.append(output)
    return found
