"""Attempts to read what isn't the student's: graders, marks, other submissions, secrets, and what lies in memory."""

from __future__ import annotations

from tests.hostile.attack import WRONG_DOUBLE, Attack, Lost, attack

READ = """
import glob, os
def show(*patterns):
    for pattern in patterns:
        for path in sorted(glob.glob(pattern))[:20] or [pattern]:
            try:
                with open(path, "rb") as file:
                    print(path, file.read(200_000))
            except OSError as error:
                print(path, error)
"""
# What is looked for is spelt in two parts, so that the search doesn't find itself.
SEARCH = """
import re
pattern = re.compile(b"can" + b"ary-[0-9a-f]{24}")
def search(data):
    for found in set(pattern.findall(data)):
        print("found", found)
"""


def theft(name: str, sentence: str, source: str, lost: Lost = Lost.NOTHING) -> Attack:
    """An attack whose last cell prints what it can get."""
    return attack(name, sentence, after=source, lost=lost)


ATTACKS = [
    theft(
        "cannot_read_the_graders",
        "Hidden tests can't be opened, listed, or found through the paths that lead to them.",
        READ
        + """
show("@course@/graders/*", "@course@/graders/test_hostile.py", "../../../graders/*", "/proc/self/root/@course@/*/*")
for folder in ("@course@", "@course@/graders", "/", "/root", "/home"):
    try:
        print(folder, [name for name in os.listdir(folder)])
    except OSError as error:
        print(error)
""",
    ),
    theft(
        "cannot_read_the_gradebook",
        "The gradebook can't be opened, and no copy of it either.",
        READ
        + """
import sqlite3
show("@course@/gradebook.db*", "@course@/.nbseal/*", "@course@/.nbseal/*/*")
for name in ("file:@course@/gradebook.db?mode=ro&immutable=1", "@course@/gradebook.db"):
    try:
        print(sqlite3.connect(name, uri=True).execute("select * from student").fetchall())
    except sqlite3.Error as error:
        print(error)
""",
    ),
    theft(
        "cannot_read_other_submissions",
        "Other students' work, graded or not, can't be opened.",
        READ + 'show("@course@/*/*/*/*", "@course@/submitted/ada/hostile/hostile.ipynb", "@course@/autograded/*/*/*")',
    ),
    theft(
        "cannot_read_the_solution",
        "The instructor's notebook, its release and its solution can't be opened.",
        READ + 'show("@course@/source/*/*", "@course@/source/hostile/hostile.ipynb", "@course@/solutions/*/*")',
    ),
    theft(
        "cannot_read_the_settings",
        "The course's settings and the engine's secret can't be opened.",
        READ + 'show("@course@/*", "@course@/nbgrader_config.py", "@course@/.nbseal/secret", "@home@/.*")',
    ),
    theft(
        "cannot_read_the_graders_through_own_links",
        "A link that a notebook makes leads to nothing that it couldn't open itself.",
        READ
        + """
for name, target in {"one": "@course@/graders/test_hostile.py", "two": "@course@/gradebook.db"}.items():
    os.symlink(target, name)
    try:
        os.link(target, name + "-hard")
    except OSError as error:
        print(error)
show("one", "two", "one-hard", "two-hard")
""",
    ),
    theft(
        "cannot_move_the_graders_away",
        "Nothing of the course's can be renamed, removed, linked, written or cut.",
        """
import os, shutil
for call in (
    lambda: os.rename("@course@/graders", "/tmp/@mark@"),
    lambda: os.remove("@course@/gradebook.db"),
    lambda: os.truncate("@course@/gradebook.db", 0),
    lambda: open("@course@/gradebook.db", "r+b").write(b"0"),
    lambda: open("@course@/submitted/@student@/hostile/hostile.ipynb", "w").write("{}"),
    lambda: os.symlink("/", "@course@/submitted/@student@/root"),
    lambda: os.mkdir("@course@/submitted/@student@/x"),
    lambda: shutil.rmtree("@course@/submitted/ada"),
):
    try:
        print("done", call())
    except OSError as error:
        print(error)
""",
    ),
    theft(
        "cannot_change_permissions_of_the_gradebook",
        "Neither modes nor owners, times or attributes of the course's files can be changed.",
        """
import os
for path in ("@course@/gradebook.db", "@course@/graders", "@course@/graders/test_hostile.py", "@course@"):
    for call in (
        lambda: os.chmod(path, 0o777),
        lambda: os.chown(path, os.getuid(), os.getgid()),
        lambda: os.utime(path, (1, 1)),
        lambda: os.setxattr(path, "user.nbseal", b"1"),
        lambda: os.chmod(os.path.basename(path), 0o777, dir_fd=os.open(os.path.dirname(path), os.O_PATH)),
    ):
        try:
            call()
        except OSError as error:
            print(error)
""",
    ),
    theft(
        "cannot_change_permissions_of_what_it_may_read",
        "What may be read can't be made unreadable for others.",
        """
import os
for path in ("@course@/shared/data.txt", "@course@/shared"):
    try:
        handle = os.open(path, os.O_RDONLY)
        os.fchmod(handle, 0o700)
        os.utime(handle, (1, 1))
    except OSError as error:
        print(error)
""",
    ),
    theft(
        "cannot_read_the_environment",
        "No token of the grading process's environment can be read.",
        READ
        + """
print(dict(os.environ), os.popen("env").read())
show("/proc/self/environ", "/proc/1/environ", "/proc/[0-9]*/environ", f"/proc/{os.getppid()}/environ")
for pid in range(2, 400):
    try:
        print(open(f"/proc/{pid}/environ").read())
    except OSError:
        pass
""",
    ),
    theft(
        "cannot_look_into_other_processes",
        "Memory, files, folders and maps of other processes can't be reached through /proc.",
        READ
        + """
mine = os.getpid()
for pid in {1, os.getppid(), *range(max(2, mine - 60), mine)}:
    for name in ("mem", "maps", "cmdline", "stack", "syscall", "auxv", "cwd/gradebook.db", "root/etc/shadow", "fd/3"):
        try:
            print(pid, name, open(f"/proc/{pid}/{name}", "rb").read(4096))
        except OSError:
            pass
    for name in ("cwd", "exe", "root", "fd/0", "fd/3", "fd/4", "fd/5", "ns/mnt"):
        try:
            print(pid, name, os.readlink(f"/proc/{pid}/{name}"))
            print(os.open(f"/proc/{pid}/{name}", os.O_RDWR))
        except OSError:
            pass
""",
    ),
    theft(
        "cannot_find_secrets_in_its_own_memory",
        "The process was forked from one that never held a secret.",
        SEARCH
        + """
import ctypes, gc
try:
    maps = [line.split() for line in open("/proc/self/maps")]
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            first, last = (int(word, 16) for word in line[0].split("-"))
            if line[1].startswith("rw") and last - first < 1 << 26:
                memory.seek(first)
                try:
                    search(memory.read(last - first))
                except OSError:
                    pass
except OSError as error:
    print(error)
""",
    ),
    theft(
        "cannot_find_secrets_among_objects",
        "No object that the garbage collector knows holds a secret.",
        SEARCH
        + """
import gc
texts = []
for thing in gc.get_objects():
    parts = thing.values() if type(thing) is dict else thing if type(thing) in (list, tuple, set) else ()
    texts += [part for part in list(parts) if type(part) in (str, bytes)]
search(b" ".join(t if type(t) is bytes else t.encode("utf-8", "replace") for t in texts))
import nbseal.worker.walls.limits
print([vars(thing) for thing in gc.get_objects() if type(thing) is nbseal.worker.walls.limits.Settings][:3])
""",
    ),
    attack(
        "cannot_find_the_graders_on_disk",
        "No file that can be opened anywhere, apart from Python's and the system's own, holds a hidden test.",
        wrong="double",
        double=WRONG_DOUBLE,
        after=SEARCH
        + """
import os
count = 0
for top, folders, names in os.walk("/"):
    known = ("/usr", "/proc", "/sys", os.path.join(top, "lib"))
    folders[:] = [name for name in folders if os.path.join(top, name) not in known]
    for name in names:
        try:
            with open(os.path.join(top, name), "rb") as file:
                search(file.read(1 << 20))
        except OSError:
            continue
        count += 1
        if count > 3000:
            break
""",
    ),
]
