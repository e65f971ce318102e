"""Marks to a platform's gradebook and its members into ours, by LTI 1.3 Advantage: a platform of ours answers."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning

pytest.importorskip("jwt", reason="the lti extra is not installed")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from nbseal.cli.export import export as exports
from nbseal.cli.roster import roster
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.lti import export_lti
from nbseal.export.marks import read_marks
from nbseal.gradebook.queries import student_ids
from nbseal.lti.keys import public_keys, read_key
from nbseal.lti.platform import Platform
from tests.lti_platform import LtiPlatform, Trouble

TEACHER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
MARKS = {"ann": (2, 3, 4, 1), "bob": (2, None, None, 1), "cid": (1, 3, 0.5, 1), "dan": None, "eve": (0, 0, 0, 0)}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The tool's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def platform(key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[LtiPlatform]:
    """A platform with a class, a teacher and somebody who left; whoever waits for it waits no time."""
    monkeypatch.setattr(Platform, "first_wait", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = LtiPlatform()
    made.tool_key = key.public_key()
    made.enrol(
        *({"user_id": f"u-{name}", "email": name, "given_name": name.title(), "family_name": "X"} for name in MARKS),
        {"user_id": "u-teacher", "email": "teacher", "roles": [TEACHER]},
        {"user_id": "u-left", "email": "left", "status": "Inactive"},
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def graded(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course with a graded class, which knows the platform's ids."""
    root = Path(shutil.copytree(released, tmp_path_factory.mktemp("graded") / "course"))
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{root}/gradebook.db", "small") as gradebook:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's add_submission
        for name, marks in MARKS.items():
            gradebook.add_student(name, lms_user_id=f"u-{name}")
            if marks is None:
                continue
            gradebook.add_submission("ps1", name)
            given = dict(zip(("q1", "q2", "why", "q3"), marks, strict=True))
            for notebook in gradebook.find_submission("ps1", name).notebooks:
                for grade in notebook.grades:
                    grade.manual_score, grade.needs_manual_grade = given[grade.name], given[grade.name] is None
        gradebook.db.commit()
    return root


@pytest.fixture
def course(graded: Path, tmp_path: Path, platform: LtiPlatform, key: rsa.RSAPrivateKey) -> Path:
    """A copy of it that is registered with the platform."""
    root = Path(shutil.copytree(graded, tmp_path / "course"))
    write_key(tmp_path / "lti.pem", key)
    with (root / "nbgrader_config.py").open("a") as file:
        file.writelines(f"\nc.Lti.{name} = {value!r}" for name, value in platform.settings.items())
        file.write('\nc.Lti.private_key_file = "../lti.pem"\n')
    return root


def write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    """A key as openssl writes it."""
    pem = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *pem))
    path.chmod(0o600)


def send(course: Path, *words: str) -> Result:
    """Give ``nbseal export lti``; errors that the command line would explain are raised."""
    return give(exports, "lti", "ps1", "--course", str(course), *words)


def fill(course: Path, *words: str) -> Result:
    """Give ``nbseal roster lti``."""
    return give(roster, "lti", "--course", str(course), *words)


