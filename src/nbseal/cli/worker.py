"""``nbseal-worker``: start a Dask worker with the settings that grading needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import LinuxCommand, cluster_options

if TYPE_CHECKING:
    from nbseal.grading.cluster.address import Address

MIB = 1 << 20
MEMORY_PER_JOB = 2304  # MiB: what c.Seal.memory_mib allows a submission by itself, and what watches over it
WRONG_USAGE = 2  # the exit code of a command line that can't be understood
PAUSE_SECONDS = 1.0
SETTINGS = {
    "DASK_DISTRIBUTED__WORKER__DAEMON": "False",  # a worker starts processes, which a daemon may not
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "warning",
}


def jobs_for(processors: int, memory: int, memory_per_job: int) -> int:
    """How many submissions a machine takes at a time: one more than processors, as far as its memory (bytes) goes."""
    return max(1, min(processors + 1, memory // (memory_per_job * MIB)))


def worker_command(cluster: Address, jobs: int, name: str | None, port: int | None = None) -> list[str]:
    """The command line of Dask's own worker: one process with a thread for each job, started again if it is killed."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker"]
    command += [cluster.scheduler] if cluster.scheduler else ["--scheduler-file", str(cluster.scheduler_file)]
    # Memory is limited for each sealed process; Dask's own limit would only see the process that starts them.
    command += ["--nworkers", "1", "--nthreads", str(jobs), "--memory-limit", "0", "--no-dashboard"]
    command += ["--name", name] if name else []
    command += ["--worker-port", str(port), "--nanny-port", str(port + 1)] if port else []
    tls: Mapping[str, Path | None] = {
        "--tls-ca-file": cluster.tls_ca_file,
        "--tls-cert": cluster.tls_cert,
        "--tls-key": cluster.tls_key,
    }
    for option, file in tls.items():
        command += [option, str(file)] if file else []
    return command


@click.command(cls=LinuxCommand, epilog="Example: nbseal-worker --scheduler tcp://grading.example.edu:8786")
@cluster_options
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Submissions at a time.")
@click.option(
    "--memory-per-job",
    type=click.IntRange(min=64),
    default=MEMORY_PER_JOB,
    show_default=True,
    metavar="MIB",
    help="Memory that each of them may need: c.Seal.memory_mib of the course, and a little.",
)
@click.option("--name", help="What this worker is called in messages.")
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    help="Where the scheduler reaches it, for a firewall; and the next one, for what restarts it.",
)
def worker(cluster: Address | None, jobs: int | None, memory_per_job: int, name: str | None, port: int | None) -> None:
    """Grade what `nbseal grade --scheduler` sends, on this machine, until it is stopped.

    Without --jobs it takes as many submissions at a time as processors and memory allow, those of its control group.
    """
    if cluster is None:
        raise click.UsageError("say where the scheduler is: --scheduler ADDRESS or --scheduler-file FILE.")
    try:
        from distributed.system import MEMORY_LIMIT
    except ImportError as error:
        raise click.ClickException("a worker needs Dask: pip install 'nbseal[scale]'.") from error
    from nbseal.sandbox.cgroups import processors

    command = worker_command(cluster, jobs or jobs_for(processors(), MEMORY_LIMIT, memory_per_job), name, port)
    raise click.exceptions.Exit(keep_running(command, SETTINGS | os.environ))


def keep_running(command: list[str], environment: Mapping[str, str]) -> int:
    """Run Dask's worker until we are told to stop: it ends by itself when its scheduler goes, which may come back."""
    told: list[int] = []
    while True:
        process = subprocess.Popen(command, env=environment)

        def stop(number: int, _: FrameType | None, process: subprocess.Popen[bytes] = process) -> None:
            told.append(number)
            process.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        code = process.wait()
        if told or code == WRONG_USAGE:
            return code
        time.sleep(PAUSE_SECONDS)
