"""How marks for training settings follow from the share of random starts that succeed."""

import importlib.util
import itertools

import pytest

from tests.samples import ROOT

SPEC = importlib.util.spec_from_file_location("xor_training", ROOT / "graders" / "xor_training.py")
training = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(training)


def runs(monkeypatch, probabilities):
    """Have the seeds' trainings end with these probabilities, one after the other."""
    ends = iter(probabilities)
    monkeypatch.setattr(training, "run", lambda settings, seed: training.Run((next(ends),) * 4, 10))


@pytest.mark.parametrize(("good", "marks"), [(0, 0), (20, 0), (21, 0.1), (25, 0.5), (29, 0.9), (30, 1), (40, 1)])
@pytest.mark.parametrize("first", [True, False])
def test_marks_follow_the_share_of_good_seeds_in_whatever_order(monkeypatch, good, marks, first):
    """All marks from three quarters on, none up to a half, linear between, though training stops once that is sure."""
    ends = sorted([0.95] * good + [0.5] * (40 - good), reverse=first)
    runs(monkeypatch, ends)
    found, tried = training.train((), 0.9)
    assert training.marks(found / len(training.SEEDS)) == pytest.approx(marks)
    assert found == sum(one >= 0.9 for one in ends[: len(tried)])


@pytest.mark.parametrize(("end", "tried"), [(0.95, 30), (0.5, 20)])
def test_training_stops_once_the_marks_are_decided(monkeypatch, end, tried):
    """Thirty good seeds are enough for all marks, and twenty bad ones for none."""
    runs(monkeypatch, itertools.repeat(end))
    assert len(training.train((), 0.9)[1]) == tried


def test_seeds_are_the_same_for_everybody_and_not_those_of_the_notebook():
    """Forty different seeds, none of which the notebook tries."""
    assert len(set(training.SEEDS) - set(range(5))) == 40
