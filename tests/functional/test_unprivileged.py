"""Grading as an ordinary user, in a rootless container, and where user namespaces are forbidden.

As root, each command is run by a user who owns nothing. Where Python lies in a folder that is root's alone, that
folder is covered, for this one command, by an empty one in which only Python can be seen.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbseal.worker.walls.namespaces import interpreter_folders
from tests.courses import command, environment
from tests.mini import hand_in, make_course
from tests.samples import ROOT

SETTINGS = """
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
STRANGER = 65534
NEEDED = ("unshare", "setpriv", "mount")
pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else; other tests run as this user"),
    pytest.mark.skipif(
        not all(shutil.which(name) for name in NEEDED), reason=f"needs {', '.join(NEEDED)} (util-linux)"
    ),
]
# A namespace in which nobody may make another one, entered as an ordinary user.
NO_MORE_NAMESPACES = """
echo 0 > /proc/sys/user/max_user_namespaces
exec setpriv --ambient-caps=-all --inh-caps=-all "$@"
"""
FORBIDDEN = [
    *("unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps"),
    *("sh", "-ec", NO_MORE_NAMESPACES, "sh"),
]
ROOTLESS = ["unshare", "--user", "--map-root-user"]


def closed_folders() -> dict[Path, list[str]]:
    """Folders that a stranger can't enter, each with the folders below it that Python needs."""
    found: dict[Path, list[str]] = {}
    for folder in sorted({*interpreter_folders(), str(ROOT)}):
        for path in [*reversed(Path(folder).parents), Path(folder)]:
            if not path.stat().st_mode & 0o001:
                found.setdefault(path, []).append(folder)
                break
    return found


def uncovering(hold: str) -> str:
    """Shell commands that let a stranger reach Python, and nothing else in the closed folders."""
    lines = []
    for number, (closed, folders) in enumerate(closed_folders().items()):
        holds = [f"{hold}/{number}-{index}" for index in range(len(folders))]
        for folder, place in zip(folders, holds, strict=True):
            lines.append(f"mkdir -p {place}; mount --bind {shlex.quote(folder)} {place}")
        lines.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(closed))}")
        for folder, place in zip(folders, holds, strict=True):
            lines.append(f"mkdir -p {shlex.quote(folder)}; mount --bind {place} {shlex.quote(folder)}")
    return "\n".join(lines)


class Stranger:
    """Somebody who owns a home folder, and nothing else on this machine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "hold").mkdir()
        identity = f"setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups --inh-caps=-all"
        self._script = f'{uncovering(str(home / "hold"))}\nexec {identity} "$@"'

    def run(self, *words: str, inside: list[str] = [], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:  # noqa: B006
        """Run a command, ``inside`` others that start it; its output is text."""
        own = {"HOME": str(self.home), "TMPDIR": str(self.home), "PATH": environment()["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", self._script, "sh", *inside, *words],
            cwd=cwd or self.home,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    """A stranger with a home of their own, outside pytest's folders, which are root's."""
    with tempfile.TemporaryDirectory(prefix="nbseal-stranger-") as home:
        one = Stranger(Path(home))
        os.chown(home, STRANGER, STRANGER)
        tried = one.run(sys.executable, "-c", "import os, nbseal; print(os.getuid())")
        if tried.stdout.strip() != str(STRANGER):
            pytest.skip(f"Python can't be run as another user here: {tried.stderr.strip()[-300:]}")
        yield one


@pytest.fixture
def course(stranger: Stranger, request: pytest.FixtureRequest) -> Path:
    """A small class in the stranger's home."""
    root = make_course(stranger.home / request.node.name.replace("[", "-").rstrip("]"))
    hand_in(root, "ada")
    hand_in(root, "alan", number_answer="answer = open('/etc/shadow').read()")
    for folder, _, names in os.walk(root):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            os.chown(path, STRANGER, STRANGER)
    return root


LEVELS = {
    "ordinary user": ([], "", ("namespaces", "user-namespaces")),
    "rootless container": (ROOTLESS, "", ("namespaces", "user-namespaces")),
    "user namespaces forbidden": (FORBIDDEN, "", ("landlock", "landlock")),
    "landlock asked for": ([], "c.Seal.level = 'landlock'\n", ("landlock", "landlock")),
}
AT_ONCE = ("ordinary user", "user namespaces forbidden")  # the others wait for `make test-slow`


