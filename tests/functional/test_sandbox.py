"""Sealed processes, at every level that this machine offers."""

import ast
import os
import select
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from nbseal.course import Seal
from nbseal.errors import SealError, SealUnavailable
from nbseal.sandbox import NONE, WarmProcess, choose_level, levels, probe
from nbseal.sandbox.levels import BY_MECHANISM
from nbseal.sandbox.warm import WarmSettings
from tests.courses import children

AVAILABLE = [mechanism for mechanism, reason in probe().items() if reason is None]


@pytest.fixture(scope="module", params=AVAILABLE)
def warm(request):
    """A warm process at one level, with small limits."""
    seal = Seal(
        cell_seconds=1.0, notebook_seconds=6.0, hidden_tests_seconds=6.0, memory_mib=256, disk_mib=8, processes=20,
        output_kib=64, outputs_per_cell=50,
    )  # fmt: skip
    with WarmProcess(seal, BY_MECHANISM[request.param]).start() as process:
        yield process


STUBBORN = "import signal\nsignal.pthread_sigmask(0, range(1, 60))\nwhile 1: pass"
WAITING = {
    "computes": ["while True: pass", "print('next')"],
    "sleeps": ["import time\ntime.sleep(0.55)\nprint('done')", "time.sleep(60)", "print('next')"],
    "is stubborn": [STUBBORN],
}


@pytest.fixture(scope="module", params=AVAILABLE)
def waited(request):
    """What became of notebooks that take their time, at one level that gives them little; they wait together."""
    seal = Seal(cell_seconds=0.5, notebook_seconds=3.0)
    with WarmProcess(seal, BY_MECHANISM[request.param]).start() as warm, ThreadPoolExecutor(len(WAITING)) as pool:
        runs = {name: pool.submit(run, warm, *sources) for name, sources in WAITING.items()}
        return {name: done.result() for name, done in runs.items()}


def run(warm, *sources, files=None):
    """Run cells; return their outputs' texts, the failure, and the supervisor's report."""
    process = warm.spawn()
    done = process.run(list(enumerate(sources)), files or {})
    report = process.end()
    texts = ["".join(map(text_of, done.cells[i].outputs)) for i in range(len(sources)) if i in done.cells]
    return texts, done.failure, report


def text_of(output):
    """The text of one output."""
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return output.get("text") or output["data"].get("text/plain", "")


def test_some_level_is_to_be_had_here():
    """The tests below have something to test."""
    assert AVAILABLE, probe()


def test_cells_share_their_names_and_count_up(warm):
    """Cells run one after the other in one namespace."""
    texts, failure, _ = run(warm, "x = 20", "x + 1", "print(Out[2])")
    assert (texts, failure) == (["", "21", "21\n"], None)


def test_submitted_files_lie_in_the_work_folder(warm):
    """A cell can open what was submitted, also in subfolders."""
    texts, _, _ = run(warm, "print(open('a/b.txt').read())", files={"a/b.txt": b"hello"})
    assert texts == ["hello\n"]


def test_an_endless_cell_is_interrupted_and_the_next_one_runs(waited):
    """A cell over its time limit gets a KeyboardInterrupt; the notebook goes on."""
    texts, failure, _ = waited["computes"]
    assert texts[0].startswith("KeyboardInterrupt")
    assert texts[1] == "next\n"
    assert failure is None


def test_a_cell_that_waits_may_take_longer_but_not_for_ever(waited):
    """Waiting for a processor costs a cell nothing; the limit on the clock is twice that of processor time."""
    texts, failure, _ = waited["sleeps"]
    assert texts[0] == "done\n"
    assert texts[1].startswith("KeyboardInterrupt: this cell ran longer than its time limit, 1 seconds")
    assert texts[2] == "next\n"
    assert failure is None


