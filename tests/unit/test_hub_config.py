"""A hub's configuration as a pure function of its settings, and the settings file's own checks."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub import launch
from nbseal_hub.cli import main
from nbseal_hub.configure import apply_config
from nbseal_hub.demo import make_demo
from nbseal_hub.errors import HubError
from nbseal_hub.folders import folders
from nbseal_hub.launch import _check_gradebook, running
from nbseal_hub.links import release_link
from nbseal_hub.proxy import ending_with_parent
from nbseal_hub.roles import role_files, write_role_files
from nbseal_hub.settings import HubSettings, Limits, Lti, Secrets, Tls, load_secrets, load_settings
from nbseal_hub.system import _ways, check_reachable
from tests.courses import command_line, wait_until
from tests.ports import free_ports
from tests.samples import ROOT

PLAIN = """
state = "state"
course = "/srv/course"
exchange = "/srv/exchange"
instructors = ["ida"]
students = ["nora", "otto"]
"""


LTI = Lti("https://lms.example.org", "hub", "https://lms.example.org/auth", "https://lms.example.org/keys", "sub")


def settings(**more) -> HubSettings:
    """Settings of a small hub."""
    folders = {name: Path("/srv", name) for name in ("state", "course", "exchange")}
    return HubSettings(**folders, instructors=("ida",), students=("nora", "otto"), **more)


def configure(made: HubSettings, *, password: str = "", root: bool = False) -> Config:
    """What ``apply_config`` makes of settings."""
    c = Config()
    apply_config(made, c, secrets=Secrets(demo_password=password), proxy=["node", "proxy"], root=root)
    return c


def service(c: Config, name: str) -> dict:
    """One of the hub's services."""
    return next(item for item in c.JupyterHub.services if item["name"] == name)


def test_the_configuration_depends_on_the_settings_alone():
    """The same settings give the same configuration, and configuring changes nothing in them."""
    made = settings()
    before = dataclasses.asdict(made)
    first, second = configure(made), configure(made)
    for c in (first, second):
        del c.Spawner.environment["JUPYTER_CONFIG_PATH"]
    assert first == second
    assert dataclasses.asdict(made) == before


def test_only_the_people_of_the_course_may_sign_in():
    """Everybody else is refused, and so is an account that the hub still knows from before."""
    c = configure(settings())
    assert c.Authenticator.allowed_users == {"ida", "nora", "otto"}
    assert c.Authenticator.allow_existing_users is False
    assert "allow_all" not in c.Authenticator


@pytest.mark.parametrize(("accounts", "spawner"), [("system", "AccountSpawner"), ("demo", "DemoSpawner")])
def test_accounts_of_the_system_or_of_the_demo(accounts, spawner):
    """The demo runs all servers as one account, and only the demo has a password of its own."""
    c = configure(settings(accounts=accounts), password="long enough")
    assert c.JupyterHub.spawner_class == f"nbseal_hub.processes.{spawner}"
    assert ("SharedPasswordAuthenticator" in c) == (accounts == "demo")
    assert service(c, "nn101").get("user") == ("grader-nn101" if accounts == "system" else None)


@pytest.mark.parametrize(
    ("accounts", "root", "allowed"), [("demo", True, True), ("demo", False, False), ("system", True, False)]
)
def test_jupyter_runs_as_root_in_a_demo_of_root_only(accounts, root, allowed):
    """No server of a student or of the formgrader is told to accept root where it has an account of its own."""
    c = configure(settings(accounts=accounts), root=root)
    for command in (c.Spawner.cmd, service(c, "nn101")["command"]):
        assert ("--allow-root" in command) is allowed


def test_students_have_no_way_to_the_formgrader():
    """The scope that opens it belongs to the instructors' group alone."""
    c = configure(settings())
    scope = "access:services!service=nn101"
    (role,) = [role for role in c.JupyterHub.load_roles if scope in role["scopes"]]
    assert role["groups"] == ["formgrade-nn101"]
    assert c.JupyterHub.load_groups["formgrade-nn101"]["users"] == ["ida", "grader-nn101"]


def test_nobody_gets_more_rights_than_needed():
    """No role may change people or groups, and only the culler may stop servers."""
    for role in configure(settings()).JupyterHub.load_roles:
        changing = [scope for scope in role["scopes"] if scope.startswith(("admin", "groups", "delete", "inherit"))]
        assert changing == (["delete:servers"] if role["name"] == "idle-culler" else [])


