"""The hub on Kubernetes, as far as it can be tried without a cluster: manifests, values, network, quotas, settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")
pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas are not installed")

import kubernetes_validate
from traitlets.config import Config

from nbseal.cli.worker import MEMORY_PER_JOB, jobs_for
from nbseal_hub.errors import HubError
from nbseal_hub.kubernetes import EXCHANGE_URL, configure, kubernetes_role_files
from nbseal_hub.settings import HubSettings, load_settings
from tests.samples import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
PAGE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
MANIFESTS = ("namespaces", "quotas", "network", "exchange", "grader", "workers")
IMAGES = ("hub", "student", "grader", "ngshare")
RULES = "{extends: default, rules: {document-start: disable, line-length: {max: 120}}}"
# The oldest Kubernetes that chart 4.4.0 takes, and a recent one.
VERSIONS = ("1.32", "1.37")
SERVERS = 32
PULLERS = 8  # one for each node that students' servers run on
UNITS = {"": 1.0, "m": 1e-3, "M": 2.0**20, "G": 2.0**30, "Mi": 2.0**20, "Gi": 2.0**30}
# Keys of the values of jupyterhub 4.4.0, from its configuration reference; * stands for whatever is below.
CHART_KEYS = re.findall(
    r"\S+",
    """
cull.enabled cull.every cull.timeout
hub.activeServerLimit hub.concurrentSpawnLimit hub.config.* hub.extraConfig.* hub.extraEnv.* hub.extraFiles.*
hub.image.name hub.image.tag hub.networkPolicy.egressAllowRules.cloudMetadataServer hub.networkPolicy.ingress
hub.resources.*
ingress.enabled ingress.hosts ingress.ingressClassName ingress.tls
prePuller.continuous.enabled prePuller.hook.enabled prePuller.resources.*
proxy.chp.networkPolicy.egress proxy.chp.networkPolicy.egressAllowRules.cloudMetadataServer
proxy.chp.networkPolicy.egressAllowRules.nonPrivateIPs proxy.chp.networkPolicy.egressAllowRules.privateIPs
proxy.chp.resources.* proxy.service.type
scheduling.userPods.nodeAffinity.matchNodePurpose scheduling.userScheduler.enabled
singleuser.cloudMetadata.blockWithIptables singleuser.cpu.guarantee singleuser.cpu.limit singleuser.defaultUrl
singleuser.fsGid singleuser.image.name singleuser.image.tag singleuser.memory.guarantee singleuser.memory.limit
singleuser.networkPolicy.enabled singleuser.startTimeout singleuser.storage.capacity
singleuser.storage.homeMountPath singleuser.storage.type singleuser.uid
""",
)
COMPONENT = "app.kubernetes.io/component"
STUDENT = ("nbseal", {COMPONENT: "singleuser-server"})
HUB = ("nbseal", {COMPONENT: "hub"})
PROXY = ("nbseal", {COMPONENT: "proxy"})
NGSHARE = ("nbseal", {COMPONENT: "ngshare"})
GRADER = ("nbseal-grading", {COMPONENT: "grader"})
SCHEDULER = ("nbseal-grading", {COMPONENT: "scheduler"})
WORKER = ("nbseal-grading", {COMPONENT: "worker"})
GRADING = ("grader", "scheduler", "worker")  # what grades, by its deployments
NAMES = ("kube-system", {"k8s-app": "kube-dns"})
STRANGER = ("default", {})
Pod = tuple[str, dict[str, str]]


def read(name: str) -> list[dict[str, Any]]:
    """The documents of one file."""
    return [item for item in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) if item]


RESOURCES = [resource for name in MANIFESTS for resource in read(name)]
VALUES: dict[str, Any] = read("values")[0]


def resource(kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    """The one resource of this kind and name."""
    found = [
        item
        for item in RESOURCES
        if item["kind"] == kind
        and item["metadata"]["name"] == name
        and namespace in (None, item["metadata"].get("namespace"))
    ]
    assert len(found) == 1
    return found[0]


def pod_of(name: str) -> dict[str, Any]:
    """What a Deployment of ours starts."""
    return resource("Deployment", name)["spec"]["template"]["spec"]


def number(quantity: object) -> float:
    """A quantity of Kubernetes or of KubeSpawner as a number: processors, bytes or pieces."""
    digits, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(quantity)).groups()
    return float(digits) * UNITS[unit]


def leaves(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    """All values below a value, lists taken apart too, with the way to each."""
    if isinstance(value, dict):
        return [leaf for key, below in value.items() for leaf in leaves(below, (*path, key))]
    if isinstance(value, list):
        return [leaf for below in value for leaf in leaves(below, path)]
    return [(path, value)]


def chosen(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector chooses these labels."""
    expressions = selector.get("matchExpressions", [])
    assert all(item["operator"] == "In" for item in expressions)
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(item["key"]) in item["values"] for item in expressions
    )


