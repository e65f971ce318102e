"""Lets our own programs import parts of nbgrader, nbconvert, nbformat and others without the whole of them.

``import nbgrader`` begins with JupyterLab's server extensions, ``import nbconvert`` with all its exporters, and what
both import at their modules' heads is mostly for something else: more than half a second before any module that we
need.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

ADDRESSES = ("rfc3987_syntax", "rfc3986_validator")  # of kinds that notebooks don't have; jsonschema does without
LATER = ("nbgrader", "nbconvert", "nbconvert.filters", "nbformat", "bleach", "bs4", "requests")
FUNCTIONS_LATER = {
    "tornado.log": ("LogFormatter",),
    "nbconvert.preprocessors.sanitize": ("_get_default_css_sanitizer",),
    "setuptools.archive_util": ("unpack_archive", "unpack_tarfile", "unpack_zipfile"),
}


def prepare() -> None:
    """Have these packages' modules load by themselves; for programs of our own, which serve no pages."""
    for name in ADDRESSES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in LATER:
        load_when_asked(name)
    for name, functions in FUNCTIONS_LATER.items():
        if name not in sys.modules:
            sys.modules[name] = stand_in = ModuleType(name)
            for function in functions:
                setattr(stand_in, function, _load_when_called(stand_in, function))
            stand_in.__getattr__ = _look_behind(stand_in)  # type: ignore[method-assign]


def _look_behind(stand_in: ModuleType) -> Any:
    """Whoever wants another name of the module gets it from the module itself."""

    def look_up(name: str) -> Any:
        if name.startswith("__"):  # the import system's own questions
            raise AttributeError(name)
        return getattr(_real_one(stand_in), name)

    return look_up


def _real_one(stand_in: ModuleType) -> ModuleType:
    """The module that ``stand_in`` has stood for until now."""
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]
    return importlib.import_module(stand_in.__name__)


def _load_when_called(stand_in: ModuleType, function: str) -> Any:
    """Stands for a function of a module that is loaded when it is called."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(_real_one(stand_in), function)(*args, **kwargs)

    return call


def load_when_asked(name: str, places: Mapping[str, str] | None = None) -> None:
    """Run a package's own code the first time that somebody looks for a name which it defines.

    Names in ``places`` are taken from the modules of the package that are named there.
    """
    if name in sys.modules or not (spec := importlib.util.find_spec(name)) or not spec.loader:
        return
    loader, package = spec.loader, importlib.util.module_from_spec(spec)

    def look_up(wanted: str) -> Any:
        if wanted.startswith("__") and wanted not in ("__all__", "__version__"):  # the import system's own questions
            raise AttributeError(wanted)
        if places and wanted in places:
            return getattr(importlib.import_module(f"{name}.{places[wanted]}"), wanted)
        if importlib.util.find_spec(f"{name}.{wanted}"):
            return importlib.import_module(f"{name}.{wanted}")
        del package.__getattr__
        loader.exec_module(package)
        return getattr(package, wanted)

    package.__getattr__ = look_up  # type: ignore[method-assign]
    sys.modules[name] = package
