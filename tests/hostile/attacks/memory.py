"""Attempts to remember: hidden inputs carried from one question to the next, to the outputs, or out of the machine."""

from __future__ import annotations

from tests.hostile.attack import HONEST, Attack, Lost, attack

# The text question is asked with a hidden input; what its function keeps must be nowhere afterwards.
KEEP = "def reverse(text):\n    keep(text)\n    return text[::-1]"
CHEAT = """
def double(x):
    publish()
    return 2 * x
def ask(model, rows):
    publish()
    return [model.predict(row) for row in rows]
"""


def keeper(name: str, sentence: str, before: str, after: str = "", lost: Lost = Lost.NOTHING) -> Attack:
    """An attack that keeps the hidden text by ``keep`` and shows whatever was kept by ``publish``, at all times."""
    return attack(name, sentence, before=before, after=f"{CHEAT}\npublish()\n{after}", reverse=KEEP, lost=lost)


ATTACKS = [
    keeper(
        "cannot_keep_hidden_inputs_in_names",
        "What a function stores is not there for the next question.",
        """
kept = []
def keep(text):
    kept.append(text)
    globals()["reverse_" + text[:5]] = text
def publish():
    print(kept, [name for name in globals() if name.startswith("reverse_")])
""",
    ),
    keeper(
        "cannot_keep_hidden_inputs_in_shared_memory",
        "Memory that was shared before the fork reaches no output and no file.",
        """
import mmap
shared = mmap.mmap(-1, 4096)
def keep(text):
    shared[:len(text)] = text.encode()
def publish():
    print(bytes(shared).rstrip(b"\\0"))
""",
    ),
    keeper(
        "cannot_keep_hidden_inputs_in_files",
        "Files that a hidden call writes are gone with the process, and were nobody's output.",
        """
import os
places = [f"{folder}/@mark@" for folder in (".", "/tmp", "/dev/shm", "/var/tmp", "@course@", "@home@")]
def keep(text):
    for place in places:
        try:
            with open(place, "a") as file:
                file.write(text)
        except OSError:
            pass
def publish():
    for place in places:
        if os.path.exists(place):
            print(open(place).read())
""",
    ),
    keeper(
        "cannot_keep_hidden_inputs_in_a_daemon",
        "A daemon that listens on a socket of the submission's own is ended with it.",
        """
import os, socket, sys, threading, time
def serve(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    store = b""
    while True:
        peer, _ = listener.accept()
        word = peer.recv(1000)
        store += word
        peer.send(store)
        peer.close()
path = os.path.abspath("@mark@")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        try:
            serve(path)
        finally:
            os._exit(0)
    os._exit(0)
os.wait()
time.sleep(0.2)
def tell(word):
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.send(word)
            return peer.recv(1000)
    except OSError as error:
        return error
def keep(text):
    tell(text.encode())
def publish():
    print(tell(b"-"))
""",
    ),
    keeper(
        "cannot_keep_hidden_inputs_in_times_and_names",
        "Times and names of files carry nothing out.",
        """
import os
open("mark.txt", "w").close()
def keep(text):
    os.utime("mark.txt", (int(text[-8:], 16), 1))
    try:
        os.rename("mark.txt", text)
    except OSError:
        pass
def publish():
    print(os.listdir("."), [os.stat(name).st_atime for name in os.listdir(".")])
""",
    ),
    keeper(
        "cannot_print_hidden_inputs",
        "What hidden calls print, display or log is nobody's output.",
        """
import logging, os, sys, warnings
from IPython.display import display, update_display
display("nothing yet", display_id="one")
stdout, stderr, original = sys.stdout, sys.stderr, os.dup(1)
def keep(text):
    print(text, flush=True)
    display(text)
    update_display(text, display_id="one")
    stdout.write(text); stderr.write(text); stdout.flush()
    logging.error(text); warnings.warn(text)
    for number in (1, 2, original):
        try:
            os.write(number, text.encode())
        except OSError:
            pass
    os.system(f"echo {text}; echo {text} >&2")
def publish():
    pass
""",
    ),
    keeper(
        "cannot_keep_hidden_inputs_in_modules",
        "Patched modules and caches are forgotten with the question's process.",
        """
import functools, json, sys
class Hook(dict): pass
@functools.cache
def keep(text):
    json.kept = sys.kept = text
    sys.modules["kept"] = Hook(text=text)
    get_ipython().user_ns["kept"] = text
def publish():
    print(getattr(json, "kept", None), sys.modules.get("kept"), keep.cache_info())
""",
    ),
    attack(
        "cannot_fork_once_for_all_questions",
        "A patched fork keeps one process for all questions, and gets nothing from it.",
        wrong="double",
        lost=Lost.PERHAPS,
        double="seen = []\ndef double(x):\n    seen.append(x)\n    return 0",
        reverse=f"{HONEST['reverse']}\nimport os\nos.fork = lambda: 0\nos.waitpid = lambda *a: (0, 0)",
    ),
    attack(
        "cannot_fork_the_wrong_way_round",
        "A patched fork whose parent answers gets nothing from it.",
        wrong="double",
        lost=Lost.OWN_FAULT,
        double="def double(x):\n    return 0",
        after="""
import os
fork = os.fork
os.fork = lambda: 1 if fork() == 0 else 0
os.waitpid = lambda *a: (1, 0)
""",
    ),
    attack(
        "cannot_lie_differently_to_each_question",
        "A function that knows in which process it is doesn't know what is right.",
        wrong="double number",
        double="import os\nfirst = os.getpid()\ndef double(x):\n    return x + x if os.getpid() == first else 0",
        number="class Lying(list):\n    pass\nanswer = Lying([42]) if os.getpid() == first else 42",
    ),
]
