"""Ways in which two submissions might tell one another a number, drawn with their arguments under a seed.

Each function is a kind of way. It returns the Python code of both sides: the speaker knows ``number``, a byte, and
``start``, when its turn begins; the listener sets ``heard``. Both may use the tools of search.py, and ``OURS``, the
path of a file that both may read. What the speaker names ``undo`` is run when its turn is over.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence


def record_locks(rng: random.Random) -> tuple[str, str]:
    """A lock on the byte of that number, in a file for all; commands also with a bit that the kernel doesn't read."""
    path, high = rng.randrange(200), rng.choice((0, 1 << 32, 1 << 40))
    take, ask = rng.choice((6, 7, 37, 38)), rng.choice((5, 36))
    of = rng.choice(("C.fcntl", "lambda *a: C.syscall(72, *a)"))
    opened = f"fd = os.open(shared({path}), os.O_RDONLY)\ncall = {of}\n"
    tell = f"data = struct.pack(FORMAT, 0, 0, number, 1, 0)\ncall(fd, ctypes.c_long({take} | {high}), data)"
    hear = (
        f"data = buffer(32); data.raw = struct.pack(FORMAT, 1, 0, 0, 1 << 20, 0)\n"
        f"call(fd, ctypes.c_long({ask} | {high}), data)\nkind, _, where, *_ = struct.unpack(FORMAT, data.raw)\n"
        "heard = where if kind != 2 else None"
    )
    return opened + tell, opened + hear


def whole_locks(rng: random.Random) -> tuple[str, str]:
    """Locks on eight files, one for each bit."""
    first, shared_lock = 8 * rng.randrange(20), rng.choice((True, False))
    opened = f"opened = [os.open(shared({first} + k), os.O_RDONLY) for k in range(8)]\n"
    kind = "fcntl.LOCK_SH" if shared_lock else "fcntl.LOCK_EX"
    tell = f"[fcntl.flock(opened[k], {kind} | fcntl.LOCK_NB) for k in bits(number)]"
    hear = (
        "def taken(fd):\n    try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n    except OSError: return True\n"
        "    fcntl.flock(fd, fcntl.LOCK_UN); return False\nheard = sum(taken(fd) << k for k, fd in enumerate(opened))"
    )
    return opened + tell, opened + hear


def leases(rng: random.Random) -> tuple[str, str]:
    """Files that are open, by bits, which a lease can tell."""
    first, kind = 8 * rng.randrange(20), rng.choice((0, 1))
    tell = f"opened = [os.open(shared({first} + k), os.O_RDONLY) for k in bits(number)]"
    hear = (
        f"heard = 0\nfor k in range(8):\n    fd = os.open(shared({first} + k), os.O_RDONLY)\n"
        f"    heard |= (C.fcntl(fd, 1024, {kind}) < 0) << k; C.fcntl(fd, 1024, 2); os.close(fd)"
    )
    return tell, hear


def watches(rng: random.Random) -> tuple[str, str]:
    """Files that are opened or read, by bits, and a watch on them."""
    first, mask = 8 * rng.randrange(20), rng.choice((0x20, 0x1, 0x10))
    tell = (
        f"while time.time() < start + 0.9 * SLOT:\n    for k in bits(number):\n"
        f"        fd = os.open(shared({first} + k), os.O_RDONLY); os.read(fd, 1); os.close(fd)\n    time.sleep(0.01)"
    )
    hear = (
        "i = C.inotify_init1(os.O_NONBLOCK)\n"
        f"ids = [C.inotify_add_watch(i, shared({first} + k).encode(), {mask}) for k in range(8)]\ntime.sleep(0.06)\n"
        "data = os.read(i, 100_000); seen = {struct.unpack_from('i', data, n)[0] for n in range(0, len(data), 16)}\n"
        "heard = sum((w in seen) << k for k, w in enumerate(ids))"
    )
    return tell, hear


