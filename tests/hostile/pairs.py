"""Two submissions that are graded at the same time: one has a number to tell, the other listens.

``python -m tests.hostile.pairs LEVEL`` tries each channel once and prints, as JSON, which numbers were heard.
"""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nbseal.course import Seal
from nbseal.sandbox import NONE, WarmProcess
from nbseal.sandbox.levels import BY_MECHANISM

SPEAK, LISTEN = 4.0, 2.5  # seconds


@dataclass(frozen=True)
class Channel:
    """What one side does to tell ``number``, a byte, and the other to print it; both may use the ``tools``."""

    tools: str
    speak: str
    listen: str


COMMON = f"""
import ctypes, fcntl, mmap, os, socket, struct, sys, time
C = ctypes.CDLL(None, use_errno=True)
SPEAK, LISTEN = {SPEAK}, {LISTEN}
FILES = sorted({{os.path.realpath(p) for p in map('/usr/bin/'.__add__, os.listdir('/usr/bin'))}})[:8]
FILES = [p for p in FILES if os.access(p, os.R_OK)] * 8
FORMAT = 'hhxxxxqqixxxx'
def until_heard(look):
    end = time.time() + LISTEN
    while time.time() < end:
        found = look()
        if found is not None:
            print('heard', found)
            return
        time.sleep(0.01)
"""
RECORDS = """
fd = os.open('/usr/bin/{}', os.O_RDONLY)
def lock(command, kind, start, length):
    return struct.unpack(FORMAT, fcntl.fcntl(fd, command, struct.pack(FORMAT, kind, 0, start, length, 0)))
"""
WHOLE = 1 << 40
FUTEX = """
page = ctypes.cast(C.{}, ctypes.c_void_p).value & ~4095
def futex(place, command, value, wait=None):
    return C.syscall(202, ctypes.c_void_p(page + 4 * place), command, ctypes.c_uint(value), wait, None, 0)
class Time(ctypes.Structure):
    _fields_ = [('s', ctypes.c_long), ('n', ctypes.c_long)]
"""
CHANNELS = {
    "record locks": Channel(
        RECORDS.format("env"),
        "lock(fcntl.F_SETLK, fcntl.F_RDLCK, number, 1); time.sleep(SPEAK)",
        f"def look():\n    found = lock(fcntl.F_GETLK, fcntl.F_WRLCK, 0, {WHOLE})\n"
        "    return found[2] if found[0] != fcntl.F_UNLCK else None\nuntil_heard(look)",
    ),
    "locks of open files": Channel(
        RECORDS.format("id"),
        "lock(37, fcntl.F_RDLCK, number, 1); time.sleep(SPEAK)",
        f"def look():\n    found = lock(36, fcntl.F_WRLCK, 0, {WHOLE})\n"
        "    return found[2] if found[0] != fcntl.F_UNLCK else None\nuntil_heard(look)",
    ),
    "record locks with a longer number": Channel(
        RECORDS.format("expr"),
        "C.fcntl.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_char_p]\n"
        "def raw(command, data):\n    return C.syscall(72, fd, ctypes.c_long((1 << 32) | command), data)\n"
        "raw(6, struct.pack(FORMAT, fcntl.F_RDLCK, 0, number, 1, 0)); time.sleep(SPEAK)",
        "def look():\n    data = ctypes.create_string_buffer(struct.pack(FORMAT, fcntl.F_WRLCK, 0, 0, 1 << 40, 0))\n"
        "    C.syscall(72, fd, ctypes.c_long((1 << 32) | 5), data)\n    found = struct.unpack(FORMAT, data.raw[:32])\n"
        "    return found[2] if found[0] == fcntl.F_RDLCK else None\nuntil_heard(look)",
    ),
    "flock": Channel(
        "opened = [os.open(p, os.O_RDONLY) for p in FILES[:8]]",
        "for k, fd in enumerate(opened):\n    if number >> k & 1: fcntl.flock(fd, fcntl.LOCK_SH)\ntime.sleep(SPEAK)",
        "def free(fd):\n    try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n    except OSError: return False\n"
        "    fcntl.flock(fd, fcntl.LOCK_UN); return True\n"
        "def look():\n    time.sleep(.5); found = sum((not free(fd)) << k for k, fd in enumerate(opened))\n"
        "    return found or None\nuntil_heard(look)",
    ),
    "inotify": Channel(
        "",
        "end = time.time() + SPEAK\nwhile time.time() < end:\n"
        "    for k, p in enumerate(FILES[:8]):\n        if number >> k & 1: os.close(os.open(p, os.O_RDONLY))\n"
        "    time.sleep(.1)",
        "i = C.inotify_init1(os.O_NONBLOCK)\nids = [C.inotify_add_watch(i, p.encode(), 0x20) for p in FILES[:8]]\n"
        "time.sleep(1); data = os.read(i, 100_000) if i >= 0 and min(ids) > 0 else b''\n"
        "seen = {struct.unpack_from('i', data, n)[0] for n in range(0, len(data), 16)}\n"
        "print('heard', sum((w in seen) << k for k, w in enumerate(ids)))",
    ),
    "abstract sockets": Channel(
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "end = time.time() + SPEAK\nwhile time.time() < end:\n    try: s.sendto(bytes([number]), '\\0nbseal-pair')\n"
        "    except OSError: pass\n    time.sleep(.1)",
        "s.bind('\\0nbseal-pair'); s.settimeout(LISTEN); print('heard', s.recv(10)[0])",
    ),
    "names of abstract sockets that are taken": Channel(
        "def name(k):\n    return f'\\0nbseal-pair-{k}'",
        "s = socket.socket(socket.AF_UNIX); s.bind(name(number)); time.sleep(SPEAK)",
        "def taken(k):\n    s = socket.socket(socket.AF_UNIX)\n    try: s.bind(name(k))\n"
        "    except OSError: return True\n    finally: s.close()\n    return False\n"
        "def look():\n    return next(filter(taken, range(1, 256)), None)\nuntil_heard(look)",
    ),
    "places to wait at in a shared library": Channel(
        FUTEX.format("printf"),
        "end = time.time() + SPEAK\nvalue = ctypes.c_uint.from_address(page + 4 * number).value\n"
        "while time.time() < end:\n    futex(number, 0, value, ctypes.byref(Time(1, 0)))",
        "def look():\n    return next((k for k in range(256) if futex(k, 1, 1) > 0), None)\nuntil_heard(look)",
    ),
    "places to wait at, by bits": Channel(
        FUTEX.format("getaddrinfo"),
        "end = time.time() + SPEAK\nvalue = ctypes.c_uint.from_address(page + 4 * number).value\n"
        "while time.time() < end:\n"
        "    C.syscall(202, ctypes.c_void_p(page + 4 * number), 9, ctypes.c_uint(value), None, None, 0xFFFFFFFF)",
        "def look():\n    return next((k for k in range(256) if futex(k, 1, 1) > 0), None)\nuntil_heard(look)",
    ),
    "pages of files in memory": Channel(
        "def resident(fd):\n    try: return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) > 0\n"
        "    except OSError: return False\nopened = [os.open(p, os.O_RDONLY) for p in FILES[:8]]",
        "end = time.time() + SPEAK\nwhile time.time() < end:\n"
        "    for k, fd in enumerate(opened):\n"
        "        if number >> k & 1: os.pread(fd, 1, 0)\n        else: os.posix_fadvise(fd, 0, 0, 4)\n"
        "    time.sleep(.05)",
        "time.sleep(1); print('heard', sum(resident(fd) << k for k, fd in enumerate(opened)))",
    ),
    "messages of System V": Channel(
        "q = C.msgget(77, 0o1666)",
        "class M(ctypes.Structure): _fields_ = [('t', ctypes.c_long), ('b', ctypes.c_ubyte)]\n"
        "C.msgsnd(q, ctypes.byref(M(1, number)), 1, 0o4000); time.sleep(SPEAK)",
        "class M(ctypes.Structure): _fields_ = [('t', ctypes.c_long), ('b', ctypes.c_ubyte)]\nm = M()\ndef look():\n"
        "    return m.b if C.msgrcv(q, ctypes.byref(m), 1, 0, 0o4000) == 1 else None\nuntil_heard(look)",
    ),
    "files in folders for everybody": Channel(
        "PLACES = [f'{d}/nbseal-pair-{os.getpgid(0) and 7}' for d in ('/tmp', '/var/tmp', '/dev/shm', '/run')]",
        "for p in PLACES:\n    try: open(p, 'wb').write(bytes([number]))\n    except OSError: pass\ntime.sleep(SPEAK)\n"
        "for p in PLACES:\n    try: os.unlink(p)\n    except OSError: pass",
        "def look():\n    for p in PLACES:\n        try:\n            data = open(p, 'rb').read()\n"
        "            if data: return data[0]\n        except OSError: pass\nuntil_heard(look)",
    ),
}


