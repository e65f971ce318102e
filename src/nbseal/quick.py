"""Lets our own command line import parts of nbgrader and nbconvert without the whole of them.

``import nbgrader`` begins with JupyterLab's server extensions, ``import nbconvert`` with all its exporters: half a
second before any module that we need.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

ADDRESSES = ("rfc3987_syntax", "rfc3986_validator")  # of kinds that notebooks don't have; jsonschema does without
LATER = ("nbgrader", "nbconvert", "nbconvert.filters")


def prepare() -> None:
    """Have these packages' modules load by themselves; for programs of our own, which serve no pages."""
    for name in ADDRESSES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in LATER:
        if name not in sys.modules and (spec := importlib.util.find_spec(name)) and spec.loader:
            package = importlib.util.module_from_spec(spec)
            _load_when_asked(package, spec.loader)
            sys.modules[name] = package


def _load_when_asked(package: ModuleType, loader: Any) -> None:
    """Run the package's own code the first time that somebody looks for a name which it defines."""

    def look_up(name: str) -> Any:
        if name.startswith("__") and name != "__version__":  # the import system's own questions
            raise AttributeError(name)
        if importlib.util.find_spec(f"{package.__name__}.{name}"):
            return importlib.import_module(f"{package.__name__}.{name}")
        del package.__getattr__
        loader.exec_module(package)
        return getattr(package, name)

    package.__getattr__ = look_up  # type: ignore[method-assign]
