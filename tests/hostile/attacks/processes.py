"""Attacks on other processes: signals, limits, priorities, and processes that want to stay."""

from __future__ import annotations

from tests.hostile.attack import WRONG_DOUBLE, Lost, attack

DAEMON = """
import os, signal, sys, time
def daemon(work):
    if os.fork():
        return
    os.setsid()
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    if os.fork():
        os._exit(0)
    try:
        work()
    finally:
        os._exit(0)
"""
ATTACKS = [
    attack(
        "cannot_leave_a_daemon",
        "A daemon in a session of its own, deaf to all signals, ends with the submission.",
        after=DAEMON
        + """
daemon(lambda: time.sleep(600))
daemon(lambda: os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "@mark@"]))
time.sleep(0.2)
""",
    ),
    attack(
        "cannot_leave_a_daemon_from_a_hidden_call",
        "A daemon that a hidden call starts ends with the submission.",
        double=f"{DAEMON}\ndef double(x):\n    daemon(lambda: time.sleep(600))\n    return 2 * x",
    ),
    attack(
        "cannot_outrun_the_end_by_forking",
        "Processes that fork and leave, again and again, are caught.",
        lost=Lost.OWN_FAULT,
        after=DAEMON
        + """
def run():
    while True:
        if os.fork():
            os._exit(0)
for _ in range(3):
    daemon(run)
time.sleep(0.2)
""",
    ),
    attack(
        "cannot_stop_other_processes",
        "Signals reach nobody outside: not the parents, not the grader, not everybody at once.",
        lost=Lost.PERHAPS,
        after="""
import os, signal
me = os.getpid()
targets = {1, os.getppid(), *range(max(2, me - 40), me)} - {0, me}
for number in (0, signal.SIGSTOP, signal.SIGKILL):
    for pid in targets:
        for call in (os.kill, os.killpg):
            try:
                call(pid, number)
                print("reached", pid, number)
            except OSError:
                pass
try:
    handle = os.pidfd_open(os.getppid())
    signal.pidfd_send_signal(handle, signal.SIGKILL)
except OSError as error:
    print(error)
""",
    ),
    attack(
        "cannot_limit_other_processes",
        "Limits, priorities and processors of the grader and the parents stay as they are.",
        after="""
import os, resource
me = os.getpid()
for pid in {1, os.getppid(), *range(max(2, me - 60), me)} - {0, me}:
    for call in (
        lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)),
        lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0)),
        lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        lambda: os.sched_setaffinity(pid, {0}),
    ):
        try:
            print("done", pid, call())
        except OSError:
            pass
for which in (os.PRIO_USER, os.PRIO_PGRP):
    try:
        os.setpriority(which, 0, 19)
    except OSError as error:
        print(error)
""",
    ),
    attack(
        "cannot_raise_its_own_limits",
        "Limits only ever go down.",
        after="""
import resource
for name in ("AS", "NPROC", "FSIZE", "NOFILE", "CORE", "CPU", "MEMLOCK", "STACK"):
    kind = getattr(resource, "RLIMIT_" + name)
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("raised", name)
    except (OSError, ValueError) as error:
        print(name, error)
""",
    ),
    attack(
        "cannot_leave_shared_memory",
        "Shared memory, semaphores, queues and sockets of a submission are gone after it.",
        after="""
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget(0x6E62, 4096, 0o1666), libc.semget(0x6E62, 1, 0o1666), libc.msgget(0x6E62, 0o1666))
print(libc.mq_open(b"/@mark@", 0o102, 0o600, None), libc.sem_open(b"/@mark@", 0o100, 0o600, 1))
for place in ("/dev/shm/@mark@", "/tmp/@mark@", "/var/tmp/@mark@", "/run/@mark@", "@home@/@mark@"):
    try:
        open(place, "w").write("left")
    except OSError as error:
        print(error)
try:
    for name in ("\\0@mark@", "/tmp/@mark@.socket", os.path.abspath("@mark@.socket")):
        one = socket.socket(socket.AF_UNIX)
        one.bind(name)
        one.listen()
except OSError as error:
    print(error)
""",
    ),
    attack(
        "cannot_keep_the_answer_fork_alive",
        "A hidden call that ignores every signal and never returns is ended, and the next question is asked.",
        wrong="double",
        lost=Lost.OWN_FAULT,
        double=DAEMON
        + """
def double(x):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    signal.setitimer = lambda *a: None
    while True: pass
""",
    ),
    attack(
        "cannot_stop_itself_for_ever",
        "A process that stops itself is ended when its time is up.",
        wrong="double",
        lost=Lost.OWN_FAULT,
        double="import os, signal\ndef double(x):\n    os.kill(os.getpid(), signal.SIGSTOP)\n    return 0",
    ),
    attack(
        "cannot_go_on_as_two_notebooks",
        "A cell that forks and returns twice is answered once.",
        wrong="double",
        lost=Lost.PERHAPS,
        double=f"import os\nos.fork()\n{WRONG_DOUBLE}",
    ),
]
