"""A hub's configuration as a function of its settings."""

from __future__ import annotations

import math
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from nbseal_hub.database import hub_database, sqlalchemy_url
from nbseal_hub.numbers import TABLE, read_numbers
from nbseal_hub.settings import HubSettings, Lti, Secrets

BIN = Path(sys.executable).parent
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
LOOPBACK = "127.0.0.1"
# Seconds that a server may take to start: when a whole class signs in at once, each waits for the others.
START_SECONDS = 180
# The longest time between two looks at who has used a server, in seconds; JupyterHub's own default.
LONGEST_LOOK = 300


def apply_config(settings: HubSettings, c: Any, *, secrets: Secrets, proxy: list[str], root: bool) -> None:
    """Set a hub's traits on the configuration object ``c``; touches nothing else.

    Args:
        proxy: command line of configurable-http-proxy.
        root: whether the hub runs as root, which Jupyter servers of root must be told.
    """
    _network(settings, c, proxy)
    set_accounts(settings, c, secrets)
    _servers(settings, c, root)
    set_people(settings, c)
    _services(settings, c, secrets, root)


def hub_database_url(settings: HubSettings) -> str:
    """The address of the hub's database for SQLAlchemy."""
    if settings.database:
        return sqlalchemy_url(settings, hub_database(settings))
    return f"sqlite:///{settings.private / 'jupyterhub.sqlite'}"


def _network(settings: HubSettings, c: Any, proxy: list[str]) -> None:
    scheme = "https" if settings.tls.key else "http"
    c.JupyterHub.bind_url = f"{scheme}://{settings.address}:{settings.port}"
    if settings.accounts == "containers":
        c.JupyterHub.hub_bind_url = f"http://0.0.0.0:{settings.inner_port}"
        c.JupyterHub.hub_connect_url = f"http://{settings.containers.hub}:{settings.inner_port}"
    else:
        c.JupyterHub.hub_bind_url = f"http://{LOOPBACK}:{settings.inner_port}"
    c.ConfigurableHTTPProxy.api_url = f"http://{LOOPBACK}:{settings.inner_port + 1}"
    c.ConfigurableHTTPProxy.command = proxy
    c.JupyterHub.ssl_key = settings.tls.key
    c.JupyterHub.ssl_cert = settings.tls.certificate
    c.JupyterHub.db_url = hub_database_url(settings)
    c.JupyterHub.cookie_secret_file = str(settings.private / "cookie_secret")


def set_accounts(settings: HubSettings, c: Any, secrets: Secrets) -> None:
    """Who may sign in, and how."""
    c.Authenticator.allowed_users = {*settings.instructors, *settings.students}
    c.Authenticator.allow_existing_users = False
    if settings.lti.issuer:
        _lti(settings.lti, c)
    elif settings.accounts == "system":
        c.JupyterHub.authenticator_class = "pam"
    else:
        c.JupyterHub.authenticator_class = "shared-password"
        c.SharedPasswordAuthenticator.user_password = secrets.demo_password


def _lti(lti: Lti, c: Any) -> None:
    c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
    c.LTI13Authenticator.issuer = lti.issuer
    c.LTI13Authenticator.client_id = {lti.client_id}
    c.LTI13Authenticator.authorize_url = lti.authorize_url
    c.LTI13Authenticator.jwks_endpoint = lti.jwks_url
    c.LTI13Authenticator.username_key = lti.username_key


def _servers(settings: HubSettings, c: Any, root: bool) -> None:
    limits = settings.limits
    c.Spawner.default_url = "/lab"
    c.Spawner.start_timeout = c.Spawner.http_timeout = START_SECONDS
    c.Spawner.cpu_limit = limits.cpus or None
    c.JupyterHub.concurrent_spawn_limit = limits.starting
    c.JupyterHub.active_server_limit = limits.servers
    role = {"JUPYTER_CONFIG_PATH": lambda spawner: str(settings.configuration / settings.role(spawner.user.name))}
    if settings.accounts == "containers":
        _in_containers(settings, c)
        c.Spawner.environment = {**settings.environment, **role, "NBSEAL_NUMBER": partial(_number, settings)}
        return
    c.Spawner.cmd = [*_limited(settings), str(BIN / "jupyterhub-singleuser"), *_as_root(settings, root)]
    c.Spawner.environment = {**_environment(settings), **role}
    if settings.accounts == "demo":
        c.JupyterHub.spawner_class = "nbseal_hub.processes.DemoSpawner"
        c.SimpleLocalProcessSpawner.home_dir_template = str(settings.homes / "{username}")
    else:
        c.JupyterHub.spawner_class = "nbseal_hub.processes.AccountSpawner"


def _number(settings: HubSettings, spawner: Any) -> str:
    """The user id of somebody's container, which was given out when the hub started."""
    return str(read_numbers(settings.private / TABLE)[spawner.user.name])


