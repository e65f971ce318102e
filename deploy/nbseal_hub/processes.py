"""Servers as processes of this machine, each account held to its number of processors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner

from nbseal_hub.processors import account_group, enter


class _Limited(LocalProcessSpawner):  # type: ignore[misc]
    group: Path | None = None

    def make_preexec_fn(self, name: str) -> Callable[[], Any]:
        """What a new process does before it is the account's; where there is no limit to be had, the log says why."""
        become: Callable[[], Any] = super().make_preexec_fn(name)
        if not self.cpu_limit:
            return become
        try:
            procs = account_group(name, self.cpu_limit)
        except OSError as error:
            self.log.warning("%s has no limit of processors: %s", name, error)
            return become
        self.group = procs.parent

        def start() -> None:
            with suppress(OSError):  # a server without the limit is better than none
                enter(procs)
            become()

        return start

    async def stop(self, now: bool = False) -> None:
        """Stop the server, and remove the group, unless something in it goes on."""
        await super().stop(now)
        if self.group is not None:
            with suppress(OSError):
                self.group.rmdir()


class AccountSpawner(_Limited):
    """A server as the account of the system."""


class DemoSpawner(_Limited, SimpleLocalProcessSpawner):  # type: ignore[misc]
    """A server of the demo, as whoever started the hub."""
