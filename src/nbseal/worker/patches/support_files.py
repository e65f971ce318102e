"""Support files, loaded ahead from the course's folder, and later said to lie where the notebook runs.

Measured: a support file that draws takes up to 0.1 s to import, which every submission would spend again.
"""

from __future__ import annotations

import _imp
import importlib
import inspect
import linecache
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import PurePath
from types import CodeType
from typing import Any

from stack_data.core import Source

RELIES_ON = (
    "_imp._fix_co_filename",
    "stack_data.core.Source._for_filename_and_lines",
    "inspect.modulesbyfile",
)

_codes: dict[str, CodeType] = {}
_folders: set[str] = set()
_lines: dict[str, tuple[str, ...]] = {}


class _Loader(SourceFileLoader):
    """Remembers the code of each module that it loads."""

    def get_code(self, fullname: str) -> Any:
        code = super().get_code(fullname)
        if code is not None:
            _codes[fullname] = code
            _lines[fullname] = tuple(linecache.getlines(self.path))
        return code


def load(folder: str, wanted: list[str]) -> None:
    """Import each ``module`` from ``folder``, if it can be, and call the function of each ``module:function``.

    RuntimeError if that can't be done.
    """
    _folders.add(folder)
    sys.path.insert(0, folder)
    sys.path_importer_cache[folder] = FileFinder(folder, (_Loader, SOURCE_SUFFIXES))
    try:
        for item in wanted:
            module, _, function = item.partition(":")
            try:
                loaded = importlib.import_module(module)
                if function:
                    getattr(loaded, function)()
            except (Exception, SystemExit) as error:
                if function:
                    why = f"{type(error).__name__}: {error}"
                    raise RuntimeError(f"{item} in c.Seal.preload_calls can't be called ahead: {why}") from error
    finally:
        sys.path.remove(folder)
        del sys.path_importer_cache[folder]


def read(work: str) -> None:
    """Read the loaded files as tracebacks will, in processes that see them in ``work``."""
    for name, lines in _lines.items():
        source = Source._for_filename_and_lines(f"{work}/{name}.py", lines)
        assert source.pieces is not None


def move(work: str) -> None:
    """Make the loaded modules name their file in ``work``: tracebacks show its path and read its lines.

    So do folders and files that a module has worked out from its own place, as in ``HERE = Path(__file__).parent``.
    """
    for name, code in _codes.items():
        module = sys.modules.get(name)
        if module is None or module.__spec__ is None:
            continue
        path = f"{work}/{name}.py"
        # what the import system itself does to compiled code that was moved
        _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]
        module.__file__ = module.__spec__.origin = path
        inspect.modulesbyfile[path] = name  # type: ignore[attr-defined]
        module.__spec__.cached = module.__dict__["__cached__"] = None
        if isinstance(module.__spec__.loader, _Loader):
            module.__spec__.loader.path = path
        for variable, value in list(vars(module).items()):
            if isinstance(value, (str, PurePath)):
                vars(module)[variable] = _moved(value, work)


def _moved(value: Any, work: str) -> Any:
    """A path below a folder that was loaded from, as it is in ``work``; anything else as it is."""
    for folder in _folders:
        text = str(value)
        if text == folder or text.startswith(f"{folder}/"):
            return type(value)(work + text[len(folder) :])
    return value