def peer_is(peer: dict[str, Any], home: str, pod: Pod) -> bool:
    """Whether one entry of ``from`` or ``to`` in a policy of the namespace ``home`` means a pod."""
    assert set(peer) <= {"podSelector", "namespaceSelector"}
    namespace, labels = pod
    if "namespaceSelector" in peer:
        right = chosen(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
    else:
        right = namespace == home
    return right and chosen(peer.get("podSelector", {}), labels)


def allowed(direction: str, pod: Pod, other: Pod | None, port: int) -> bool | None:
    """Whether our policies let a pod talk with another (or with an address outside); nothing if none chooses it."""
    ours = [
        item
        for item in RESOURCES
        if item["kind"] == "NetworkPolicy"
        and item["metadata"]["namespace"] == pod[0]
        and direction in item["spec"]["policyTypes"]
        and chosen(item["spec"]["podSelector"], pod[1])
    ]
    if not ours:
        return None
    side = {"Ingress": "from", "Egress": "to"}[direction]
    for item in ours:
        for rule in item["spec"].get(direction.lower(), []):
            # a rule without peers or ports would mean all of them
            assert rule[side]
            assert rule["ports"]
            peers = [peer for peer in rule[side] if other and peer_is(peer, pod[0], other)]
            if peers and port in [entry["port"] for entry in rule["ports"]]:
                return True
    return False


def reaches(source: Pod, target: Pod, port: int) -> bool:
    """Whether both sides let a connection through; at the sides of hub and proxy the chart's policies decide."""
    ways = [allowed("Egress", source, target, port)] if source not in (HUB, PROXY) else []
    ways += [allowed("Ingress", target, source, port)] if target not in (HUB, PROXY) else []
    return all(way is not False for way in ways)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", *(str(FOLDER / f"{image}.Dockerfile") for image in IMAGES)],
        ["yamllint", "--strict", "-d", RULES, str(FOLDER)],
    ],
    ids=["dockerfiles", "yaml"],
)
def test_linters_find_nothing(command):
    """Dockerfiles, manifests and values are what their linters expect."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(version):
    """Each resource is what the schema of Kubernetes says, and has no field that the schema doesn't know."""
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*MANIFESTS, "values"}
    for item in RESOURCES:
        kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.slow
def test_the_schema_is_looked_at():
    """A misspelt field is found."""
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError, match="prots"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_values_are_keys_of_the_chart():
    """Nothing is set that the chart's pinned version doesn't document."""
    assert "jupyterhub 4.4.0" in (FOLDER / "values.yaml").read_text(encoding="utf-8")
    whole = {key for key in CHART_KEYS if not key.endswith(".*")}
    begins = {key.removesuffix("*") for key in CHART_KEYS if key.endswith(".*")}
    used = {".".join(path) for path, _ in leaves(VALUES)}
    known = {name for name in used if any(name == key or name.startswith(f"{key}.") for key in whole)}
    known |= {name for name in used if any(name.startswith(begin) for begin in begins)}
    assert used == known
    assert all(any(name.startswith(key.removesuffix("*")) for name in used) for key in CHART_KEYS)


