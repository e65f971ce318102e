"""The way to a Dask cluster: who works there, and calls of one worker. Only bytes are believed."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError as Cancelled
from dataclasses import dataclass
from typing import Any

from nbseal.errors import ClusterError, NbsealError
from nbseal.grading.cluster.address import Address
from nbseal.grading.cluster.unpickling import PickleRefused

CONNECT_SECONDS = 10.0
PLAIN = ["msgpack"]  # what Dask is asked to send results as; that it sends nothing else, `no_pickle_runs` sees to
NOISY = ("distributed", "distributed.client", "distributed.core", "distributed.protocol.core", "tornado.application")
INSTALL = "a cluster needs Dask, which isn't installed here: pip install 'nbseal[scale]'."


class Disconnected(NbsealError):
    """The scheduler is gone, or has forgotten us."""


class CallFailed(NbsealError):
    """A worker answered with an exception, or with something that isn't bytes."""


@dataclass(frozen=True)
class Seen:
    """A worker as the scheduler sees it: its name, its threads, and a number that changes for as long as it lives."""

    name: str
    threads: int
    heard: float


class Connection:
    """A client of a scheduler; made by `connect`."""

    def __init__(self, client: Any, listening: set[asyncio.Task[Any]]) -> None:
        self._client = client
        self._listening = listening

    async def workers(self) -> dict[str, Seen]:
        """All workers by their addresses; Disconnected if the scheduler doesn't say, ClusterError under an attack."""
        for one in self._listening:
            if one.done() and not one.cancelled() and isinstance(error := one.exception(), PickleRefused):
                raise ClusterError(
                    f"a machine of the cluster attacks this one: {error}. Nothing of it has run here, and what is "
                    "recorded stays. Stop the cluster, and find out which of its machines others have got into."
                )
        if self._client.status != "running":
            raise Disconnected("the scheduler has hung up")
        try:
            found = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), CONNECT_SECONDS)
            return {
                str(address): Seen(str(one["name"]), int(one["nthreads"]), float(one["last_seen"]))
                for address, one in found["workers"].items()
            }
        except (OSError, TimeoutError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise Disconnected(str(error)) from error

    async def call(self, worker: str, function: Callable[..., bytes], *arguments: Any) -> bytes:
        """Have one worker call a function of ours; CallFailed or Disconnected. Whoever cancels it takes it back."""
        key = f"nbseal-{uuid.uuid4().hex}"
        try:
            future = self._client.submit(function, *arguments, key=key, workers=[worker], pure=False, retries=0)
        except Exception as error:  # Dask has several for a client that has been left
            raise Disconnected(str(error)) from error
        try:
            failure = await future.exception()  # waits for its end
            if failure is not None:
                raise CallFailed("it answered with an exception, which its own log shows")
            if future.status != "finished":
                raise Disconnected(f"the call was {future.status}")
            # Asked for alone: in Dask's own way, others' replies would be lost with one that can't be read.
            answer = await self._client.scheduler.gather(keys=[key])
        except (Cancelled, OSError) as error:
            raise Disconnected(str(error)) from error
        except (TypeError, ValueError, PickleRefused) as error:
            raise CallFailed("it answered with something that isn't bytes") from error
        finally:
            future.release()
        if answer["status"] != "OK":
            raise Disconnected("the answer is lost")
        reply = answer["data"][key]
        if type(reply) is not bytes:
            raise CallFailed("it answered with something that isn't bytes")
        return reply

    async def close(self) -> None:
        """Take back what runs, and hang up."""
        try:
            await asyncio.wait_for(self._client.close(), 2.0)
        except (TimeoutError, OSError, RuntimeError, Cancelled):
            pass  # whoever has gone already needs no farewell


async def connect(address: Address) -> Connection:
    """Reach the scheduler; ClusterError, which names the address and the cause, when that fails."""
    try:
        import dask
        from distributed import Client, Security
    except ImportError as error:
        raise ClusterError(INSTALL) from error
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters is said by ourselves
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})  # a submission goes as it is
    files = (address.tls_ca_file, address.tls_cert, address.tls_key)
    try:
        security = None
        if any(files):
            ca, cert, key = (str(file) if file else None for file in files)
            security = Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)
        others = asyncio.all_tasks()
        client = Client(
            _where(address),
            security=security,
            timeout=CONNECT_SECONDS,
            asynchronous=True,
            set_as_default=False,
            deserializers=PLAIN,
            name="nbseal",
        )
        try:
            await client
        except BaseException:
            await Connection(client, set()).close()  # else it does so when nobody can wait for it any more
            raise
        return Connection(client, asyncio.all_tasks() - others)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(f"the scheduler at {address} can't be reached: {_why(error)}") from error


def _where(address: Address) -> str:
    file = address.scheduler_file
    if file is None:
        return address.scheduler
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ClusterError(
            f"{file} doesn't say where a scheduler is ({why}): `dask scheduler --scheduler-file {file}` writes it."
        ) from error


def _why(error: BaseException) -> str:
    """The cause at the root, which says more than what Dask makes of it, and what can be done."""
    said = [str(error)]
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
        said.append(str(error))
    cause = next((text for text in reversed(said) if text), type(error).__name__)
    return (
        f"{cause}. Is `dask scheduler` running there? Do its address (tls:// or tcp://?) and the certificates fit? "
        "Without --scheduler this machine grades."
    )