def test_limits_hold_for_a_users_server_and_what_it_starts():
    """Memory and processes stand in the command that starts the server; without limits there is no such command."""
    c = configure(settings(limits=Limits(memory_mb=1024, processes=99, cpus=1.5, servers=7, starting=3)))
    assert c.Spawner.cpu_limit == 1.5
    assert c.Spawner.cmd[:3] == ["prlimit", f"--data={1 << 30}", "--nproc=99"]
    assert (c.JupyterHub.active_server_limit, c.JupyterHub.concurrent_spawn_limit) == (7, 3)
    c = configure(settings(limits=Limits(memory_mb=0, processes=0, cpus=0, idle_minutes=0)))
    assert c.Spawner.cpu_limit is None
    assert c.Spawner.cmd[0].endswith("jupyterhub-singleuser")
    assert [item["name"] for item in c.JupyterHub.services] == ["nn101"]


@pytest.mark.parametrize("accounts", ["system", "demo"])
def test_submissions_are_watched_by_the_account_that_grades(accounts):
    """With ``watch`` the hub runs nbseal watch on the course, as whoever owns it, with the formgrader's settings."""
    made = settings(watch=True, accounts=accounts)
    watch = service(configure(made, password="long enough"), "watch")
    assert watch["command"][1:] == ["watch", "--course", str(made.course)]
    assert watch["environment"]["JUPYTER_CONFIG_PATH"] == str(made.configuration / "grader")
    assert watch.get("user") == (made.grader if accounts == "system" else None)


def test_idle_servers_are_stopped():
    """The culler gets the minutes in seconds, and the rights that it needs."""
    c = configure(settings(limits=Limits(idle_minutes=30)))
    assert "--timeout=1800" in service(c, "idle-culler")["command"]
    assert any(role.get("services") == ["idle-culler"] for role in c.JupyterHub.load_roles)


@pytest.mark.parametrize(("minutes", "look"), [(60, 300), (20, 300), (5, 75), (1, 15), (0.05, 1)])
def test_a_server_in_use_is_known_to_be_in_use(minutes, look):
    """Proxy and servers are asked who uses them, and idle ones looked for, several times in the time allowed."""
    c = configure(settings(limits=Limits(idle_minutes=minutes)))
    assert c.JupyterHub.last_activity_interval == look
    assert c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] == str(look)
    assert f"--cull-every={look}" in service(c, "idle-culler")["command"]


def test_tls_goes_to_the_proxy():
    """Key and certificate make the hub's address an https address."""
    c = configure(settings(tls=Tls("key.pem", "chain.pem"), address="0.0.0.0", port=443))
    assert c.JupyterHub.bind_url == "https://0.0.0.0:443"
    assert (c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert) == ("key.pem", "chain.pem")


@pytest.mark.parametrize("accounts", ["system", "demo"])
def test_a_learning_management_system_may_say_who_somebody_is(accounts):
    """Its tokens take the place of passwords, and the list of people who may sign in stays."""
    c = configure(settings(accounts=accounts, lti=LTI))
    assert c.JupyterHub.authenticator_class.endswith("LTI13Authenticator")
    assert c.LTI13Authenticator.issuer == LTI.issuer
    assert c.LTI13Authenticator.client_id == {"hub"}
    assert "SharedPasswordAuthenticator" not in c
    assert c.Authenticator.allowed_users == {"ida", "nora", "otto"}


def test_everything_but_the_proxy_listens_on_this_machine_only():
    """Whatever address the hub has, its inner ports are on the loopback interface."""
    c = configure(settings(address="0.0.0.0"))
    inner = (c.JupyterHub.hub_bind_url, c.ConfigurableHTTPProxy.api_url, service(c, "nn101")["url"])
    assert {url.rsplit(":", 1)[0] for url in inner} == {"http://127.0.0.1"}
    assert len(set(inner)) == 3


def test_each_role_sees_its_own_tools(tmp_path):
    """Students get Assignment List and Validate, instructors Course List too, and the grader the formgrader."""
    made = dataclasses.replace(settings(), state=tmp_path)
    expected = {"student": {"assignment-list", "validate-assignment"}}
    expected["instructor"] = expected["student"] | {"course-list"}
    expected["grader"] = {"create-assignment", "formgrader", "validate-assignment"}
    files = {path.relative_to(made.configuration).as_posix(): text for path, text in role_files(made).items()}
    for role, tools in expected.items():
        disabled = json.loads(files[f"{role}/labconfig/page_config.json"])["disabledExtensions"]
        shown = {name.partition(":")[2] for name, off in disabled.items() if not off}
        assert shown == tools