def test_no_secret_is_written_down():
    """Tokens come from a Secret that no file here makes, and the certificate from another one."""
    assert "Secret" not in {item["kind"] for item in RESOURCES}
    tokens = {}
    for name in ("ngshare", "grader"):
        environment = {item["name"]: item for item in pod_of(name)["containers"][0]["env"]}
        tokens[name] = environment["JUPYTERHUB_API_TOKEN"]["valueFrom"]["secretKeyRef"]
    tokens |= {
        name: item["valueFrom"]["secretKeyRef"] for name, item in VALUES["hub"]["extraEnv"].items() if "TOKEN" in name
    }
    assert {item["name"] for item in tokens.values()} == {"nbseal-tokens"}
    assert tokens["ngshare"] == tokens["NBSEAL_HUB_EXCHANGE_TOKEN"]
    assert tokens["grader"] == tokens["NBSEAL_HUB_FORMGRADER_TOKEN"]
    assert set(VALUES["ingress"]["tls"][0]) == {"hosts", "secretName"}
    secret = re.compile("password|token|secret|key", re.IGNORECASE)
    written = [
        path
        for path, value in leaves([RESOURCES, VALUES])
        if secret.search(path[-1]) and path[-1] not in ("key", "secretName") and value not in (False, None)
    ]
    assert not written


def test_students_reach_what_they_need():
    """Names, the hub, its proxy and the exchange; the chart's policies for hub and proxy are on by default."""
    assert not any("enabled" in part["networkPolicy"] for part in (VALUES["hub"], VALUES["proxy"]["chp"]))
    # by this label, which the chart gives to students' servers too, its policy lets pods reach the hub
    labels = resource("Deployment", "ngshare")["spec"]["template"]["metadata"]["labels"]
    assert labels["hub.jupyter.org/network-access-hub"] == "true"
    assert "extraLabels" not in VALUES["singleuser"]
    assert reaches(STUDENT, NAMES, 53)
    assert reaches(STUDENT, HUB, 8081)
    assert reaches(STUDENT, PROXY, 8000)
    assert reaches(STUDENT, NGSHARE, 8080)


@pytest.mark.parametrize("port", [53, 80, 443, 8000, 8080, 8081, 8083, 8786, 8787, 8788, 8888])
def test_students_reach_nothing_else(port):
    """Not the grader, not each other, no other pod, and no address outside, the metadata service included."""
    for pod in (GRADER, SCHEDULER, WORKER):
        assert allowed("Egress", STUDENT, pod, port) is False
        assert allowed("Ingress", pod, STUDENT, port) is False
    assert not reaches(STUDENT, STUDENT, port)
    assert not reaches(STUDENT, STRANGER, port)
    assert allowed("Egress", STUDENT, None, port) is False
    # policies add up, so the chart's wider one must be off
    assert VALUES["singleuser"]["networkPolicy"] == {"enabled": False}


@pytest.mark.parametrize("namespace", ["nbseal", "nbseal-grading"])
def test_what_no_policy_names_is_closed(namespace):
    """A pod that was forgotten reaches nobody, and nobody reaches it."""
    for direction in ("Ingress", "Egress"):
        for other in (STUDENT, GRADER, NAMES, STRANGER, None):
            assert allowed(direction, (namespace, {}), other, 53) is False


def test_grading_works_and_is_closed():
    """Hub and proxy reach the formgrader, it reaches hub and exchange, and that is all."""
    assert reaches(HUB, GRADER, 8083)
    assert reaches(PROXY, GRADER, 8083)
    assert reaches(GRADER, HUB, 8081)
    assert reaches(GRADER, NGSHARE, 8080)
    assert reaches(NGSHARE, HUB, 8081)
    for other in (STUDENT, STRANGER, NGSHARE, None):
        for port in (80, 443, 8081, 8083, 8888):
            assert allowed("Ingress", GRADER, other, port) is False
    for pod in (GRADER, NGSHARE):
        assert allowed("Egress", pod, None, 443) is False
        assert not reaches(pod, STUDENT, 8888)
    # the chart's policies for hub and proxy are wider than ours, and let just the grader in and out besides
    (incoming,), (outgoing,) = (
        VALUES["hub"]["networkPolicy"]["ingress"],
        VALUES["proxy"]["chp"]["networkPolicy"]["egress"],
    )
    for rule, side, port in ((incoming, "from", 8081), (outgoing, "to", 8083)):
        assert [entry["port"] for entry in rule["ports"]] == [port]
        assert [peer_is(rule[side][0], "nbseal", pod) for pod in (GRADER, STUDENT, STRANGER)] == [True, False, False]
    for part in (VALUES["hub"], VALUES["proxy"]["chp"]):
        assert part["networkPolicy"]["egressAllowRules"]["cloudMetadataServer"] is False


