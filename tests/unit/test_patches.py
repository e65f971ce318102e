"""Private names of other libraries: used in the rooms of patches alone, and there in the installed releases."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import nbseal.patches
import nbseal.worker.patches
from tests.samples import ROOT

ROOMS = (nbseal.patches, nbseal.worker.patches)
SOURCES = sorted((ROOT / "src" / "nbseal").rglob("*.py"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
PUBLIC = {("os", "_exit")}  # documented in spite of its name


def patches() -> list[ModuleType]:
    """The modules of both rooms that rely on something."""
    names = [f"{room.__name__}.{one.name}" for room in ROOMS for one in pkgutil.iter_modules(room.__path__)]
    return [module for name in names if hasattr(module := importlib.import_module(name), "RELIES_ON")]


RELIED_ON = [(module.__name__, name) for module in patches() for name in module.RELIES_ON]


def find(name: str) -> object:
    """The object of a dotted name; AttributeError or ImportError if there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise ImportError(name)


@pytest.mark.parametrize(("patch", "name"), RELIED_ON)
def test_what_a_patch_relies_on_is_there(patch, name):
    """Each private name is in the installed release; one that is gone is named with the patch to look at."""
    place, _, attribute = name.partition(":")
    try:
        found = find(place)
        assert not attribute or attribute in inspect.getsource(found)  # type: ignore[arg-type]
    except (AttributeError, ImportError, AssertionError):
        pytest.fail(f"{name} is gone from the installed release: look at {patch}, which relies on it, before upgrading")


def test_every_patch_says_what_it_relies_on():
    """A module of the rooms of patches that touches a private name lists names."""
    assert {module.__name__.rpartition(".")[2] for module in patches()} >= {
        "compiled_cells", "fonts", "kernel", "lazy_imports", "semaphores", "streams", "support_files", "tracebacks",
    }  # fmt: skip


def own_names(tree: ast.Module) -> set[str]:
    """Names that a module defines: functions, classes, variables and attributes of its own objects."""
    names = {node.name for node in ast.walk(tree) if isinstance(node, DEFINITIONS)}
    for node in ast.walk(tree):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name):
                names.add(part.id)
            elif (
                isinstance(part, ast.Attribute)
                and isinstance(part.value, ast.Name)
                and part.value.id in ("self", "cls")
            ):
                names.add(part.attr)
    return names


def private_uses(path: Path) -> list[str]:
    """Private names of others that a file uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own, found = own_names(tree), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            holder = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr not in own and (holder, node.attr) not in PUBLIC:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(("nbseal", "__future__")):
            words = [*node.module.split("."), *(alias.name for alias in node.names)]
            found += [f"line {node.lineno}: {node.module}" for word in words if word.startswith("_")]
        elif isinstance(node, ast.Import):
            found += [f"line {node.lineno}: {alias.name}" for alias in node.names if alias.name.startswith("_")]
    return found


@pytest.mark.parametrize("path", [path for path in SOURCES if "patches" not in path.parts], ids=lambda path: path.stem)
def test_no_private_name_of_another_library_outside_the_patches(path):
    """Code that would break without notice at an upgrade stands in the rooms of patches, where a test watches it."""
    assert private_uses(path) == []
