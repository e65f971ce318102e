"""Attempts to get out: to the network, to other programs of this machine, and past the walls by system calls."""

from __future__ import annotations

from tests.hostile.attack import Lost, attack
from tests.hostile.attacks.theft import READ, theft

ATTACKS = [
    theft(
        "cannot_use_inherited_files",
        "No file descriptor but the reply channel was left open.",
        """
import os, stat
for number in range(256):
    try:
        kind = stat.S_IFMT(os.fstat(number).st_mode)
        print(number, oct(kind), os.read(number, 10_000) if stat.S_ISREG(kind) or stat.S_ISDIR(kind) else "")
    except OSError:
        pass
try:
    os.fchdir(4)
except OSError as error:
    print(error)
""",
    ),
    theft(
        "cannot_reach_the_network",
        "No TCP, UDP, raw, netlink or vsock, not even to this machine.",
        """
import socket, urllib.request
def attempt(call):
    try:
        print("reached", call())
    except OSError as error:
        print(error)
attempt(lambda: socket.create_connection(("127.0.0.1", @tcp@), 0.5).recv(100))
attempt(lambda: socket.create_connection(("::1", @tcp@), 0.5).recv(100))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"stolen", ("127.0.0.1", @udp@)))
attempt(lambda: urllib.request.urlopen("http://127.0.0.1:@tcp@/", timeout=0.5).read())
for family in (socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK, socket.AF_INET6, 38):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        attempt(lambda: socket.socket(family, kind))
""",
    ),
    theft(
        "cannot_reach_abstract_sockets",
        "Abstract sockets of the machine are out of reach.",
        """
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    try:
        one = socket.socket(socket.AF_UNIX, kind)
        one.connect("\\0@abstract@")
        one.send(b"stolen")
        print("reached", one.recv(100))
    except OSError as error:
        print(error)
""",
    ),
    theft(
        "cannot_reach_sockets_of_other_programs",
        "Sockets that lie in the file system, as a desktop's or Docker's, are out of reach.",
        """
import socket
for path in ("@socket@", "/run/docker.sock", "/run/dbus/system_bus_socket"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            one = socket.socket(socket.AF_UNIX, kind)
            one.settimeout(0.5)
            one.connect(path)
            one.send(b"stolen")
            print("reached", one.recv(100))
        except OSError as error:
            print(error)
try:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    print("sent", a.sendto(b"stolen", "@datagrams@"), a.sendmsg([b"stolen"], [], 0, "@datagrams@"))
except OSError as error:
    print(error)
""",
    ),
    theft(
        "cannot_use_shared_memory_of_other_programs",
        "System V and POSIX shared memory of others can't be found, read or removed.",
        READ
        + """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for number in {*range(64), @shm@}:
    address = libc.shmat(number, None, 0o10000)
    if address not in (None, 2 ** 64 - 1):
        print("attached", ctypes.string_at(address, 64))
    libc.shmctl(number, 0, None)
    libc.semctl(number, 0, 0)
    libc.msgctl(number, 0, None)
show("/dev/shm/*", "/dev/shm/@shmfile@", "/dev/mqueue/*")
try:
    os.remove("/dev/shm/@shmfile@")
except OSError as error:
    print(error)
""",
    ),
    attack(
        "cannot_read_paths_by_markdown",
        "Pictures and links in Markdown bring no file's content into a page.",
        after="""
from IPython.display import HTML, Image, Markdown, SVG
path = "@course@/graders/test_hostile.py"
for text in (f"![x]({path})", f"![x](file://{path})", "![x](../../../graders/test_hostile.py)"):
    display(Markdown(text), HTML(f'<img src="{path}"><iframe src="file://{path}"></iframe><object data="{path}">'))
widget = {"application/vnd.jupyter.widget-view+json": {"model_id": path}}
display({"text/html": f'<link rel="import" href="{path}">', **widget}, raw=True)
display({"image/svg+xml": f'<svg><image href="file://{path}"/><use href="{path}#x"/></svg>'}, raw=True)
""",
    ),
    theft(
        "cannot_leave_the_walls_by_system_calls",
        "Mounting, namespaces, other roots, other users and kernel interfaces are refused.",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in {
    "unshare": (0x10000000,), "setns": (3, 0), "chroot": (b"/",), "mount": (b"none", b"/tmp", b"tmpfs", 0, None),
    "umount2": (b"/proc", 2), "ptrace": (16, os.getppid(), 0, 0), "personality": (0x0040000,), "setuid": (0,),
    "setresuid": (0, 0, 0), "process_vm_readv": (os.getppid(), None, 0, None, 0, 0), "keyctl": (0, -1),
    "bpf": (0, None, 0), "reboot": (0,), "swapon": (b"/tmp/x", 0), "sethostname": (b"owned", 5), "acct": (None,),
}.items():
    function = getattr(libc, name, None)
    print(name, function and function(*arguments) == 0 and "done", ctypes.get_errno())
for number in (425, 427, 323, 298, 304, 303, 442, 430, 429, 435, 438, 248, 250, 321, 246, 175):
    if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
        print("system call", number, "went through")
print(os.getuid(), os.geteuid(), open("/proc/self/status").read() if os.path.exists("/proc/self/status") else "")
""",
    ),
    theft(
        "cannot_run_programs_with_more_rights",
        "Set-user-id programs and preloaded libraries give no rights.",
        """
import os, subprocess
os.environ.update(LD_PRELOAD="/tmp/evil.so", LD_LIBRARY_PATH="/tmp", PYTHONPATH="/tmp", PYTHONSTARTUP="/tmp/x.py")
for words in (["su", "-c", "id"], ["sudo", "-n", "id"], ["passwd", "-S"], ["mount"], ["unshare", "-r", "id"], ["id"]):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=1, stdin=subprocess.DEVNULL)
        print(words, done.returncode, done.stdout[:300], done.stderr[:300])
    except (OSError, subprocess.TimeoutExpired) as error:
        print(words, error)
""",
    ),
    theft(
        "cannot_write_to_its_own_code",
        "Memory that is written over is the student's own.",
        """
try:
    with open("/proc/self/mem", "r+b", 0) as memory:
        memory.seek(id(assertion := AssertionError))
        memory.write(b"\\0" * 8)
except OSError as error:
    print(error)
""",
        lost=Lost.PERHAPS,
    ),
]
