"""Outputs are those of a real kernel, cell by cell, sealed and unsealed.

Every notebook of ``source/`` and the feature notebooks in ``tests/features/`` are run by nbclient with a real kernel
and by the engine; outputs and execution counts must be equal. As in nbgrader's own runs, an error that is shown
otherwise or nowhere is added behind the outputs. Before that, on both sides, ``tests.fidelity`` replaces
what no two runs have in common: addresses, times, numbers of tasks, names of the files that cells are compiled from,
of the connection file and of the folder where the notebook runs; it joins consecutive chunks of one stream, and counts
the frames of an endless recursion as one.

What stays different, on purpose:

1.  ``exit()`` and ``quit()`` end a kernel, and nbclient gives the notebook up; here the next cell runs.
2.  A cell over its time limit is interrupted (KeyboardInterrupt, or CancelledError where it awaits something) and the
    next cell runs; output over the limits is cut off. Both say so. SIGALRM and SIGPROF
    belong to the time limits.
3.  Text that goes past Python's streams (other programs, C code, ``os.write``) is put in the order in which it was
    written; a kernel's threads put it where they happen to be. Half a surrogate pair becomes ``?``; a kernel loses the
    text. A notebook that breaks ``sys.stdout`` itself gets it back with its next error; a kernel never answers again.
4.  Text that a forked process prints is kept, what it displays is not. A fork that comes to the end of its cell ends.
5.  Shell commands (``!ls``) see no terminal where a sealed process has none: they write as into a pipe.
6.  Modules and support files are loaded ahead: warnings that come up while a module is first imported don't appear,
    filters for its warnings are there from the start, and ``%config`` lists what they add.
7.  The garbage collector runs at other moments, so a message that it causes may appear with another cell.
8.  Environment variables, user, host: the instructor's own are not handed on. IPython's
    configuration, startup files and history of the user are not read; ``%store`` keeps until the notebook's end.
9.  There is no network, and no connection to a kernel: ``%connect_info`` and ``%subshell`` fail, and the state of
    widgets is not stored. ``breakpoint()`` does nothing, as in a kernel to which no debugger is attached.
10. ``traceback.print_stack()`` shows the engine's frames below the cell, and so does a traceback that leads through
    what a kernel does with a display that can't be sent.
11. There are no threads but the notebook's own, so ``os.fork()`` doesn't warn of any.
12. After a MemoryError its frames are let go, and with them what filled the memory: ``%debug`` finds no error then.
"""

import json
from pathlib import Path

import pytest

from nbseal.course import Course, Seal
from nbseal.grading import execute
from nbseal.grading.execution import run_notebook
from nbseal.grading.plan import imported_modules
from nbseal.grading.submission import read_folder
from nbseal.notebook import read
from nbseal.sandbox import NONE, WarmProcess, choose_level
from nbseal.sandbox.warm import WarmSettings
from tests.fidelity import explain, normalise, read_notebook, run_in_kernel

ROOT = Path(__file__).parents[2]
FEATURES = {path.stem: path for path in sorted((ROOT / "tests" / "features").glob("*.txt"))}
SOURCES = {path.stem: path for path in sorted((ROOT / "source").glob("*/*.ipynb"))}
HELPER = ROOT / "tests" / "features" / "helper_module.py"
AT_ONCE = ("01-gates",)  # of the sources; `make test-slow` has the rest
NEED_A_SERVER = {"09-cloud": "own-"}  # beginning of the ids of cells that ask a service, for which there is no network
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
    server = NEED_A_SERVER.get(name)
    nb["cells"] = [cell for cell in nb["cells"] if server is None or not cell["id"].startswith(server)]
    beside = {one: data for one, data in read_folder(path.parent, 64).files.items() if one != path.name}
    return json.loads(json.dumps(nb)), beside


