"""The course that is attacked: small, with secrets wherever a student must not look, and with neighbours."""

from __future__ import annotations

import io
import json
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nbgrader.api import Gradebook

from nbseal.course import Course
from nbseal.gradebook import Recorder
from tests.hostile.attack import HONEST, POINTS, Attack
from tests.hostile.neighbours import MARK, Neighbours
from tests.mini import code, keep_secret, notebook, solution, write

ASSIGNMENT = "hostile"
CONFIG = """
c = get_config()
c.Seal.cell_seconds = 1.0
c.Seal.notebook_seconds = 4.0
c.Seal.hidden_tests_seconds = 4.0
c.Seal.memory_mib = 256
c.Seal.disk_mib = 16
c.Seal.processes = 20
c.Seal.output_kib = 128
c.Seal.outputs_per_cell = 100
c.Seal.submission_mib = 16
c.Seal.readable_paths = [{shared!r}]
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]
"""
GRADER = '''
"""{grader}"""
import numpy as np
import pytest

from nbseal.checks import as_array, as_number, describe

HIDDEN = "{hidden}"
EXPECTED = HIDDEN[::-1]


@pytest.mark.question("double")
def test_doubles(student):
    """It doubles a number."""
    number = int(student.rng.integers(1000, 1_000_000))
    got = as_number(student.call("double", number, timeout=1.0), "double(x)")
    assert got == 2 * number, "double(x) should be 2 * x."


@pytest.mark.question("double", requires="test_doubles")
def test_doubles_arrays(student):
    """It doubles an array."""
    numbers = student.rng.normal(size=3)
    got = as_array(student.call("double", numbers, timeout=1.0), "double(x)", shape=(3,))
    assert (got == 2 * numbers).all(), "double(x) should work for arrays, too."


@pytest.mark.question("number")
def test_number(student):
    """The number is 42."""
    assert student.number("answer") == 42, "Look again: it is another number."


@pytest.mark.question("reverse")
def test_reverses(student):
    """It turns a text round."""
    got = student.call("reverse", HIDDEN, timeout=1.0)
    assert isinstance(got, str), f"reverse(text) should be a text, but it is {{describe(got)}}."
    assert got == EXPECTED, "reverse(text) should be the text from back to front."


class Model:
    """A model whose predictions can only be had by asking it."""

    def __init__(self, rng):
        self.weights = rng.normal(size=2).tolist()
        self.asked = []

    def predict(self, row):
        self.asked.append(row)
        return self._answer(row)

    def _answer(self, row):
        return sum(weight * value for weight, value in zip(self.weights, row))

    def _secret(self):
        return HIDDEN


@pytest.mark.question("spied")
def test_asks_for_each_row(student):
    """It asks the model once for each row."""
    model = Model(student.rng)
    rows = student.rng.integers(1, 100, (3, 2)).tolist()
    wanted = [model._answer(row) for row in rows]
    got = as_array(student.call("ask", student.remote(model), rows, timeout=1.0), "ask(model, rows)", shape=(3,))
    assert model.asked == rows, "ask should call model.predict once for each row."
    assert np.allclose(got, wanted), "ask should return what the model says."


@pytest.mark.question("saved")
def test_saved(student):
    """The file holds the matrix."""
    arrays = student.npz("network.npz")
    assert set(arrays) == {{"w"}}, "The file should hold one array, w."
    w = as_array(arrays["w"], "w", shape=(2, 2))
    assert (w == [[1, 2], [3, 4]]).all(), "w should be the matrix of the question."
'''


@dataclass(frozen=True)
class Secrets:
    """A token for each place that students must not see into."""

    tokens: dict[str, str] = field(
        default_factory=lambda: {
            name: f"canary-{secrets.token_hex(12)}"
            for name in (
                "grader",
                "hidden",
                "gradebook",
                "submission",
                "environment",
                "solution",
                "settings",
                "neighbour",
            )
        }
    )

    def __getitem__(self, name: str) -> str:
        return self.tokens[name]

    def found_in(self, data: bytes) -> set[str]:
        """Names of the secrets that ``data`` holds, also backwards, as the expected result of a hidden test is."""
        low = data.lower()
        bare = {name: token.removeprefix("canary-").encode() for name, token in self.tokens.items()}
        return {name for name, token in bare.items() if token in low or token[::-1] in low}