def test_a_cluster_works_and_is_closed():
    """The grader gives its work to the scheduler alone, which passes it to workers; neither reaches anything else."""
    assert reaches(GRADER, SCHEDULER, 8786)
    assert reaches(WORKER, SCHEDULER, 8786)
    assert reaches(WORKER, NAMES, 53)
    (container,) = pod_of("worker")["containers"]
    command = container["command"]
    first = int(command[command.index("--port") + 1])
    for port in (first, first + 1):
        assert reaches(SCHEDULER, WORKER, port)
        assert not reaches(WORKER, WORKER, port)
        assert not reaches(GRADER, WORKER, port)
    for pod in (SCHEDULER, WORKER):
        for other in (STUDENT, HUB, NGSHARE, STRANGER, None):
            for port in (80, 443, 8080, 8081, 8083, 8786, first):
                assert allowed("Egress", pod, other, port) is False
                assert allowed("Ingress", pod, other, port) is False


def test_volumes_are_not_shared():
    """A student's pod has its home only; course and exchange are in one pod each, and no claim is for many."""
    storage = VALUES["singleuser"]["storage"]
    assert set(storage) == {"type", "capacity", "homeMountPath"}
    assert storage["type"] == "dynamic"
    assert not {"extraFiles", "extraContainers", "initContainers", "extraPodConfig"} & set(VALUES["singleuser"])
    claims = {
        name: [item["persistentVolumeClaim"]["claimName"] for item in pod_of(name)["volumes"] if "emptyDir" not in item]
        for name in ("ngshare", "grader")
    }
    assert claims == {"ngshare": ["ngshare"], "grader": ["course"]}
    for item in RESOURCES:
        if item["kind"] == "PersistentVolumeClaim":
            assert item["spec"]["accessModes"] == ["ReadWriteOnce"]
    student = (FOLDER / "student.Dockerfile").read_text(encoding="utf-8")
    final = student.rpartition("\nFROM ")[2]
    copied = [line.split()[-1] for line in final.splitlines() if line.startswith(("COPY", "ADD"))]
    assert copied == [f"/srv/jupyterhub/jupyter/{role}" for role in ("student", "instructor")]


def test_grading_has_nodes_of_its_own():
    """What grades runs on its pool only, and students' servers neither tolerate that pool nor may run elsewhere."""
    for name in GRADING:
        pod = pod_of(name)
        assert pod["nodeSelector"] == {"nbseal/pool": "grading"}
        (toleration,) = pod["tolerations"]
        assert toleration == {"key": "nbseal/pool", "operator": "Equal", "value": "grading", "effect": "NoSchedule"}
    assert "nbseal/pool=grading:NoSchedule" in PAGE
    assert "extraTolerations" not in VALUES["singleuser"]
    assert VALUES["scheduling"]["userPods"]["nodeAffinity"]["matchNodePurpose"] == "require"


