"""An operator's settings: one TOML file, checked when it is read."""

from __future__ import annotations

import ipaddress
import math
import os
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from nbseal_hub.errors import HubError

Accounts = Literal["demo", "system", "containers"]
NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")
LONGEST_PREFIX = 13  # 40,000 networks of eight addresses
COURSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Limits:
    """What each user's server may take."""

    memory_mb: int = 2048  # MB of data that each process may hold, kernels included; 0, here and below, is no limit
    processes: int = 512  # processes and threads of one account together
    cpus: float = 2  # processors that one account's server and all that it starts may keep busy
    idle_minutes: float = 60  # a server that nobody uses is stopped after so many minutes
    servers: int = 0  # servers that run at the same time
    starting: int = 10  # servers that start at the same time; further ones are asked to try again


@dataclass(frozen=True)
class Tls:
    """Files with the key and the certificate chain in PEM form; both or neither."""

    key: str = ""  # file with the private key (PEM)
    certificate: str = ""  # file with the certificate and its chain (PEM)


@dataclass(frozen=True)
class Lti:
    """Sign-in through a learning management system by LTI 1.3: all of it or nothing."""

    issuer: str = ""  # the platform's identifier, as it stands in its tokens
    client_id: str = ""  # the identifier that the platform gave to this hub
    authorize_url: str = ""  # the platform's authorisation address
    jwks_url: str = ""  # the address of the platform's public keys
    username_key: str = "email"  # the claim that is the account's name here; `custom_<name>` takes a custom claim


@dataclass(frozen=True)
class Containers:
    """Names on Docker's side, for accounts = "containers"."""

    image: str = "nbseal-student:0.1.0"  # image of students' and instructors' servers
    network: str = "nbseal-students"  # how these servers' networks are called, before a number: each has its own
    subnets: str = "10.192.0.0/13"  # addresses for those networks, which nothing else may have
    hub: str = "hub"  # name of the hub's container
    formgrader: str = "http://grader:8083"  # where the hub reaches the formgrader
    exchange_volume: str = "nbseal-exchange"  # volume of the exchange
    configuration_volume: str = "nbseal-configuration"  # volume of the roles' configuration


@dataclass(frozen=True)
class Secrets:
    """What must not stand in a settings file; from the environment, or from a file of the hub's private folder."""

    demo_password: str = ""
    formgrader_token: str = ""
    exchange_token: str = ""


@dataclass(frozen=True)
class HubSettings:
    """Everything that one hub with one course is made of."""

    state: Path  # folder with the hub's database, its secrets and its generated configuration
    course: Path  # nbgrader's course directory
    exchange: Path  # folder where released, submitted and returned work changes hands
    instructors: tuple[str, ...]  # accounts that may open the formgrader
    students: tuple[str, ...] = ()  # accounts of the course's students
    course_id: str = "nn101"  # nbgrader's name of the course
    grader: str = "grader-nn101"  # the account that owns the course directory and runs the formgrader
    accounts: Accounts = "system"  # `system`: everybody's own account of the machine; `containers`, `demo`: see there
    address: str = "127.0.0.1"  # address to listen on; `0.0.0.0` is every one
    port: int = 8000  # port to listen on
    inner_port: int = 8081  # first of three ports in a row, on 127.0.0.1 only
    database: str = ""  # PostgreSQL server, `postgresql://user@host:port`; empty: SQLite files. See below
    watch: bool = False  # whether `nbseal watch` runs beside the hub and grades submissions as they arrive
    environment: dict[str, str] = field(default_factory=dict)  # environment variables for servers and for grading
    limits: Limits = field(default_factory=Limits)
    tls: Tls = field(default_factory=Tls)
    lti: Lti = field(default_factory=Lti)
    containers: Containers = field(default_factory=Containers)

    @property
    def configuration(self) -> Path:
        """Folder with the Jupyter configuration of each role, which everybody may read."""
        return self.state / "jupyter"

    @property
    def private(self) -> Path:
        """Folder with the hub's database and secrets, which the hub's account alone may enter."""
        return self.state / "hub"

    @property
    def homes(self) -> Path:
        """The demo's home folders."""
        return self.state / "home"

    def role(self, name: str) -> str:
        """The role of an account: ``instructor`` or ``student``."""
        return "instructor" if name in self.instructors else "student"