def test_an_endless_cell_that_ignores_interrupts_is_ended(waited):
    """Nothing that a cell does keeps the process alive past the notebook's limit."""
    _, failure, report = waited["is stubborn"]
    assert failure == "the notebook ran longer than its time limit, 3 seconds"
    assert report["reason"] == "asked"  # by this side, at that limit: nothing else had to end it later


def test_nothing_that_counts_on_the_machine_is_shown(warm):
    """What moves with the work of others stands still, or isn't there: nobody can talk by it."""
    source = """
import os, time
def seen(name):
    try:
        return sorted(os.listdir(name)) if os.path.isdir(name) else open(name).read()
    except OSError:
        return ""
names = [f"/proc/{name}" for name in ("stat", "meminfo", "vmstat", "loadavg", "uptime")]
before = list(map(seen, names))
kept = [os.urandom(1 << 20) for _ in range(50)]
time.sleep(0.1)
print(list(map(seen, names)) == before)
print([name for name in ("/proc/cmdline", "/proc/locks", "/proc/sys", "/proc/diskstats") if seen(name)])
print("NBSEAL" in seen("/proc/self/environ") + seen("/proc/1/environ"), "MPLCONFIGDIR" in seen("/proc/1/environ"))
"""
    assert run(warm, source)[0] == ["True\n[]\nFalse False\n"]


def test_the_other_end_of_the_dialogue_has_no_name(warm):
    """Nobody gets a handle on the process that grades, by whatever name the option has."""
    source = """
import os, socket
own = socket.socket(fileno=os.dup(3))
for option in (77, 77 + (1 << 16)):
    try:
        print(own.getsockopt(socket.SOL_SOCKET, option))
    except OSError:
        print("refused")
"""
    assert run(warm, source)[0] == ["refused\nrefused\n"]


def test_too_much_memory_is_an_error_in_the_cell(warm):
    """A memory bomb meets MemoryError and leaves the rest of the notebook running."""
    texts, failure, _ = run(warm, "hoard = [bytearray(1 << 26) for _ in range(100)]", "print('next')")
    assert texts == ["MemoryError: ", "next\n"]
    assert failure is None


def test_memory_of_many_processes_is_counted_together(warm):
    """A family of processes can't hold more than one process may."""
    source = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hoard = bytearray(os.urandom(1 << 20) * 100)
        time.sleep(30)
if os.wait()[1] == 9:
    print("a child was killed")
"""
    texts, failure, report = run(warm, source)
    # the watchdog ends them all; if they were quicker than it looks, the control group has ended one of them
    assert report["reason"] == "memory" or texts == ["a child was killed\n"]
    assert failure is None or "memory" in failure


def test_a_process_whose_memory_is_full_still_answers(warm):
    """Loops that grow lists until nothing is left don't take the rest of the notebook with them."""
    grow = "def grow():\n    kept = []\n    while True:\n        kept.append([0.5] * 1000)\ngrow()"
    process = warm.spawn()
    done = process.run(list(enumerate(["x, big = 1, bytes(170 << 20)", grow, grow, grow, "y = x + 1"])), {})
    assert [cell.outputs[0]["ename"] for cell in done.cells.values() if cell.outputs] == ["MemoryError"] * 3
    assert done.failure is None
    replies = []
    get = {"do": "get", "name": "y"}
    for request in (get, {"do": "get", "name": "big"}, {"do": "fork", "first": get}, {"do": "end"}):
        process.dialogue.send(request)
        replies.append(process.dialogue.receive(time.monotonic() + 10))
    assert [reply.get("value") for reply in replies] == [2, None, 2, None]
    assert [replies[1], replies[3]] == [{"too_large": True}, {"ended": 0}]
    process.end()


@pytest.mark.parametrize("mechanism", AVAILABLE)
def test_memory_of_many_processes_is_counted_without_control_groups_too(mechanism):
    """Where no control group may be made, the watchdog ends a family of processes that holds too much."""
    source = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        hoard = bytearray(os.urandom(1 << 20) * 80)
        time.sleep(30)
