"""08-deep: files of networks are read strictly, run as PyTorch runs them, and judged on the course's pictures."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nbseal.build import build
from nbseal.course import Course
from nbseal.grading import Grader
from nbseal.results import Outcome, QuestionResult
from tests.courses import copy_course
from tests.samples import ROOT, SAMPLES, load_sample

SETTING = "c.Grading.grader_settings = "
SOURCE, SOLUTION = ROOT / "source" / "08-deep", ROOT / "solutions" / "08-deep"
has_torch = importlib.util.find_spec("torch") is not None and importlib.util.find_spec("safetensors") is not None
needs_torch = pytest.mark.skipif(not has_torch, reason="PyTorch isn't installed: make deep")


def load(path: Path) -> ModuleType:
    """A module by its file."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_in_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


networks, cases = load(SOURCE / "networks.py"), load(SAMPLES / "08-deep" / "deep_networks.py")
has_mnist = load(SOURCE / "digits.py").mnist(download=False) is not None
needs_mnist = pytest.mark.skipif(not has_mnist, reason="there is no MNIST on this machine")


@contextmanager
def grader(folder: Path, setting: str) -> Iterator[Grader]:
    """A grader of a course with this setting."""
    with Grader(Course(copy_course(folder / "course", ["08-deep"], SETTING + setting)), "08-deep") as found:
        yield found


def judged(folder: Path, setting: str, kind: str) -> QuestionResult:
    """The question of a network, as the submission in ``folder`` is judged."""
    with grader(folder, setting) as found:
        return found.grade("ann", folder / "ann").scorecard.question(kind)


def submission(folder: Path) -> Path:
    """A right submission, with networks of the stand-in data set."""
    load_sample(SAMPLES / "08-deep" / "pass_numpy_idioms").write(folder / "ann")
    return folder / "ann"


def test_given_files_are_those_of_05() -> None:
    """The pictures come from the same code as in 05-mnist."""
    assert (SOURCE / "digits.py").read_bytes() == (ROOT / "source" / "05-mnist" / "digits.py").read_bytes()


@needs_torch
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_the_reader_reads_what_the_library_writes(kind: str) -> None:
    """The committed files are read alike by the safetensors library and by the course's own reader."""
    from safetensors.numpy import load_file

    path = SOLUTION / f"{kind}.safetensors"
    ours, said = networks.read_arrays(path.read_bytes())
    theirs = load_file(path)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert said == {"data_set": "mnist_784"}


@needs_torch
def test_networks_answer_as_pytorch_does() -> None:
    """The forward pass of the course and that of PyTorch's layers give the same scores for the same numbers."""
    import torch

    rng = np.random.default_rng(3)
    pictures = rng.random((60, 28, 28), dtype=np.float32)
    network = networks.network_of((SOLUTION / "cnn.safetensors").read_bytes(), "cnn")
    arrays = {name: torch.tensor(array) for name, array in network.arrays.items()}
    x = torch.tensor(pictures).unsqueeze(1)
    for layer in ("conv1", "conv2"):
        x = torch.conv2d(x, arrays[f"{layer}.weight"], arrays[f"{layer}.bias"], padding=1)
        x = torch.max_pool2d(torch.relu(x), 2)
    for layer in ("hidden", "output"):
        x = torch.nn.functional.linear(x.flatten(1), arrays[f"{layer}.weight"], arrays[f"{layer}.bias"])
        x = torch.relu(x) if layer == "hidden" else x
    assert np.array_equal(network.answers(pictures), x.argmax(dim=1).numpy())