@pytest.mark.parametrize(
    "where", [pytest.param(one, marks=[] if one in AT_ONCE else pytest.mark.slow) for one in LEVELS]
)
def test_a_class_is_graded_and_the_level_is_told(where: str, stranger: Stranger, course: Path) -> None:
    """Without root's rights the strongest level that works seals every submission, and each scorecard names it."""
    inside, setting, (level, mechanism) = LEVELS[where]
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(setting)
    doctor = stranger.run(*command("nbseal", "doctor", "--json"), inside=inside, cwd=course)
    assert doctor.returncode == 0, doctor.stderr
    seal = json.loads(doctor.stdout)["Seal"]
    if seal[mechanism] != "works":
        pytest.skip(f"{mechanism}: {seal[mechanism]}")
    if not setting:
        assert seal["level"] == f"{level} (by {mechanism})"
    done = stranger.run(
        *command("nbseal", "grade", "mini", "--json", "--output", "cards.json"), inside=inside, cwd=course
    )
    assert done.returncode == 0, done.stderr
    cards = {card["student"]: card for card in json.loads((course / "cards.json").read_text("utf-8"))}
    assert {name: (card["score"], card["seal"]) for name, card in cards.items()} == {
        "ada": (7.0, level),
        "alan": (5.0, level),
    }
    assert f"seal: {level}" in done.stderr
    failed = [test["message"] for question in cards["alan"]["questions"] for test in question["tests"]]
    assert any("PermissionError" in text or "FileNotFoundError" in text for text in failed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "inside",
    [
        pytest.param([], id="ordinary user"),
        pytest.param(ROOTLESS, id="rootless container"),
    ],
)
def test_the_walls_hold_without_root(inside: list[str], stranger: Stranger) -> None:
    """All tests of the sandbox pass when nobody is root: limits, time, memory, and what can't be reached."""
    (stranger.home / "tests").mkdir(exist_ok=True)
    os.chown(stranger.home / "tests", STRANGER, STRANGER)
    tests = str(ROOT / "tests" / "functional" / "test_sandbox.py")
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={stranger.home}/tests/{len(inside)}"]
    done = stranger.run(sys.executable, "-B", "-m", "pytest", *options, tests, inside=inside, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


MANY = """
import os, sys, time
for _ in range(12):
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
time.sleep(0.5)
"""


def test_shared_memory_is_counted_once_without_root(stranger: Stranger) -> None:
    """Forks that share their memory don't use up the limit: what they share is counted once."""
    source = f"""
from nbseal.course import Seal
from nbseal.sandbox import WarmProcess, probe
from nbseal.sandbox.levels import BY_MECHANISM
for name, reason in probe().items():
    if reason is None:
        with WarmProcess(Seal(memory_mib=256, processes=20), BY_MECHANISM[name]).start() as warm:
            process = warm.spawn()
            print(name, process.run([(0, {MANY!r})], {{}}).failure)
            process.end()
"""
    done = stranger.run(sys.executable, "-c", source)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    assert {line.split(maxsplit=1)[1] for line in lines} == {"None"}, lines


CLOSED = ("notebook", "folder", "inner folder", "checkpoints", "student's folder", "time stamp")


@pytest.fixture
def closed_course(course: Path) -> Path:
    """The class, and students of whose work a part can't be read by the account that grades."""
    for student in CLOSED:
        hand_in(course, student)
    submitted = course / "submitted"
    (submitted / "notebook" / "mini" / "mini.ipynb").chmod(0)
    (submitted / "folder" / "mini").chmod(0)
    (submitted / "student's folder").chmod(0)
    for student, inner in (("inner folder", "work"), ("checkpoints", ".ipynb_checkpoints")):
        folder = submitted / student / "mini"
        (folder / inner).mkdir()
        (folder / "mini.ipynb").rename(folder / inner / "mini.ipynb")
        (folder / inner).chmod(0)
    stamp = submitted / "time stamp" / "mini" / "timestamp.txt"
    stamp.write_text("2026-01-01 10:00:00 UTC")
    stamp.chmod(0)
    return course


@pytest.mark.parametrize("face", ["nbseal", pytest.param("nbgrader", marks=pytest.mark.slow)])
def test_what_cannot_be_read_waits_for_a_person(face: str, stranger: Stranger, closed_course: Path) -> None:
    """Work that the account may not read is not judged, its path is said, and nobody else's grading suffers."""
    with (closed_course / "nbgrader_config.py").open("a") as file:
        file.write(SETTINGS)
    if face == "nbseal":
        done = stranger.run(*command("nbseal", "grade", "mini"), cwd=closed_course)
    else:
        stranger.run(*command("nbseal", "build", "mini"), cwd=closed_course)
        done = stranger.run(*command("nbgrader", "autograde", "mini"), cwd=closed_course)
    assert done.returncode == 0, done.stderr
    exported = stranger.run(
        *command("nbseal", "export", "csv", "mini", "--json", "--output", "m.csv"), cwd=closed_course
    )
    assert exported.returncode == 4, exported.stderr
    data = json.loads(exported.stdout)
    assert set(data["written"]) == {"mini ada", "mini alan"}
    assert {one["student"] for one in data["left_out"]} == set(CLOSED)
    assert all("not judged" in one["reason"] for one in data["left_out"])
    listed = stranger.run(*command("nbseal", "resolve", "mini"), cwd=closed_course).stdout
    assert listed.count("can't be read (Permission denied): make it readable for the account that grades") == len(
        CLOSED
    )
