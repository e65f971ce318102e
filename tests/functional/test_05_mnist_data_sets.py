"""Which pictures a network of 05-mnist is judged by: the course decides, not the submission."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nbseal.course import Course
from nbseal.errors import GraderError
from nbseal.grading import Grader
from nbseal.results import Outcome, QuestionResult
from tests.courses import copy_course
from tests.samples import SAMPLES, load_sample

SPEC = importlib.util.spec_from_file_location("mnist_networks", SAMPLES / "05-mnist" / "mnist_networks.py")
assert SPEC is not None
assert SPEC.loader is not None
networks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(networks)
SETTING = "c.Grading.grader_settings = "
needs_mnist = pytest.mark.skipif(
    networks.support().mnist(download=False) is None, reason="there is no MNIST on this machine"
)


@contextmanager
def grader(folder: Path, setting: str) -> Iterator[Grader]:
    """A grader of a course with this setting."""
    with Grader(Course(copy_course(folder / "course", ["05-mnist"], SETTING + setting)), "05-mnist") as found:
        yield found


def trained(folder: Path, setting: str, sample: str = "pass_loops_and_lists") -> tuple[QuestionResult, str]:
    """The question of the network, as the sample's was judged; and what the grading depends on."""
    load_sample(SAMPLES / "05-mnist" / sample).write(folder / "ann")
    with grader(folder, setting) as found:
        graded = found.grade("ann", folder / "ann")
    return graded.scorecard.question("train"), graded.digest


@pytest.mark.slow  # trains on all of MNIST
@needs_mnist
def test_a_network_for_the_small_digits_does_not_choose_its_bar(tmp_path: Path) -> None:
    """Where the machine has MNIST, a network for the stand-in is judged on MNIST, and told so; the card says which."""
    question, _ = trained(tmp_path, "{}")
    assert question.score == 1
    said = " ".join(test.message for test in question.tests)
    assert "digits_28" in said
    assert "judges by mnist_784" in said
    assert any("mnist_784" in name for test in question.tests for name in test.measured)


@pytest.mark.slow  # trains on all of MNIST
@needs_mnist
def test_a_network_of_real_mnist_gets_full_marks_on_mnist(tmp_path: Path) -> None:
    """The sample that is trained on MNIST passes all steps, the altered pictures too."""
    question, _ = trained(tmp_path, "{}", "pass_network_of_real_mnist")
    assert question.score == question.max_score, question
    assert any("altered" in name for name in question.tests[-1].measured)


@pytest.mark.slow  # trains on all of MNIST
@needs_mnist
def test_who_knows_the_held_back_pictures_by_heart_misses_the_last_step(tmp_path: Path) -> None:
    """A network that was trained on nothing but the test pictures reads them all, and not those that were altered."""
    from sklearn.neural_network import MLPClassifier

    load_sample(SAMPLES / "05-mnist" / "pass_loops_and_lists").write(tmp_path / "ann")
    pictures, labels = networks.support().mnist(download=False)
    mlp = MLPClassifier((50,), max_iter=40, random_state=1, tol=0)
    with warnings.catch_warnings(action="ignore"):  # it stops at max_iter, on purpose
        mlp.fit(pictures[63_000:].astype(np.float32) / 255, labels[63_000:])
    networks.support().save_network(tmp_path / "ann" / "mnist_mlp.npz", mlp, "mnist_784")
    with grader(tmp_path, "{}") as found:
        question = found.grade("ann", tmp_path / "ann").scorecard.question("train")
    assert [test.outcome for test in question.tests] == [Outcome.PASSED] * 4 + [Outcome.FAILED]
    assert "trained on these very pictures" in question.tests[-1].message


def test_the_settings_choose_and_are_part_of_the_grading(tmp_path: Path) -> None:
    """A course that names the stand-in judges by it; another name for it is another grading, or none."""
    question, digest = trained(tmp_path, '{"05-mnist": {"data_set": "digits_28"}}')
    assert question.score == question.max_score
    assert any("digits_28" in name for name in question.tests[-1].measured)
    other = copy_course(tmp_path / "other", ["05-mnist"], f"{SETTING}{{'05-mnist': {{'data_set': 'mine'}}}}")
    with pytest.raises(GraderError, match="should be one of mnist_784, digits_28"), Grader(Course(other), "05-mnist"):
        pass
    assert digest


def test_a_network_for_mnist_waits_for_a_person_where_there_is_only_the_stand_in(tmp_path: Path) -> None:
    """What can't be judged is never a zero: the question has no mark, and the reason names both data sets."""
    load_sample(SAMPLES / "05-mnist" / "pass_loops_and_lists").write(tmp_path / "ann")
    networks.write(tmp_path / "ann", **networks.arrays() | {"data_set": "mnist_784"})
    with grader(tmp_path, '{"05-mnist": {"data_set": "digits_28"}}') as found:
        question = found.grade("ann", tmp_path / "ann").scorecard.question("train")
    assert question.score is None
    assert "only digits_28 here" in " ".join(test.message for test in question.tests)
