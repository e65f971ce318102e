"""How long a run takes to end after Ctrl-C: while it loads, while submissions hang, while strangers' files are read."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.courses import command, end, environment, heed_interrupts
from tests.mini import hand_in, make_course, mini_cells, notebook

LONGEST_RUN = 60.0  # seconds until a run that doesn't end is ended
# To a shell both are 130: Python ends itself by the signal where it has come while code in a text was being run.
STOPPED = (130, -signal.SIGINT)
HANGING = "import signal\nsignal.pthread_sigmask(0, range(1, 60))\nwhile True: pass"
# Values as many as a message may hold, on the submission's own channel.
FRAME = """
import os, socket, struct
header = b'{"v":[' + b'[],' * 999_000 + b'0],"b":[]}'
sock = socket.socket(fileno=os.dup(3)); sock.setblocking(True)
sock.sendall(struct.pack('>IQ', len(header), 0) + header)
"""
# Quotes that are never closed, behind as many commas as it takes to have somebody look.
QUOTES = """
import os, socket, struct
header = b',' * 4_000_100 + b'"' + b'\\\\"' * 9_000_000
sock = socket.socket(fileno=os.dup(3)); sock.setblocking(True)
sock.sendall(struct.pack('>IQ', len(header), 0) + header)
"""
MARKUP = """
from IPython.display import display
for k in range(40):
    display({'text/html': '<p>' + '<i>x</i>' * 2400 + '&amp;' * 10_000}, raw=True)
"""


def notebook_with(metadata: object = None, outputs: object = None) -> bytes:
    """A notebook with something large where nobody needs it."""
    cells = mini_cells()
    if outputs is not None:
        cells[0]["outputs"] = outputs
    return json.dumps({**notebook(cells), **({"metadata": metadata} if metadata else {})}).encode()


def packed(data: bytes) -> bytes:
    """A zip with a notebook in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mini.ipynb", data)
    return file.getvalue()


def loading(root: Path) -> None:
    """A class in which nothing is wrong."""
    for name in ("ada", "bob", "eve"):
        hand_in(root, name)


def hanging(root: Path) -> None:
    """Submissions that go on for as long as they may, whatever they are told."""
    for name in ("ada", "bob", "eve"):
        hand_in(root, name, number_answer=HANGING)


def hostile_files(root: Path) -> None:
    """Submissions that take their readers as long as such files can."""
    sources = {"frame": FRAME, "quotes": QUOTES, "markup": MARKUP}
    for name, source in sources.items():
        hand_in(root, name, imports=source)
    values = notebook_with({"many": [[1, 2, 3]] * 990_000})
    many = {
        "values": values,
        "outputs": notebook_with(outputs=[{"text": ["x\\\\", "[]"] * 9}] * 400_000),
        "zipped": packed(values),
    }
    for name, data in many.items():
        path = hand_in(root, name)
        path.write_bytes(data)


CASES: dict[str, Callable[[Path], None]] = {
    "loading": loading,
    "submissions that hang": hanging,
    "hostile files": hostile_files,
}


def course_for(case: str, root: Path) -> Path:
    """A course with the submissions of a case."""
    make_course(root)
    CASES[case](root)
    return root


def seconds_to_stop(root: Path, delay: float) -> float | None:
    """Seconds from Ctrl-C, ``delay`` seconds after the start, to the end of the run; None if it was over by then.

    AssertionError if it ends with another exit code than that of a run that was stopped.
    """
    process = subprocess.Popen(
        command("nbseal", "grade", "mini", "--force"),
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    try:
        time.sleep(delay)
        if process.poll() is not None:
            return None
        os.killpg(process.pid, signal.SIGINT)
        stopped = time.monotonic()
        _, said = process.communicate(timeout=LONGEST_RUN)
        seconds = time.monotonic() - stopped
    finally:
        end(process)
    if process.returncode == 0:
        return None  # it was about to end
    assert process.returncode in STOPPED, (process.returncode, said.decode("utf-8", "replace")[-1000:])
    return seconds