def load_settings(path: Path) -> HubSettings:
    """Read a settings file; relative paths in it start at its folder.

    Raises:
        HubError: the file can't be read, or a setting is unknown, missing or wrong.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HubError(f"{path} can't be read: {error}.") from error
    try:
        for name, kind in (("limits", Limits), ("tls", Tls), ("lti", Lti), ("containers", Containers)):
            if name in table:
                table[name] = _make(kind, table[name], f"[{name}] ")
        for name in ("state", "course", "exchange"):
            if name in table:
                table[name] = path.parent.resolve() / _typed(table[name], str, name)
        settings: HubSettings = _make(HubSettings, table, "")
        return check(settings)
    except HubError as error:
        raise HubError(f"{path}: {error}") from None


def load_secrets(settings: HubSettings) -> Secrets:
    """Read each secret from NBSEAL_HUB_<NAME>, or else from the file of its name in the hub's private folder."""
    values = {}
    for item in fields(Secrets):
        path = settings.private / item.name
        value = os.environ.get(f"NBSEAL_HUB_{item.name.upper()}")
        if value is None and path.is_file():
            value = path.read_text(encoding="utf-8").strip()
        values[item.name] = value or ""
    secrets = Secrets(**values)
    needed = {
        "demo_password": settings.accounts != "system" and not settings.lti.issuer,
        "formgrader_token": settings.accounts == "containers",
    }
    for name, is_needed in needed.items():
        if is_needed and not getattr(secrets, name):
            variable, path = f"NBSEAL_HUB_{name.upper()}", settings.private / name
            raise HubError(f"{name} is missing or empty: set {variable}, or write it into {path}.")
    return secrets


def _make(kind: type, table: Any, where: str) -> Any:
    """An object of settings from a table of TOML."""
    if not isinstance(table, dict):
        raise HubError(f"{where.strip()} must be a table.")
    known = {item.name: item for item in fields(kind)}
    for name in table:
        if name not in known:
            raise HubError(f"there is no setting {where}{name}; known are {', '.join(known)}.")
    values = {}
    for name, item in known.items():
        if name in table:
            values[name] = _convert(str(item.type), table[name], f"{where}{name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise HubError(f"the setting {where}{name} is missing.")
    return kind(**values)


def _convert(annotation: str, value: Any, name: str) -> Any:
    """Check the type of one value; lists become tuples."""
    if annotation == "tuple[str, ...]":
        return tuple(_typed(item, str, f"each of {name}") for item in _typed(value, list, name))
    if annotation == "dict[str, str]":
        return {key: _typed(item, str, f"{name}.{key}") for key, item in _typed(value, dict, name).items()}
    if annotation in ("str", "Accounts"):
        return _typed(value, str, name)
    if annotation == "bool":
        if not isinstance(value, bool):
            raise HubError(f"{name} is {value!r}; it must be true or false.")
        return value
    if annotation in ("int", "float"):
        number = _typed(value, int if annotation == "int" else (int, float), name)
        if not 0 <= number < math.inf:
            raise HubError(f"{name} is {number}; it must not be below 0, nor infinite.")
        return number
    return value


def _typed(value: Any, kind: type | tuple[type, ...], name: str) -> Any:
    names = {
        str: "a text in quotes",
        int: "a whole number",
        (int, float): "a number",
        list: "a list",
        dict: "a table",
    }
    if not isinstance(value, kind) or isinstance(value, bool):
        raise HubError(f"{name} is {value!r}; it must be {names[kind]}.")
    return value


def check(settings: HubSettings) -> HubSettings:
    """Refuse settings that contradict each other, or that would end up in a path or a shell."""
    if settings.accounts not in get_args(Accounts):
        raise HubError(f"accounts is {settings.accounts!r}; it must be one of {', '.join(get_args(Accounts))}.")
    if not COURSE.fullmatch(settings.course_id):
        raise HubError(f"course_id is {settings.course_id!r}; letters, digits, - and _ are allowed.")
    people = [*settings.instructors, *settings.students, settings.grader]
    for name in people:
        if not NAME.fullmatch(name):
            raise HubError(f"{name!r} can't be an account's name; small letters, digits, '.', '-' and '_' are allowed.")
    if settings.watch and settings.accounts == "containers":
        raise HubError("watch is for accounts on this machine: with containers, run nbseal watch in the grader's.")
    twice = sorted({name for name in people if people.count(name) > 1})
    if twice:
        raise HubError(f"{', '.join(twice)}: an account has one role only.")
    if not settings.instructors:
        raise HubError("instructors is empty; somebody must open the formgrader.")
    try:
        subnets = ipaddress.IPv4Network(settings.containers.subnets)
    except ValueError as error:
        raise HubError(f"[containers] subnets: {error}; give a network, as 10.192.0.0/13.") from None
    if subnets.prefixlen > LONGEST_PREFIX:
        raise HubError(f"[containers] subnets is {subnets}; a /{LONGEST_PREFIX} or larger is needed.")
    if settings.database:
        _check_database(settings.database)
    lti = settings.lti
    if any(given := (lti.issuer, lti.client_id, lti.authorize_url, lti.jwks_url)) and not all(given):
        raise HubError("[lti] needs issuer, client_id, authorize_url and jwks_url.")
    if bool(settings.tls.key) != bool(settings.tls.certificate):
        raise HubError("[tls] needs both key and certificate.")
    for name in (settings.tls.key, settings.tls.certificate):
        if name and not os.access(name, os.R_OK):
            raise HubError(f"[tls] {name} can't be read.")
    return settings


def _check_database(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "postgresql" or parts.path or parts.query or parts.fragment:
        raise HubError("database must be the address of a server, as postgresql://user@host:port, and nothing more.")
    if parts.password is not None:
        raise HubError("database has a password in it; put that into the file ~/.pgpass of the hub and of the grader.")