def give(command: object, *words: str) -> Result:
    """Give a command."""
    result = CliRunner().invoke(command, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def configure(course: Path, **settings: str) -> None:
    """Change settings of c.Lti."""
    with (course / "nbgrader_config.py").open("a") as file:
        file.writelines(f"\nc.Lti.{name} = {value!r}\n" for name, value in settings.items())


def set_mark(course: Path, student: str, score: float) -> None:
    """A person changes the mark of q3."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "small") as gradebook:
        gradebook.find_grade("q3", "part2", "ps1", student).manual_score = score
        gradebook.db.commit()


FINAL = {"u-ann": 10.0, "u-cid": 5.5, "u-eve": 0.0}


def test_final_marks_arrive_in_a_column_of_their_own(course: Path, platform: LtiPlatform):
    """The column is made with the assignment's points; what isn't final is named and left out, a zero is a mark."""
    done = send(course)
    assert done.exit_code == 4
    assert platform.marks() == FINAL
    assert [(item["label"], item["resourceId"], item["scoreMaximum"]) for item in platform.items] == [
        ("ps1", "ps1", 10.0)
    ]
    assert "left out: bob: waits for a person: q2, why" in done.output
    assert "handed nothing in, no mark given: dan" in done.output


def test_the_same_again_sends_nothing(course: Path, platform: LtiPlatform):
    """A second run finds the column and the scores, over several pages, and sends only what has changed."""
    send(course)
    for number in range(5):
        platform.items.append({**platform.items[0], "id": f"{platform.address}/7/{number}", "label": "x", "tag": "y"})
    platform.log.clear()
    assert "3 marks are there already" in send(course).output
    assert platform.asked()["POST scores"] == 0
    assert platform.asked()["GET lineitems"] == 3
    set_mark(course, "cid", 0.5)
    send(course)
    assert platform.asked()["POST scores"] == 1
    assert platform.marks() == FINAL | {"u-cid": 5.0}
    assert len(platform.items) == 6


def test_a_dry_run_sends_nothing(course: Path, platform: LtiPlatform):
    """--dry-run says what would go where, in words and as JSON, and the platform stays as it is."""
    done = send(course, "--dry-run")
    assert "nothing is sent, but would be, to ps1 (a new column" in done.output
    assert json.loads(
        CliRunner().invoke(exports, ["lti", "ps1", "--course", str(course), "--dry-run", "--json"]).stdout
    )["written"] == {"ann": 10.0, "cid": 5.5, "eve": 0.0}
    assert platform.items == []
    assert set(platform.asked()) == {"POST token", "GET lineitems"}


def test_a_column_of_another_size_is_scaled_by_the_platform(course: Path, platform: LtiPlatform):
    """A column that people made is found by its label, its points are noted, and nothing is sent twice for them."""
    platform.items.append({"id": f"{platform.address}/7/lineitems/0/lineitem", "label": "Week 1", "scoreMaximum": 30})
    done = send(course, "--column", "week 1")
    assert platform.marks() == {user: 3 * score for user, score in FINAL.items()}
    assert "Week 1 has 30 points on the platform and 10 in the gradebook" in done.output
    assert "3 marks are there already" in send(course, "--column", "Week 1").output
    with pytest.raises(CourseError, match="no column on the platform is called Week 2: it has Week 1"):
        send(course, "--column", "Week 2")
    platform.items.append({"id": f"{platform.address}/7/lineitems/1/lineitem", "label": "Week 1", "scoreMaximum": 30})
    with pytest.raises(CourseError, match="several columns there are called Week 1"):
        send(course, "--column", "Week 1")


def test_who_is_not_in_the_course_stops_nobody(course: Path, platform: LtiPlatform):
    """The platform's refusal of one student is said with its words, and the others' marks arrive."""
    platform.members = [one for one in platform.members if one["user_id"] != "u-ann"]
    with Gradebook(f"sqlite:///{course}/gradebook.db", "small") as gradebook:
        gradebook.update_or_create_student("eve", lms_user_id=None)
    done = send(course)
    assert done.exit_code == 4
    assert platform.marks() == {"u-cid": 5.5}
    assert "left out: ann: the platform refuses:" in done.output
    assert "403" in done.output
    assert "left out: eve: the gradebook doesn't know the id on the platform" in done.output


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [("/token", 503, {}), ("/lineitems", 502, {}), ("/scores", 500, {}), ("/scores", 429, {"Retry-After": "0"}),
     ("/results", 504, {"Retry-After": "Mon, 30 Nov 2020 10:00:00 GMT"}),
     ("/lineitems", 401, {}), ("/scores", 401, {})],
)  # fmt: skip
def test_what_passes_by_itself_is_tried_again(course: Path, platform: LtiPlatform, path, status, headers):
    """A busy platform, a broken one and a token that has run out cost nobody a mark."""
    send(course)
    platform.scores.clear()
    platform.troubles = [Trouble(path, status, times=1 if status == 401 else 3, headers=headers)]
    assert "left out: bob" in send(course).output
    assert platform.marks() == FINAL
    assert platform.troubles[0].times == 0


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(Trouble("/scores", 500, 99), "busy; run again later"), (Trouble("/scores", 401, 99), "scores: 401"),
     (Trouble("/lineitems", 403, 99), "lineitems: 403"), (Trouble("/token", 400, 99), "no access: .*token: 400"),
     (Trouble("/scores", 429, 99, {"Retry-After": "3600"}), "asks to wait 3600 seconds"),
     (Trouble("/lineitems", 302, 99, {"Location": "http://127.0.0.1:1/"}), "lineitems: 302")],
)  # fmt: skip
def test_what_does_not_pass_is_one_sentence(course: Path, platform: LtiPlatform, trouble, said):
    """The error names the address and what the platform said; a later run goes on from there."""
    platform.items.append({"id": f"{platform.address}/7/lineitems/0/lineitem", "label": "ps1", "scoreMaximum": 10})
    platform.troubles = [trouble]
    with pytest.raises(CourseError, match=said):
        send(course)
    platform.troubles = []
    send(course)
    assert platform.marks() == FINAL


def test_a_column_is_never_made_twice(course: Path, platform: LtiPlatform):
    """Where nobody knows whether it was made it isn't asked for again, and the next run finds it."""
    platform.troubles = [Trouble("/lineitems", 502, method="POST", carried_out=True)]
    with pytest.raises(CourseError, match="502"):
        send(course)
    assert len(platform.items) == 1
    send(course)
    assert len(platform.items) == 1
    assert platform.marks() == FINAL


@pytest.mark.parametrize("link", ["http://127.0.0.2:1/steal", "{address}&again=1", "https://127.0.0.1/x"])
def test_a_token_goes_to_no_other_server_and_pages_end(course: Path, platform: LtiPlatform, link: str):
    """A page that names another server is an error, and pages that lead in a circle end."""
    platform.next_link = link
    if "{" in link:
        platform.next_link = f"{platform.address}/7/memberships"
    with pytest.raises(CourseError, match=r"another server|in a circle"):
        fill(course)


def test_an_assignment_without_points_is_refused(course: Path, platform: LtiPlatform):
    """A platform has no column without points, and is asked for none."""
    marks = replace(read_marks(Course(course), "ps1"), max_score=0.0)
    with pytest.raises(CourseError, match="gives no points"):
        export_lti(Course(course), marks, None, False)
    assert platform.log == []


def test_rights_that_the_platform_does_not_give_are_named(course: Path, platform: LtiPlatform):
    """A tool that may not send scores is told so before anything is sent, and one that isn't known, too."""
    platform.granted = {scope for scope in platform.granted if not scope.endswith("/score")}
    with pytest.raises(CourseError, match=r"doesn't allow .*/score: allow the tool that there"):
        send(course)
    platform.tool_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    with pytest.raises(CourseError, match=r"no access: .*400.*invalid_client.*Look at c\.Lti"):
        send(course)
    assert platform.items == []


@pytest.mark.parametrize(
    ("change", "said"),
    [({"client_id": ""}, "client_id is not set"),
     ({"token_url": "http://lms.example.org/token"}, "must begin with https"),
     ({"private_key_file": "key.pem"}, "in the course's folder"),
     ({"private_key_file": "../none.pem"}, "To make a key"),
     ({"private_key_file": "../open.pem"}, "others may read"), ({"private_key_file": "../text.pem"}, "no private key"),
     ({"line_items_url": ""}, "line_items_url is not set"), ({"token_url": "http://127.0.0.1:1/token"}, "no answer")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_named(course: Path, platform: LtiPlatform, change: dict[str, str], said: str):
    """What is missing, goes in the open, or isn't private is refused with the mend."""
    for name, mode in (("open.pem", 0o644), ("text.pem", 0o600)):
        (course.parent / name).write_text("no key")
        (course.parent / name).chmod(mode)
    configure(course, **change)
    with pytest.raises(CourseError, match=said):
        send(course)
    assert platform.items == []


def test_a_netrc_takes_no_part(course: Path, platform: LtiPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A password for the platform's host in ~/.netrc doesn't take the token's place."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    send(course)
    assert platform.marks() == FINAL


def people(course: Path) -> dict[str, tuple[str | None, ...]]:
    """The gradebook's students."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "small") as gradebook:
        return {one.id: (one.first_name, one.last_name, one.email, one.lms_user_id) for one in gradebook.students}


def test_the_roster_comes_from_the_platform(course: Path, platform: LtiPlatform):
    """Active learners, over several pages, are added or get their names; teachers and who left don't; nobody goes."""
    platform.enrol(
        {"user_id": "u-new", "email": "new", "name": "Nina Maria New"}, {"user_id": "u-none", "name": "No Key"}
    )
    with Gradebook(f"sqlite:///{course}/gradebook.db", "small") as gradebook:
        gradebook.add_student("old", first_name="Otto")
        gradebook.update_or_create_student("bob", lms_user_id=None)
    assert set(student_ids(Course(course))) == {*MARKS, "old"}
    before = people(course)
    assert "would be added: 1" in fill(course, "--dry-run").output
    assert people(course) == before
    done = fill(course)
    assert done.exit_code == 4
    assert "left out: No Key: the platform gives no email" in done.output
    assert "in the gradebook only, left as they are: old" in done.output
    now = people(course)
    assert now["new"] == ("Nina Maria", "New", "new", "u-new")
    assert now["bob"] == ("Bob", "X", "bob", "u-bob")
    assert now["old"] == before["old"]
    assert set(now) == {*MARKS, "old", "new"}
    assert "added: 0; brought up to date: 0" in fill(course).output


def test_what_the_platform_hides_or_mixes_up_stays(course: Path, platform: LtiPlatform):
    """Hidden names leave those that are known; ids that are no folder's name, or somebody else's, are left out."""
    fill(course)
    platform.members = []
    platform.enrol(
        {"user_id": "u-ann"}, {"user_id": "u-x", "email": "../x"}, {"user_id": "u-y", "email": "cid"},
        {"user_id": "u-1", "email": "two"}, {"user_id": "u-2", "email": "two"},
        {"user_id": "u-z", "roles": ["Learner"]},
    )  # fmt: skip
    before = people(course)
    done = fill(course, "--json")
    now = people(course)
    assert now == before | {"two": (None, None, "two", "u-1")}
    for part in (
        "u-x: '../x' can't be",
        "u-y: cid has another id",
        "u-2: another member",
        "u-z: the platform gives no",
    ):
        assert part in done.output
    platform.members = []
    with pytest.raises(CourseError, match="names no learner"):
        fill(course)


def test_the_public_key_is_what_platforms_take(tmp_path: Path, key: rsa.RSAPrivateKey):
    """The set has the key's public numbers, a thumbprint as its name, and nothing private."""
    write_key(tmp_path / "key.pem", key)
    (public,) = public_keys(read_key(tmp_path / "key.pem"))["keys"]
    assert set(public) == {"kty", "n", "e", "kid", "alg", "use"}
    assert len(public["kid"]) == 43
