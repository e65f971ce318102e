"""Each student's container has a network of its own, without a way to others or out: what the hub asks of Docker."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("dockerspawner", reason="DockerSpawner is not installed (the hub extra has it)")

from docker.errors import APIError
from dockerspawner import DockerSpawner

from nbseal_hub.containers import StudentContainer, subnet
from nbseal_hub.numbers import COUNT, FIRST


class Docker:
    """Docker's networks, and who is on them."""

    def __init__(self) -> None:
        self.networks: dict[str, dict[str, Any]] = {}
        self.running = False

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """What Docker does; APIError as it is raised."""
        name = arguments[-1]
        if method == "create_network":
            self.networks[name] = {"options": options, "members": {}}
        elif name not in self.networks:
            raise refusal(404)
        elif method == "connect_container_to_network":
            if arguments[0] in self.networks[name]["members"]:
                raise refusal(403)
            self.networks[name]["members"][arguments[0]] = options
        elif method == "disconnect_container_from_network":
            self.networks[name]["members"].pop(arguments[0], None)
        elif method == "remove_network":
            if self.networks[name]["members"]:
                raise refusal(403)
            del self.networks[name]


def refusal(status: int) -> APIError:
    """Docker's error of a status."""
    return APIError("refused", response=SimpleNamespace(status_code=status, reason="refused", url="/networks"))


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Docker instead of which this answers, for a DockerSpawner that starts nothing."""
    made = Docker()

    async def start(self) -> str:
        made.running = True
        return self.network_name

    async def stop(self, now: bool = False) -> None:
        made.running = False

    async def poll(self) -> int | None:
        return None if made.running else 0

    for name, method in (("start", start), ("stop", stop), ("poll", poll)):
        monkeypatch.setattr(DockerSpawner, name, method)

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        return made.call(method, *arguments, **options)

    monkeypatch.setattr(StudentContainer, "docker", call)
    return made


def spawner(tmp_path: Path, name: str) -> StudentContainer:
    """The server of somebody, as the hub makes it."""
    (tmp_path / "numbers.json").write_text(json.dumps({"nora": FIRST, "otto": FIRST + 5}), encoding="utf-8")
    return StudentContainer(
        user=SimpleNamespace(name=name, escaped_name=name),
        network_prefix="students", subnets="10.192.0.0/13", hub_name="hub", numbers_file=str(tmp_path / "numbers.json"),
    )  # fmt: skip


def test_everybody_has_a_network_of_their_own_with_the_hub(docker: Docker, tmp_path: Path):
    """It is an internal one, with addresses that nobody else has, on which the hub answers to its name."""
    found = [asyncio.run(spawner(tmp_path, name).start()) for name in ("nora", "otto")]
    assert found == [f"students-{FIRST}", f"students-{FIRST + 5}"]
    assert set(docker.networks) == set(found)
    subnets = set()
    for network in docker.networks.values():
        assert network["options"]["internal"] is True
        assert network["members"] == {socket.gethostname(): {"aliases": ["hub"]}}
        subnets.add(network["options"]["ipam"]["Config"][0]["Subnet"])
    assert subnets == {"10.192.0.0/29", "10.192.0.40/29"}


def test_a_network_goes_with_its_container(docker: Docker, tmp_path: Path):
    """Stopping removes it; one that is in use, or gone already, stops nothing, and starting takes what is there."""
    server = spawner(tmp_path, "nora")
    asyncio.run(server.start())
    asyncio.run(server.stop())
    assert docker.networks == {}
    asyncio.run(server.stop())
    asyncio.run(server.start())
    docker.networks[f"students-{FIRST}"]["members"]["another"] = {}
    asyncio.run(server.stop())
    assert list(docker.networks[f"students-{FIRST}"]["members"]) == ["another"]
    asyncio.run(server.start())
    assert socket.gethostname() in docker.networks[f"students-{FIRST}"]["members"]


def test_a_new_hub_joins_the_networks_of_servers_that_run(docker: Docker, tmp_path: Path):
    """After the hub's container was replaced, looking at a running server brings the hub back to it, once."""
    asyncio.run(spawner(tmp_path, "nora").start())
    docker.networks[f"students-{FIRST}"]["members"].clear()
    again = spawner(tmp_path, "nora")
    assert [asyncio.run(again.poll()) for _ in range(2)] == [None, None]
    assert list(docker.networks[f"students-{FIRST}"]["members"]) == [socket.gethostname()]


def test_no_two_numbers_share_an_address():
    """All numbers have networks that don't overlap; a smaller range is refused."""
    found = [subnet("10.192.0.0/13", FIRST + index) for index in (0, 1, 2, COUNT - 1)]
    assert found == ["10.192.0.0/29", "10.192.0.8/29", "10.192.0.16/29", "10.196.225.248/29"]
    with pytest.raises(ValueError, match="no network for the account number"):
        subnet("10.192.0.0/24", FIRST + 100)