@pytest.mark.parametrize("accounts", ["system", "demo"])
def test_nbgraders_own_exchange_is_used_nowhere(tmp_path, monkeypatch, accounts):
    """Every class of the exchange is ours in every role's settings, and only the demo skips the owner's check."""
    monkeypatch.setenv("JUPYTERHUB_USER", "nora")
    made = dataclasses.replace(settings(), state=tmp_path, accounts=accounts)
    write_role_files(made)
    for role in ("student", "instructor", "grader"):
        config = PyFileConfigLoader("nbgrader_config.py", path=str(made.configuration / role)).load_config()
        factory = ExchangeFactory(config=config)
        for name in factory.trait_names(config=True):
            plugin = getattr(factory, name)
            assert plugin.__module__ == "nbseal_hub.exchange", name
            assert issubclass(plugin, getattr(ExchangeFactory(), name))
        assert ("ExchangeCollect" in config) == (accounts == "demo" and role == "grader")


def test_postgresql_is_one_setting_for_the_hub():
    """The hub's database is on the server that the setting names."""
    c = configure(settings(database="postgresql://nbseal@db.example.org"))
    assert c.JupyterHub.db_url == "postgresql+psycopg://nbseal@db.example.org/nn101_hub"


def test_marks_go_to_one_gradebook(tmp_path):
    """With PostgreSQL the course's own settings must name the gradebook there; the message has the line to add."""
    path = make_demo(tmp_path / "state", ROOT, free_ports(1), free_ports(3))
    text = path.read_text(encoding="utf-8")
    path.write_text('database = "postgresql://nbseal@127.0.0.1:9"\n' + text, encoding="utf-8")
    line = r'c.CourseDirectory.db_url = "postgresql\+psycopg://nbseal@127.0.0.1:9/nn101_gradebook"'
    with pytest.raises(HubError, match=line), running(path):
        pass


def test_secrets_and_students_work_are_closed_to_others():
    """The hub's private folder is its own, and students may put something into inbound but not look around."""
    modes = {folder.path: folder.mode for folder in folders(settings())}
    assert modes[Path("/srv/state/hub")] == 0o700
    assert modes[Path("/srv/exchange/nn101/inbound")] & 0o1777 == 0o1733
    assert all(not mode & 0o002 for path, mode in modes.items() if path.name != "inbound")


def test_settings_are_read_from_a_file(tmp_path):
    """Relative folders start at the file's own, tables become their settings, and the rest has defaults."""
    path = tmp_path / "hub.toml"
    path.write_text(PLAIN + "[limits]\nmemory_mb = 512\n[environment]\nDIGITS_OFFLINE = '1'\n", encoding="utf-8")
    made = load_settings(path)
    assert made.state == tmp_path / "state"
    assert made.limits == Limits(memory_mb=512)
    assert made.environment == {"DIGITS_OFFLINE": "1"}
    assert made.students == ("nora", "otto")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN + "colour = 1", "there is no setting colour"),
        (PLAIN + "[limits]\nmemory = 1", r"no setting \[limits\] memory; known are memory_mb"),
        (PLAIN + 'port = "8000"', "port is '8000'; it must be a whole number"),
        (PLAIN + "[limits]\nprocesses = -1", "must not be below 0"),
        (PLAIN + "[limits]\nidle_minutes = inf", "must not be below 0, nor infinite"),
        (PLAIN + "[limits]\nidle_minutes = '1'", "must be a number"),
        (PLAIN + 'accounts = "ldap"', "must be one of demo, system"),
        (PLAIN + 'grader = "nora"', "nora: an account has one role only"),
        (PLAIN + 'course_id = "../x"', "course_id is '../x'"),
        (PLAIN.replace('"otto"', '"otto; reboot"'), "can't be an account's name"),
        (PLAIN.replace('["ida"]', "[]"), "instructors is empty"),
        (PLAIN.replace("state", "stat"), "no setting stat"),
        ('course = "x"\nexchange = "y"\ninstructors = ["ida"]', "setting state is missing"),
        (PLAIN + '[tls]\nkey = "/nowhere/key.pem"', "needs both"),
        (PLAIN + '[tls]\nkey = "/nowhere/k"\ncertificate = "/nowhere/c"', "/nowhere/k can't be read"),
        (PLAIN + '[lti]\nissuer = "https://lms.example.org"', r"\[lti\] needs issuer, client_id"),
        (PLAIN + 'database = "postgresql://nbseal:word@db"', "has a password in it"),
        (PLAIN + 'database = "postgresql://nbseal@db/hub"', "the address of a server"),
        (PLAIN + 'database = "mysql://nbseal@db"', "the address of a server"),
        ("state = ", "can't be read"),
    ],
)
def test_a_wrong_settings_file_says_what_is_wrong(tmp_path, text, words):
    """The message names the file, the setting and what it may be."""
    path = tmp_path / "hub.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HubError, match=words) as error:
        load_settings(path)
    assert str(path) in str(error.value)


