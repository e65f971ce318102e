"""Submissions that want more than they may have, where a watchdog alone counts.

``python -m tests.hostile.hogs LEVEL`` lets each try once, and prints as JSON what it held, and what ended it.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from nbseal.course import Seal
from nbseal.sandbox import WarmProcess
from nbseal.sandbox.levels import BY_MECHANISM

MEMORY, DISK = 256, 16  # MiB
PIECES = """
import ctypes, mmap, os, socket, sys, time
C = ctypes.CDLL(None, use_errno=True)
C.mmap.restype = ctypes.c_void_p
held = 0
def piece(name):
    global held
    with open(name, 'wb') as file:
        file.write(b'x' * (10 << 20))
    held += 10
def say():
    time.sleep(1.5)
    print('held', held)
"""
FAMILY = """
def family(count, hold):
    global held
    ends = []
    for _ in range(count):
        r, w = os.pipe()
        if os.fork() == 0:
            kept = 0
            try:
                kept = hold()
            except BaseException:
                pass
            os.write(w, str(kept).encode())
            time.sleep(4)
            os._exit(0)
        os.close(w)
        ends.append(r)
    held += sum(int(os.read(r, 100) or 0) for r in ends)
    say()
"""
HOGS = {
    "files in a closed folder": "os.mkdir('closed', 0o300)\nfor k in range(12): piece(f'closed/{k}')\nsay()",
    "files deep down": (
        "top = os.getcwd()\nfor _ in range(25):\n    os.mkdir('x' * 200); os.chdir('x' * 200)\n"
        "for k in range(12): piece(str(k))\nos.chdir(top)\nsay()"
    ),
    "removed files that are mapped": (
        "for k in range(12):\n    piece('u')\n    fd = os.open('u', os.O_RDWR)\n"
        "    assert C.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0)) not in (None, 2 ** 64 - 1)\n"
        "    os.unlink('u'); os.close(fd)\nsay()"
    ),
    "removed files of a process that can't be looked at": (
        "C.prctl(4, 0, 0, 0, 0)\nkept = []\n"
        "for k in range(12):\n    piece('u'); kept.append(open('u')); os.unlink('u')\n"
        "say()"
    ),
    "shared memory that was given back": FAMILY
    + (
        "def hold():\n    m = mmap.mmap(-1, 160 << 20)\n    for k in range(0, 160 << 20, 4 << 20):\n"
        "        m[k:k + (4 << 20)] = b'x' * (4 << 20); m.madvise(mmap.MADV_DONTNEED, k, 4 << 20)\n"
        "    keep.append(m); return 160\nkeep = []\nfamily(6, hold)"
    ),
    "small pieces of shared memory": FAMILY
    + (
        "def hold():\n    for _ in range(160):\n        m = mmap.mmap(-1, 1 << 20); m[:] = b'x' * (1 << 20)\n"
        "        m.madvise(mmap.MADV_DONTNEED, 0, 1 << 20); keep.append(m)\n    return 160\nkeep = []\nfamily(6, hold)"
    ),
    "shared memory of a device": FAMILY
    + (
        "def hold():\n    fd = os.open('/dev/zero', os.O_RDWR); m = mmap.mmap(fd, 160 << 20)\n"
        "    for k in range(0, 160 << 20, 4 << 20):\n        m[k:k + (4 << 20)] = b'x' * (4 << 20)\n"
        "        m.madvise(mmap.MADV_DONTNEED, k, 4 << 20)\n    keep.append(m); return 160\nkeep = []\nfamily(6, hold)"
    ),
    "what waits in sockets": FAMILY
    + (
        "def hold():\n    kept = 0\n    while len(keep) < 110:\n        keep.append(socket.socketpair())\n"
        "        for one in keep[-1]:\n            one.setblocking(False); one.setsockopt(1, 7, 1 << 20)\n"
        "            try:\n                while True: kept += one.send(b'x' * 32768)\n"
        "            except BlockingIOError: pass\n    return kept >> 20\nkeep = []\nfamily(12, hold)"
    ),
}
# A crowd that spins, in sessions of its own: afterwards it says its priority, and how many sessions there are.
CROWD = """
import os, time
ends = []
for _ in range(12):
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        end = time.time() + 4
        while time.time() < end: pass
        os.write(w, f"{os.getpriority(os.PRIO_PROCESS, 0)} {os.getsid(0) == os.getsid(os.getppid())}".encode())
        os._exit(0)
    os.close(w)
    ends.append(r)
print({os.read(r, 100).decode() for r in ends})
"""


def main(mechanism: str) -> None:
    """Try all, two at the same time; the crowd by itself."""
    seal = Seal(
        memory_mib=MEMORY, disk_mib=DISK, cell_seconds=15.0, notebook_seconds=40.0, control_groups=False, processes=64
    )

    def tried(source: str) -> tuple[str, str | None]:
        process = warm.spawn()
        done = process.run([(0, source)], {})
        report = process.end()
        cells = done.cells.values()
        said = "".join(out.get("text") or out.get("evalue", "") for cell in cells for out in cell.outputs)
        return said.strip(), report.get("reason")

    with WarmProcess(seal, BY_MECHANISM[mechanism]).start() as warm, ThreadPoolExecutor(2) as pool:
        found = dict(zip(HOGS, pool.map(lambda source: tried(PIECES + source), HOGS.values()), strict=True))
        found["crowd"] = tried(CROWD)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