time.sleep(30)
"""
    seal = Seal(cell_seconds=10.0, memory_mib=200, control_groups=False)
    with WarmProcess(seal, BY_MECHANISM[mechanism]).start() as warm:
        _, failure, report = run(warm, source)
    assert report["reason"] == "memory"
    assert "memory" in failure


@pytest.mark.parametrize("call", ["os.memfd_create('hoard')", "ctypes.CDLL(None).shmget(1, 1 << 20, 0o1600)"])
def test_there_is_no_memory_that_belongs_to_no_process(warm, call):
    """Memory that a watchdog can't see, or that outlives its maker, can't be had."""
    source = f"import ctypes, os\ntry:\n    print({call} >= 0)\nexcept PermissionError:\n    print(False)"
    assert run(warm, source)[0] == ["False\n"]


def test_a_fork_bomb_stays_small(warm):
    """No more processes than the limit, and none is left."""
    source = """
import os, time
count = 0
try:
    for count in range(1000):
        if os.fork() == 0:
            time.sleep(60)
except OSError as error:
    print(type(error).__name__, count < 30)
"""
    texts, failure, _ = run(warm, source)
    assert texts == ["BlockingIOError True\n"]
    assert failure is None


def test_a_file_over_the_limit_is_refused(warm):
    """The disk is as small as the settings say."""
    texts, _, _ = run(warm, "try:\n    open('big', 'wb').write(bytes(20 << 20))\nexcept OSError as e: print('refused')")
    assert texts == ["refused\n"]


def test_output_is_cut_off_and_says_so(warm):
    """A cell can't fill the instructor's disk with output."""
    texts, failure, _ = run(warm, "for _ in range(1000): print('x' * 1000)", "for i in range(1000): display(i)")
    assert len(texts[0]) < 70_000
    assert "cut off" in texts[0]
    assert "cut off" in texts[1]
    assert failure is None


def test_the_end_of_the_process_is_told_not_raised(warm):
    """os._exit in a cell ends the run with a reason."""
    texts, failure, _ = run(warm, "print('before')", "import os; os._exit(0)", "print('after')")
    assert texts == ["before\n"]
    assert "ended before its last cell" in failure


def test_a_crash_is_told_with_its_signal(warm):
    """A segmentation fault is named."""
    _, failure, _ = run(
        warm, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV) or __import__('ctypes').string_at(0)"
    )
    assert "signal 11" in failure


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "open('/etc/shadow').read()",
        f"open({__file__!r}).read()",
        "import os; os.setuid(0) or os.mount",
        "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
        "import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
        "open('/usr/nbseal-was-here', 'w')",
    ],
)
def test_cannot_leave_the_walls(warm, source):
    """Network, other people's files, namespaces and tracing are errors."""
    texts, _, _ = run(warm, source)
    assert texts[0].split(":")[0].endswith("Error"), texts


def test_cannot_see_the_environment_of_the_grader(warm):
    """The environment holds nothing of the instructor's."""
    texts, _, _ = run(warm, "import os; print(sorted(os.environ))", "print(os.environ['HOME'])")
    assert "SECRET" not in texts[0]
    assert "VIRTUAL_ENV" not in texts[0]


def test_two_runs_see_nothing_of_each_other(warm):
    """Files, names and random numbers of one submission don't reach the next."""
    source = "import os, random, numpy as np\n"
    source += "print([name for name in os.listdir('.') if name[0] != '.'], 'left' in globals(), "
    source += "random.random(), np.random.rand())"
    (first,), _, _ = run(warm, source + "\nleft = 1\nopen('left', 'w').close()")
    (second,), _, _ = run(warm, source)
    assert first.split()[:2] == ["[]", "False"] == second.split()[:2]
    assert first.split()[2] != second.split()[2]
    assert first.split()[3] != second.split()[3]


