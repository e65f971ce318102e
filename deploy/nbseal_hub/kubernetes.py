"""The hub on Kubernetes: what differs from one machine is where servers run and how work changes hands.

The official chart runs hub, proxy and servers; its values name ``configure``. Work goes through ngshare, a service with
an exchange over HTTP, because students' volumes are not shared. ``python -m nbseal_hub.kubernetes hub.toml`` writes the
roles' configuration files where the settings say, when images are built.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from nbseal_hub.configure import hub_database_url, set_accounts, set_people
from nbseal_hub.errors import HubError
from nbseal_hub.members import forget_former_people
from nbseal_hub.roles import COURSE_CONFIG, ROLES, role_files, write_files
from nbseal_hub.settings import HubSettings, Secrets, load_secrets, load_settings

EXCHANGE = "ngshare"
EXCHANGE_URL = "http://ngshare.nbseal:8080/services/ngshare"
NBGRADER_CONFIG = f'''"""Made by nbseal-hub."""

from ngshare_exchange import configureExchange

c = get_config()  # noqa: F821

configureExchange(c, "{EXCHANGE_URL}")
c.Exchange.path_includes_course = True
c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
'''
# Students and instructors see every course that they are in. No student is named: ngshare asks the hub who it is, and
# its client refuses to submit in anybody's name.
ALL_COURSES = '\nc.CourseDirectory.course_id = "*"\n'


def configure(c: Any) -> None:
    """Set everything on the configuration object of a hub that the chart starts; forgets people who left.

    Raises:
        HubError: the settings or the secrets are incomplete.
    """
    path = Path(os.environ["NBSEAL_HUB_SETTINGS"])
    settings = load_settings(path)
    if settings.accounts != "containers" or settings.database:
        raise HubError(f'{path}: on Kubernetes accounts is "containers", and database is empty.')
    # ngshare knows its administrator, a service of the hub, by name alone
    if settings.course_id in (*settings.instructors, *settings.students):
        raise HubError(f"{path}: nobody's account may be called {settings.course_id}, as the course is.")
    secrets = load_secrets(settings)
    if not secrets.exchange_token:
        raise HubError("exchange_token is missing: set NBSEAL_HUB_EXCHANGE_TOKEN.")
    settings.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    _upgrade_database(settings)
    forget_former_people(settings)
    apply_kubernetes_config(settings, c, secrets=secrets)


def apply_kubernetes_config(settings: HubSettings, c: Any, *, secrets: Secrets) -> None:
    """Set people, services and servers' environment on ``c``, and keep the services and roles that the chart set."""
    services, roles = list(c.JupyterHub.get("services", [])), list(c.JupyterHub.get("load_roles", []))
    course = settings.course_id
    set_accounts(settings, c, secrets)
    set_people(settings, c)
    exchange = f"access:services!service={EXCHANGE}"
    # the chart has an idle culler of its own, with a role of its own
    ours = [role for role in c.JupyterHub.load_roles if role["name"] != "idle-culler"]
    for role in ours:
        if role["name"] in ("server", "formgrader"):
            role["scopes"] = [*role["scopes"], exchange]
    # a server's token can't do what its user may not
    members = {"name": "exchange", "groups": [f"nbgrader-{course}"], "scopes": [exchange]}
    c.JupyterHub.load_roles = [*roles, *ours, members]
    c.JupyterHub.services = [
        *services,
        {
            "name": course,
            "url": settings.containers.formgrader,
            "api_token": secrets.formgrader_token,
            "oauth_no_confirm": True,
        },
        # without an address: it is reached inside the cluster only, never through the proxy
        {"name": EXCHANGE, "api_token": secrets.exchange_token},
    ]
    c.JupyterHub.db_url = hub_database_url(settings)
    c.KubeSpawner.environment = {
        **settings.environment,
        "JUPYTER_CONFIG_PATH": lambda spawner: str(settings.configuration / settings.role(spawner.user.name)),
    }


def kubernetes_role_files(settings: HubSettings) -> dict[Path, str]:
    """Every configuration file with its text: those of one machine, with another exchange."""
    files = role_files(settings)
    for role in ROLES:
        text = NBGRADER_CONFIG
        if role == "grader":
            text += COURSE_CONFIG.format(course=str(settings.course), course_id=settings.course_id)
        else:
            text += ALL_COURSES
        files[settings.configuration / role / "nbgrader_config.py"] = text
    return files


def _upgrade_database(settings: HubSettings) -> None:
    """Bring the hub's database to the version of this JupyterHub, with a copy of the old one beside it."""
    from jupyterhub.dbutil import upgrade_if_needed

    if (settings.private / "jupyterhub.sqlite").exists():
        upgrade_if_needed(hub_database_url(settings), log=logging.getLogger(__name__))


if __name__ == "__main__":
    made = load_settings(Path(sys.argv[1]))
    write_files(kubernetes_role_files(made), made.configuration)
