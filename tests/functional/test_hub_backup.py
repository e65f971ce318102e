"""Backups: made while people work, put back on an empty place or over what is there."""

from __future__ import annotations

import io
import re
import shutil
import socket
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub import launch
from nbseal_hub.backup import backup, restore
from nbseal_hub.demo import make_demo
from nbseal_hub.errors import HubError
from nbseal_hub.handed_in import last_change, look_all, read_stamps
from nbseal_hub.settings import HubSettings, load_settings
from tests.ports import free_ports
from tests.samples import ROOT

pytestmark = pytest.mark.slow  # a whole hub: no mark, wall or page

SUBMISSION = "student1+01-gates+2026-03-02 09:00:00.000000 UTC+x"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The settings file of a demo in which something was handed in, graded and registered."""
    path = make_demo(tmp_path / "state", ROOT, free_ports(1), free_ports(3))
    settings = load_settings(path)
    for database in databases(settings):
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE people (name TEXT)")
            connection.execute("INSERT INTO people VALUES ('student1')")
    (settings.private / "cookie_secret").write_text("secret", encoding="utf-8")
    decisions = settings.course / ".nbseal" / "decisions" / "01-gates.json"
    decisions.parent.mkdir(parents=True)
    decisions.write_text("what a person decided", encoding="utf-8")
    inbound = settings.exchange / "nn101" / "inbound" / SUBMISSION
    inbound.mkdir()
    inbound.chmod(0o2770)
    (inbound / "01-gates.ipynb").write_text("handed in", encoding="utf-8")
    (inbound / "gradebook.db-wal").write_text("a student's own file", encoding="utf-8")
    (inbound / "link").symlink_to("/etc/passwd")
    return path


@pytest.fixture
def archive(path: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    backup(path, tmp_path / "backup.tar.gz")
    return tmp_path / "backup.tar.gz"


def databases(settings: HubSettings) -> tuple[Path, Path]:
    """The gradebook and the hub's database."""
    return settings.course / "gradebook.db", settings.private / "jupyterhub.sqlite"


def people(settings: HubSettings) -> list[list[str]]:
    """Who is in the gradebook, and who in the hub's database."""
    found = []
    for database in databases(settings):
        with closing(sqlite3.connect(database)) as connection:
            found.append([name for (name,) in connection.execute("SELECT name FROM people")])
    return found


def content(folder: Path) -> dict[str, bytes]:
    """All files below a folder but databases and times of submissions, with links as where they lead."""
    return {
        str(file.relative_to(folder)): str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if (file.is_symlink() or file.is_file()) and file.suffix not in (".db", ".sqlite") and file.stem != "stamps"
    }


def test_what_was_lost_comes_back(path, archive):
    """After course, exchange and hub are gone, a restore brings back every file, mark and account."""
    settings = load_settings(path)
    folders = (settings.course, settings.exchange, settings.private)
    before = [content(folder) for folder in folders]
    assert ".nbseal/decisions/01-gates.json" in before[0]
    for folder in folders:
        shutil.rmtree(folder)
    assert restore(path, archive).kept == []
    assert [content(folder) for folder in folders] == before
    assert people(settings) == [["student1"], ["student1"]]


def test_what_is_replaced_is_kept(path, archive):
    """Work done after the backup is beside what was restored."""
    settings = load_settings(path)
    (settings.course / "later.txt").write_text("written after the backup", encoding="utf-8")
    kept = restore(path, archive).kept
    assert not (settings.course / "later.txt").exists()
    assert [folder for folder in kept if Path(folder, "later.txt").exists()] == [kept[0]]


def test_a_backup_is_consistent_while_somebody_writes(path, tmp_path):
    """A mark that is being written is in the backup wholly or not at all."""
    settings = load_settings(path)
    with closing(sqlite3.connect(settings.private / "jupyterhub.sqlite")) as hub:
        hub.execute("INSERT INTO people VALUES ('half')")
        backup(path, tmp_path / "busy.tar.gz")
        hub.rollback()
    shutil.rmtree(settings.private)
    restore(path, tmp_path / "busy.tar.gz")
    assert people(settings) == [["student1"], ["student1"]]


def test_folders_are_closed_after_a_restore(path, archive):
    """The modes that keep students apart don't depend on the archive."""
    settings = load_settings(path)
    restore(path, archive)
    inbound = settings.exchange / "nn101" / "inbound"
    assert inbound.stat().st_mode & 0o7777 == 0o3733
    assert (inbound / SUBMISSION).stat().st_mode & 0o007 == 0
    assert settings.private.stat().st_mode & 0o077 == 0


def test_submissions_keep_modes_and_times(path, archive):
    """What was handed in comes back as it lay there, the rights of its group and the bit that gives it on included."""
    settings = load_settings(path)
    inbound = settings.exchange / "nn101" / "inbound" / SUBMISSION
    before = {file.name: (file.lstat().st_mode, int(file.lstat().st_mtime)) for file in [inbound, *inbound.iterdir()]}
    assert before[SUBMISSION][0] & 0o7777 == 0o2770
    shutil.rmtree(settings.exchange)
    restore(path, archive)
    assert {
        file.name: (file.lstat().st_mode, int(file.lstat().st_mtime)) for file in [inbound, *inbound.iterdir()]
    } == {**before, "link": (before["link"][0], int((inbound / "link").lstat().st_mtime))}