@pytest.mark.skipif("namespaces" not in AVAILABLE, reason="needs the level at which a supervisor serves many")
def test_a_supervisor_serves_one_submission_after_the_other():
    """Each has a user, processes and shared memory of its own all the same; a supervisor that is killed is replaced."""
    world = "import os\nos.getuid(), os.readlink('/proc/self/ns/pid'), os.readlink('/proc/self/ns/ipc'), os.getpid()"
    with WarmProcess(Seal(), BY_MECHANISM["namespaces"]).start() as warm:

        def supervisors():
            return children()[warm._launched.process.pid]

        worlds, seen = [], []
        for _ in range(3):
            worlds.append(ast.literal_eval(run(warm, world)[0][0]))
            seen.append(supervisors())
        assert seen[0] == seen[1] == seen[2]
        assert len(seen[0]) == 1
        for before, after in pairwise(worlds):
            assert all(one != other for one, other in zip(before[:3], after[:3], strict=True))
        assert [pid for *_, pid in worlds] == [1, 1, 1]
        victim = os.pidfd_open(next(iter(seen[0])))
        signal.pidfd_send_signal(victim, signal.SIGKILL)
        select.select([victim], [], [], 10)  # until it is gone: before, it could still take a submission and lose it
        os.close(victim)
        assert run(warm, "6 * 7")[0] == ["42"]
        assert supervisors().isdisjoint(seen[0])


def test_a_daemon_does_not_survive(warm):
    """What a submission starts ends with it."""
    marker = "daemon-of-the-nbseal-tests"
    source = f"""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)", "{marker}"])
    os._exit(0)
time.sleep(0.3)
"""
    run(warm, source)
    assert marker not in processes()


def processes():
    """Command lines of everything that runs."""
    from pathlib import Path

    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text())
        except OSError:
            continue
    return "\n".join(lines)


TIMER = "import threading\ntimer = threading.Timer(60, print)\ntimer.daemon = True\ntimer.start()\n"


def test_a_module_that_starts_threads_is_told(tmp_path):
    """A process with threads can't fork safely."""
    (tmp_path / "busy.py").write_text(TIMER)
    with pytest.raises(SealError, match=r"has 2 threads and can't fork safely: a module in c\.Seal\.preload_modules"):
        WarmProcess(Seal()).start(WarmSettings(support=str(tmp_path), preload_calls=["busy"]))


def test_a_thread_that_is_ending_is_waited_for(tmp_path):
    """matplotlib, too, cancels a timer, whose thread ends a moment later."""
    (tmp_path / "done.py").write_text(TIMER + "timer.cancel()\n")
    with WarmProcess(Seal()).start(WarmSettings(support=str(tmp_path), preload_calls=["done"])) as process:
        assert run(process, "1 + 1")[0] == ["2"]


def test_no_level_is_an_error_that_says_what_to_do(monkeypatch):
    """Official grading refuses to run unsealed, and explains."""
    monkeypatch.setattr(levels, "probe", lambda: dict.fromkeys(BY_MECHANISM, "not here"))
    with pytest.raises(SealUnavailable, match=r"landlock: not here.*--unsealed"):
        choose_level()


def test_unsealed_runs_are_possible_for_trusted_code():
    """The level none works, for self-checks."""
    with WarmProcess(Seal(), NONE).start() as process:
        assert run(process, "1 + 1")[0] == ["2"]


@pytest.mark.parametrize("mechanism", AVAILABLE)
def test_folders_that_may_be_read_are_there_even_below_the_private_disks(mechanism, tmp_path):
    """An environment or data below /tmp is not hidden by the submission's own /tmp, and can't be written."""
    tmp_path.joinpath("data.txt").write_text("readable")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    with WarmProcess(Seal(readable_paths=[str(tmp_path)]), BY_MECHANISM[mechanism]).start() as process:
        source = f"print(open({str(tmp_path / 'data.txt')!r}).read())\nopen({str(tmp_path / 'new')!r}, 'w')"
        texts, _, _ = run(process, source)
    assert texts[0].startswith("readable\n")
    assert "Error" in texts[0]
    assert not (tmp_path / "new").exists()
