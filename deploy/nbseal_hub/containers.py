"""Servers in Docker's containers, each on a network of its own with the hub: no other student, no internet."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool
from dockerspawner import DockerSpawner
from traitlets import Unicode

from nbseal_hub.numbers import FIRST, read_numbers

BITS = 29  # of an address, which name a network: two containers and the bridge
GONE, FORBIDDEN, CONFLICT = 404, 403, 409


class StudentContainer(DockerSpawner):  # type: ignore[misc]
    """A container on the network ``<prefix>-<number>``, on which the hub is called as it is everywhere."""

    network_prefix = Unicode(help="how the networks are called").tag(config=True)
    subnets = Unicode(help="addresses for them").tag(config=True)
    hub_name = Unicode(help="what the hub is called there").tag(config=True)
    numbers_file = Unicode(help="the table of accounts' numbers").tag(config=True)
    is_joined = False  # whether this hub has joined the network

    @property
    def number(self) -> int:
        """The account's number."""
        return read_numbers(Path(self.numbers_file))[self.user.name]

    async def start(self) -> Any:
        """Make the network, and start the container on it."""
        self.network_name = f"{self.network_prefix}-{self.number}"
        await self._make_network()
        await self._join()
        return await super().start()

    async def stop(self, now: bool = False) -> None:
        """Stop the container, and remove its network."""
        await super().stop(now)
        name = f"{self.network_prefix}-{self.number}"
        self.is_joined = False
        for method, arguments in (
            ("disconnect_container_from_network", (self._hub(), name)),
            ("remove_network", (name,)),
        ):
            try:
                await self.docker(method, *arguments)
            except APIError as error:
                if error.status_code not in (GONE, FORBIDDEN):  # not there, or still in use: the next start takes it
                    raise

    async def poll(self) -> Any:
        """Whether the container runs; a hub that is new itself joins the networks of those that do."""
        status = await super().poll()
        if status is None and not self.is_joined:
            self.network_name = f"{self.network_prefix}-{self.number}"
            await self._join()
        return status

    async def _make_network(self) -> None:
        try:
            await self.docker("inspect_network", self.network_name)
        except APIError as error:
            if error.status_code != GONE:
                raise
            pool = IPAMPool(subnet=subnet(self.subnets, self.number))
            await self.docker(
                "create_network",
                self.network_name,
                driver="bridge",
                internal=True,
                ipam=IPAMConfig(pool_configs=[pool]),
            )

    async def _join(self) -> None:
        try:
            await self.docker("connect_container_to_network", self._hub(), self.network_name, aliases=[self.hub_name])
        except APIError as error:
            if error.status_code not in (FORBIDDEN, CONFLICT):  # it is there already
                raise
        self.is_joined = True

    @staticmethod
    def _hub() -> str:
        """The container that this runs in: Docker names it by its host's name."""
        return socket.gethostname()


def subnet(pool: str, number: int) -> str:
    """The network of an account's number."""
    network = ipaddress.IPv4Network(pool)
    first = int(network.network_address) + ((number - FIRST) << (32 - BITS))
    found = ipaddress.IPv4Network((first, BITS))
    if not found.subnet_of(network):
        raise ValueError(f"{pool} has no network for the account number {number}; it must be a /13 or larger")
    return str(found)
