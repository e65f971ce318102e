"""A hub on one machine with an account of the system for everybody: who can read and change what.

All of it happens in a mount namespace with a copy of /etc, so that the machine's own accounts stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.courses import end, environment
from tests.hub_machine import GRADER, NEEDED, Machine
from tests.hub_sessions import sign_in, start_server, wait_for_lab
from tests.ports import free_ports

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.numbers import GRADER as CONTAINER_GRADER
from nbseal_hub.numbers import first_choice
from nbseal_hub.processors import account_group
from nbseal_hub.proxy import install_proxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can make accounts"),
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
]
ASSIGNMENT = "01-gates"
INBOUND = Path("/srv/exchange/nn101/inbound")
SETTINGS = """
state = "/srv/state"
course = "/srv/course"
exchange = "/srv/exchange"
instructors = ["ida"]
students = ["nora", "otto", "pia"]
port = {port}
inner_port = {inner}
[limits]
memory_mb = 1500
processes = 300
[tls]
key = "{tls}/key.pem"
certificate = "{tls}/certificate.pem"
"""
ATTEMPTS = """
import os, sys
target, course = sys.argv[1], "/srv/exchange/nn101"
attempts = {
    "enter": lambda: os.chdir(target),
    "list": lambda: os.listdir(target),
    "read": lambda: open(f"{target}/01-gates.ipynb").read(),
    "read secret": lambda: open(f"{target}/submission_secret.txt").read(),
    "change": lambda: open(f"{target}/01-gates.ipynb", "a"),
    "add": lambda: open(f"{target}/more.py", "w"),
    "rename": lambda: (os.rename(target, target + "x"), os.rename(target + "x", target)),
    "open to all": lambda: os.chmod(target, 0o777),
    "list inbound": lambda: os.listdir(os.path.dirname(target)),
    "move the course away": lambda: (os.rename(course, course + "x"), os.rename(course + "x", course)),
    "release something": lambda: os.mkdir("/srv/exchange/nn101/outbound/99-mine"),
    "list feedback": lambda: os.listdir("/srv/exchange/nn101/feedback"),
    "read the course": lambda: os.listdir("/srv/course"),
    "read the hub's database": lambda: os.listdir("/srv/state/hub"),
    "read a home": lambda: os.listdir("/home/nora"),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except PermissionError:
        continue
    print(name)
"""
# Submissions made by hand: somebody else's name, no time, links and a pipe, and one that can't be read.
FORGED = """
inbound=/srv/exchange/nn101/inbound
make() {
    mkdir "$inbound/$1"
    cp nn101/01-gates/01-gates.ipynb "$inbound/$1"
    echo '2031-01-01 00:00:00.000000 UTC' > "$inbound/$1/timestamp.txt"
    chmod 777 "$inbound/$1"
}
make 'nora+01-gates+2031-01-01 00:00:00.000000 UTC+forged'
make 'otto+01-gates+yesterday+x'
make 'otto+01-gates+2031-01-01 00:00:00.000000 UTC+x'
cd "$inbound/otto+01-gates+2031-01-01 00:00:00.000000 UTC+x"
ln -s /srv/course/graders/test_01_gates.py hidden.py
ln -s /srv/course/graders graders
mkfifo pipe
mkdir sub
echo mine > sub/notes.txt
"""
UNREADABLE = """
mkdir -m 700 "/srv/exchange/nn101/inbound/pia+01-gates+2031-01-01 00:00:00.000000 UTC+x"
"""

# The exchange of a hub in containers, where accounts are numbers without names.
CONTAINERS = """
accounts = "containers"
state = "/srv/containers/state"
course = "/srv/containers/course"
exchange = "/srv/containers/exchange"
instructors = ["ida"]
students = ["nora", "otto"]
"""
MAKE = """
from pathlib import Path
from nbseal_hub.folders import make_folders
from nbseal_hub.launch import give_numbers
from nbseal_hub.roles import write_role_files
from nbseal_hub.settings import load_settings

settings = load_settings(Path("/srv/containers/hub.toml"))
make_folders(settings)
give_numbers(settings)
write_role_files(settings)
"""


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """A free port, and the first of three in a row."""
    return free_ports(1), free_ports(3)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a key and a certificate for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hub -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, ports, tls) -> Iterator[Machine]:
    """A machine that was set up by our command, with the assignment released."""
    made = Machine(tmp_path_factory.mktemp("machine"), SETTINGS.format(port=ports[0], inner=ports[1], tls=tls))
    try:
        made.must(sys.executable, "-m", "nbseal_hub", "setup", "/srv/hub.toml")
        made.nbgrader(GRADER, "grader", "release_assignment", ASSIGNMENT, cwd="/srv/course")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def submission(machine: Machine) -> Path:
    """What nora has submitted."""
    for command in ("fetch_assignment", "submit"):
        machine.nbgrader("nora", "student", command, ASSIGNMENT, "--course", "nn101")
    (name,) = machine.must("ls", str(INBOUND)).splitlines()
    assert name.startswith(f"nora+{ASSIGNMENT}+")
    return INBOUND / name


@pytest.fixture(scope="module")
def collected(machine: Machine, submission: Path) -> str:
    """What collecting says, after others have put forgeries beside nora's submission."""
    machine.nbgrader("otto", "student", "fetch_assignment", ASSIGNMENT, "--course", "nn101")
    machine.must("sh", "-ec", FORGED, user="otto")
    machine.must("sh", "-ec", UNREADABLE, user="pia")
    return collect(machine)


def collect(machine: Machine) -> str:
    """What collecting says where something is left out, which is an error."""
    done = machine.run(
        *(sys.executable, "-m", "nbgrader", "collect", ASSIGNMENT),
        "--Authenticator.plugin_class=nbgrader.auth.NoAuthPlugin",
        user=GRADER, cwd="/srv/course", JUPYTER_CONFIG_PATH="/srv/state/jupyter/grader",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    return done.stdout


def test_a_submission_is_open_to_its_student_and_the_course_alone(machine, submission):
    """Its folder belongs to the student and the course's group, and everybody else has no right on it."""
    assert machine.must("stat", "--format", "%U %G %a", str(submission)).split() == ["nora", GRADER, "770"]
    for user in ("nora", GRADER):
        machine.must("cat", f"{submission}/01-gates.ipynb", user=user)
    assert machine.must("ls", "-A", str(INBOUND)).splitlines() == [submission.name]


def test_who_knows_the_exact_name_cannot_reach_a_submission(machine, submission):
    """Another student can't read, change, rename or replace it, nor anything else that isn't for students."""
    attempts = (sys.executable, "-I", "-c", ATTEMPTS, str(submission))
    assert machine.must(*attempts, user="otto") == ""
    # the same attempts succeed for root: they are real ones
    assert len(machine.must(*attempts).splitlines()) == ATTEMPTS.count("lambda")
    machine.must("rm", f"{submission}/more.py")
    machine.must("rmdir", "/srv/exchange/nn101/outbound/99-mine")
    machine.must("chmod", "770", str(submission))


def test_collecting_takes_what_is_the_students_own(machine, submission, collected):
    """A forgery in nora's name is left alone, though it is later, and nora's own submission is collected."""
    assert "forged belongs to otto" in collected
    machine.must("diff", "-r", "-x", "timestamp.txt", str(submission), f"/srv/course/submitted/nora/{ASSIGNMENT}")


def test_collecting_follows_no_link(machine, collected):
    """Of a submission made by hand only the student's own regular files arrive."""
    files = machine.must("sh", "-c", "cd /srv/course/submitted/otto/01-gates && find . -mindepth 1 | sort").split()
    assert files == ["./01-gates.ipynb", "./sub", "./sub/notes.txt", "./timestamp.txt"]
    for name in ("hidden.py", "graders", "pipe"):
        assert f"{name} is not a regular file" in collected


def test_a_time_that_was_made_up_is_said(collected, submission):
    """A submission whose name says another time than the file system is pointed out, and an honest one isn't."""
    assert "otto+01-gates+2031-01-01 00:00:00.000000 UTC+x says 2031-01-01 00:00:00; it was last changed" in collected
    assert f"{submission.name} says" not in collected


def test_nothing_that_students_put_there_stops_collecting(machine, collected):
    """A name without a time and a folder that can't be read are said at the end, and the others are collected."""
    assert "Not collected; everything else was:" in collected
    assert "yesterday+x is not a submission" in collected
    assert "pia+01-gates+2031-01-01 00:00:00.000000 UTC+x can't be collected" in collected


def test_setting_up_again_mends_what_was_opened(machine, submission):
    """Folders and submissions that everybody could enter are closed again, and nothing else changes."""
    machine.must("chmod", "777", str(submission), "/home/nora", "/srv/course", str(INBOUND))
    machine.must(sys.executable, "-m", "nbseal_hub", "setup", "/srv/hub.toml")
    paths = (str(submission), "/home/nora", "/srv/course", str(INBOUND))
    assert machine.must("stat", "--format", "%a", *paths).split() == ["770", "700", "700", "3733"]


def test_students_in_the_courses_group_are_refused(machine):
    """Setting up says who would read everybody's submissions, and leaves it to the operator."""
    machine.must("usermod", "--append", "--groups", GRADER, "pia")
    done = machine.run(sys.executable, "-m", "nbseal_hub", "setup", "/srv/hub.toml")
    machine.must("gpasswd", "--delete", "pia", GRADER)
    assert done.returncode == 1
    assert "pia would read everybody's submissions" in done.stdout


def test_numbers_keep_students_apart_in_containers(machine):
    """Where accounts have no names, one can't read another's submission or submit in another's name either."""
    top = "/srv/containers"
    machine.must("mkdir", "-p", f"{top}/course", f"{top}/nora")
    machine.must("sh", "-c", f"cat > {top}/hub.toml", text=CONTAINERS)
    machine.must(sys.executable, "-c", MAKE)
    machine.must("cp", "-r", f"/srv/course/release/{ASSIGNMENT}", f"{top}/exchange/nn101/outbound/{ASSIGNMENT}")
    nora, otto = first_choice("nora"), first_choice("otto")
    machine.must("chown", str(nora), f"{top}/nora")
    machine.must("chown", f"{CONTAINER_GRADER}:{CONTAINER_GRADER}", f"{top}/course")

    def nbgrader(number: int, role: str, *words: str, cwd: str, status: int = 0) -> str:
        anybody = "--Authenticator.plugin_class=nbgrader.auth.NoAuthPlugin"
        become = ("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--inh-caps=-all")
        places = {"JUPYTER_CONFIG_PATH": f"{top}/state/jupyter/{role}", "JUPYTERHUB_USER": "nora", "HOME": cwd}
        done = machine.run(*become, sys.executable, "-m", "nbgrader", *words, anybody, cwd=cwd, **places)
        assert done.returncode == status, done.stdout
        return done.stdout

    for command in ("fetch_assignment", "submit"):
        nbgrader(nora, "student", command, ASSIGNMENT, "--course", "nn101", cwd=f"{top}/nora")
    inbound = f"{top}/exchange/nn101/inbound"
    (name,) = machine.must("ls", inbound).splitlines()
    as_otto = ("setpriv", f"--reuid={otto}", f"--regid={otto}", "--clear-groups", "--inh-caps=-all")
    assert "Permission denied" in machine.run(*as_otto, "cat", f"{inbound}/{name}/{ASSIGNMENT}.ipynb").stdout
    machine.must(*as_otto, "mkdir", "-m", "777", f"{inbound}/nora+{ASSIGNMENT}+2031-01-01 00:00:00.000000 UTC+forged")
    said = nbgrader(CONTAINER_GRADER, "grader", "collect", ASSIGNMENT, cwd=f"{top}/course", status=1)
    assert f"forged belongs to user {otto}" in said
    machine.must("diff", "-r", "-x", "timestamp.txt", f"{inbound}/{name}", f"{top}/course/submitted/nora/{ASSIGNMENT}")


@pytest.fixture(scope="module")
def hub(machine: Machine, ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a hub that runs as root, and asks PAM who somebody is."""
    install_proxy()
    machine.must("chpasswd", text="nora:a password of nora's\notto:a password of otto's\n")
    command = machine.command(sys.executable, "-m", "nbseal_hub", "run", "/srv/hub.toml")
    log = tmp_path_factory.mktemp("hub") / "hub.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield f"https://127.0.0.1:{ports[0]}"
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        end(process)


@pytest.fixture
def enter(hub: str, tls: Path):
    """Opens a session of somebody who gives a name and a password."""
    return partial(sign_in, hub, verify=str(tls / "certificate.pem"))


def test_everybodys_server_runs_as_themselves_within_the_limits(machine, hub, enter):
    """PAM's password starts a server of the student's own account, held to memory, processes and processors."""
    session = enter("nora", "a password of nora's")
    start_server(session, hub)
    wait_for_lab(session, hub, "nora")
    assert session.get(f"{hub}/user/nora/api/contents", timeout=30).json()["type"] == "directory"
    owners = {}
    for line in machine.must("pgrep", "--full", "jupyterhub-singleuser").splitlines():
        owners[machine.must("stat", "--format", "%U", f"/proc/{line}").strip()] = line
    assert set(owners) >= {"nora", GRADER}
    limits = Path("/proc", owners["nora"], "limits").read_text(encoding="ascii")
    assert f"{1500 << 20}" in next(line for line in limits.splitlines() if line.startswith("Max data size"))
    assert "300" in next(line for line in limits.splitlines() if line.startswith("Max processes"))
    with suppress(OSError):  # where no control group can be made there is no limit, and the log says so
        group = account_group("nobody-else", 1).parent
        group.rmdir()
        assert "/nbseal-account-nora\n" in Path("/proc", owners["nora"], "cgroup").read_text(encoding="ascii")
    other = enter("otto", "a password of otto's")
    assert other.get(f"{hub}/user/nora/lab", timeout=30).status_code == 403


def test_a_wrong_password_is_refused(hub, enter):
    """Nobody gets in without the password of the account."""
    session = enter("nora", "a password of otto's")
    assert "/hub/login" in session.get(f"{hub}/hub/home", timeout=30).url
    assert json.loads(session.get(f"{hub}/hub/api", timeout=30).text)["version"]


def test_a_student_who_left_is_deleted_with_what_nobody_else_could_read(machine, hub, collected):
    """Root deletes a closed folder of pia's in the exchange by the grading account, and the work of others stays."""
    machine.must("sh", "-ec", """sed 's/, "pia"//' /srv/hub.toml > /srv/left.toml""")
    others = machine.must("ls", str(INBOUND)).splitlines()
    done = machine.must(sys.executable, "-m", "nbseal_hub", "student", "delete", "/srv/left.toml", "pia", "--yes")
    assert "deleted: what was kept about pia" in done
    assert "the hub is running" in done
    assert "userdel --remove pia" in done
    left = machine.must("ls", str(INBOUND)).splitlines()
    assert left == [name for name in others if not name.startswith("pia+")]
    assert left != others