def test_a_restored_submission_was_handed_in_when_it_was(path, archive):
    """The restore's own time, which the file system has then, makes nobody late."""
    settings = load_settings(path)
    inbound = settings.exchange / "nn101" / "inbound"
    moment = last_change(inbound / SUBMISSION)
    shutil.rmtree(settings.exchange)
    restore(path, archive)
    known = read_stamps(inbound)
    assert last_change(inbound / SUBMISSION) > moment
    assert look_all([inbound / SUBMISSION], known)[SUBMISSION].moment == moment


def test_an_older_gradebook_is_restored_and_the_mend_is_said(path, tmp_path):
    """Who restores learns which command to give before the hub starts, with the folder in which it lies then."""
    settings = load_settings(path)
    with closing(sqlite3.connect(settings.course / "gradebook.db")) as gradebook, gradebook:
        gradebook.execute("CREATE TABLE alembic_version (version_num TEXT)")
        gradebook.execute("INSERT INTO alembic_version VALUES ('167914646830')")
    backup(path, tmp_path / "older.tar.gz")
    (said,) = restore(path, tmp_path / "older.tar.gz").said
    assert f"cd {settings.course} && " in said
    with pytest.raises(HubError, match=r"of an older nbgrader.*nbgrader db upgrade"):
        launch._check_tables(settings)


def test_a_newer_gradebook_is_refused(path, tmp_path):
    """Marks that the installed nbgrader can't read don't take the place of those that it can."""
    settings = load_settings(path)
    gradebook = settings.course / "gradebook.db"
    before = gradebook.read_bytes()
    with closing(sqlite3.connect(gradebook)) as newer, newer:
        newer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        newer.execute("INSERT INTO alembic_version VALUES ('f00d')")
    backup(path, tmp_path / "newer.tar.gz")
    gradebook.write_bytes(before)
    with pytest.raises(HubError, match="of a newer nbgrader"):
        restore(path, tmp_path / "newer.tar.gz")
    assert gradebook.read_bytes() == before


def test_an_archive_with_an_empty_part_is_refused(path, archive, tmp_path):
    """An account that couldn't read the hub's folder once wrote archives without it."""
    poor = tmp_path / "poor.tar.gz"
    with tarfile.open(archive) as whole, tarfile.open(poor, "w:gz") as tar:
        for member in whole.getmembers():
            if not member.name.startswith("hub/"):
                tar.addfile(member, whole.extractfile(member) if member.isfile() else None)
    with pytest.raises(HubError, match=r"its hub/ is empty"):
        restore(path, poor)


def test_a_hub_that_never_ran_is_not_backed_up(path, tmp_path):
    """No archive is written that restore would refuse."""
    settings = load_settings(path)
    shutil.rmtree(settings.private)
    settings.private.mkdir()
    with pytest.raises(HubError, match=r"hub is empty, and a backup without it can't be put back.*first start"):
        backup(path, tmp_path / "backup.tar.gz")
    assert list(tmp_path.glob("*backup*")) == []


@pytest.mark.parametrize("name", ["course/../../outside", "course/sub/../../../outside"])
def test_a_name_that_leads_elsewhere_is_refused(path, archive, tmp_path, name):
    """Nothing is written outside of the hub's own folders."""
    forged = tmp_path / "forged.tar.gz"
    with tarfile.open(archive) as whole, tarfile.open(forged, "w:gz") as tar:
        for member in whole.getmembers():
            tar.addfile(member, whole.extractfile(member) if member.isfile() else None)
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(HubError, match="leads elsewhere"):
        restore(path, forged)


def test_an_archive_is_its_owners_alone(path, archive):
    """It holds marks and secrets, so nobody else can read it; and none is written over."""
    assert archive.stat().st_mode & 0o077 == 0
    with pytest.raises(HubError, match="already exists"):
        backup(path, archive)


@pytest.fixture(params=["cut", "other", "missing"])
def bad_archive(request, archive: Path, tmp_path: Path) -> Path:
    """A file from which nothing can be restored."""
    bad = tmp_path / "bad.tar.gz"
    if request.param == "cut":
        bad.write_bytes(archive.read_bytes()[:4000])
    elif request.param == "other":
        with tarfile.open(bad, "w:gz") as tar:
            tar.add(ROOT / "Makefile", "Makefile")
    return bad


def test_a_bad_archive_changes_nothing(path, bad_archive):
    """An archive that is cut off, of something else or missing is refused, with all as before."""
    settings = load_settings(path)
    before = content(settings.state)
    with pytest.raises(HubError, match=r"bad\.tar\.gz"):
        restore(path, bad_archive)
    assert content(settings.state) == before


@pytest.fixture
def busy_port(path: Path) -> Iterator[None]:
    """Something listens where the hub would."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ours = re.compile("^port = .*", re.MULTILINE)
        text = path.read_text(encoding="utf-8")
        path.write_text(ours.sub(f"port = {listening.getsockname()[1]}", text), encoding="utf-8")
        yield


def test_a_hub_that_runs_is_not_restored_over(path, archive, busy_port):
    """A restore under a running hub is refused."""
    with pytest.raises(HubError, match="in use"):
        restore(path, archive)