def places_to_wait(rng: random.Random) -> tuple[str, str]:
    """Waiting at a word of a page that both map from a library's file."""
    name, of = rng.choice(("printf", "getaddrinfo", "qsort", "strtol")), rng.choice((0, 9))
    page = f"page = ctypes.cast(C.{name}, ctypes.c_void_p).value & ~4095\n"
    wait = (
        "class Time(ctypes.Structure): _fields_ = [('s', ctypes.c_long), ('n', ctypes.c_long)]\n"
        "place = ctypes.c_void_p(page + 4 * number); value = ctypes.c_uint.from_address(place.value).value\n"
        f"limit = ctypes.byref(Time(0, 50_000_000)) if {of} == 0 else None\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.9 * SLOT)\n"
        "while time.time() < start + 0.85 * SLOT:\n"
        f"    C.syscall(202, place, {of}, ctypes.c_uint(value), limit, None, 0xFFFFFFFF)"
    )
    hear = (
        "def wakes(k):\n    return C.syscall(202, ctypes.c_void_p(page + 4 * k), 1, 1, None, None, 0) > 0\n"
        "heard = next(filter(wakes, range(1, 256)), None)"
    )
    return page + wait, page + hear


def cached_pages(rng: random.Random) -> tuple[str, str]:
    """Pages of files that are in memory or not, by bits."""
    first, page = 8 * rng.randrange(20), rng.randrange(3)
    opened = f"opened = [os.open(shared({first} + k), os.O_RDONLY) for k in range(8)]\n"
    tell = (
        f"for k, fd in enumerate(opened):\n    if k in bits(number): os.pread(fd, 1, {page} << 12)\n"
        "    else: os.posix_fadvise(fd, 0, 0, 4)"
    )
    asks = rng.choice(
        (f"os.preadv(fd, [bytearray(1)], {page} << 12, os.RWF_NOWAIT) > 0", f"resident(fd, {page} << 12)")
    )
    hear = (
        "C.mmap.restype = ctypes.c_void_p\n"
        "def resident(fd, where):\n    at = ctypes.c_void_p(C.mmap(None, 4096, 1, 1, fd, ctypes.c_long(where)))\n"
        "    data = buffer(1); return C.mincore(at, 4096, data) == 0 and data.raw[0] & 1\n"
        f"def there(fd):\n    try: return bool({asks})\n    except OSError: return False\n"
        "heard = sum(there(fd) << k for k, fd in enumerate(opened))"
    )
    return opened + tell, opened + hear


def abstract_names(rng: random.Random) -> tuple[str, str]:
    """A socket whose name is in no file system."""
    name = f"'\\0nbseal-search-{rng.randrange(90)}'"
    if rng.random() < 0.5:
        opened = "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        tell = (
            "while time.time() < start + 0.9 * SLOT:\n"
            f"    try: s.sendto(bytes([number]), {name})\n    except OSError: pass\n    time.sleep(0.01)"
        )
        return opened + tell, opened + f"s.bind({name}); s.settimeout(0.08); heard = s.recv(1)[0]"
    base = rng.randrange(10_000)
    tell = f"s = socket.socket(socket.AF_UNIX); s.bind(f'\\0nbseal-{{{base} + number}}')"
    hear = (
        "def free(k):\n    s = socket.socket(socket.AF_UNIX)\n    try: s.bind(f'\\0nbseal-{"
        f"{base}"
        " + k}')\n    except OSError: return False\n    finally: s.close()\n    return True\n"
        "heard = next((k for k in range(1, 256) if not free(k)), None)"
    )
    return tell, hear


def ports(rng: random.Random) -> tuple[str, str]:
    """A port of this machine's own network that is taken."""
    base, kind = 20_000 + 256 * rng.randrange(60), rng.choice(("SOCK_STREAM", "SOCK_DGRAM"))
    family, host = rng.choice((("AF_INET", "127.0.0.1"), ("AF_INET6", "::1")))
    made = f"socket.socket(socket.{family}, socket.{kind})"
    tell = f"s = {made}; s.bind(({host!r}, {base} + number))"
    hear = (
        f"def free(k):\n    s = {made}\n    try: s.bind(({host!r}, {base} + k))\n    except OSError: return False\n"
        "    finally: s.close()\n    return True\nheard = next((k for k in range(1, 256) if not free(k)), None)"
    )
    return tell, hear


def system_v(rng: random.Random) -> tuple[str, str]:
    """A queue, a set of semaphores or a piece of memory that has a key."""
    key = 7_000 + rng.randrange(200)
    match rng.randrange(3):
        case 0:
            made = (
                f"q = C.msgget({key}, 0o1666)\n"
                "class M(ctypes.Structure): _fields_ = [('t', ctypes.c_long), ('b', ctypes.c_ubyte)]\n"
            )
            return (
                made + "C.msgsnd(q, ctypes.byref(M(1, number)), 1, 0o4000)",
                made + "m = M(); heard = m.b if C.msgrcv(q, ctypes.byref(m), 1, 0, 0o4000) == 1 else None",
            )
        case 1:
            made = f"s = C.semget({key}, 1, 0o1666)\n"
            return made + "C.semctl(s, 0, 16, number)", made + "heard = C.semctl(s, 0, 12, 0)"
    made = f"C.shmat.restype = ctypes.c_void_p\nat = C.shmat(C.shmget({key}, 4096, 0o1666), None, 0)\n"
    return (
        made + "ctypes.c_ubyte.from_address(at).value = number",
        made + "heard = ctypes.c_ubyte.from_address(at).value",
    )