def heard(warm: WarmProcess, channel: Channel, number: int) -> int | None:
    """What the listener prints while the other one tells ``number``; None if it hears nothing."""

    def run(source: str) -> str:
        process = warm.spawn()
        done = process.run([(0, COMMON + channel.tools), (1, source)], {})
        process.end()
        return "".join(out.get("text") or out.get("evalue", "") for cell in done.cells.values() for out in cell.outputs)

    with ThreadPoolExecutor(2) as pool:
        speaking = pool.submit(run, f"number = {number}\n{channel.speak}")
        said = pool.submit(run, channel.listen).result()
        speaking.result()
    return int(said.rpartition("heard ")[2].split()[0]) if "heard " in said else None


def main(mechanism: str) -> None:
    """Try all channels, all at the same time; a few are tried twice, since one of two may begin late."""
    seal = Seal(cell_seconds=20.0, notebook_seconds=60.0)
    level = BY_MECHANISM.get(mechanism, NONE)
    numbers = {name: random.randrange(1, 255) for name in CHANNELS}
    with WarmProcess(seal, level).start() as warm, ThreadPoolExecutor(8) as pool:
        tried = {name: pool.submit(heard, warm, CHANNELS[name], number) for name, number in numbers.items()}
        found = {name: [numbers[name], one.result()] for name, one in tried.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
