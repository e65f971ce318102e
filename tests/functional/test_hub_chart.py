"""The official chart rendered with our values, where its folder is named and Helm is there: no registry brings either.

``helm pull jupyterhub --version 4.4.0 --untar``, with the address of the chart's repository, makes the folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64decode
from typing import Any

import pytest
import yaml

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")
pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas are not installed")

import kubernetes_validate

from tests.functional.test_hub_kubernetes import FOLDER, PULLERS, VALUES, VERSIONS, number, resource

CHART = os.environ.get("NBSEAL_JUPYTERHUB_CHART")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHART and shutil.which("helm")),
        reason="NBSEAL_JUPYTERHUB_CHART names no folder of the chart, or there is no helm",
    ),
]


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    """Everything that the command of the page would make; Helm checks the values by the chart's own schema first."""
    settings = f"hub.extraFiles.settings.stringData={FOLDER / 'hub.toml'}"
    options = ["--namespace", "nbseal", "--values", str(FOLDER / "values.yaml"), "--set-file", settings]
    command = ["helm", "template", "nbseal", str(CHART), *options, "--kube-version", f"{VERSIONS[0]}.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


@pytest.fixture(scope="module")
def pods(rendered: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods of what is rendered, by the name of what starts them."""
    kinds = ("Deployment", "DaemonSet", "StatefulSet", "Job")
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in rendered if item["kind"] in kinds}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod."""
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_rendered_is_valid(rendered, version):
    """Each resource is what the schema of Kubernetes says."""
    assert {"Deployment", "Ingress", "NetworkPolicy", "PersistentVolumeClaim", "Secret"} <= {
        item["kind"] for item in rendered
    }
    for item in rendered:
        kubernetes_validate.validate(item, version)


def test_the_namespace_admits_every_pod(pods):
    """Hub, proxy and what fetches images keep to the restricted standard that the namespace enforces."""
    assert {"hub", "proxy", "continuous-image-puller"} <= set(pods)
    for pod in pods.values():
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all(set(volume) & {"configMap", "secret", "persistentVolumeClaim"} for volume in pod.get("volumes", []))
        for container in containers(pod):
            context = {**(pod.get("securityContext") or {}), **container["securityContext"]}
            assert context["runAsNonRoot"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_every_container_has_its_share_of_the_quota(pods):
    """Requests and limits are set by our values for all of them, and their sum leaves room for a class."""
    hard = resource("ResourceQuota", "hub-and-students")["spec"]["hard"]
    for kind in ("requests", "limits"):
        for what in ("cpu", "memory"):
            total = sum(number(pods[name]["containers"][0]["resources"][kind][what]) for name in ("hub", "proxy"))
            # containers that only prepare run before the other one, not beside it
            puller = [number(item["resources"][kind][what]) for item in containers(pods["continuous-image-puller"])]
            assert total + PULLERS * max(puller) < number(hard[f"{kind}.{what}"]) / 2


def test_the_chart_has_no_policy_for_students(rendered):
    """Policies add up: hub and proxy have the chart's, and students' servers ours alone."""
    chosen = {
        item["spec"]["podSelector"]["matchLabels"]["component"] for item in rendered if item["kind"] == "NetworkPolicy"
    }
    assert chosen == {"hub", "proxy"}


def test_the_hub_gets_our_settings(rendered, pods):
    """Its configuration calls ours, its settings file is that of the images, and its tokens are in our Secret."""
    (secret,) = (item for item in rendered if item["kind"] == "Secret")
    values = yaml.safe_load(b64decode(secret["data"]["values.yaml"]))
    assert values["hub"]["extraConfig"] == VALUES["hub"]["extraConfig"]
    assert secret["stringData"]["settings"].strip() == (FOLDER / "hub.toml").read_text(encoding="utf-8").strip()
    (hub,) = containers(pods["hub"])
    assert [mount["subPath"] for mount in hub["volumeMounts"] if mount["mountPath"] == "/etc/nbseal/hub.toml"] == [
        "settings"
    ]
    environment = {item["name"]: item for item in hub["env"]}
    for name in ("NBSEAL_HUB_FORMGRADER_TOKEN", "NBSEAL_HUB_EXCHANGE_TOKEN"):
        assert environment[name]["valueFrom"]["secretKeyRef"]["name"] == "nbseal-tokens"