def queues(rng: random.Random) -> tuple[str, str]:
    """A queue or a semaphore of POSIX, by its name."""
    name = f"b'nbseal-{rng.randrange(90)}'"
    made = f"q = C.syscall(240, {name}, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o666, None)\n"
    tell = made + "C.syscall(242, q, bytes([number]), 1, 0, None)"
    hear = (
        made
        + "data = buffer(9000); n = C.syscall(243, q, data, 9000, None, None); heard = data.raw[0] if n > 0 else None"
    )
    return tell, hear


PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/dev/mqueue", "/proc/self/cwd/..", "/home", "/mnt")


def files(rng: random.Random) -> tuple[str, str]:
    """A file, folder, link or pipe in a folder that may be for everybody."""
    folder, name = rng.choice(PLACES), f"nbseal-{rng.randrange(90)}"
    path = f"{folder}/{name}"
    match rng.randrange(4):
        case 0:
            return (
                f"open({path!r}, 'wb').write(bytes([number])); undo = 'os.unlink({path!r})'",
                f"heard = open({path!r}, 'rb').read()[0]",
            )
        case 1:
            return (
                f"os.symlink(str(number), {path!r}); undo = 'os.unlink({path!r})'",
                f"heard = int(os.readlink({path!r}))",
            )
        case 2:
            return (
                f"os.mkdir(f'{path}.{{number}}'); undo = 'os.rmdir(f\"{path}.{{number}}\")'",
                f"heard = [int(p.rpartition('.')[2]) for p in os.listdir({folder!r}) if p.startswith('{name}.')][0]",
            )
    return (
        f"os.mkfifo({path!r}); undo = 'os.unlink({path!r})'\n"
        f"fd = os.open({path!r}, os.O_RDWR); os.write(fd, bytes([number]))",
        f"heard = os.read(os.open({path!r}, os.O_RDONLY | os.O_NONBLOCK), 1)[0]",
    )


def about_files(rng: random.Random) -> tuple[str, str]:
    """Times, modes, owners and attributes of a file that both may read."""
    match rng.randrange(4):
        case 0:
            return "os.utime(OURS, (number, number))", "heard = int(os.stat(OURS).st_mtime)"
        case 1:
            return "os.chmod(OURS, 0o400 | number)", "heard = os.stat(OURS).st_mode & 255"
        case 2:
            return "os.setxattr(OURS, 'user.n', bytes([number]))", "heard = os.getxattr(OURS, 'user.n')[0]"
    return "os.chown(OURS, number, -1)", "heard = os.stat(OURS).st_uid"


def processes(rng: random.Random) -> tuple[str, str]:
    """Names, priorities and numbers of processes that others may see."""
    tag = f"nb{rng.randrange(90)}x"
    match rng.randrange(3):
        case 0:
            return (
                f"C.prctl(15, f'{tag}{{number}}'.encode(), 0, 0, 0)",
                "names = []\nfor p in filter(str.isdigit, os.listdir('/proc')):\n"
                "    with contextlib.suppress(OSError):\n"
                f"        names += re.findall(r'^{tag}(\\d+)', open(f'/proc/{{p}}/comm').read())\n"
                "heard = int(names[0])",
            )
        case 1:
            return (
                f"os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(0.2)', f'{tag}{{number}}']) "
                "if os.fork() == 0 else None",
                "heard = next((int(m[1]) for p in os.listdir('/proc') if p.isdigit() "
                f"if (m := re.search(rb'{tag}(\\d+)', open(f'/proc/{{p}}/cmdline', 'rb').read()))), None)",
            )
    return (
        "os.setpriority(os.PRIO_USER, 0, number % 20)",
        "heard = os.getpriority(os.PRIO_USER, 0)",
    )