@pytest.mark.parametrize("name", ["ngshare", "grader", "scheduler", "worker"])
def test_pods_have_no_rights(name):
    """Both namespaces admit restricted pods only, and ours are: no root, no capability, no token of the cluster."""
    for item in RESOURCES:
        if item["kind"] == "Namespace":
            assert item["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = pod_of(name)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    contexts = [item["securityContext"] for item in pod["containers"]]
    contexts.append(VALUES["hub"]["config"]["KubeSpawner"]["container_security_context"])
    for context in contexts:
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert VALUES["singleuser"]["cloudMetadata"]["blockWithIptables"] is False


def test_quotas_add_up():
    """A full class, the hub and the exchange fit into the quota, and little more does."""
    parts = [(VALUES["hub"]["resources"], 1), (VALUES["proxy"]["chp"]["resources"], 1)]
    parts += [(pod_of("ngshare")["containers"][0]["resources"], 1), (VALUES["prePuller"]["resources"], PULLERS)]
    student = VALUES["singleuser"]
    parts.append(
        (
            {
                "requests": {name: student[name]["guarantee"] for name in ("cpu", "memory")},
                "limits": {name: student[name]["limit"] for name in ("cpu", "memory")},
            },
            SERVERS,
        )
    )
    assert VALUES["hub"]["activeServerLimit"] == SERVERS
    hard = resource("ResourceQuota", "hub-and-students")["spec"]["hard"]
    needs = {f"{kind}.{what}": sum(number(part[kind][what]) * count for part, count in parts)
             for kind in ("requests", "limits") for what in ("cpu", "memory")}  # fmt: skip
    people = SERVERS + 2
    needs["pods"] = SERVERS + 3 + PULLERS
    needs["persistentvolumeclaims"] = people + 2
    needs["requests.storage"] = people * number(student["storage"]["capacity"]) + number("20Gi") + number("1Gi")
    for name, need in needs.items():
        assert need <= number(hard[name]) <= 1.25 * need, name
    (limits,) = resource("LimitRange", "hub-and-students")["spec"]["limits"]
    for name in ("cpu", "memory"):
        assert all(number(part["limits"][name]) <= number(limits["max"][name]) for part, _ in parts)


def test_a_servers_memory_is_what_was_measured():
    """What is guaranteed holds a server and a kernel, and 30 of them are the memory that the page gives for 30."""
    guarantee = number(VALUES["singleuser"]["memory"]["guarantee"])
    measured = [
        int(re.search(rf"\| memory of a {what}.*\| (\d+) MB \|\n", PAGE).group(1)) for what in ("user's", "kernel")
    ]
    assert sum(measured) * 2**20 <= guarantee
    whole = int(re.search(r"^\| 30 \| (\d+) GB", PAGE, re.MULTILINE).group(1)) * 2**30
    assert 0.75 * whole <= 30 * guarantee <= whole


def test_the_grader_holds_what_its_command_needs():
    """As many submissions at once as the page says fit into the grader's limits and into its namespace's quota."""
    jobs = int(re.search(r"nbseal grade --jobs (\d+)", PAGE).group(1))
    (container,) = pod_of("grader")["containers"]
    hard = resource("ResourceQuota", "grading")["spec"]["hard"]
    memory_mib = int(re.search(r"memory_mib = (\d+)", (ROOT / "nbgrader_config.py").read_text("utf-8")).group(1))
    assert number("512Mi") + jobs * memory_mib * 2**20 <= number(container["resources"]["limits"]["memory"])
    assert jobs == number(container["resources"]["limits"]["cpu"])
    for kind, what in ((kind, what) for kind in ("requests", "limits") for what in ("cpu", "memory")):
        needs = sum(
            number(pod_of(name)["containers"][0]["resources"][kind][what])
            * resource("Deployment", name)["spec"]["replicas"]
            for name in GRADING
        )
        assert needs == pytest.approx(number(hard[f"{kind}.{what}"]))


def test_a_worker_takes_what_its_limits_hold():
    """Its image is the grader's, and so are its versions; a processor more than it has submissions fits its memory."""
    (container,) = pod_of("worker")["containers"]
    assert {pod_of(name)["containers"][0]["image"] for name in GRADING} == {container["image"]}
    limits = container["resources"]["limits"]
    processors = int(number(limits["cpu"]))
    assert jobs_for(processors, int(number(limits["memory"])), MEMORY_PER_JOB) == processors + 1


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubSettings:
    """The settings file for the chart, with the hub's volume in a temporary folder, and the tokens."""
    text = (FOLDER / "hub.toml").read_text(encoding="utf-8").replace("/srv/jupyterhub", str(tmp_path / "hub"))
    (tmp_path / "hub.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("NBSEAL_HUB_SETTINGS", str(tmp_path / "hub.toml"))
    monkeypatch.setenv("NBSEAL_HUB_FORMGRADER_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("NBSEAL_HUB_EXCHANGE_TOKEN", "fedcba9876543210")
    return load_settings(tmp_path / "hub.toml")


def charts_config() -> Config:
    """What the chart has set before our function is called."""
    c = Config()
    c.JupyterHub.services = [{"name": "jupyterhub-idle-culler"}]
    c.JupyterHub.load_roles = [{"name": "jupyterhub-idle-culler", "services": ["jupyterhub-idle-culler"], "scopes": []}]
    return c


def test_the_hub_is_configured_beside_the_chart(settings):
    """The chart's culler stays; formgrader and exchange are added, and who may use the exchange."""
    c = charts_config()
    configure(c)
    assert [item["name"] for item in c.JupyterHub.services] == ["jupyterhub-idle-culler", "nn101", "ngshare"]
    assert "url" not in c.JupyterHub.services[2]
    roles = {item["name"]: item for item in c.JupyterHub.load_roles}
    assert set(roles) == {"jupyterhub-idle-culler", "formgrade-nn101", "server", "formgrader", "exchange"}
    users = {name for name, item in roles.items() if "access:services!service=ngshare" in item["scopes"]}
    assert users == {"server", "formgrader", "exchange"}
    assert roles["exchange"]["groups"] == ["nbgrader-nn101"]
    assert c.Authenticator.allowed_users == {"instructor1", "student1", "student2", "student3"}
    assert os.stat(settings.private).st_mode & 0o777 == 0o700


def test_the_hub_does_not_start_without_a_token(settings, monkeypatch):
    """The message names the variable."""
    monkeypatch.delenv("NBSEAL_HUB_EXCHANGE_TOKEN")
    with pytest.raises(HubError, match="NBSEAL_HUB_EXCHANGE_TOKEN"):
        configure(charts_config())


def test_nobody_is_called_as_the_course(settings):
    """The exchange would take them for its administrator, so the hub doesn't start."""
    path = Path(os.environ["NBSEAL_HUB_SETTINGS"])
    path.write_text(path.read_text(encoding="utf-8").replace('"student3"', '"nn101"'), encoding="utf-8")
    with pytest.raises(HubError, match=r"hub\.toml: nobody's account may be called nn101"):
        configure(charts_config())


def test_roles_use_the_exchange_over_http(settings):
    """All roles hand work over through ngshare, in nobody's name, and only the grader knows where the course is."""
    files = kubernetes_role_files(settings)
    texts = {
        role: files[settings.configuration / role / "nbgrader_config.py"]
        for role in ("student", "instructor", "grader")
    }
    assert all(EXCHANGE_URL in text and "nbseal_hub.exchange" not in text for text in texts.values())
    assert [role for role, text in texts.items() if "/srv/course" in text] == ["grader"]
    assert not any("student_id" in text for text in texts.values())


def test_both_sides_name_the_same_things(settings):
    """Services, ports, course and places are called the same in settings, manifests, values and images."""
    service, port = EXCHANGE_URL.split("/")[2].split(":")
    ngshare = resource("Service", service.split(".")[0], service.split(".")[1])
    assert ngshare["spec"]["ports"][0]["port"] == int(port)
    assert pod_of("ngshare")["containers"][0]["args"] == ["--admins", settings.course_id]
    grader = {item["name"]: item.get("value") for item in pod_of("grader")["containers"][0]["env"]}
    assert (
        settings.containers.formgrader
        == "http://grader.nbseal-grading:" + grader["JUPYTERHUB_SERVICE_URL"].rpartition(":")[2]
    )
    assert grader["JUPYTERHUB_SERVICE_NAME"] == settings.course_id
    assert grader["JUPYTERHUB_USER"] == settings.grader
    assert pod_of("grader")["containers"][0]["volumeMounts"] == [{"name": "course", "mountPath": str(settings.course)}]
    assert grader["JUPYTER_CONFIG_PATH"] == "/srv/jupyterhub/jupyter/grader"
    assert VALUES["hub"]["extraEnv"]["NBSEAL_HUB_SETTINGS"] == VALUES["hub"]["extraFiles"]["settings"]["mountPath"]
    assert f"--uid {VALUES['singleuser']['uid']} " in (FOLDER / "student.Dockerfile").read_text(encoding="utf-8")
