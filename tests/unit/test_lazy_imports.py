"""Stand-ins for modules: each is replaced by the whole module once, however many threads ask for it."""

import importlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbseal.patches import lazy_imports

PACKAGE = """
import time
first = object()
time.sleep(0.05)
from slow_package.part import of_a_part
time.sleep(0.05)
last = object()
runs = globals().get("runs", 0) + 1
"""
MODULE = """
import time
time.sleep(0.05)
other = 7
def work(number):
    return number + 1
"""
THREADS = 8


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A package and a module that take a while to load."""
    folder = tmp_path / "slow_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "part.py").write_text("import time\ntime.sleep(0.05)\nof_a_part = 1\n")
    (folder / "circle.py").write_text("from slow_package import not_there_yet\n")
    (tmp_path / "slow_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return folder


def at_once(*actions):
    """What each action returns; all begin at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(actions))

    def run(action):
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(run, action) for action in actions]]


def look_for(name):
    """Import a name as a module does at its head."""
    scope: dict = {}
    exec(f"from slow_package import {name} as found", scope)
    return scope["found"]


def test_threads_that_ask_at_once_all_get_the_whole_package(modules):
    """Names from the package's beginning, its end and its parts are there for every thread, and its code ran once."""
    lazy_imports.load_when_asked("slow_package")
    assert "runs" not in vars(sys.modules["slow_package"])
    names = ["last", "first", "part", "runs"] * (THREADS // 4)
    found = at_once(*[lambda name=name: look_for(name) for name in names])
    package = sys.modules["slow_package"]
    assert found == [package.last, package.first, package.part, 1] * (THREADS // 4)
    assert "__getattr__" not in vars(package)


def test_threads_that_call_at_once_all_call_the_one_real_function(modules):
    """A function that stands in for a module's is replaced by one copy of the module, whoever comes first."""
    lazy_imports.load_when_called("slow_module", ("work",))
    stand_in = sys.modules["slow_module"]
    assert at_once(*[lambda: (stand_in.work(1), stand_in.other)] * THREADS) == [(2, 7)] * THREADS
    real = sys.modules["slow_module"]
    assert real is not stand_in
    assert stand_in.work.__name__ == "call"
    assert importlib.import_module("slow_module") is real


def test_a_name_that_nobody_has_is_an_attribute_error(modules):
    """Code that looks whether a package has something gets the usual answer, before and after loading."""
    lazy_imports.load_when_asked("slow_package")
    for _ in range(2):
        with pytest.raises(AttributeError, match="nowhere"):
            _ = sys.modules["slow_package"].nowhere
        with pytest.raises(ImportError, match="nowhere"):
            look_for("nowhere")


def test_a_package_that_fails_to_load_says_so_each_time(modules):
    """An error in the package's own code reaches whoever asked, and nothing half-loaded is kept for the next."""
    (modules / "__init__.py").write_text("early = 1\nraise RuntimeError('broken')\n")
    lazy_imports.load_when_asked("slow_package")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            _ = sys.modules["slow_package"].late


def test_a_circle_inside_a_package_is_named(modules):
    """A part that asks for what its package hasn't defined yet gets an error, and no thread waits for itself."""
    (modules / "__init__.py").write_text("from slow_package import circle\nnot_there_yet = 1\n")
    lazy_imports.load_when_asked("slow_package")
    with pytest.raises(ImportError, match="not_there_yet"):
        look_for("not_there_yet")


def test_a_thread_that_imports_a_part_and_one_that_imports_the_package_need_not_wait_for_each_other(modules):
    """A part that looks for a name of its package gets it as soon as it is defined, not when the package is whole."""
    (modules / "__init__.py").write_text(
        "import time\ntime.sleep(0.1)\nearly = 1\nfrom slow_package import part\nlast = 2\n"
    )
    (modules / "part.py").write_text("import time\ntime.sleep(0.05)\nfrom slow_package import early\n")
    lazy_imports.load_when_asked("slow_package")
    part, last = at_once(lambda: importlib.import_module("slow_package.part"), lambda: look_for("last"))
    assert (part.early, last) == (1, 2)