def test_a_damaged_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Whatever is done to a file, it is refused as no network: nothing else is raised."""
    cases.write(tmp_path, "cnn", cases.cnn())
    good, chance = (tmp_path / "cnn.safetensors").read_bytes(), random.Random(1)
    length = int.from_bytes(good[:8], "little")
    for _ in range(1500):
        data = bytearray(good[: length + 400])  # what is said, and too few numbers
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(length + 8)] = chance.choice(b'{}[]",:0123456789eE-+.nulltruefalse\x00\xff\x80')
        with pytest.raises(networks.NotANetwork, match=r"\w+ \w+ \w+"):
            networks.network_of(bytes(data), "cnn")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 40]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "more": 1},
        {"dtype": "F32", "shape": [1, 1, 1, 1, 2], "data_offsets": [0, 8]},
        [],
    ],
)
def test_an_entry_that_is_not_true_is_refused(entry: Any) -> None:
    """Types, shapes and places are compared with what is there, before anything is made of them."""
    text = json.dumps({"a": entry}).encode()
    with pytest.raises(networks.NotANetwork):
        networks.read_arrays(len(text).to_bytes(8, "little") + text + bytes(8))


@pytest.mark.slow  # loads all of MNIST
@needs_mnist
def test_the_solution_gets_full_marks_on_real_mnist(tmp_path: Path) -> None:
    """The committed networks reach all steps on the 7,000 pictures that are held back, two standard errors above."""
    load_sample(SAMPLES / "08-deep" / "pass_networks_of_real_mnist").write(tmp_path / "ann")
    with grader(tmp_path, "{}") as found:
        card = found.grade("ann", tmp_path / "ann").scorecard
    for kind, needed in (("mlp", 0.98), ("cnn", 0.99)):
        question = card.question(kind)
        assert question.score == question.max_score, question
        reached = next(value for test in question.tests for name, value in test.measured.items() if "test pict" in name)
        assert reached > needed + 2 * (needed * (1 - needed) / 7000) ** 0.5


@pytest.mark.slow  # loads all of MNIST
@needs_mnist
def test_a_network_for_the_small_digits_does_not_choose_its_bar(tmp_path: Path) -> None:
    """Where the machine has MNIST, a network for the stand-in is judged on MNIST, and told so."""
    submission(tmp_path)
    question = judged(tmp_path, "{}", "cnn")
    assert question.score is not None
    assert question.score < question.max_score
    said = " ".join(test.message for test in question.tests)
    assert "digits_28" in said
    assert "judges by mnist_784" in said


def test_a_network_for_mnist_waits_for_a_person_where_there_is_only_the_stand_in(tmp_path: Path) -> None:
    """What can't be judged is never a zero: the question has no mark, and the reason names both data sets."""
    cases.write(submission(tmp_path), "cnn", cases.cnn(), {"data_set": "mnist_784"})
    question = judged(tmp_path, '{"08-deep": {"data_set": "digits_28"}}', "cnn")
    assert question.score is None
    assert question.tests[0].outcome is Outcome.PASSED
    assert "only digits_28 here" in " ".join(test.message for test in question.tests)


@pytest.mark.parametrize("lacks", ["torch", "MNIST"])
def test_a_build_without_what_training_needs_leaves_the_solution(
    lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyTorch or without MNIST, a build says what is missing and changes neither notebook nor networks."""
    if lacks == "MNIST" and not has_torch:
        pytest.skip("PyTorch isn't installed: make deep")
    root = copy_course(tmp_path / "course", ["08-deep"])
    shutil.copytree(SOLUTION, root / "solutions" / "08-deep")
    training = root / "source" / "08-deep" / "training.py"
    text = training.read_text(encoding="utf-8")
    if lacks == "torch":
        text = text.replace('("torch", "safetensors")', '("no_such_library",)')
    training.write_text(f"{text}\n", encoding="utf-8")  # another source, so it would be built
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DIGITS_OFFLINE", "1")
    before = {path.name: path.read_bytes() for path in (root / "solutions" / "08-deep").iterdir()}
    (built,) = build(Course(root), ["08-deep"])
    assert any(("no_such_library" if lacks == "torch" else "no MNIST") in note for note in built.notes), built.notes
    assert {path.name: path.read_bytes() for path in (root / "solutions" / "08-deep").iterdir()} == before