def test_the_demos_password_is_no_setting(tmp_path, monkeypatch):
    """It is drawn for each demo, kept in a file of the hub's alone, and may come from the environment."""
    made = [load_settings(make_demo(tmp_path / name, ROOT)) for name in ("one", "two")]
    assert load_secrets(made[0]) != load_secrets(made[1])
    assert (made[0].private / "demo_password").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("NBSEAL_HUB_DEMO_PASSWORD", "from outside")
    assert load_secrets(made[0]).demo_password == "from outside"


def test_a_port_in_use_is_said_before_anything_starts(tmp_path, free_port_taken):
    """A second hub on the same ports doesn't start, and says which port it is."""
    path = make_demo(tmp_path / "state", ROOT, free_ports(1), free_port_taken)
    with pytest.raises(HubError, match=f"port {free_port_taken} is in use.*inner_port in {path}"), running(path):
        pass


@pytest.fixture
def free_port_taken():
    """A port on which something listens."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_log_is_gone_on_with(tmp_path, monkeypatch):
    """What was logged before a start stays, and a log that has grown too long is kept beside the new one."""
    log = tmp_path / "hub.log"
    for text in ("before the crash\n", "after it\n"):
        with launch.open_log(log) as file:
            file.write(text)
    assert log.read_text("utf-8") == "before the crash\nafter it\n"
    monkeypatch.setattr(launch, "LONGEST_LOG", 10)
    with launch.open_log(log) as file:
        file.write("new\n")
    assert log.read_text("utf-8") == "new\n"
    assert (tmp_path / launch.OLD_LOG).read_text("utf-8") == "before the crash\nafter it\n"


def test_a_link_names_repository_branch_and_place():
    """The link goes through the hub to the student's own server, whoever clicks on it."""
    link = release_link(
        "https://hub.example.org/", "https://git.example.org/nn/release.git", path="01-gates/01-gates.ipynb"
    )
    assert link.startswith("https://hub.example.org/hub/user-redirect/git-pull?")
    query = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
    assert query["repo"] == "https://git.example.org/nn/release.git"
    assert query["urlpath"] == "lab/tree/release/01-gates/01-gates.ipynb"
    with pytest.raises(HubError, match="is not an address"):
        release_link("hub.example.org", "https://git.example.org/nn/release.git")


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    """Without the hub's packages the command says in one line what to install, and ends with status 1."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "nbseal_hub.demo")
    monkeypatch.setattr(sys, "argv", ["nbseal-hub", "demo"])
    with pytest.raises(SystemExit, match=r"psutil is not installed: pip install 'nbseal\[hub\]'"):
        main()


def test_a_python_that_leads_into_a_private_folder_is_refused(tmp_path):
    """A link in an open folder is followed: students couldn't start what is behind it."""
    private, public = tmp_path / "private", tmp_path / "public"
    for folder in (private, public):
        folder.mkdir()
    tmp_path.chmod(0o755)
    (private / "python3").write_bytes(b"")
    (private / "python3").chmod(0o755)
    (public / "python").symlink_to(private / "python3")
    private.chmod(0o700)
    with pytest.raises(HubError, match="other accounts can't enter"):
        check_reachable(public / "python")
    assert private in [place.parent for place in _ways(public / "python")]


def test_a_commented_address_is_no_setting(tmp_path):
    """The check of the gradebook's address reads nbgrader_config.py as Python does."""
    line = 'c.CourseDirectory.db_url = "postgresql+psycopg://nbseal@db/nn101_gradebook"'
    config = tmp_path / "nbgrader_config.py"
    made = dataclasses.replace(settings(database="postgresql://nbseal@db"), course=tmp_path)
    config.write_text(f"# {line}\n", encoding="utf-8")
    with pytest.raises(HubError, match="must name the same gradebook"):
        _check_gradebook(made)
    config.write_text(f"{line}\n", encoding="utf-8")
    _check_gradebook(made)


def test_the_proxy_ends_with_its_parent():
    """Nothing is left on the port when the hub falls, however it falls."""
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv (util-linux)")
    command = [*ending_with_parent(), "sh", "-c", "echo $$; exec sleep 60"]
    script = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline())  # from here on it ends with us
"""
    done = subprocess.run([sys.executable, "-c", script, *command], stdout=subprocess.PIPE, text=True, check=True)
    assert wait_until(lambda: not command_line(int(done.stdout)), 30)  # one that nobody reaps has no command line
