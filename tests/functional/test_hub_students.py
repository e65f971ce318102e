"""``nbseal-hub student``: what course, exchange and hub keep about one student is exported or deleted."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from jupyterhub import orm

from nbseal_hub.demo import make_demo
from nbseal_hub.errors import HubError
from nbseal_hub.handed_in import look_all, read_stamps, write_stamps
from nbseal_hub.members import account_record
from nbseal_hub.numbers import TABLE, add_numbers, read_numbers
from nbseal_hub.roles import write_role_files
from nbseal_hub.settings import HubSettings, load_settings
from nbseal_hub.students import delete_student, export_student
from tests.ports import free_ports
from tests.samples import ROOT

pytestmark = pytest.mark.slow  # a whole hub: no mark, wall or page

MOMENT = "01-gates+2026-03-02 09:00:00.000000 UTC+x"


def yes(lines: list[str]) -> bool:
    """Agree to everything."""
    return True


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file of a demo with three students, two of whom have handed something in."""
    path = make_demo(tmp_path_factory.mktemp("people") / "state", ROOT, free_ports(1), free_ports(3))
    settings = load_settings(path)
    write_role_files(settings)
    session = orm.new_session_factory(f"sqlite:///{settings.private / 'jupyterhub.sqlite'}")()
    session.add_all(orm.User(name=name) for name in (*settings.instructors, *settings.students, settings.grader))
    session.commit()
    session.close()
    session.get_bind().dispose()
    inbound = settings.exchange / "nn101" / "inbound"
    for name in ("student1", "student2"):
        for folder in (inbound / f"{name}+{MOMENT}", settings.course / "submitted" / name / "01-gates"):
            folder.mkdir(parents=True)
            (folder / "01-gates.ipynb").write_text(f"work of {name}", encoding="utf-8")
    write_stamps(inbound, look_all(inbound.iterdir(), {}))
    add_numbers(settings.private / TABLE, settings.students)
    return path


def leave(path: Path, tmp_path: Path, name: str) -> Path:
    """A settings file without a student."""
    left = path.with_name(f"without-{name}.toml")
    left.write_text(path.read_text(encoding="utf-8").replace(f'"{name}"', '"somebody"'), encoding="utf-8")
    return left


def files(settings: HubSettings) -> set[str]:
    """What lies in course and exchange, but for locks."""
    tops = (settings.course, settings.exchange)
    return {str(path) for top in tops for path in top.rglob("*") if path.suffix != ".lock"}


def test_an_export_has_what_course_exchange_and_hub_keep(path: Path, tmp_path: Path):
    """One zip has the work, the account, its number and when it was handed in, and nothing of the others."""
    output = tmp_path / "student2.zip"
    said = export_student(path, "student2", output)
    with zipfile.ZipFile(output) as archive:
        names = set(archive.namelist())
        hub = json.loads(archive.read("hub.json"))
    inbound = f"student2+{MOMENT}"
    assert names == {"about.json", "gradebook.json", "hub.json", "submitted/student2/01-gates/01-gates.ipynb",
                     f"exchange/inbound/{inbound}/01-gates.ipynb"}  # fmt: skip
    assert hub["account"]["name"] == "student2"
    assert hub["number"] == read_numbers(load_settings(path).private / TABLE)["student2"]
    assert list(hub["stamps"]) == [inbound]
    assert output.stat().st_mode & 0o777 == 0o600
    assert any("not changed, the home" in line for line in said)
    with pytest.raises(HubError, match="is there already"):
        export_student(path, "student2", output)


def test_who_is_in_the_settings_is_not_deleted(path: Path):
    """The hub would make the account again: first the name goes out of the settings; instructors are no students."""
    for name, reason in (("student1", "still in"), ("instructor1", "no student"), ("-x", "can't be an account's name"),
                         ("../student1", "can't be an account's name"), ("nobody", "no student called")):  # fmt: skip
        with pytest.raises(HubError, match=reason):
            delete_student(path, name, yes)


def test_deleting_leaves_nothing_of_one_and_everything_of_the_others(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Work, account and times are gone, the number stays taken, and a second time nobody is known by that name."""
    left = leave(path, tmp_path, "student1")
    settings = load_settings(left)
    before, number = files(settings), read_numbers(settings.private / TABLE)["student1"]
    assert delete_student(left, "student1", lambda lines: not lines) == ["nothing was deleted"]
    assert "nothing was deleted" not in capsys.readouterr().err  # nor is it said before somebody is asked
    assert files(settings) == before
    delete_student(left, "student1", yes)
    gone = before - files(settings)
    assert all("/student1" in name for name in gone)
    assert not any("student1" in name for name in files(settings))
    assert account_record(settings, "student1") == {}
    assert account_record(settings, "student2")["name"] == "student2"
    assert list(read_stamps(settings.exchange / "nn101" / "inbound")) == [f"student2+{MOMENT}"]
    numbers = read_numbers(settings.private / TABLE)
    assert "student1" not in numbers
    assert numbers[f"former {number}"] == number
    with pytest.raises(HubError, match="no student called"):
        delete_student(left, "student1", yes)


def test_who_never_handed_anything_in_is_deleted_too(path: Path, tmp_path: Path):
    """The hub alone may know a student."""
    left = leave(path, tmp_path, "student3")
    assert "deleted: what was kept about student3" in delete_student(left, "student3", yes)
    assert account_record(load_settings(left), "student3") == {}
