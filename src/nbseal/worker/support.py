"""Support files, loaded ahead from the course's folder, and later said to lie where the notebook runs."""

from __future__ import annotations

import _imp
import importlib
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from types import CodeType
from typing import Any

_codes: dict[str, CodeType] = {}


class _Loader(SourceFileLoader):
    """Remembers the code of each module that it loads."""

    def get_code(self, fullname: str) -> Any:
        code = super().get_code(fullname)
        if code is not None:
            _codes[fullname] = code
        return code


def load(folder: str, wanted: list[str]) -> None:
    """Import each ``module`` from ``folder``, and call the function of each ``module:function``."""
    sys.path.insert(0, folder)
    sys.path_importer_cache[folder] = FileFinder(folder, (_Loader, SOURCE_SUFFIXES))
    try:
        for item in wanted:
            module, _, function = item.partition(":")
            loaded = importlib.import_module(module)
            if function:
                getattr(loaded, function)()
    finally:
        sys.path.remove(folder)
        del sys.path_importer_cache[folder]


def move(work: str) -> None:
    """Make the loaded modules name their file in ``work``: tracebacks show its path and read its lines."""
    for name, code in _codes.items():
        module = sys.modules.get(name)
        if module is None or module.__spec__ is None:
            continue
        path = f"{work}/{name}.py"
        # what the import system itself does to compiled code that was moved
        _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]
        module.__file__ = module.__spec__.origin = path
        module.__spec__.cached = module.__dict__["__cached__"] = None
        if isinstance(module.__spec__.loader, _Loader):
            module.__spec__.loader.path = path
