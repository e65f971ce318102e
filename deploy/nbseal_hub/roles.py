"""The Jupyter configuration of each role: which of nbgrader's tools it sees, and how its exchange works."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from nbseal_hub.settings import HubSettings

ROLES = ("student", "instructor", "grader")
# nbgrader's extensions of JupyterLab, and the roles that use them.
LAB_EXTENSIONS = {
    "assignment-list": ("student", "instructor"),
    "course-list": ("instructor",),
    "create-assignment": ("grader",),
    "formgrader": ("grader",),
    "validate-assignment": ("student", "instructor", "grader"),
}
SERVER_EXTENSIONS = ("assignment_list", "course_list", "formgrader", "validate_assignment")
SERVER_CONFIG = '''"""Made by nbseal-hub."""

c = get_config()  # noqa: F821

# feedback and the formgrader are shown in frames of the same site; JupyterHub forbids all frames
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}
# nobody installs extensions into an environment that all share
c.LabApp.extension_manager = "readonly"
'''
EXCHANGE_CONFIG = '''"""Made by nbseal-hub."""

import os

c = get_config()  # noqa: F821

c.Exchange.root = {exchange!r}
c.Exchange.path_includes_course = True
c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
c.ExchangeFactory.exchange = "nbseal_hub.exchange.ClosedRoot"
c.ExchangeFactory.fetch_assignment = "nbseal_hub.exchange.FetchAssignment"
c.ExchangeFactory.fetch_feedback = "nbseal_hub.exchange.FetchFeedback"
c.ExchangeFactory.list = "nbseal_hub.exchange.List"
c.ExchangeFactory.submit = "nbseal_hub.exchange.Submit"
c.ExchangeFactory.collect = "nbseal_hub.exchange.Collect"
c.ExchangeFactory.release_assignment = "nbseal_hub.exchange.ReleaseAssignment"
c.ExchangeFactory.release_feedback = "nbseal_hub.exchange.ReleaseFeedback"
'''
COURSE_CONFIG = """
c.CourseDirectory.root = {course!r}
c.CourseDirectory.course_id = {course_id!r}
"""
# nbgrader names a submission after the account of the system; in the demo there is only one, in containers it has none
NAMED_BY_THE_HUB = '\nc.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]\n'
OWNERS = {
    "system": "",
    "demo": "c.ExchangeCollect.check_owner = False\n",
    "containers": "c.Collect.numbered_accounts = True\n",
}


def role_files(settings: HubSettings) -> dict[Path, str]:
    """Every configuration file, with its text."""
    files = {}
    for role in ROLES:
        folder = settings.configuration / role
        files[folder / "labconfig" / "page_config.json"] = _page_config(role)
        files[folder / "jupyter_server_config.json"] = _server_extensions(role)
        files[folder / "jupyter_server_config.py"] = SERVER_CONFIG
        files[folder / "nbgrader_config.py"] = _nbgrader_config(settings, role)
    return files


def write_role_files(settings: HubSettings) -> None:
    """Write the files where every account can read them and none but ours can change them."""
    write_files(role_files(settings), settings.configuration)


def write_files(files: Mapping[Path, str], top: Path) -> None:
    """Write files below the folder ``top``, readable by everybody."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    for folder, _, _ in os.walk(top):
        os.chmod(folder, 0o755)


def _page_config(role: str) -> str:
    disabled = {f"@jupyter/nbgrader:{name}": role not in roles for name, roles in LAB_EXTENSIONS.items()}
    return _json({"disabledExtensions": {**disabled, "@jupyterlab/apputils-extension:announcements": True}})


def _server_extensions(role: str) -> str:
    enabled = {
        f"nbgrader.server_extensions.{name}": role in LAB_EXTENSIONS[name.replace("_", "-")]
        for name in SERVER_EXTENSIONS
    }
    return _json({"ServerApp": {"jpserver_extensions": enabled}})


def _nbgrader_config(settings: HubSettings, role: str) -> str:
    text = EXCHANGE_CONFIG.format(exchange=str(settings.exchange))
    if role == "grader":
        text += COURSE_CONFIG.format(course=str(settings.course), course_id=settings.course_id)
        text += OWNERS[settings.accounts]
    elif settings.accounts != "system":
        text += NAMED_BY_THE_HUB
    return text


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
