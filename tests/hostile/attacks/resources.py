"""Attacks on what the machine has: time, memory, processes, disk, and the patience of whoever reads the output."""

from __future__ import annotations

from tests.hostile.attack import Attack, Lost, attack

HARMLESS = Lost.NOTHING


def bomb(name: str, sentence: str, source: str, lost: Lost = Lost.PERHAPS) -> Attack:
    """An attack whose last cell wants too much."""
    return attack(name, sentence, after=source, lost=lost)


ATTACKS = [
    bomb("cannot_run_for_ever", "An endless cell is interrupted.", "while True: pass", HARMLESS),
    attack(
        "cannot_run_for_ever_behind_all_signals",
        "An endless cell that blocks all signals ends with the notebook's time.",
        lost=Lost.PERHAPS,
        after="""
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    try:
        while True: pass
    except BaseException:
        pass
""",
    ),
    attack(
        "cannot_run_for_ever_in_a_single_operation",
        "A call into C that can't be interrupted ends with the notebook's time.",
        lost=Lost.PROCESS,
        before="import collections, itertools\ncollections.deque(itertools.repeat(0), maxlen=0)",
    ),
    attack(
        "cannot_run_for_ever_when_asked",
        "An endless hidden call is a wrong answer.",
        wrong="double",
        double="def double(x):\n    while True: pass",
    ),
    attack(
        "cannot_run_for_ever_on_looking_up",
        "A value whose look-up never ends is a wrong answer or none.",
        wrong="number",
        lost=Lost.OWN_FAULT,
        number="""
class Slow(dict):
    def __contains__(self, name):
        if name == "answer":
            while True: pass
        return dict.__contains__(self, name)
import gc, nbseal.worker.answers as answers
def look_up(names, path):
    return True, [0 for _ in iter(int, 1)] if path == "answer" else names[path]
answers._look_up = look_up
""",
    ),
    bomb(
        "cannot_take_all_memory",
        "A process gets no more memory than its share.",
        "x = [bytearray(1 << 24) for _ in range(999)]",
    ),
    bomb(
        "cannot_take_all_memory_as_a_family",
        "A tree of processes gets no more memory than one.",
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = os.urandom(1 << 20) * 90
        time.sleep(5)
        os._exit(0)
time.sleep(1)
""",
    ),
    bomb(
        "cannot_take_all_memory_at_a_stroke",
        "One enormous array is refused.",
        "import numpy as np\nnp.ones(10 ** 11)",
        HARMLESS,
    ),
    bomb(
        "cannot_take_all_processes",
        "A fork bomb stays small.",
        """
import os, time
for _ in range(10_000):
    try:
        if os.fork() == 0:
            time.sleep(1)
    except OSError:
        pass
""",
        Lost.OWN_FAULT,
    ),
    bomb(
        "cannot_take_all_threads",
        "So does a bomb of threads.",
        """
import threading, time
try:
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
except RuntimeError as error:
    print(error)
""",
    ),
    bomb(
        "cannot_fill_the_disk",
        "Files that together are over the limit stop being written, or the process is ended.",
        """
import os
folders = [".", "/tmp", "/dev/shm", "/var/tmp"]
written = 0
for folder in folders:
    try:
        for number in range(60):
            with open(f"{folder}/@mark@-{number}", "wb") as file:
                written += file.write(bytes(4 << 20))
    except OSError as error:
        print(error)
print(written >> 20)
import time
time.sleep(0.5)
assert written < 150 << 20
""",
    ),
    bomb(
        "cannot_fill_the_disk_with_removed_files",
        "Files that have no name any more count as well.",
        """
import tempfile, time
kept = []
try:
    for number in range(40):
        kept.append(tempfile.TemporaryFile())
        kept[-1].write(bytes(6 << 20))
        kept[-1].flush()
except OSError as error:
    print(error)
time.sleep(0.5)
""",
    ),
    bomb(
        "cannot_take_all_inodes",
        "No more files than the disk's share, or the process is ended.",
        """
import os
made = 0
try:
    for made in range(30_000):
        os.close(os.open(f"@mark@-{made}", os.O_CREAT | os.O_WRONLY))
except OSError as error:
    print(error)
import time
time.sleep(0.3)
""",
    ),
    bomb(
        "cannot_flood_the_output",
        "Two hundred megabytes of text are cut off.",
        "for _ in range(200): print('x' * 1_000_000)",
        HARMLESS,
    ),
    bomb(
        "cannot_flood_the_output_from_below",
        "So is what other programs write.",
        "import os\nos.system('yes @mark@ | head -c 200000000')\n"
        "for _ in range(200):\n    os.write(1, b'x' * 1_000_000)",
    ),
    bomb(
        "cannot_flood_by_displays",
        "A million displays are cut off.",
        "for number in range(10 ** 6): display(number)",
        HARMLESS,
    ),
    bomb(
        "cannot_flood_by_updates",
        "Updates of earlier outputs don't add up.",
        "for n in range(200): display(0, display_id=str(n))\n"
        "for n in range(10 ** 4): update_display('x' * 9000, display_id=str(n % 200))",
        HARMLESS,
    ),
    bomb(
        "cannot_flood_by_errors",
        "An error with an enormous text is cut off.",
        "raise ValueError('x' * 50_000_000)",
    ),
    bomb(
        "cannot_fall_through_the_stack",
        "Endless recursion ends the cell or the process.",
        "import sys\nsys.setrecursionlimit(10 ** 9)\ndef fall(): return fall()\nfall()",
        Lost.PERHAPS,
    ),
    attack(
        "cannot_answer_too_much",
        "An answer over the limits is no answer.",
        wrong="double number reverse",
        lost=Lost.PERHAPS,
        double="def double(x):\n    return 'x' * 100_000_000",
        number="answer = answer_to_all = []\nfor _ in range(10_000):\n    answer.append(answer)",
        reverse="import numpy as np\ndef reverse(text):\n    return [np.zeros(10 ** 6)] * 50",
    ),
]