def cells_of(names):
    """Parameters for one test a cell."""
    return [
        pytest.param(
            name,
            index,
            id=f"{name}-{cell['id']}",
            marks=[] if name in FEATURES or name in AT_ONCE else pytest.mark.slow,
        )
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
        preload_calls=sorted(modules & own),
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
    """A function that runs a notebook in one of three ways, once; it returns the normalised cells."""
    done = {}
    with WarmProcess(course.seal, choose_level()) as warm:
        warm.start(warm_settings(*FEATURES))

        def run(name, how):
            if (name, how) not in done:
                folder = tmp_path_factory.mktemp(name).resolve()
                match how:
                    case "kernel":
                        cells = in_kernel(name, folder)
                    case "unsealed":
                        cells = unsealed(course, name)
                    case _:
                        cells = sealed(course, name, warm)
                done[name, how] = [normalise(cell, folder) for cell in cells]
            return done[name, how]

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
    """Code cells after a run as a submission, at the strongest level that works here."""
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


@pytest.mark.parametrize("how", [pytest.param("unsealed", marks=pytest.mark.slow), "sealed"])
@pytest.mark.parametrize(("name", "index"), cells_of([*SOURCES, *FEATURES]))
def test_cell_puts_out_what_a_kernel_puts_out(runs, name, index, how):
    """A cell has the outputs and the execution count that nbclient would have stored."""
    expected, got = runs(name, "kernel")[index], runs(name, how)[index]
    difference = explain(expected, got) if expected != got else ""
    assert not difference, f"{name}: {difference}"


@pytest.fixture(scope="module")
def trusted():
    """An unsealed warm process with a short time limit."""
    with WarmProcess(Seal(cell_seconds=1.0, output_kib=64), NONE).start() as process:
        yield process


def texts(warm, *sources):
    """What the cells put out, as text."""
    process = warm.spawn()
    run = process.run(list(enumerate(sources)), {})
    process.end()
    assert run.failure is None
    return ["".join(map(text_of, run.cells[index].outputs)) for index in range(len(sources))]


def text_of(output):
    """The text of one output."""
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return output.get("text") or output["data"]["text/plain"]


def test_exit_does_not_end_the_notebook(trusted):
    """After exit() and quit() the next cell runs."""
    assert texts(trusted, "exit()", "quit()", "'next'") == ["", "", "'next'"]


@pytest.mark.parametrize(
    ("source", "error", "limits"),
    [
        ("import asyncio; await asyncio.sleep(60)", "CancelledError", (2,)),
        ("import asyncio; asyncio.get_running_loop().call_soon(lambda: [1 for _ in iter(int, 1)])\n"
         "await asyncio.sleep(60)", "KeyboardInterrupt", (1, 2)),  # on a busy machine the wall's limit comes first
    ],
)  # fmt: skip
def test_awaiting_cell_is_interrupted_and_the_next_one_runs(trusted, source, error, limits):
    """A cell that awaits too long, or a callback that never returns, is stopped with a sentence."""
    first, second = texts(trusted, source, "'next'")
    assert first in [f"{error}: this cell ran longer than its time limit, {limit} seconds" for limit in limits]
    assert second == "'next'"


def test_error_that_escapes_from_a_task_is_shown(trusted):
    """A task's SystemExit is its cell's error and doesn't end the notebook."""
    source = "import asyncio\nasync def leave(): raise SystemExit(5)\n"
    source += "task = asyncio.create_task(leave()); await asyncio.sleep(0.1)"
    assert texts(trusted, source, "'next'") == ["SystemExit: 5", "'next'"]


def test_text_past_the_streams_stays_in_order(trusted):
    """What is written to descriptor 1 stands where it was written."""
    source = "import os\nfor n in range(3):\n    print('a', n)\n    os.write(1, b'b %d\\n' % n)"
    assert texts(trusted, source) == ["a 0\nb 0\na 1\nb 1\na 2\nb 2\n"]


def test_text_past_the_streams_is_cut_off(trusted):
    """Other programs can't fill the instructor's disk either."""
    (text,) = texts(trusted, "import subprocess; subprocess.run(['seq', '1000000']);")
    assert len(text) < 70_000
    assert "cut off" in text


def test_half_a_surrogate_pair_becomes_a_question_mark(trusted):
    """Text that is no valid Unicode is shown as far as it is."""
    assert texts(trusted, r"print('half \ud83d a pair')") == ["half ? a pair\n"]


def test_broken_stream_is_mended(trusted):
    """A notebook that throws sys.stdout away sees the error, and later outputs."""
    _, error, later = texts(trusted, "import sys; sys.stdout = None", "1 + 1", "2 + 2")
    assert error.startswith("AttributeError")
    assert later == "4"


def test_fork_ends_with_its_cell(trusted):
    """A process that a notebook has forked and forgotten doesn't run the other cells."""
    sources = [
        "import os\nif os.fork() == 0:\n    print('child')\nelse:\n    os.wait(); print('parent')",
        "print('next')",
    ]
    assert texts(trusted, *sources) == ["child\nparent\n", "next\n"]


def test_display_of_a_forked_process_is_not_kept(trusted):
    """A forked process can print, but not display."""
    source = "import os\nif os.fork() == 0:\n    display('shown'); print('printed'); os._exit(0)\nos.wait();"
    assert texts(trusted, source) == ["printed\n"]


def test_nothing_is_stored_for_the_next_notebook(trusted):
    """What %store keeps is gone with its notebook."""
    assert texts(trusted, "secret = 5\n%store secret", "%store") != [""]
    assert "secret" not in texts(trusted, "%store")[0]
