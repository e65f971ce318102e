"""What honest notebooks do with the usual libraries works behind the walls, at every level that this machine offers."""

from collections.abc import Iterator

import pytest

from nbseal.course import Seal
from nbseal.sandbox import SealedProcess, WarmProcess, probe
from nbseal.sandbox.levels import BY_MECHANISM
from nbseal.sandbox.sealed import Run
from nbseal.sandbox.warm import WarmSettings

CELLS = {
    "pandas": ("import pandas as pd\nprint(pd.DataFrame({'a': [1, 1, 2]}).groupby('a').size().tolist())", "[2, 1]"),
    "numpy with BLAS": ("import numpy as np\nprint((np.ones((300, 300)) @ np.ones((300, 300))).sum())", "27000000.0"),
    "matplotlib": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('figure.png')\nplt.close()\n"
        "import os\nprint(os.path.exists('figure.png'))",
        "True",
    ),
    "cv2": ("import cv2\nprint(cv2.GaussianBlur(np.ones((50, 50), np.uint8), (3, 3), 0).sum())", "2500"),
    "sklearn with n_jobs": (
        "from sklearn.datasets import load_iris\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.model_selection import cross_val_score\nX, y = load_iris(return_X_y=True)\n"
        "print(cross_val_score(LogisticRegression(max_iter=500), X, y, cv=3, n_jobs=2).mean() > 0.9)",
        "True",
    ),
    "joblib processes": (
        "from joblib import Parallel, delayed\nprint(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)))",
        "[0, 1, 2, 3]",
    ),
    "joblib threads": (
        "print(Parallel(n_jobs=2, prefer='threads')(delayed(abs)(-i) for i in range(4)))",
        "[0, 1, 2, 3]",
    ),
    "multiprocessing": (
        "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))",
        "[1, 2]",
    ),
    "processes of concurrent.futures": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])))",
        "[1, 2]",
    ),
    "locks and queues between processes": (
        "count, results = multiprocessing.Value('i', 0), multiprocessing.Queue()\ndef add():\n"
        "    for _ in range(300):\n        with count.get_lock():\n            count.value += 1\n    results.put(1)\n"
        "some = [multiprocessing.Process(target=add) for _ in range(2)]\nfor one in some:\n    one.start()\n"
        "print(results.get() + results.get(), count.value)\nfor one in some:\n    one.join()",
        "2 600",
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    print(list(pool.map(abs, [-1, -2])))",
        "[1, 2]",
    ),
    "shared memory": (
        "from multiprocessing import shared_memory\nblock = shared_memory.SharedMemory(create=True, size=100)\n"
        "block.buf[0] = 7\nprint(block.buf[0])\nblock.close()\nblock.unlink()",
        "7",
    ),
    "a database in the work folder": (
        "import sqlite3\nwith sqlite3.connect('a.db') as one, sqlite3.connect('a.db') as other:\n"
        "    one.execute('pragma journal_mode=persist')\n    one.execute('create table t (x)')\n"
        "    one.execute('insert into t values (7)')\n    one.commit()\n"
        "    other.execute('update t set x = x + 1')\n    other.commit()\n"
        "    print(one.execute('select x from t').fetchall())",
        "[(8,)]",
    ),
    "a database with a log": (
        "with sqlite3.connect('b.db') as one:\n    one.execute('pragma journal_mode=wal')\n"
        "    one.execute('create table t (x)')\n    one.executemany('insert into t values (?)', [(1,), (2,)])\n"
        "    one.commit()\n    print(sqlite3.connect('b.db').execute('select sum(x) from t').fetchall())",
        "[(3,)]",
    ),
    "a locked file": (
        "import fcntl\nwith open('c', 'w') as file:\n    fcntl.flock(file, fcntl.LOCK_EX)\n"
        "    fcntl.lockf(file, fcntl.LOCK_UN)\n    print('locked')",
        "locked",
    ),
    "a condition between processes": (
        "def wait(event, done):\n    done.put(event.wait(20))\n"
        "event, done = multiprocessing.Event(), multiprocessing.Queue()\n"
        "one = multiprocessing.Process(target=wait, args=(event, done))\none.start()\nevent.set()\n"
        "print(done.get(), multiprocessing.Lock().acquire(timeout=1))\none.join()",
        "True True",
    ),
    "a temporary file": (
        "import tempfile\nwith tempfile.NamedTemporaryFile() as file:\n    print(file.write(b'abc'))",
        "3",
    ),
}
MODULES = ["pandas", "matplotlib.pyplot", "cv2", "sklearn.model_selection", "sklearn.linear_model", "joblib"]


LOCK_OF_SPAWNED_PROCESSES = "multiprocessing.get_context('spawn').Lock()\nprint('made')"


@pytest.fixture(scope="module", params=[name for name, reason in probe().items() if reason is None])
def mechanism(request: pytest.FixtureRequest) -> str:
    """One way of sealing that this machine offers."""
    return str(request.param)


@pytest.fixture(scope="module")
def done(mechanism: str) -> Iterator[Run]:
    """One run of all cells at one level."""
    seal = Seal(cell_seconds=30.0, notebook_seconds=120.0)
    sources = [source for source, _ in CELLS.values()]
    with WarmProcess(seal, BY_MECHANISM[mechanism]).start(WarmSettings(modules=MODULES)) as warm:
        process: SealedProcess = warm.spawn()
        yield process.run(list(enumerate([*sources, LOCK_OF_SPAWNED_PROCESSES])), {})
        process.end()


@pytest.mark.parametrize("what", CELLS)
def test_an_honest_cell_works_behind_the_walls(what: str, done: Run) -> None:
    """The cell prints what it prints in a real kernel."""
    outputs = done.cells[list(CELLS).index(what)].outputs
    assert [output.get("text", output) for output in outputs] == [f"{CELLS[what][1]}\n"]


def test_nothing_was_cut_short(done: Run) -> None:
    """The run with all these cells was not cut short."""
    assert done.failure is None


def test_a_lock_for_spawned_processes_is_made_or_its_limit_named(done: Run, mechanism: str) -> None:
    """Where the machine's own /dev/shm is all there is, the error says what works instead."""
    (output,) = done.cells[len(CELLS)].outputs
    if mechanism == "landlock":
        assert output["ename"] == "OSError"
        assert "must be forked" in output["evalue"]
    else:
        assert output["text"] == "made\n"
