"""Hands matplotlib's list of fonts down to forks in which matplotlib is not loaded yet: making it takes long."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_lists: dict[str, bytes] = {}


def remember() -> None:
    """Keep the newest list of fonts at hand, unless the forks will find matplotlib loaded."""
    folder = os.environ.get("MPLCONFIGDIR")
    if not folder or "matplotlib.font_manager" in sys.modules or importlib.util.find_spec("matplotlib") is None:
        return
    if not any(Path(folder).glob("fontlist-*.json")):
        importlib.import_module("matplotlib.font_manager")  # writes it, once on this machine
        return
    newest = max(Path(folder).glob("fontlist-*.json"), key=lambda path: path.stat().st_mtime)
    _lists[newest.name] = newest.read_bytes()


def hand_down() -> None:
    """Write the list where matplotlib will look for it in this process."""
    if not _lists:
        return
    folder = Path(os.environ["MPLCONFIGDIR"])
    folder.mkdir(parents=True)
    for name, data in _lists.items():
        (folder / name).write_bytes(data)