def keys(rng: random.Random) -> tuple[str, str]:
    """A key in a ring of the kernel's."""
    name, ring = f"b'nbseal{rng.randrange(90)}'", rng.choice((-3, -4, -5))
    tell = f"C.syscall(248, b'user', {name}, bytes([number]), 1, {ring})"
    hear = (
        f"k = C.syscall(250, 10, {ring}, b'user', {name}, 0); data = buffer()\n"
        "heard = data.raw[0] if C.syscall(250, 11, k, data, 64) > 0 else None"
    )
    return tell, hear


def counters(rng: random.Random) -> tuple[str, str]:
    """A setting of the kernel's for the whole machine, or one that should be a process's own."""
    path = "/proc/" + rng.choice(
        (
            "sys/kernel/domainname",
            "sys/fs/pipe-max-size",
            "sys/vm/swappiness",
            "self/loginuid",
            "sys/kernel/ns_last_pid",
        )
    )
    return f"open({path!r}, 'w').write(str(number))", f"heard = int(open({path!r}).read())"


# What moves a counter of the machine's by so many steps, and where that can be read.
TOUCH_AND_GIVE_UP = """
memory = mmap.mmap(-1, max(1, steps) << 12, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for k in range(steps): memory[k << 12] = 1
memory.madvise(mmap.MADV_FREE)"""
MAKE_FILES = """
os.mkdir('many')
for k in range(steps): os.close(os.open(f'many/{k}', os.O_CREAT | os.O_WRONLY))
undo = "import shutil; shutil.rmtree('many', True)"
"""
MOVED = (
    ("/proc/vmstat", r"pglazyfree (\d+)", 64, TOUCH_AND_GIVE_UP),
    ("/proc/sys/fs/inode-nr", r"(\d+)", 16, MAKE_FILES),
    ("/proc/stat", r"processes (\d+)", 1, "[os._exit(0) for _ in range(steps) if os.fork() == 0]"),
)


def moving_counters(rng: random.Random) -> tuple[str, str]:
    """A number of the machine's that goes up by what somebody does: how far it has gone between two looks."""
    path, place, step, move = rng.choice(MOVED)
    wait = "time.sleep(max(0.0, start + {} * SLOT - time.time()))\n"
    tell = f"{wait.format(0.65)}steps = {step} * number\n{move}"
    look = f"int(re.search({place!r}, open({path!r}).read())[1])"
    hear = f"before = {look}\n{wait.format(0.9)}heard = [round(({look} - before) / {step}) + k for k in (-1, 0, 1)]"
    return tell, hear


SMALL = ("0", "1", "2", "-1", "7", "4096", "number", "data", "fd", "path", "0o666", "1 << 20", "(number << 8)", "None")


def two_calls(rng: random.Random) -> tuple[str, str]:
    """Two system calls by number, or the same one twice, with arguments that were drawn."""

    def call(arguments: Sequence[str], number: int) -> str:
        return f"value = C.syscall({number}, {', '.join(arguments)})\nheard = found_in(value, data)"

    first = rng.randrange(0, 470)
    second = rng.choice((first, first + 1, first - 1, first + 2, rng.randrange(0, 470)))
    if {first, max(0, second)} & HARMFUL:
        first = second = 39
    opened = "data = buffer(); path = OURS.encode(); fd = os.open(path, os.O_RDONLY)\n"
    arguments = rng.choices(SMALL, k=6)
    others = [one if rng.random() < 0.8 and one != "number" else rng.choice(SMALL) for one in arguments]
    hears = [("0" if one in ("number", "(number << 8)") else one) for one in others]
    return opened + "data.raw = bytes([number]) * 64\n" + call(arguments, first), opened + call(hears, max(0, second))


# Calls that end, stop or clone the child that tries them, or block it: nothing is to be heard from it.
HARMFUL = frozenset(
    (7, 15, 23, 34, *range(56, 63), 101, 109, 112, 130, 200, 231, 232, 234, 247, 270, 271, 281, 322, 424, 435)
)
KINDS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "record locks": record_locks,
    "whole locks": whole_locks,
    "leases": leases,
    "watches": watches,
    "places to wait at": places_to_wait,
    "cached pages": cached_pages,
    "abstract names": abstract_names,
    "ports": ports,
    "System V": system_v,
    "queues": queues,
    "files": files,
    "about files": about_files,
    "processes": processes,
    "keys": keys,
    "counters": counters,
    "moving counters": moving_counters,
    "two system calls": two_calls,
}


# What may be tried without walls: it changes nothing that lasts.
HARMLESS = frozenset(KINDS) - {"about files", "counters", "two system calls"}
