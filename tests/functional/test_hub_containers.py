"""The hub in containers, as far as it can be tried without a container engine: files, names, settings, entry point."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from traitlets.config import Config

from nbseal import __version__
from nbseal_hub.configure import apply_config
from nbseal_hub.folders import make_folders
from nbseal_hub.launch import address, running
from nbseal_hub.numbers import GRADER, first_choice
from nbseal_hub.proxy import install_proxy
from nbseal_hub.roles import write_role_files
from nbseal_hub.settings import HubSettings, Secrets, load_settings
from tests.courses import copy_course, end, environment, wait_until
from tests.hub_sessions import sign_in
from tests.ports import free_ports
from tests.samples import ROOT

FOLDER = ROOT / "deploy" / "compose"
IMAGES = ("hub", "grader", "student")
RULES = "{extends: default, rules: {document-start: disable, line-length: {max: 120}}}"
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="containers start as root")
SETTINGS = """
accounts = "containers"
state = "state"
course = "course"
exchange = "exchange"
instructors = ["ida"]
students = ["nora"]
port = {port}
inner_port = {inner}
[containers]
hub = "127.0.0.1"
formgrader = "http://127.0.0.1:{formgrader}"
"""


@pytest.fixture(scope="module")
def compose() -> dict:
    """The compose file."""
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def settings() -> HubSettings:
    """The settings file beside it."""
    return load_settings(FOLDER / "hub.toml")


def copied(image: str) -> set[str]:
    """All files that an image takes from this repository, by its Dockerfile's own COPY lines."""
    text = (FOLDER / f"{image}.Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    files = set()
    for line in re.findall(r"^(?:COPY|ADD) (.+)$", text, re.MULTILINE):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        for source in sources:
            path = ROOT / source
            found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            assert found, f"{image}: {source} is not there"
            files |= {file.relative_to(ROOT).as_posix() for file in found if "__pycache__" not in file.parts}
    return files


def test_the_student_image_holds_no_grader_and_no_solution():
    """It takes the exchange, its entry point and the lists of versions, and installs nothing of ours besides."""
    hub = {f"deploy/nbseal_hub/{name}.py" for name in ("__init__", "exchange", "handed_in", "numbers")}
    versions = {"requirements.txt", "requirements-cloud.txt", "requirements-hub.txt"}
    assert copied("student") == {*versions, "deploy/compose/student-entrypoint.sh", *hub}
    installed = re.findall(r"pip install.*?\n\n", (FOLDER / "student.Dockerfile").read_text("utf-8"), re.DOTALL)
    assert len(installed) == 1
    assert "nbseal" not in installed[0]


@pytest.mark.parametrize("image", IMAGES)
def test_no_image_holds_the_course(image):
    """Sources, graders, solutions and tests are in none of them."""
    tops = {re.sub(r"^requirements.*\.txt$", "requirements*.txt", name.split("/")[0]) for name in copied(image)}
    assert tops <= {"LICENSE", "README.md", "deploy", "pyproject.toml", "requirements*.txt", "src"}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert all(f"!{top}" in ignored or f"!{top}/" in ignored for top in tops)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", *(str(FOLDER / f"{image}.Dockerfile") for image in IMAGES)],
        [
            "yamllint",
            "--strict",
            "-d",
            "{extends: default, rules: {document-start: disable, line-length: {max: 120}}}",
            str(FOLDER),
        ],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(FOLDER / "compose.yaml")],
    ],
    ids=["dockerfiles", "yaml", "compose-spec"],
)
def test_linters_and_schema_find_nothing(command):
    """Dockerfiles and the compose file are what their tools expect."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_and_the_settings_name_the_same_things(compose, settings):
    """Image, network, volumes, ports and service are called the same on both sides."""
    names, services = settings.containers, compose["services"]
    assert services["student"]["image"] == names.image
    assert compose["volumes"]["exchange"]["name"] == names.exchange_volume
    assert compose["volumes"]["configuration"]["name"] == names.configuration_volume
    assert names.hub in services
    grader = services["grader"]["environment"]
    assert names.formgrader == "http://grader:" + grader["JUPYTERHUB_SERVICE_URL"].rpartition(":")[2]
    assert grader["JUPYTERHUB_SERVICE_NAME"] == settings.course_id
    assert grader["JUPYTERHUB_USER"] == settings.grader
    assert grader["JUPYTERHUB_API_URL"] == f"http://{names.hub}:{settings.inner_port}/hub/api"
    for service in ("hub", "grader"):
        mounts = dict(mount.removesuffix(":ro").rsplit(":", 1) for mount in services[service]["volumes"])
        assert mounts["exchange"] == str(settings.exchange)
        assert mounts["configuration"] == str(settings.configuration)
    assert f"--uid {GRADER} " in (FOLDER / "grader.Dockerfile").read_text(encoding="utf-8")


def test_every_image_has_a_tag(compose):
    """Ours bear the version, and the Python beneath them that of a release: nothing is whatever is newest."""
    ours = [service["image"] for service in compose["services"].values()]
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy").glob("*/*.[Dy]*") if path.is_file()]
    ours += [name for text in texts for name in re.findall(r"(?:FROM|image:) (\S*nbseal-\S+)", text)]
    assert {name.rpartition(":")[2] for name in ours} == {__version__}
    bases = {base for text in texts for base in re.findall(r"^ARG PYTHON=(.+)$", text, re.MULTILINE)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases.pop())
    others = {name for text in texts for name in re.findall(r"^FROM (?!nbseal-)(\S+)", text, re.MULTILINE)}
    assert others == {"${PYTHON}"}


def test_what_runs_for_long_is_asked_whether_it_answers(compose):
    """Hub, formgrader and scheduler have health checks, and so have grader and exchange on Kubernetes."""
    assert all("healthcheck" in compose["services"][name] for name in ("hub", "grader", "scheduler"))
    for name in ("grader", "exchange"):
        parts = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / f"{name}.yaml").read_text(encoding="utf-8"))
        (deployment,) = [part for part in parts if part["kind"] == "Deployment"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert {"readinessProbe", "livenessProbe"} <= set(container)


def test_students_reach_neither_the_grader_nor_the_course(compose):
    """What grades is on networks without students, who have networks of their own; the formgrader has the course."""
    services = compose["services"]
    networks = {name: service.get("networks") for name, service in services.items() if name != "student"}
    assert networks == {
        "hub": ["inside"],
        "grader": ["inside", "grading"],
        "scheduler": ["grading"],
        "worker": ["grading"],
    }
    assert compose["networks"]["grading"] == {"internal": True}
    for name in ("scheduler", "worker"):
        assert {"volumes", "environment", "ports"}.isdisjoint(services[name])
        assert services[name]["image"] == services["grader"]["image"]
    assert "/var/run/docker.sock" not in str(services["grader"])
    assert [name for name in services if "COURSE" in str(services[name].get("volumes"))] == ["grader"]


def test_a_students_container_has_little(settings):
    """It gets the exchange, a home and the configuration to read, limits, and three rights that are given up."""
    c = Config()
    apply_config(settings, c, secrets=Secrets("a password", "a token"), proxy=["proxy"], root=True)
    spawner = c.DockerSpawner
    assert set(spawner.volumes.values()) == {"/home/student", "/srv/exchange"}
    assert spawner.read_only_volumes == {"nbseal-configuration": "/srv/state/jupyter"}
    assert spawner.extra_host_config["cap_drop"] == ["ALL"]
    assert spawner.extra_host_config["cap_add"] == ["CHOWN", "SETGID", "SETUID"]
    assert (c.Spawner.cpu_limit, c.StudentContainer.hub_name) == (2, "hub")
    assert c.JupyterHub.spawner_class == "nbseal_hub.containers.StudentContainer"
    assert spawner.use_internal_ip is True
    assert (spawner.mem_limit, spawner.extra_host_config["pids_limit"]) == ("2048M", 512)


@AS_ROOT
def test_the_entry_point_becomes_the_student(tmp_path):
    """With the rights of a container it gives the home to the student's number, and keeps no right, twice."""
    home, number = tmp_path / "home", first_choice("nora")
    home.mkdir()
    script = tmp_path / "student-entrypoint.sh"
    shutil.copy(FOLDER / script.name, script)
    tmp_path.chmod(0o755)
    container = ["setpriv", "--bounding-set=-all,+chown,+setgid,+setuid", "--inh-caps=-all", "--no-new-privs", "sh"]
    show = ["sh", "-c", "id -u; id -g; grep -E 'CapEff|CapPrm' /proc/self/status"]
    for _ in range(2):
        done = subprocess.run(
            [*container, script, *show],
            env={**os.environ, "HOME": str(home), "NBSEAL_NUMBER": str(number)},
            cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        none = "0000000000000000"
        assert done.stdout.split() == [str(number), str(number), "CapPrm:", none, "CapEff:", none]
    assert (home.stat().st_uid, home.stat().st_mode & 0o777) == (number, 0o700)


@pytest.fixture
def formgrader(compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSettings]:
    """A hub with containers' settings, and a formgrader with the compose file's own environment, both as processes."""
    install_proxy()
    port, inner, own = free_ports(1), free_ports(3), free_ports(1)
    (tmp_path / "hub.toml").write_text(SETTINGS.format(port=port, inner=inner, formgrader=own), encoding="utf-8")
    copy_course(tmp_path / "course", ["01-gates"])
    monkeypatch.setenv("NBSEAL_HUB_FORMGRADER_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("NBSEAL_HUB_DEMO_PASSWORD", "a password")
    given = compose["services"]["grader"]["environment"]
    places = {"hub:8081": f"127.0.0.1:{inner}", "0.0.0.0:8083": f"127.0.0.1:{own}", "/srv/": f"{tmp_path}/"}
    for old, new in places.items():
        given = {name: value.replace(old, new) for name, value in given.items()}
    given["JUPYTERHUB_API_TOKEN"] = "0123456789abcdef"
    # both start at about the same time, as in the compose file: the formgrader asks for the hub until it answers, and
    # the hub waits half a minute for a formgrader that does not
    settings = load_settings(tmp_path / "hub.toml")
    make_folders(settings)
    write_role_files(settings)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("jupyterhub-singleuser"), "--allow-root"],
            cwd=tmp_path / "course", env=environment(HOME=str(tmp_path), **given), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        with running(tmp_path / "hub.toml"):
            assert wait_until(lambda: "is running at" in (tmp_path / "log").read_text("utf-8"), 60.0)
            yield settings
    finally:
        end(process)


@pytest.mark.slow
@AS_ROOT
def test_the_formgrader_in_its_own_container_knows_the_hub(formgrader):
    """With the compose file's environment an instructor opens it through the hub, and a student doesn't."""
    expected = {"ida": 200, "nora": 403}
    for name, status in expected.items():
        session = sign_in(address(formgrader), name, "a password")
        page = session.get(f"{address(formgrader)}/services/nn101/lab", timeout=60)
        assert page.status_code == status, page.text[:500]
        assert ('id="jupyter-config-data"' in page.text) == (status == 200)
        if status == 200:
            health = requests.get(f"{formgrader.containers.formgrader}/services/nn101/api", timeout=60)
            assert "version" in health.json()  # what the health checks ask, without a token
            listed = session.get(f"{address(formgrader)}/services/nn101/formgrader/api/assignments", timeout=60)
            assert [item["name"] for item in listed.json()] == ["01-gates"]
