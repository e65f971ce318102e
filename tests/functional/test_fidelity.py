"""Outputs are those of a real kernel, cell by cell, sealed and unsealed.

Every notebook of ``source/`` and the feature notebooks in ``tests/features/`` are run by nbclient with a real kernel
and by the engine; outputs and execution counts must be equal.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grade import execute
from nbseal.grade.plan import imported_modules
from nbseal.grade.running import run_notebook
from nbseal.grade.submission import read_submission
from nbseal.notebook import read
from nbseal.sandbox import WarmProcess, choose_level
from nbseal.sandbox.warm import WarmSettings
from tests.fidelity import explain, normalise, read_notebook, run_in_kernel

ROOT = Path(__file__).parents[2]
FEATURES = {path.stem: path for path in sorted((ROOT / "tests" / "features").glob("*.txt"))}
SOURCES = {path.stem: path for path in sorted((ROOT / "source").glob("*/*.ipynb"))}
HELPER = ROOT / "tests" / "features" / "helper_module.py"
CONFIG = """
c = get_config()
c.Seal.cell_seconds = 60.0
c.Seal.notebook_seconds = 120.0
"""


def load(name):
    """A notebook's cells, and the files beside it."""
    if name in FEATURES:
        return read_notebook(FEATURES[name].read_text(encoding="utf-8")), {HELPER.name: HELPER.read_bytes()}
    path = SOURCES[name]
    nb = read(path.read_bytes(), name=path.name).nb
    return json.loads(json.dumps(nb)), read_submission(path.parent, (name,), 64).files


def cells_of(names):
    """Parameters for one test a cell."""
    return [
        pytest.param(name, index, id=f"{name}-{cell['id']}")
        for name in names
        for index, cell in enumerate(code_cells(load(name)[0]))
    ]


def warm_settings(*names):
    """What a warm process loads ahead, as for an assignment: the modules and support files that are imported."""
    folder = HELPER.parent if names[0] in FEATURES else SOURCES[names[0]].parent
    own = {path.stem for path in folder.glob("*.py")}
    sources = [cell["source"] for name in names for cell in load(name)[0]["cells"] if cell["cell_type"] == "code"]
    modules = {module for source in sources for module in imported_modules(source)}
    return WarmSettings(
        modules=sorted(module for module in modules if module.split(".")[0] not in own),
        support=str(folder),
        warm=sorted(modules & own),
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course without a seal's usual time limits."""
    root = tmp_path_factory.mktemp("course")
    (root / "nbgrader_config.py").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root))  # no data set of this machine's own is found
        patch.delenv("SCIKIT_LEARN_DATA", raising=False)
        yield Course(root)


@pytest.fixture(scope="module")
def runs(course, tmp_path_factory):
    """A function that runs a notebook in all three ways, once; it returns the normalised cells of each."""
    done = {}
    with ThreadPoolExecutor(2) as pool, WarmProcess(course.seal, choose_level()) as warm:
        warm.start(warm_settings(*FEATURES))

        def run(name):
            if name not in done:
                folder = tmp_path_factory.mktemp(name).resolve()
                kernel = pool.submit(in_kernel, name, folder)
                ours = [pool.submit(unsealed, course, name), pool.submit(sealed, course, name, warm)]
                done[name] = {
                    "kernel": [normalise(cell, folder) for cell in kernel.result()],
                    "unsealed": [normalise(cell) for cell in ours[0].result()],
                    "sealed": [normalise(cell) for cell in ours[1].result()],
                }
            return done[name]

        yield run


def in_kernel(name, folder):
    """Code cells after a run with nbclient."""
    nb, files = load(name)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return code_cells(run_in_kernel(nb, folder))


def unsealed(course, name):
    """Code cells after a run as an instructor's notebook."""
    nb, files = load(name)
    return code_cells(execute(course, nb, files, warm=warm_settings(name)))


def sealed(course, name, warm):
    """Code cells after a run as a submission, at the strongest level to be had here."""
    nb, files = load(name)
    if name in SOURCES:
        with WarmProcess(course.seal, choose_level()).start(warm_settings(name)) as own:
            return run_sealed(own, nb, files)
    return run_sealed(warm, nb, files)


def run_sealed(warm, nb, files):
    """Code cells of one run."""
    process = warm.spawn()
    run = run_notebook(process, nb, files)
    process.end()
    assert run.failure is None
    return code_cells(nb)


def code_cells(nb):
    """The cells that have outputs."""
    return [cell for cell in nb["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("how", ["unsealed", "sealed"])
@pytest.mark.parametrize(("name", "index"), cells_of([*SOURCES, *FEATURES]))
def test_cell_puts_out_what_a_kernel_puts_out(runs, name, index, how):
    """A cell has the outputs and the execution count that nbclient would have stored."""
    expected, got = runs(name)["kernel"][index], runs(name)[how][index]
    if expected != got:
        pytest.fail(f"{name}: {explain(expected, got)}", pytrace=False)