def _in_containers(settings: HubSettings, c: Any) -> None:
    names, limits = settings.containers, settings.limits
    c.JupyterHub.spawner_class = "nbseal_hub.containers.StudentContainer"
    c.StudentContainer.network_prefix = names.network
    c.StudentContainer.subnets = names.subnets
    c.StudentContainer.hub_name = names.hub
    c.StudentContainer.numbers_file = str(settings.private / TABLE)
    c.DockerSpawner.image = names.image
    c.DockerSpawner.use_internal_ip = True  # its own default is worked out before the network has a name
    c.DockerSpawner.remove = True
    c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
    c.DockerSpawner.notebook_dir = "/home/student"
    c.DockerSpawner.volumes = {
        "nbseal-home-{username}": "/home/student",
        names.exchange_volume: str(settings.exchange),
    }
    c.DockerSpawner.read_only_volumes = {names.configuration_volume: str(settings.configuration)}
    # the entry point needs these to become the student's own number, and has none of them afterwards
    c.DockerSpawner.extra_host_config = {
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN", "SETGID", "SETUID"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.processes or None,
    }
    c.DockerSpawner.mem_limit = f"{limits.memory_mb}M" if limits.memory_mb else None


def _limited(settings: HubSettings) -> list[str]:
    """The start of a command line that holds a user's server, and all that it starts, to the limits."""
    limits = settings.limits
    words = []
    if limits.memory_mb:
        words.append(f"--data={limits.memory_mb << 20}")
    # in the demo all servers belong to one account of the system, whose processes are counted together
    if limits.processes and settings.accounts != "demo":
        words.append(f"--nproc={limits.processes}")
    return ["prlimit", *words] if words else []


def set_people(settings: HubSettings, c: Any) -> None:
    """Groups, and what each of them and each service may do."""
    course = settings.course_id
    c.JupyterHub.load_groups = {
        f"formgrade-{course}": {"users": [*settings.instructors, settings.grader]},
        f"nbgrader-{course}": {"users": [*settings.instructors, *settings.students]},
    }
    c.JupyterHub.load_roles = [
        {
            "name": f"formgrade-{course}",
            "groups": [f"formgrade-{course}"],
            "scopes": [f"access:services!service={course}", "list:services", f"read:services!service={course}"],
        },
        # a user's server asks who the user is, which groups they are in, and where their course's formgrader is
        {
            "name": "server",
            "scopes": [
                "users:activity!user",
                "access:servers!server",
                "read:users!user",
                "list:services",
                f"read:services!service={course}",
            ],
        },
        # the formgrader asks who is in which course; who that is, the settings alone say
        {
            "name": "formgrader",
            "services": [course],
            "scopes": ["list:users", "read:users:name", "read:users:groups"],
        },
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        },
    ]


def _services(settings: HubSettings, c: Any, secrets: Secrets, root: bool) -> None:
    if settings.accounts == "containers":
        url, token = settings.containers.formgrader, secrets.formgrader_token
        formgrader = {"name": settings.course_id, "url": url, "api_token": token, "oauth_no_confirm": True}
    else:
        formgrader = _formgrader(settings, root)
    c.JupyterHub.services = [formgrader]
    if settings.watch:
        c.JupyterHub.services.append(_watch(settings))
    if settings.limits.idle_minutes:
        _idle_servers(settings, c)


def _idle_servers(settings: HubSettings, c: Any) -> None:
    """Stop servers that nobody uses; what is known of their use is never older than a quarter of the time allowed."""
    seconds = math.ceil(60 * settings.limits.idle_minutes)
    look = max(1, min(LONGEST_LOOK, seconds // 4))
    c.JupyterHub.last_activity_interval = look
    c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = str(look)
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={seconds}", f"--cull-every={look}"]
    c.JupyterHub.services.append({"name": "idle-culler", "command": culler})


def _formgrader(settings: HubSettings, root: bool) -> dict[str, Any]:
    """The formgrader as a process beside the hub."""
    service: dict[str, Any] = {
        "name": settings.course_id,
        "url": f"http://{LOOPBACK}:{settings.inner_port + 2}",
        "command": [str(BIN / "jupyterhub-singleuser"), *_as_root(settings, root)],
        "cwd": str(settings.course),
        "oauth_no_confirm": True,
        "environment": {
            **_environment(settings),
            "JUPYTER_CONFIG_PATH": str(settings.configuration / "grader"),
            "JUPYTERHUB_DEFAULT_URL": "/lab",
            "JUPYTERHUB_USER": settings.grader,
        },
    }
    return _by_the_grader(settings, service)


def _watch(settings: HubSettings) -> dict[str, Any]:
    """What grades submissions as they arrive; the hub starts it again if it ends."""
    service: dict[str, Any] = {
        "name": "watch",
        "command": [str(BIN / "nbseal"), "watch", "--course", str(settings.course)],
        "cwd": str(settings.course),
        "environment": {**_environment(settings), "JUPYTER_CONFIG_PATH": str(settings.configuration / "grader")},
    }
    return _by_the_grader(settings, service)


def _by_the_grader(settings: HubSettings, service: dict[str, Any]) -> dict[str, Any]:
    """A service that the account runs which owns the course; in the demo there is only one."""
    if settings.accounts == "demo":
        service["environment"]["HOME"] = str(settings.homes / settings.grader)
    else:
        service["user"] = settings.grader
    return service


def _environment(settings: HubSettings) -> dict[str, str]:
    return {"PATH": f"{BIN}{os.pathsep}{SYSTEM_PATH}", **settings.environment}


def _as_root(settings: HubSettings, root: bool) -> list[str]:
    """In the demo everybody's server runs as whoever started the hub."""
    return ["--allow-root"] if root and settings.accounts == "demo" else []