def cells(secret: Secrets | None = None) -> list[dict[str, Any]]:
    """The notebook's cells: the instructor's with its secrets, or those that an honest student hands in."""

    def answer(name: str) -> str:
        return HONEST[name] if secret is None else solution(f"# {secret['solution']}\n{HONEST[name]}")

    made = [code("imports", "import numpy as np")]
    for name in POINTS:
        if name in HONEST:
            made.append(code(f"{name}-answer", answer(name), solution=True))
        check = "assert flag\n1.0" if name == "plain" else f"print('{name}')"
        made.append(code(name, check, grade=True, locked=True, points=POINTS[name]))
    return made


def make_course(root: Path, secret: Secrets) -> None:
    """Write the course, with its assignment and one more student in the gradebook."""
    for folder in ("source/hostile", "graders", "shared"):
        (root / folder).mkdir(parents=True)
    write(root / "source" / "hostile" / "hostile.ipynb", notebook(cells(secret)))
    grader = GRADER.format(grader=secret["grader"], hidden=secret["hidden"])
    (root / "graders" / "test_hostile.py").write_text(grader)
    (root / "shared" / "data.txt").write_text("for everybody")
    (root / "notes.txt").write_text(secret["settings"])
    configure(root, secret)
    keep_secret(root)
    with Recorder(Course(root)) as recorder:
        recorder.prepare(ASSIGNMENT)
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.add_student("grace", last_name=secret["gradebook"])


def configure(root: Path, secret: Secrets, more: str = "") -> None:
    """Write the settings for a course that lies in ``root``."""
    text = CONFIG.format(shared=str(root / "shared"))
    (root / "nbgrader_config.py").write_text(f"# {secret['settings']}\n{text}{more}")


def network() -> bytes:
    """The array file of an honest student."""
    file = io.BytesIO()
    np.savez(file, w=np.array([[1.0, 2.0], [3.0, 4.0]]))
    return file.getvalue()


def hand_in(root: Path, attack: Attack, places: dict[str, str]) -> None:
    """Write the attack's submission."""
    submitted = cells()
    for cell in submitted:
        question = cell["id"].removesuffix("-answer")
        if cell["id"].endswith("-answer"):
            cell["source"] = attack.answers.get(question, cell["source"])
    if attack.before:
        submitted.insert(1, code("before", attack.before))
    if attack.after:
        submitted.append(code("after", attack.after))
    nb = notebook(submitted)
    changed = attack.edit(nb) if attack.edit else None
    content = changed if isinstance(changed, bytes) else json.dumps(nb, indent=1).encode()
    for name, text in places.items():
        content = content.replace(f"@{name}@".encode(), text.encode())
    folder = root / "submitted" / attack.name / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "hostile.ipynb").write_bytes(content)
    (folder / "network.npz").write_bytes(network())
    if attack.files:
        attack.files(folder)


def hand_in_all(root: Path, attacks: list[Attack], secret: Secrets, neighbours: Neighbours, home: Path) -> None:
    """Write all submissions, among them an honest one with a secret of its author's."""
    common = {
        "course": str(root),
        "home": str(home),
        "tcp": str(neighbours.port("tcp")),
        "udp": str(neighbours.port("udp")),
        "abstract": neighbours.abstract,
        "socket": neighbours.socket,
        "datagrams": neighbours.datagrams,
        "shm": str(neighbours.segment),
        "shmfile": neighbours.shared_file,
    }
    honest = Attack("ada", "An honest student gets all marks.", after=f"# {secret['submission']}")
    for attack in [honest, *attacks]:
        hand_in(root, attack, {**common, "student": attack.name, "mark": f"{MARK}{attack.name}"})


def copy_course(template: Path, target: Path, secret: Secrets, more: str = "") -> Path:
    """A copy of the course in another place."""
    shutil.copytree(template, target)
    configure(target, secret, more)
    return target
